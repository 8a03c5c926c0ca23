/**
 * Around `npm pack`: everything is built, the platform package has its binary, and the packed package.json names the platform packages
 * as optional dependencies. The repository's own package.json does not: they are not on a registry before a release, and a name
 * that nobody owns yet is nothing to install from.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SOURCES } from './lib/addon.mjs';
import { Failure, runMain } from './lib/failure.mjs';
import { addonFingerprint } from './lib/fingerprint.mjs';
import { addon, root, stateDir } from './lib/project.mjs';
import { setup } from './lib/setup.mjs';

const MANIFEST = join(root, 'package.json');
const ORIGINAL = join(stateDir, 'package.json.original');

await runMain(async () => {
  // Also before packing: an earlier one may have been interrupted.
  if (existsSync(ORIGINAL)) renameSync(ORIGINAL, MANIFEST);
  if (process.argv.includes('--undo')) return;
  await setup();
  fillPlatformPackage();
  writePackedManifest();
});

function fillPlatformPackage() {
  const folder = join(root, 'npm', addon.platform);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const own = JSON.parse(readFileSync(MANIFEST, 'utf8')).version;
  if (version !== own)
    throw new Failure(`npm/${addon.platform} has version ${version}, the package ${own}.`, 'Run `npx napi version` and commit it.');
  copyFileSync(join(addon.dir, addon.binary), join(folder, addon.binary));
  writeFileSync(join(folder, SOURCES), `${addonFingerprint()}\n`);
}

function writePackedManifest() {
  mkdirSync(dirname(ORIGINAL), { recursive: true });
  copyFileSync(MANIFEST, ORIGINAL);
  const packed = JSON.parse(readFileSync(MANIFEST, 'utf8'));
  for (const platform of readdirSync(join(root, 'npm'))) {
    const { name, version } = JSON.parse(readFileSync(join(root, 'npm', platform, 'package.json'), 'utf8'));
    packed.optionalDependencies[name] = version;
  }
  // What is packed has no sources: only what runs is a script there.
  packed.scripts = { start: 'node dist/cli/main.js start' };
  delete packed.devDependencies;
  delete packed.ava;
  writeFileSync(MANIFEST, `${JSON.stringify(packed, null, 2)}\n`);
}
