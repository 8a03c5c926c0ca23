/**
 * Why a transaction is (not yet) in a batch: for every batch closed since it arrived, the verdict and what was missing.
 *
 * What did not fit is recorded with the batch. What was not looked at is found from the timeline of its sender: nonce, first missing
 * nonce and balance at the close of each batch in which they changed. Both are bounded, and live as long as the process.
 */
import type { PoolEntry } from '../pool/entry.js';
import type { PoolIndex } from '../pool/pool-index.js';
import type { BatchVerdict, Explanation } from '../rpc/modules.js';
import { describeShortfall } from './certificate.js';
import type { Shortfall } from './resource-ledger.js';

/** Changes of one sender that are kept; older ones are forgotten, and the oldest kept one stands for them. */
const TIMELINE_MAX = 64;
/** Included transactions whose waiting is still explained. */
const INCLUDED_MAX = 20_000;

/** A closed batch, as far as explanations need it. */
interface BatchRecord {
  readonly number: number;
  readonly reason: string;
  readonly closedAtMs: number;
  readonly misfits: ReadonlyMap<string, Shortfall>;
}

/** A sender at the close of a batch. */
interface Moment {
  readonly batch: number;
  readonly nonce: number;
  readonly missingNonce: number;
  readonly balanceWei: bigint;
}

/** Keeps what explanations are made of. */
export class ExplainLog {
  readonly #index: PoolIndex;
  readonly #batchesMax: number;
  readonly #batches: BatchRecord[] = [];
  readonly #timelines = new Map<string, Moment[]>();
  readonly #included = new Map<string, Explanation>();
  /** Nothing is told of a batch before it is durable. */
  #durableBatch = 0;

  constructor(index: PoolIndex, batchesMax: number) {
    this.#index = index;
    this.#batchesMax = batchesMax;
  }

  /** A batch is closed; `changed` are the senders whose queues changed since the last one. */
  batchClosed(
    batch: { number: number; reason: string; closedAtMs: number },
    misfits: ReadonlyMap<PoolEntry, Shortfall>,
    changed: Iterable<string>,
  ): void {
    const byHash = new Map<string, Shortfall>();
    for (const [entry, shortfall] of misfits) byHash.set(entry.hash, shortfall);
    this.#batches.push({ ...batch, misfits: byHash });
    if (this.#batches.length > this.#batchesMax) this.#batches.shift();
    for (const address of changed) this.#mark(address, batch.number);
  }

  /** Closed batches up to this one are durable. */
  durable(batch: number): void {
    this.#durableBatch = batch;
  }

  /** A transaction is in a durable L2 block. Only one that waited for a batch has something to tell later. */
  included(entry: PoolEntry, batch: number): void {
    this.#record(entry, batch);
    const { account } = entry;
    if (account.size === 0 && account.inBlockCount === 0) this.#timelines.delete(account.address);
  }

  #record(entry: PoolEntry, batch: number): void {
    // Batches are closed ahead of the disk: its own, and later ones, may be here already.
    let at = this.#batches.length - 1;
    while ((this.#batches[at]?.number ?? -1) >= batch) at--;
    const before = this.#batches[at];
    if (before === undefined || before.closedAtMs < entry.receivedAtMs) return;
    const batches = [...this.#since(entry, batch), { batch, verdict: 'included' as const, detail: '' }];
    this.#included.set(entry.hash, { hash: entry.hash, batches });
    if (this.#included.size <= INCLUDED_MAX) return;
    const oldest = this.#included.keys().next();
    if (oldest.done !== true) this.#included.delete(oldest.value);
  }

  /** Null where nothing is known: never seen, or included in the first batch that it met. */
  explain(hash: string): Explanation | null {
    const entry = this.#index.get(hash);
    if (entry === undefined) return this.#included.get(hash) ?? null;
    return { hash, batches: this.#since(entry, this.#durableBatch + 1) };
  }

  /** Verdicts of the closed batches below `before` that the entry was in the pool for. */
  #since(entry: PoolEntry, before: number): BatchVerdict[] {
    const verdicts: BatchVerdict[] = [];
    for (let i = this.#batches.length - 1; i >= 0; i--) {
      const batch = this.#batches[i];
      if (batch === undefined || batch.closedAtMs < entry.receivedAtMs) break;
      if (batch.number < before) verdicts.push(this.#verdict(entry, batch));
    }
    return verdicts.reverse();
  }

  #verdict(entry: PoolEntry, batch: BatchRecord): BatchVerdict {
    const { number } = batch;
    const shortfall = batch.misfits.get(entry.hash);
    if (shortfall !== undefined) return { batch: number, verdict: 'misfit', detail: describeShortfall(shortfall) };
    const moment = this.#momentAt(entry.sender, number);
    const nonce = entry.nonceNumber;
    if (moment !== undefined && nonce > moment.missingNonce) {
      return { batch: number, verdict: 'nonceGap', detail: `nonce gap ${moment.missingNonce} < ${nonce}` };
    }
    if (moment !== undefined && nonce > moment.nonce) {
      return { batch: number, verdict: 'behindEarlierNonce', detail: `nonce ${moment.nonce} of the same sender goes first` };
    }
    if (moment !== undefined && entry.costWei > moment.balanceWei) {
      return { batch: number, verdict: 'missingFunds', detail: `funds short by ${entry.costWei - moment.balanceWei} wei` };
    }
    return { batch: number, verdict: 'notReached', detail: `the batch was closed before its turn: ${batch.reason}` };
  }

  #mark(address: string, batch: number): void {
    const account = this.#index.account(address);
    // What is in a block is yet to be told of when it is durable.
    if (account === undefined || (account.size === 0 && account.inBlockCount === 0)) {
      this.#timelines.delete(address);
      return;
    }
    const moments = this.#timelines.get(address) ?? [];
    moments.push({ batch, nonce: account.nonce, missingNonce: account.firstMissingNonce(), balanceWei: account.balanceWei });
    if (moments.length > TIMELINE_MAX) moments.shift();
    this.#timelines.set(address, moments);
  }

  /** The last change up to a batch; the oldest kept one where all are newer. */
  #momentAt(address: string, batch: number): Moment | undefined {
    const moments = this.#timelines.get(address);
    if (moments === undefined) return undefined;
    for (let i = moments.length - 1; i >= 0; i--) {
      const moment = moments[i];
      if (moment !== undefined && moment.batch <= batch) return moment;
    }
    return moments[0];
  }
}
