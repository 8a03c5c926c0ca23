/** `npm run conformance -- [--json FILE] PATH...`: executor vectors through the built addon. Paths are those of the caller's folder. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runMain } from './lib/failure.mjs';
import { root } from './lib/project.mjs';
import { setup } from './lib/setup.mjs';

await runMain(async () => {
  await setup();
  const { runConformance } = await import(pathToFileURL(join(root, 'dist/cli/commands/conformance.js')).href);
  return runConformance(process.argv.slice(2), process.env.INIT_CWD ?? process.cwd());
});
