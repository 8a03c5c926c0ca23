/**
 * `npm run torture -- NAME [AMOUNT]`: a long run, after doing its own set-up. `database [KILLS]` tears at the database alone
 * (native/engine/tests/torture); the others are against real nodes (`__test__/torture/main.ts`).
 */
import { join } from 'node:path';
import { Failure, runMain } from './lib/failure.mjs';
import { recipe, root } from './lib/project.mjs';
import { run } from './lib/run.mjs';
import { setup } from './lib/setup.mjs';
import { prepareToolchain } from './lib/toolchain.mjs';
import { tsc } from './lib/typescript.mjs';

await runMain(async () => {
  const args = process.argv.slice(2);
  if (args[0] === 'database') return database(args[1]);
  await setup();
  const { code, output } = await tsc(['-p', 'tsconfig.test.json']);
  if (code !== 0) throw new Failure(`The tests do not compile: ${output.split('\n')[0]}`);
  const main = join(root, 'build/__test__/torture/main.js');
  return (await run(process.execPath, [main, ...args], { cwd: root, echo: true })).code;
});

async function database(kills = '300') {
  if (!/^[1-9]\d*$/.test(kills)) throw new Failure(`How many kills? '${kills}' is no number.`);
  const env = await prepareToolchain();
  const target = ['--target', `${recipe.target}.${recipe.glibc}`, '--profile', 'release-test', '--locked'];
  const args = ['test', ...target, '-p', 'zkevm-engine', '--test', 'torture', '--', '--full', '--kills', kills];
  return (await run('cargo-zigbuild', args, { cwd: root, env, echo: true })).code;
}
