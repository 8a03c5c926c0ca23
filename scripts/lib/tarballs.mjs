/** The two tarballs of a release: the main package, and the platform package with the binary. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from './failure.mjs';
import { npm } from './packages.mjs';
import { step } from './progress.mjs';
import { addon, manifest, root } from './project.mjs';

export const artifacts = join(root, 'artifacts');

/** Packs both; answers their paths. */
export async function packTarballs() {
  mkdirSync(artifacts, { recursive: true });
  for (const name of readdirSync(artifacts)) if (name.endsWith('.tgz')) rmSync(join(artifacts, name));
  const main = join(artifacts, `${manifest.name}-${manifest.version}.tgz`);
  const platform = join(artifacts, `${addon.platformPackage}-${manifest.version}.tgz`);
  await step('package', async (detail) => {
    detail('main');
    await pack(root);
    detail(addon.platformPackage);
    await pack(join(root, 'npm', addon.platform));
  });
  return { main, platform };
}

async function pack(folder) {
  const { code, output } = await npm(['pack', '--pack-destination', artifacts], { cwd: folder });
  if (code !== 0) throw new Failure(`npm pack failed in ${folder}: ${output.trim().split('\n').at(-1)}`);
}
