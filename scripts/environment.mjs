/** Prints the environment in which cargo compiles for the recipe, as shell lines: `eval "$(node scripts/environment.mjs)"`. */
import { runMain } from './lib/failure.mjs';
import { prepareToolchain } from './lib/toolchain.mjs';

await runMain(async () => {
  const env = await prepareToolchain();
  const changed = Object.entries(env).filter(([name, value]) => process.env[name] !== value);
  for (const [name, value] of changed) process.stdout.write(`export ${name}='${value.replaceAll("'", "'\\''")}'\n`);
});
