/** What a node's batches are, and what `replay` makes of its recording. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { type TestNode, until } from './node.js';
import { MAIN } from './paths.js';
import { result } from './rpc.js';

/** What of a batch a replay has to make again. */
export interface BatchFacts {
  readonly batch: number;
  readonly closingReason: string | null;
  readonly stateRoot: string;
  readonly batchL2DataSha256: string;
  readonly certificateSha256: string;
}

/** The last line of `replay --json`. */
export interface ReplayLine {
  readonly arrivals: number;
  readonly sessions: number;
  readonly endsCleanly: boolean;
  readonly tornBytes: number;
  readonly divergence: string | null;
  readonly head: { readonly blockNumber: number };
}

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** The closed batches of a running node, and the open one, as a replay shows them. */
export async function batchesOf(node: TestNode): Promise<BatchFacts[]> {
  const facts: BatchFacts[] = [];
  for (let number = 1; ; number++) {
    const batch = await result(node.url, 'zkevm_getBatchByNumber', [`0x${number.toString(16)}`, false]);
    if (batch === null) return facts;
    facts.push({
      batch: number,
      closingReason: batch.closingReason,
      stateRoot: batch.stateRoot,
      batchL2DataSha256: sha256(Buffer.from(batch.batchL2Data.slice(2), 'hex')),
      certificateSha256: sha256(JSON.stringify(batch.closingCertificate)),
    });
  }
}

/** What a run of `replay --json` came to. */
export interface Replayed {
  readonly code: number;
  readonly stderr: string;
  readonly batches: readonly BatchFacts[];
  readonly report: ReplayLine;
}

/** Runs `replay` with a Node executable. */
export async function replayed(executable: string, args: readonly string[]): Promise<Replayed> {
  const run = promisify(execFile)(executable, [MAIN, 'replay', ...args, '--json'], { maxBuffer: 64 << 20 });
  const { stdout, stderr, code } = await run.then(
    (done) => ({ ...done, code: 0 }),
    (failed: { stdout: string; stderr: string; code: number }) => failed,
  );
  const lines = stdout.split('\n').filter((line) => line !== '');
  const objects = lines.map((line) => JSON.parse(line));
  // A run that found nothing to play printed no report: then there is nothing to look at but its words.
  const report = objects.pop() as ReplayLine;
  const batches = objects.map(({ blocks: _blocks, txs: _txs, ...facts }) => facts as BatchFacts);
  return { code, stderr, batches, report };
}

/** The batch of an L2 block is verified, the node stops, and its recording makes the same batches. */
export async function agreesWithItself(t: ExecutionContext, node: TestNode, record: string, block: string): Promise<void> {
  const batch = Number(await result(node.url, 'zkevm_batchNumberByBlockNumber', [block]));
  await until('the batch is verified', async () => {
    const { lastChecked, mode } = await result(node.url, 'zkevm_status');
    t.is(mode, 'sequencing');
    return Number(lastChecked) >= batch ? true : null;
  });
  t.deepEqual(await node.stop(), { code: 0, signal: null }, node.output);
  const { code, report, stderr } = await replayed(process.execPath, [record]);
  t.deepEqual({ code, divergence: report?.divergence }, { code: 0, divergence: null }, stderr);
}
