/** `npm start [-- options]`: sets up what is missing, then becomes the node, in this very process, so that signals and exit codes are its own. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runMain } from './lib/failure.mjs';
import { closeLog } from './lib/log.mjs';
import { root } from './lib/project.mjs';
import { setup } from './lib/setup.mjs';

await runMain(async () => {
  await setup();
  closeLog();
  await become('start', process.argv.slice(2));
});

async function become(command, args) {
  const main = join(root, 'dist/cli/main.js');
  process.argv = [process.execPath, main, command, ...args];
  await import(pathToFileURL(main).href);
}
