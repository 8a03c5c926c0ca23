/** What must hold after every session, whatever happened in it. */
import { MARKER_USED } from '../helpers/fake-engine.js';
import { costOf } from '../helpers/fake-execution.js';
import type { SessionRecord } from './books.js';

const FORCED = 'Forced batch';
/** Longer than a block and its way to the disk, and the quiet time at the end. */
const LATE_MS = 5_000;

/** Every breach, as sentences. */
export function breaches(record: SessionRecord): string[] {
  return [
    ...acknowledgedIsSomewhere(record),
    ...includedOnceInOrder(record),
    ...batchesWithinLimits(record),
    ...publishedIsDurableInOrder(record),
    ...readyWasIncluded(record),
    ...endsAreTrue(record),
    ...forcedOnceInOrder(record),
    // Without injected faults nothing fails: recoveries and halts would hide what they recover from.
    ...record.errors,
  ];
}

/** Nothing acknowledged is lost, and nothing is in two places. */
function acknowledgedIsSomewhere({ disk, acknowledged, forcedHashes }: SessionRecord): string[] {
  const found: string[] = [];
  for (const hash of acknowledged) {
    // What the pool gave up may have been forced all the same.
    if (forcedHashes.has(hash) && disk.included.has(hash) && !disk.pool.has(hash)) continue;
    const places = [disk.included.has(hash), disk.pool.has(hash), disk.ends.has(hash)].filter(Boolean).length;
    if (places !== 1) found.push(`acknowledged ${hash} is in ${places} places`);
  }
  return found;
}

/** Each transaction at most once, each nonce of a sender once and in order, and only what was sent. */
function includedOnceInOrder({ disk, sent }: SessionRecord): string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  const nonces = new Map<string, number>();
  for (const block of disk.blocks) {
    for (const hash of block.txHashes) {
      const transaction = sent.get(hash);
      if (transaction === undefined) {
        found.push(`block ${block.number} has ${hash}, which nobody sent`);
        continue;
      }
      if (seen.has(hash)) found.push(`${hash} is included twice`);
      seen.add(hash);
      const expected = nonces.get(transaction.sender) ?? 0;
      if (transaction.nonce !== expected) found.push(`block ${block.number}: nonce ${transaction.nonce} instead of ${expected}`);
      nonces.set(transaction.sender, expected + 1);
    }
  }
  return found;
}

/** No batch is over a limit, reserves included; every closed one has a reason and a certificate. */
function batchesWithinLimits({ disk, limits, sequencer }: SessionRecord): string[] {
  const found: string[] = [];
  for (const batch of [...disk.closed, disk.open]) {
    // What is in a forced batch is not ours to choose.
    if (batch.reason === FORCED) continue;
    for (const [i, limit] of limits.entries()) {
      const needed = (batch.used[i] ?? 0) + (batch.high[i] ?? 0);
      if (needed > limit) found.push(`batch ${batch.number} needs ${needed} of resource ${i}, limit ${limit}`);
    }
    const txsMax = sequencer.batchTxsMax ?? 0;
    if (txsMax > 0 && batch.txHashes.length > txsMax) found.push(`batch ${batch.number} has ${batch.txHashes.length} transactions`);
  }
  for (const batch of disk.closed) {
    if (batch.reason === null || batch.detailJson === null) found.push(`batch ${batch.number} is closed without reason or certificate`);
    if (batch.blockCount === 0 && batch.reason !== FORCED) found.push(`batch ${batch.number} is closed without a block`);
  }
  return found;
}

/** Listeners hear every block of their life, in order, and only durable ones. A kill may cut off the last one. */
function publishedIsDurableInOrder({ disk, published, firstBlocks }: SessionRecord): string[] {
  const found: string[] = [];
  for (const [life, numbers] of published.entries()) {
    const first = firstBlocks[life] ?? 1;
    for (const [i, number] of numbers.entries()) if (number !== first + i) found.push(`life ${life} heard block ${number} as number ${i}`);
    if ((numbers[numbers.length - 1] ?? 0) > disk.blocks.length) found.push(`life ${life} heard of a block that is not durable`);
  }
  return found;
}

/** Liveness: after the quiet time, whatever still waits has a reason to wait, and the pool in memory is the pool on disk. */
function readyWasIncluded({ disk, sent, node }: SessionRecord): string[] {
  const found: string[] = [];
  if (node.sequencer.status().mode !== 'sequencing') found.push(`the sequencer is ${node.sequencer.status().haltReason}`);
  for (const hash of disk.pool.keys()) {
    const transaction = sent.get(hash);
    const entry = node.pool.index.get(hash);
    if (transaction === undefined || entry === undefined) {
      found.push(`${hash} is on disk, but not in the pool`);
      continue;
    }
    const account = disk.account(transaction.sender);
    if (transaction.nonce < account.nonce) found.push(`${hash} waits with the used nonce ${transaction.nonce}`);
    if (transaction.nonce === account.nonce && costOf(transaction) <= account.balanceWei) found.push(`${hash} is ready and not included`);
  }
  if (node.pool.index.waitingCount !== disk.pool.size) {
    found.push(`${node.pool.index.waitingCount} transactions in memory, ${disk.pool.size} on disk`);
  }
  return found;
}

/** Who was ended was ended for a true reason. */
function endsAreTrue({ disk, sent, limits }: SessionRecord): string[] {
  const found: string[] = [];
  for (const [hash, end] of disk.ends) {
    const transaction = sent.get(hash);
    if (transaction === undefined) continue;
    const neverFits = transaction.reserved.some((reserved, i) => reserved + (MARKER_USED[i] ?? 0) > (limits[i] ?? 0));
    if (end.status === 'invalid' && !transaction.panics && !neverFits) found.push(`${hash} is invalid (${end.reason}) but fits a batch`);
    if (end.status === 'failed' && disk.account(transaction.sender).nonce <= transaction.nonce) found.push(`${hash} failed: ${end.reason}`);
    if (end.status === 'replaced' && end.related === null) found.push(`${hash} is replaced by nothing`);
  }
  return found;
}

/** Each forced batch is exactly one batch, by number and without a gap; none that is due was left out. */
function forcedOnceInOrder({ disk, forced, node }: SessionRecord): string[] {
  const found: string[] = [];
  const batches = disk.closed.filter(({ reason }) => reason === FORCED);
  for (const [i, { number, detailJson }] of batches.entries()) {
    const { forcedBatchNumber } = JSON.parse(detailJson ?? '{}') as { forcedBatchNumber?: number };
    if (forcedBatchNumber !== i + 1) found.push(`batch ${number} is forced batch ${forcedBatchNumber}, not ${i + 1}`);
  }
  const known = new Map(forced.map((batch) => [batch.number, batch]));
  const left: number[] = [];
  for (let number = batches.length + 1; known.has(number); number++) left.push(known.get(number)?.deadlineMs ?? 0);
  // A block may be under way when its time comes.
  if (left.some((deadlineMs) => deadlineMs < node.clock.nowMs() - LATE_MS)) found.push(`forced batch ${batches.length + 1} was left out`);
  return found;
}
