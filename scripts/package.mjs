/** `npm run package`: both tarballs of a release in artifacts/. */
import { statSync } from 'node:fs';
import { runMain } from './lib/failure.mjs';
import { say } from './lib/progress.mjs';
import { setup } from './lib/setup.mjs';
import { packTarballs } from './lib/tarballs.mjs';

await runMain(async () => {
  await setup();
  for (const path of Object.values(await packTarballs())) say(`  ${path} ${(statSync(path).size / 1024 ** 2).toFixed(2)} MiB`);
});
