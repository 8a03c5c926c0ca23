/** The version of the package. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NAME = 'zkevm-sequencer';

/** The manifest of this package, wherever this file was compiled to. */
function readVersion(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = readManifest(join(folder, 'package.json'));
    if (manifest?.name === NAME && manifest.version !== undefined) return manifest.version;
    const parent = dirname(folder);
    if (parent === folder) return 'unknown';
    folder = parent;
  }
}

function readManifest(path: string): { name?: string; version?: string } | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { name?: string; version?: string };
  } catch {
    // No manifest in this folder: the next one up has it.
    return null;
  }
}

/** `1.2.3` */
export const VERSION = readVersion();

/** `web3_clientVersion` and the banner. */
export const CLIENT_VERSION = `${NAME}/v${VERSION}/${process.platform}-${process.arch}/node${process.versions.node}`;
