/** dist/: compiled when the sources are not those it was made from. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from './failure.mjs';
import { distFingerprint, record, recorded } from './fingerprint.mjs';
import { step } from './progress.mjs';
import { root } from './project.mjs';
import { run } from './run.mjs';

export async function compileTypeScript() {
  const identity = distFingerprint();
  if (recorded('dist')?.identity === identity && existsSync(join(root, 'dist/cli/main.js'))) return;
  await step('typescript', async (detail) => {
    detail('tsc');
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    const { code, output } = await tsc(['-p', 'tsconfig.json']);
    if (code !== 0)
      throw new Failure(`TypeScript did not compile: ${output.split('\n').find((line) => line.includes('error')) ?? 'no reason given'}`);
    record('dist', { identity });
  });
}

export function tsc(args, options = {}) {
  return run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...args], { cwd: root, ...options });
}
