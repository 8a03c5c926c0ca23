/**
 * `replay FILE [--out DIR] [--base DIR] [--json]`: makes the batches of a recorded session again, on a database of its own, and says whether
 * they are the recorded ones.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CodedError, errorMessage } from '../../common/errors.js';
import type { NativeEngine } from '../../native/engine.js';
import { openEngine } from '../../native/index.js';
import { baseFolder } from '../../recording/base.js';
import { readFrames } from '../../recording/frames.js';
import { type ReplayHost, type ReplayReport, replay } from '../../recording/replay.js';
import { headMark, type SessionStart } from '../../recording/session.js';
import { usage } from '../arguments.js';
import type { Terminal } from '../terminal.js';

const HELP = `Usage: zkevm-sequencer replay FILE [options]

Makes the batches of a recording (start --record FILE) again and compares every L2 block and every closing certificate with it.
Exit code 0: the same; 1: something differs, the first difference is printed.

Options:
  --out DIR    folder for the database of the replay; kept. Default: a temporary folder, removed afterwards
  --base DIR   copy of the data directory as it was when the recording began. Default: the one that the node kept beside FILE
  --json       one JSON object for each batch and one for the whole, a line each
`;

const CACHE_BYTES = 64 * 1024 * 1024;

interface Options {
  readonly file: string;
  readonly out: string | null;
  readonly base: string | null;
  readonly json: boolean;
}

/** A batch of the replay, as it is shown. */
interface BatchLine {
  readonly batch: number;
  readonly closingReason: string | null;
  readonly blocks: number;
  readonly txs: number;
  readonly stateRoot: string;
  readonly batchL2DataSha256: string;
  readonly certificateSha256: string;
}

/** Answers the exit code. */
export async function runReplay(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = parse(args);
  if (options === null) {
    terminal.out(HELP);
    return 0;
  }
  const folder = options.out ?? mkdtempSync(join(tmpdir(), 'zkevm-replay-'));
  try {
    prepare(folder, options);
    return await replayInto(folder, options, terminal);
  } finally {
    if (options.out === null) rmSync(folder, { recursive: true, force: true });
  }
}

function parse(args: readonly string[]): Options | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { out: { type: 'string' }, base: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
    if (values.help === true) return null;
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) throw new Error('replay takes one file');
    const path = (value: string | undefined): string | null => (value === undefined ? null : resolve(value));
    return { file: resolve(file), out: path(values.out), base: path(values.base), json: values.json === true };
  } catch (error) {
    throw usage(errorMessage(error), 'replay');
  }
}

function prepare(folder: string, { out, base }: Options): void {
  if (out !== null && existsSync(out) && readdirSync(out).length > 0) throw usage(`--out ${out} is not empty`, 'replay');
  if (base !== null) cpSync(base, folder, { recursive: true });
}

async function replayInto(folder: string, options: Options, terminal: Terminal): Promise<number> {
  const host = new EngineHost(folder, options.file);
  try {
    const report = await replay(readFrames(options.file), host);
    const { engine } = host;
    if (engine !== null) for (const line of batchLines(engine)) terminal.out(options.json ? `${JSON.stringify(line)}\n` : batchText(line));
    terminal.out(options.json ? `${JSON.stringify(report)}\n` : reportText(report));
    return report.divergence === null ? 0 : 1;
  } finally {
    await host.engine?.close();
  }
}

/** One database for all sessions of the recording, and for those that do not go on where the one before ended, the copy beside the file. */
class EngineHost implements ReplayHost {
  engine: NativeEngine | null = null;
  readonly #folder: string;
  readonly #file: string;

  constructor(folder: string, file: string) {
    this.#folder = folder;
    this.#file = file;
  }

  async open(start: SessionStart): Promise<NativeEngine> {
    const isFirst = this.engine === null;
    // As a restart of the node does: nothing of an open L2 block survives.
    let engine = await this.#reopen(start);
    if (isAt(engine, start)) return engine;
    const base = baseFolder(this.#file, start.head);
    if (existsSync(base)) {
      await this.#close();
      rmSync(this.#folder, { recursive: true, force: true });
      cpSync(base, this.#folder, { recursive: true });
      engine = await this.#reopen(start);
    }
    if (isFirst && !isAt(engine, start)) throw baseMissing(start, base);
    return engine;
  }

  async #reopen({ chain }: SessionStart): Promise<NativeEngine> {
    await this.#close();
    this.engine = await openEngine({
      path: this.#folder,
      chainId: chain.chainId,
      forkId: chain.forkId,
      genesisJson: chain.genesisJson,
      sequencerAddress: Buffer.from(chain.sequencerAddress.slice(2), 'hex'),
      cacheBytes: CACHE_BYTES,
      syncWrites: false,
      preExecutionBytes: 0,
    });
    return this.engine;
  }

  async #close(): Promise<void> {
    const { engine } = this;
    this.engine = null;
    await engine?.close();
  }
}

function isAt(engine: NativeEngine, { head }: SessionStart): boolean {
  return JSON.stringify(headMark(engine.head())) === JSON.stringify(head);
}

function baseMissing({ head }: SessionStart, base: string): CodedError {
  const text =
    `the recording begins at L2 block ${head.blockNumber} (${head.blockHash}), on a data directory that was not new, ` +
    `and the copy of it is not at ${base}`;
  return new CodedError(text, { code: 'RECORDING_BASE_MISSING', block: head.blockNumber, blockHash: head.blockHash, base });
}

function* batchLines(engine: NativeEngine): IterableIterator<BatchLine> {
  const { openBatch } = engine.head();
  for (let number = 1; number <= openBatch; number++) {
    const json = engine.batchJson(number, false);
    if (json === null) continue;
    const batch = JSON.parse(json) as {
      closingReason: string | null;
      closingCertificate: unknown;
      blocks: unknown[];
      transactions: unknown[];
      stateRoot: string;
    };
    yield {
      batch: number,
      closingReason: batch.closingReason,
      blocks: batch.blocks.length,
      txs: batch.transactions.length,
      stateRoot: batch.stateRoot,
      batchL2DataSha256: sha256(engine.batchData(number) ?? Buffer.alloc(0)),
      certificateSha256: sha256(Buffer.from(JSON.stringify(batch.closingCertificate))),
    };
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function batchText({ batch, closingReason, blocks, txs, stateRoot, batchL2DataSha256 }: BatchLine): string {
  const reason = closingReason ?? 'open';
  return `batch ${batch}  ${reason}  ${blocks} blocks  ${txs} transactions  root ${stateRoot}  data ${batchL2DataSha256.slice(0, 16)}\n`;
}

function reportText(report: ReplayReport): string {
  const { sessions, events, arrivals, head, endsCleanly, tornBytes, divergence } = report;
  const lines = [`${sessions} sessions, ${events} events, ${arrivals} transactions, up to L2 block ${head?.blockNumber ?? 0}`];
  if (!endsCleanly) lines.push('the recording ends without a stop of the node: it was killed, or still runs');
  if (tornBytes > 0) lines.push(`${tornBytes} bytes at its end are no complete record and were left out`);
  lines.push(divergence === null ? 'the replay is the same as the recording' : `DIFFERENT at ${divergence}`);
  return `${lines.join('\n')}\n`;
}
