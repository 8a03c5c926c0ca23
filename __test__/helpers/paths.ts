/** Places in the repository, from the compiled tests in build/. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(fileURLToPath(import.meta.url), '../../../..');
export const MAIN = join(ROOT, 'dist/cli/main.js');
export const VECTORS = resolve(ROOT, process.env['ZKEVM_VECTORS'] ?? '../shared/vectors');
export const HAVE_VECTORS = existsSync(VECTORS);

/** What a test can register a clean-up with. */
export interface Teardown {
  teardown(work: () => Promise<void>): void;
}

/** A new folder that goes away with the test. */
export async function temporaryFolder(t: Teardown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'zkevm-sequencer-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
