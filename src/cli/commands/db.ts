/** `db`: what an operator does with a database that no node runs on. docs/operations.md explains each command. */
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { historyBlocks } from '../../config/setting.js';
import { openMaintenance } from '../../native/index.js';
import type { NativeMaintenance, RestoreReport, VerifyReport } from '../../native/maintenance.js';
import { usage } from '../arguments.js';
import { progressLine } from '../progress-line.js';
import type { Terminal } from '../terminal.js';
import { type DbArguments, parseDbArguments } from './db-arguments.js';
import { DB_HELP, reportText } from './db-text.js';

/** Exit code where the check found a difference: the command did its work, the database is not sound. */
const DIFFERENT = 2;

/** Answers the JSON text of a report. */
type Verb = (tool: NativeMaintenance, args: DbArguments) => Promise<string>;

const VERBS: Readonly<Record<string, { readonly words: number; readonly run: Verb }>> = {
  verify: { words: 0, run: (tool, { dataDir }) => tool.verify(dataDir) },
  stats: { words: 0, run: (tool, { dataDir }) => tool.stats(dataDir) },
  compact: { words: 0, run: (tool, { dataDir }) => tool.compact(dataDir) },
  prune: { words: 0, run: (tool, args) => tool.prune(args.dataDir, keptBlocks(args)) },
  rollback: { words: 0, run: (tool, args) => tool.rollback(args.dataDir, targetBatch(args)) },
  snapshot: { words: 1, run: (tool, { dataDir, words }) => tool.snapshot(dataDir, resolve(words[0] ?? '')) },
  restore: { words: 1, run: restore },
};

/** Runs `db ...`; answers the exit code. */
export async function runDb(args: readonly string[], terminal: Terminal): Promise<number> {
  const parsed = parseDbArguments(args, terminal.env);
  if (parsed.help) {
    terminal.out(DB_HELP);
    return 0;
  }
  const verb = Object.hasOwn(VERBS, parsed.command) ? VERBS[parsed.command] : undefined;
  if (verb === undefined) throw usage(parsed.command === '' ? 'db needs a command' : `db ${parsed.command} is no command`, 'db');
  if (parsed.words.length !== verb.words) throw usage(`db ${parsed.command} takes ${verb.words === 0 ? 'no folder' : 'one folder'}`, 'db');
  if (parsed.keep !== null && parsed.command !== 'prune') throw usage('--keep belongs to db prune', 'db');
  if ((parsed.toBatch !== null || parsed.yes) && parsed.command !== 'rollback')
    throw usage('--to-batch and --yes belong to db rollback', 'db');
  const tool = openMaintenance(parsed.cacheBytes);
  const endProgress = progressLine(() => tool.progress(), terminal);
  let json: string;
  try {
    json = await verb.run(tool, parsed);
  } finally {
    endProgress();
  }
  const report: unknown = JSON.parse(json);
  terminal.out(parsed.json ? `${JSON.stringify(report)}\n` : reportText(parsed.command, report));
  return isSound(parsed.command, report) ? 0 : DIFFERENT;
}

function restore(tool: NativeMaintenance, { dataDir, words }: DbArguments): Promise<string> {
  const target = resolve(dataDir);
  mkdirSync(dirname(target), { recursive: true });
  return tool.restore(resolve(words[0] ?? ''), target);
}

function keptBlocks({ keep, history }: DbArguments): number {
  const setting = historyBlocks({ doc: '', default: null, max: Number.MAX_SAFE_INTEGER });
  let blocks = history;
  try {
    if (keep !== null) blocks = setting.fromText(keep);
  } catch (error) {
    if (error instanceof RangeError) throw usage(`--keep ${error.message}`, 'db');
    throw error;
  }
  if (blocks === null) throw usage('an archive keeps every state: say how many blocks with --keep N, or --keep none', 'db');
  return blocks;
}

function targetBatch({ toBatch, yes }: DbArguments): number {
  if (toBatch === null) throw usage('db rollback needs --to-batch N: the newest batch afterwards', 'db');
  const number = /^\d+$/.test(toBatch) ? Number(toBatch) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw usage('--to-batch must be the number of a batch', 'db');
  if (!yes) throw usage('db rollback removes published blocks for good: add --yes where that is meant', 'db');
  return number;
}

function isSound(command: string, report: unknown): boolean {
  if (command === 'verify') return (report as VerifyReport).ok;
  return command !== 'restore' || (report as RestoreReport).verified.ok;
}
