/** The runner of executor vectors as a process of its own, as `npm run conformance` starts it. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, type Teardown, temporaryFolder } from './paths.js';

/** What the runner counted. */
export interface Summary {
  readonly total: number;
  readonly stateRoot: number;
  readonly accInputHash: number;
  readonly localExitRoot: number;
  readonly newNumBatch: number;
  readonly counters: number;
  readonly recorded: Record<string, number>;
  readonly failures: { name: string; field: string; expected: string; actual: string }[];
  readonly genesisRoots: { total: number; matched: number };
}

export interface Run {
  readonly code: number | null;
  readonly output: string;
  /** Null where it did not get so far. */
  readonly summary: Summary | null;
}

const RUNNER = pathToFileURL(join(ROOT, 'dist/cli/commands/conformance.js')).href;
const PROGRAM = `import { runConformance } from '${RUNNER}'; process.exitCode = await runConformance(process.argv.slice(1), process.cwd());`;

/** Runs files and folders of vectors. */
export async function conformance(t: Teardown, paths: readonly string[]): Promise<Run> {
  const json = join(await temporaryFolder(t), 'summary.json');
  const { code, output } = await new Promise<{ code: number | null; output: string }>((done) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, '--', '--json', json, ...paths]);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
    }
    child.once('close', (exit) => done({ code: exit, output: text }));
  });
  const summary = await readFile(json, 'utf8').catch(() => null);
  return { code, output, summary: summary === null ? null : (JSON.parse(summary) as Summary) };
}
