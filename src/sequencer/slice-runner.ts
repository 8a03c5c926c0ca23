/**
 * Runs slices: takes them out of the pool's index, has them executed, and acts on one outcome for each transaction. Between two calls
 * nothing is executing, and the index is up to date for every sender of the slice.
 */
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import { COUNTER_COUNT, OUTCOME, PRICED } from '../native/layouts.js';
import type { AccountQueue } from '../pool/account-queue.js';
import type { PoolEntry } from '../pool/entry.js';
import type { Pool } from '../pool/pool.js';
import { describeShortfall } from './certificate.js';
import { type Decision, decide, QUARANTINED } from './classify.js';
import type { SequencerConfig } from './config.js';
import type { Finalizer } from './finalizer.js';
import type { SequencerMetrics } from './metrics.js';
import type { ExecutionAnswer, ExecutionOutcome } from './outcome.js';
import type { ResourceLedger, Shortfall } from './resource-ledger.js';
import { overdueEntries, type Slice, takeSlice } from './selection.js';
import { SliceSizer } from './slice-sizer.js';

/** Times that a transaction may be found not ready although the pool believes it is; then the pool is wrong about it for good. */
const MISJUDGED_MAX = 3;

/** Known misfits cost a comparison, run ones an execution: so many times more of them are passed over before the batch counts as full. */
const KNOWN_MISFITS_PER_LOOK_AHEAD = 16;

/** Parts that running slices takes. */
export interface SliceRunnerModules {
  readonly pool: Pool;
  readonly finalizer: Finalizer;
  readonly config: SequencerConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: SequencerMetrics;
}

/** An outcome that is not an inclusion, with what was decided about it. */
interface Unsettled {
  readonly entry: PoolEntry;
  readonly outcome: ExecutionOutcome;
  readonly decision: Decision;
  readonly shortfall: Shortfall | null;
}

/** Runs slices of the open batch. */
export class SliceRunner {
  readonly #modules: SliceRunnerModules;
  /** What did not fit the open batch, and what it lacked. */
  readonly #misfits = new Map<PoolEntry, Shortfall>();
  /** Misfits that were run, and those known beforehand, since the last inclusion. */
  #misfitsInRow = 0;
  #knownInRow = 0;
  readonly #sizer = new SliceSizer();
  /** Entries on which the core failed once: set aside until the next L2 block. */
  #postponed: PoolEntry[] = [];
  #executing: readonly PoolEntry[] = [];

  constructor(modules: SliceRunnerModules) {
    this.#modules = modules;
  }

  get misfits(): ReadonlyMap<PoolEntry, Shortfall> {
    return this.#misfits;
  }

  /** True where there is something to try. */
  get hasReady(): boolean {
    return this.#modules.pool.index.readyCount > 0;
  }

  /**
   * Ready transactions exist, and none fits: as far as the look-ahead goes, or because nothing else is ready. The latter counts only
   * between L2 blocks (`betweenBlocks`): within one, smaller transactions may still come and fill the batch.
   */
  nothingFits(betweenBlocks: boolean): boolean {
    if (this.#misfitsInRow >= this.#modules.config.lookAhead || this.#knownInRow >= this.#knownMax) return true;
    const { index } = this.#modules.pool;
    return betweenBlocks && index.readyCount === 0 && index.asideCount > this.#postponed.length;
  }

  /** Executes the next slice on the open L2 block. `deadlineMs` is when the block has to be sealed. */
  async runNext(deadlineMs: number): Promise<void> {
    const { pool, finalizer, config, clock, metrics } = this.#modules;
    const slice = this.#take();
    for (const { entry, shortfall } of slice.aside) this.#misfit(entry, shortfall);
    this.#knownInRow += slice.aside.length;
    if (slice.entries.length === 0) return;
    metrics.sliceTxs.observe(slice.entries.length);
    this.#executing = slice.entries;
    const before = finalizer.batch.ledger.copy();
    const txCountBefore = finalizer.batch.txCount;
    const wasFresh = finalizer.isBatchFresh;
    const items = slice.entries.map((entry) => ({ entry, percentage: pool.pricing.percentage(entry) }));
    const leftMs = Math.max(1, Math.min(config.sliceBudgetMs, deadlineMs - clock.nowMs()));
    const misfitsMax = Math.max(1, config.lookAhead - this.#misfitsInRow);
    const repricing = pool.pricing.repricing(slice.entries);
    const answer = await finalizer.execute({ items, maxMisfits: misfitsMax, budgetNanos: leftMs * 1_000_000, repricing });
    this.#executing = [];
    if (answer.underReserved.length > 0) this.#reportUnderReserved(slice.entries, answer.underReserved);
    const { ledger, txCount } = finalizer.batch;
    this.#sizer.observe(before.used, ledger.used, txCount - txCountBefore);
    this.#settle(slice.entries, answer, before, wasFresh);
  }

  /** Another batch is open: what did not fit the last one gets its chance. */
  batchOpened(): void {
    this.#misfits.clear();
    this.#misfitsInRow = 0;
    this.#knownInRow = 0;
    this.#postponed = [];
    this.#modules.pool.index.releaseAside();
  }

  /** The open L2 block ended: what the core failed on gets its second chance, in the next one. */
  blockEnded(): void {
    for (const entry of this.#postponed) {
      if (entry.account.aside !== entry) continue;
      entry.account.aside = null;
      this.#modules.pool.index.refresh(entry.account);
    }
    this.#postponed = [];
  }

  /** A failure ended a slice: what was executing waits again. */
  abandon(): void {
    const { index } = this.#modules.pool;
    for (const entry of this.#executing) index.untake(entry);
    for (const entry of this.#executing) index.refresh(entry.account);
    this.#executing = [];
    this.batchOpened();
  }

  #take(): Slice {
    const { pool, finalizer, config, clock } = this.#modules;
    const { ledger, txCount } = finalizer.batch;
    const lead = txCount === 0 ? overdueEntries(pool.index, clock.nowMs(), config.maxWaitMs) : [];
    const room = config.batchTxsMax === 0 ? config.sliceTxsMax : Math.min(config.sliceTxsMax, config.batchTxsMax - txCount);
    const txsMax = this.#sizer.size(ledger, config.resourceMarginPercent, room);
    const lookAhead = Math.max(1, this.#knownMax - this.#knownInRow);
    return takeSlice(pool.index, ledger, { txsMax, lookAhead }, finalizer.isBatchFresh, lead);
  }

  get #knownMax(): number {
    return this.#modules.config.lookAhead * KNOWN_MISFITS_PER_LOOK_AHEAD;
  }

  /** The engine's estimate is at fault; what was used counts, so no batch gets more than it may. */
  #reportUnderReserved(slice: readonly PoolEntry[], places: readonly number[]): void {
    const { metrics, log } = this.#modules;
    metrics.underReserved.inc(places.length);
    log.warn('counters were reserved below what was used', { txs: places.length, first: slice[places[0] ?? 0]?.hash });
  }

  #settle(slice: readonly PoolEntry[], answer: ExecutionAnswer, before: ResourceLedger, wasFresh: boolean): void {
    const { pool } = this.#modules;
    const accounts = new Set<AccountQueue>();
    const unsettled: Unsettled[] = [];
    let fresh = wasFresh;
    const nowMs = this.#modules.clock.nowMs();
    for (const [i, entry] of slice.entries()) {
      accounts.add(entry.account);
      const outcome = answer.outcomes[i];
      if (outcome?.result === OUTCOME.included) {
        fresh = false;
        before.add(outcome);
        this.#included(entry, outcome, nowMs);
        continue;
      }
      pool.index.untake(entry);
      if (outcome === undefined) continue;
      if (outcome.result !== OUTCOME.notAttempted) entry.attempts++;
      const remainingOf = (resource: number): number => before.remainingOf(resource);
      const decision = decide(outcome, { batchWasEmpty: fresh, coreFailures: entry.coreFailures, remainingOf });
      const shortfall = decision.kind === 'nextBatch' ? measured(outcome, before) : null;
      unsettled.push({ entry, outcome, decision, shortfall });
    }
    for (const state of answer.touched) pool.index.applyState(state.address, state);
    for (const item of unsettled) this.#act(item);
    for (const account of accounts) {
      pool.endStale(account);
      pool.index.refresh(account);
    }
  }

  #included(entry: PoolEntry, outcome: ExecutionOutcome, nowMs: number): void {
    const { pool, metrics } = this.#modules;
    entry.attempts++;
    this.#misfitsInRow = 0;
    this.#knownInRow = 0;
    this.#misfits.delete(entry);
    pool.index.include(entry);
    (outcome.status === 1 ? metrics.txOk : metrics.txReverted).inc();
    if (outcome.priced === PRICED.adjusted) metrics.repriced.inc(1, { how: 'adjusted' });
    if (outcome.priced === PRICED.executedAgain) metrics.repriced.inc(1, { how: 'executed_again' });
    metrics.acceptToInclude.observe((nowMs - entry.receivedAtMs) / 1000);
  }

  #act({ entry, outcome, decision, shortfall }: Unsettled): void {
    const { pool, metrics, log } = this.#modules;
    switch (decision.kind) {
      case 'included':
      case 'retry':
        return;
      case 'nextBatch':
        learn(entry, outcome);
        if (shortfall !== null) this.#misfit(entry, shortfall);
        this.#misfitsInRow++;
        pool.index.setAside(entry);
        return;
      case 'reread':
        metrics.txs.inc(1, { result: 'nonce_or_balance' });
        this.#misjudged(entry, decision.reason);
        return;
      case 'nextBlock':
        entry.coreFailures++;
        entry.reason = decision.reason;
        this.#postponed.push(entry);
        pool.index.setAside(entry);
        log.warn('the executor failed on a transaction', { hash: entry.hash, failures: entry.coreFailures });
        return;
      case 'end':
        metrics.txs.inc(1, { result: decision.metric });
        log.debug('transaction leaves the pool', { hash: entry.hash, status: decision.status, reason: decision.reason });
        if (decision.metric === QUARANTINED) pool.quarantine(entry, decision.reason);
        else pool.end(entry, decision.status, decision.reason);
    }
  }

  #misfit(entry: PoolEntry, shortfall: Shortfall): void {
    entry.misfits++;
    entry.reason = describeShortfall(shortfall);
    this.#misfits.set(entry, shortfall);
  }

  /** Nonce or balance was not what the pool believed: the truth is read, and the transaction waits or is ended by it. */
  #misjudged(entry: PoolEntry, reason: string): void {
    const { pool } = this.#modules;
    entry.misjudged++;
    entry.reason = reason;
    if (entry.misjudged >= MISJUDGED_MAX) pool.end(entry, 'failed', reason);
    else pool.reread(entry.account);
  }
}

/** Keeps what a run that did not fit has shown: the lower bound of the next one. */
function learn(entry: PoolEntry, outcome: ExecutionOutcome): void {
  const { need } = entry;
  const higher = (now: readonly number[], known: readonly number[] | null) =>
    now.slice(0, COUNTER_COUNT).map((value, i) => Math.max(value, known?.[i] ?? 0));
  const counters = higher(outcome.used, need.counters);
  const reserved = higher(outcome.reserved, need.reserved);
  entry.need = { counters, reserved, gasUsed: Math.max(entry.need.gasUsed, outcome.gasUsed) };
}

/** What a run lacked. A run that was cut off at the limit needed at least one more than was left. */
function measured(outcome: ExecutionOutcome, ledger: ResourceLedger): Shortfall {
  const { resource } = outcome;
  const remaining = ledger.remainingOf(resource);
  return { resource, needed: Math.max(remaining + 1, ledger.neededOf(resource, outcome)), remaining };
}
