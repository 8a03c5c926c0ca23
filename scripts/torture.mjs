/** `npm run torture -- NAME [AMOUNT]`: a long run against real nodes, after doing its own set-up; see `__test__/torture/main.ts`. */
import { join } from 'node:path';
import { Failure, runMain } from './lib/failure.mjs';
import { root } from './lib/project.mjs';
import { run } from './lib/run.mjs';
import { setup } from './lib/setup.mjs';
import { tsc } from './lib/typescript.mjs';

await runMain(async () => {
  await setup();
  const { code, output } = await tsc(['-p', 'tsconfig.test.json']);
  if (code !== 0) throw new Failure(`The tests do not compile: ${output.split('\n')[0]}`);
  const main = join(root, 'build/__test__/torture/main.js');
  return (await run(process.execPath, [main, ...process.argv.slice(2)], { cwd: root, echo: true })).code;
});
