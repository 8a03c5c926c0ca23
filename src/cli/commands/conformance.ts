/**
 * `conformance [--json FILE] PATH...`: executor vectors through the addon, and what came out against what they record. Genesis files among
 * them are checked for their root.
 *
 * Files are read as streams; a few vectors are under way natively at any time, so memory stays bounded however long a file is.
 */
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { genesisRoot, runVector } from '../../native/index.js';
import { parseAnswer } from '../conformance/answer.js';
import { Report } from '../conformance/report.js';
import { findFiles, readVectors, type Vector } from '../conformance/sources.js';

const USAGE = 'usage: conformance [--json FILE] PATH...   (files or folders of .jsonl.gz, .jsonl, .json)';
const MISMATCHES_SHOWN = 20;
/** A terminal's line is rewritten often; a log gets a line now and then. */
const PROGRESS_MS = process.stderr.isTTY ? 200 : 15_000;

/** Answers the exit code: 0 when everything matches, 1 on any mismatch, 2 when it was called wrongly. */
export async function runConformance(args: readonly string[], cwd: string): Promise<number> {
  const options = parse(args);
  if (options === undefined) return 2;
  const paths = options.paths.map((path) => resolve(cwd, path));
  const files = await findFiles(paths).catch((error: NodeJS.ErrnoException) => {
    process.stderr.write(`cannot read ${error.path ?? 'the vectors'}: ${error.code ?? error.message}\n`);
    return null;
  });
  if (files === null) return 2;
  const started = Date.now();
  const report = new Report();
  const others = await runAll(files, cwd, report);
  show(report, others, Date.now() - started);
  if (options.json !== undefined) await writeFile(resolve(cwd, options.json), `${JSON.stringify(report.summary(), null, 2)}\n`);
  return report.total + report.genesisRoots.total > 0 && report.failures.length === 0 ? 0 : 1;
}

function parse(args: readonly string[]): { json: string | undefined; paths: string[] } | undefined {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: { json: { type: 'string' } }, allowPositionals: true });
    if (positionals.length > 0) return { json: values.json, paths: positionals };
    process.stderr.write(`${USAGE}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  }
  return undefined;
}

/** Runs every vector of every file; answers how many entries were no executor vectors. */
async function runAll(files: readonly string[], base: string, report: Report): Promise<number> {
  let others = 0;
  let current = '';
  const line = () => `${report.total} vectors, ${report.failures.length} mismatches  ${current}`;
  const timer = setInterval(() => process.stderr.write(process.stderr.isTTY ? `\r\x1b[2K${line()}` : `${line()}\n`), PROGRESS_MS);
  const window = new Window(2 * availableParallelism());
  try {
    for (const file of files) {
      current = file;
      const vectors = readVectors(file, base, () => {
        others += 1;
      });
      try {
        for await (const vector of vectors) await window.start(() => runOne(vector, report));
      } catch (error) {
        // A torn or foreign file is a failure of its own; the others still run.
        report.addError(relative(base, file), basename(file), error instanceof Error ? error.message : String(error));
      }
    }
    await window.drained();
  } finally {
    clearInterval(timer);
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K');
  }
  return others;
}

async function runOne({ name, group, json, kind }: Vector, report: Report): Promise<void> {
  try {
    if (kind === 'genesis') {
      const { stated, computed } = JSON.parse(await genesisRoot(json)) as { stated: string | null; computed: string };
      report.addGenesis(name, stated, computed);
      return;
    }
    report.add(group, name, parseAnswer(await runVector(json)));
  } catch (error) {
    report.addError(group, name, error instanceof Error ? error.message : String(error));
  }
}

/** At most so many tasks under way. Tasks do not reject. */
class Window {
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly max: number) {}

  async start(task: () => Promise<void>): Promise<void> {
    while (this.running.size >= this.max) await Promise.race(this.running);
    const promise = task().finally(() => this.running.delete(promise));
    this.running.add(promise);
  }

  async drained(): Promise<void> {
    await Promise.all(this.running);
  }
}

function show(report: Report, others: number, elapsedMs: number): void {
  const parts = [report.table()];
  const exceptions = report.exceptions();
  if (exceptions) parts.push(`unreproducible:\n${exceptions}`);
  if (report.failures.length > 0) parts.push(`mismatches:\n${report.mismatches(MISMATCHES_SHOWN)}`);
  if (others > 0) parts.push(`${others} entries are not executor vectors and were left out`);
  const { total, matched } = report.genesisRoots;
  if (total > 0) parts.push(`genesis roots: ${matched} / ${total}`);
  if (report.total + total === 0) parts.push('no executor vector was found');
  parts.push(`${report.total} vectors, ${report.failures.length} mismatches, ${(elapsedMs / 1000).toFixed(1)} s`);
  process.stdout.write(`${parts.join('\n\n')}\n`);
}
