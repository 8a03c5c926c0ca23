/** `npm run setup`: everything that `npm start` does before it starts. */
import { runMain } from './lib/failure.mjs';
import { say } from './lib/progress.mjs';
import { setup } from './lib/setup.mjs';

await runMain(async () => {
  await setup();
  say('set up: `npm start` runs the node');
});
