/**
 * Why a transaction is (not yet) in a batch: for every batch closed since it arrived, the verdict and what was missing.
 *
 * What did not fit is recorded with the batch. What was not looked at is found from the timeline of its sender: nonce, first missing
 * nonce and balance at the close of each batch in which they changed. Verdicts are made when somebody asks. Everything is bounded, and on
 * disk (`explain-store.ts`): it outlives the process.
 */
import type { AccountQueue } from '../pool/account-queue.js';
import type { PoolEntry } from '../pool/entry.js';
import type { PoolIndex } from '../pool/pool-index.js';
import type { BatchOutcome, BatchVerdict, Explanation } from '../rpc/modules.js';
import { describeShortfall } from './certificate.js';
import {
  type ClosedBatchRecord,
  encodeIncluded,
  IncludedBlock,
  type IncludedRecord,
  type IncludedSubject,
  type Moment,
  type Moments,
  type Subject,
} from './explain-records.js';
import type { ExplanationStore, StoredExplanation } from './explain-store.js';
import type { Shortfall } from './resource-ledger.js';

/** Changes of one sender that are kept; older ones are forgotten, and the oldest kept one stands for them. */
const TIMELINE_MAX = 64;
/** Senders with a timeline; those that changed longest ago are forgotten first. */
const TIMELINES_MAX = 50_000;
/** Included transactions whose waiting is still explained. */
const INCLUDED_MAX = 20_000;
/** Transactions that left the pool without being included, of this run, whose waiting is still explained. */
const LEFT_MAX = 10_000;
/** The timelines go over their bound by one in so many before the oldest are forgotten: one look at all of them serves many. */
const FORGOTTEN_SHARE = 16;

/** Keeps what explanations are made of. */
export class ExplainLog {
  readonly #index: PoolIndex;
  readonly #batchesMax: number;
  readonly #store: ExplanationStore | null;
  readonly #batches: ClosedBatchRecord[] = [];
  readonly #timelines = new Map<string, Moment[]>();
  /** By L2 block, oldest first: they come and go by the block. */
  readonly #included: IncludedBlock[] = [];
  #includedCount = 0;
  /** Those that left the pool, oldest first, with the batch that was open then. */
  readonly #left = new Map<string, IncludedSubject>();
  /** Closed batches that wait for the disk: nothing is told of them, or written, before. */
  #ahead: { readonly batch: ClosedBatchRecord; readonly moments: Moments }[] = [];
  #durableBatch = 0;

  /** `stored` is what the store held at the start, oldest first. */
  constructor(index: PoolIndex, batchesMax: number, store: ExplanationStore | null = null, stored: readonly StoredExplanation[] = []) {
    this.#index = index;
    index.onLeft = (entry) => this.#keepLeft(entry);
    this.#batchesMax = batchesMax;
    this.#store = store;
    for (const found of stored) {
      if ('included' in found) this.#keepIncluded(found.included);
      else {
        this.#keepBatch(found.batch, found.moments);
        this.#durableBatch = found.batch.number;
      }
    }
  }

  /** A batch is closed, and may have to wait for the disk; `changed` are the accounts whose queues changed since the last one. */
  batchClosed(
    { number, reason, closedAtMs }: { number: number; reason: string; closedAtMs: number },
    misfits: ReadonlyMap<PoolEntry, Shortfall>,
    changed: readonly AccountQueue[],
  ): void {
    this.#dropFrom(number);
    const byHash = new Map<string, Shortfall>();
    for (const [entry, shortfall] of misfits) byHash.set(entry.hash, shortfall);
    const batch = { number, reason, closedAtMs, joined: this.#index.joined, misfits: byHash };
    const moments = this.#moments(number, changed);
    this.#keepBatch(batch, moments);
    this.#ahead.push({ batch, moments });
    // A batch that is closed without a block of its own is durable first.
    if (number <= this.#durableBatch) this.durable(this.#durableBatch);
  }

  /** Closed batches up to this one are durable. */
  durable(number: number): void {
    this.#durableBatch = number;
    for (const { batch, moments } of this.#ahead) if (batch.number <= number) this.#store?.batch(batch, moments);
    this.#ahead = this.#ahead.filter(({ batch }) => batch.number > number);
  }

  /** Transactions are in a durable L2 block. Only those that waited for a batch have something to tell later. */
  included(entries: readonly PoolEntry[], batch: number, block: number): void {
    // Batches are closed ahead of the disk: their own, and later ones, may be here already.
    const before = this.#batches.findLast(({ number }) => number < batch);
    if (before === undefined) return;
    const waited = entries.filter((entry) => met(entry, before));
    if (waited.length === 0) return;
    const joined = Float64Array.from(waited, (entry) => entry.joined);
    const record = { batch, count: waited.length, bytes: encodeIncluded(waited), joined };
    this.#keepIncluded(record);
    this.#store?.included(block, record);
  }

  /** Null where nothing is known: never seen, included in the first batch that it met, or gone before that. */
  explain(hash: string): Explanation | null {
    const entry = this.#index.get(hash);
    if (entry !== undefined) return { hash, batches: this.#since(entry, this.#durableBatch + 1) };
    const included = this.#findIncluded(hash);
    if (included !== undefined) return this.#ended(included, 'included', '');
    const left = this.#left.get(hash);
    return left === undefined ? null : this.#ended(left, 'left', 'zkevm_getPoolTransaction says why');
  }

  #ended(subject: IncludedSubject, verdict: BatchOutcome, detail: string): Explanation {
    const { hash, batch } = subject;
    return { hash, batches: [...this.#since(subject, batch), { batch, verdict, detail }] };
  }

  /** Verdicts of the closed batches below `before` that the transaction was in the pool for. */
  #since(subject: Subject, before: number): BatchVerdict[] {
    const verdicts: BatchVerdict[] = [];
    for (let i = this.#batches.length - 1; i >= 0; i--) {
      const batch = this.#batches[i];
      if (batch === undefined || !met(subject, batch)) break;
      if (batch.number < before) verdicts.push(this.#verdict(subject, batch));
    }
    return verdicts.reverse();
  }

  #verdict(subject: Subject, batch: ClosedBatchRecord): BatchVerdict {
    const { number } = batch;
    const shortfall = batch.misfits.get(subject.hash);
    if (shortfall !== undefined) return { batch: number, verdict: 'misfit', detail: describeShortfall(shortfall) };
    const moment = this.#momentAt(subject.sender, number);
    const nonce = subject.nonceNumber;
    if (moment !== undefined && nonce > moment.missingNonce) {
      return { batch: number, verdict: 'nonceGap', detail: `nonce gap ${moment.missingNonce} < ${nonce}` };
    }
    if (moment !== undefined && nonce > moment.nonce) {
      return { batch: number, verdict: 'behindEarlierNonce', detail: `nonce ${moment.nonce} of the same sender goes first` };
    }
    if (moment !== undefined && subject.costWei > moment.balanceWei) {
      return { batch: number, verdict: 'missingFunds', detail: `funds short by ${subject.costWei - moment.balanceWei} wei` };
    }
    return { batch: number, verdict: 'notReached', detail: `the batch was closed before its turn: ${batch.reason}` };
  }

  /** A commit failed, and its batch is closed once more: what was said of it and of later ones never happened. */
  #dropFrom(number: number): void {
    while ((this.#batches.at(-1)?.number ?? -1) >= number) this.#batches.pop();
    this.#ahead = this.#ahead.filter(({ batch }) => batch.number < number);
  }

  /** The accounts among `changed` that still have something waiting. */
  #moments(batch: number, changed: readonly AccountQueue[]): Moments {
    const moments: [string, Moment][] = [];
    for (const account of changed) {
      if (account.size === 0) continue;
      const { address, nonce, balanceWei } = account;
      const missingNonce = account.firstMissingNonce();
      const last = this.#timelines.get(address)?.at(-1);
      // After a start everything is new to the pool, but not to the timelines.
      const same = last !== undefined && last.nonce === nonce && last.missingNonce === missingNonce && last.balanceWei === balanceWei;
      if (!same) moments.push([address, { batch, nonce, missingNonce, balanceWei }]);
    }
    return moments;
  }

  #keepBatch(batch: ClosedBatchRecord, moments: Moments): void {
    this.#batches.push(batch);
    if (this.#batches.length > this.#batchesMax) this.#batches.shift();
    for (const [address, moment] of moments) {
      const timeline = this.#timelines.get(address);
      if (timeline === undefined) this.#timelines.set(address, [moment]);
      else if (timeline.push(moment) > TIMELINE_MAX) timeline.shift();
    }
    if (this.#timelines.size > TIMELINES_MAX * (1 + 1 / FORGOTTEN_SHARE)) this.#forgetTimelines();
  }

  /** Forgets the senders that changed longest ago. */
  #forgetTimelines(): void {
    const byChange = [...this.#timelines].sort(([, a], [, b]) => (a.at(-1)?.batch ?? 0) - (b.at(-1)?.batch ?? 0));
    for (const [address] of byChange.slice(0, byChange.length - TIMELINES_MAX)) this.#timelines.delete(address);
  }

  #keepIncluded(record: IncludedRecord): void {
    this.#included.push(new IncludedBlock(record));
    this.#includedCount += record.count;
    while (this.#includedCount > INCLUDED_MAX && this.#included.length > 1) {
      this.#includedCount -= this.#included.shift()?.count ?? 0;
    }
  }

  /** Only who met a batch has something to tell. */
  #keepLeft(entry: PoolEntry): void {
    const before = this.#batches.at(-1);
    if (before === undefined || !met(entry, before)) return;
    const { hash, sender, nonceNumber, costWei, receivedAtMs, joined } = entry;
    this.#left.set(hash, { hash, sender, nonceNumber, costWei, receivedAtMs, joined, batch: before.number + 1 });
    if (this.#left.size <= LEFT_MAX) return;
    const oldest = this.#left.keys().next();
    if (oldest.done !== true) this.#left.delete(oldest.value);
  }

  #findIncluded(hash: string): IncludedSubject | undefined {
    for (let i = this.#included.length - 1; i >= 0; i--) {
      const found = this.#included[i]?.find(hash);
      if (found !== undefined) return found;
    }
    return undefined;
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

/**
 * Whether a transaction was in the pool when a batch was closed. Where both are of this run, by order: between arriving and entering the pool
 * a transaction waits for the disk, and no batch is to blame for that.
 */
function met(subject: Subject, batch: ClosedBatchRecord): boolean {
  if (subject.joined !== undefined && batch.joined !== undefined) return subject.joined <= batch.joined;
  return subject.receivedAtMs <= batch.closedAtMs;
}
