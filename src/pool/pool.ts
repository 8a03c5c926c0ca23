/**
 * The transaction pool.
 *
 *   rpc --raw--> Admission --(Judge)--> PoolIndex <--candidates, outcomes-- sequencer
 *                    |                      |
 *                 PoolWriter (durable before anybody hears of it)
 *
 * This façade wires the parts, answers RPC, and turns outcomes of the sequencer into end states. It decides nothing about order
 * (sequencer/selection) and keeps no state of its own beyond the listeners.
 */
import type { Cancel, Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import type { MetricsRegistry } from '../common/metrics.js';
import { BLOCK_PENDING, type NativeEngine } from '../native/engine.js';
import { RESOURCE_BYTES, readU256 } from '../native/layouts.js';
import type { Arrive } from '../recording/recording.js';
import type { PoolTransaction, PoolTransactionState, RpcPool } from '../rpc/modules.js';
import { AccessList, type AccessPolicy } from './access-list.js';
import type { AccountQueue } from './account-queue.js';
import { Admission } from './admission.js';
import type { PoolConfig } from './config.js';
import type { PoolEntry } from './entry.js';
import { EvictionPlanner } from './eviction.js';
import { FreeClaims } from './free-claims.js';
import type { GasPrice } from './gas-price.js';
import { Judge } from './judge.js';
import { PoolMetrics } from './metrics.js';
import { type AccountState, PoolIndex } from './pool-index.js';
import { type EndState, PoolWriter } from './pool-writer.js';
import { Pricing } from './pricing.js';
import type { CoreFailure } from './quarantine.js';
import type { EntryOrder } from './ready-index.js';
import { reloadPool } from './reload.js';
import { endState, liveState, parseEndState } from './transaction-state.js';

/** Interval of forgetting old end states. */
const PRUNE_INTERVAL_MS = 3_600_000;

/** Verbs of the engine that the pool uses. */
export type PoolEngine = Pick<
  NativeEngine,
  'admit' | 'preExecute' | 'poolWrite' | 'poolLoad' | 'poolStatus' | 'poolPrune' | 'account' | 'head' | 'transactionJson'
>;

/** Parts that the pool works with. */
export interface PoolModules {
  readonly engine: PoolEngine;
  readonly config: PoolConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  readonly gasPrice: GasPrice;
  /** Order of ready transactions. */
  readonly order: EntryOrder;
  readonly accessPolicy?: AccessPolicy;
  /** Limits of one batch by resource, as the sequencer applies them. */
  readonly batchLimits: readonly number[];
  /** End of a turn of the event loop; `setImmediate` where absent. */
  readonly atTurnEnd?: (task: () => void) => void;
  /** Lets raw transactions in; straight to admission where absent. */
  readonly arrive?: Arrive;
  /** Told of each transaction that left because the executor failed on it. */
  readonly onCoreFailure?: (failure: CoreFailure) => void;
}

/** The pool. */
export class Pool implements RpcPool {
  readonly index: PoolIndex;
  readonly pricing: Pricing;
  readonly access: AccessList;
  readonly #modules: PoolModules;
  readonly #admission: Admission;
  readonly #freeClaims: FreeClaims;
  readonly #writer: PoolWriter;
  readonly #metrics: PoolMetrics;
  readonly #pendingListeners = new Set<(transaction: PoolTransaction) => void>();
  #readyListener: () => void = () => undefined;
  #failureListener: (error: unknown) => void = () => undefined;
  #haltReason: () => string | null = () => null;
  #writeFailure: string | null = null;
  readonly #timers = new Set<Cancel>();
  #stopped = false;
  #isLoading = false;

  private constructor(modules: PoolModules) {
    const { engine, config, clock, metrics, gasPrice } = modules;
    this.#modules = modules;
    this.index = new PoolIndex(modules.order);
    this.pricing = new Pricing(config.effectiveGasPrice, gasPrice);
    this.access = new AccessList(modules.accessPolicy);
    this.#freeClaims = new FreeClaims(config.freeClaims ? config.bridgeAddress : null, clock);
    this.#writer = new PoolWriter(engine);
    this.#metrics = new PoolMetrics(metrics, {
      counts: () => this.counts(),
      memoryBytes: () => this.index.memoryBytes,
      oldestReadySeconds: () => this.#oldestReadySeconds(),
    });
    this.#admission = new Admission(
      {
        engine,
        config,
        index: this.index,
        judge: this.#judge(),
        writer: this.#writer,
        clock,
        log: modules.log,
        metrics: this.#metrics,
        atTurnEnd: modules.atTurnEnd ?? ((task) => void setImmediate(task)),
        onAccepted: (entries) => this.#accepted(entries),
        onWriteFailed: (error) => this.#writeFailed(error),
        onCoreFailure: (failure) => this.#coreFailed(failure),
      },
      0,
    );
  }

  /** Opens the pool: reads its pending records back. */
  static async open(modules: PoolModules): Promise<Pool> {
    const pool = new Pool(modules);
    const { config } = modules;
    await pool.#load();
    pool.#every(config.expiryIntervalMs, () => pool.expire());
    pool.#every(PRUNE_INTERVAL_MS, () => pool.#prune());
    return pool;
  }

  /** Answers what arrived, then takes nothing more. */
  async close(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#timers) cancel();
    await this.#admission.close();
    await this.#writer.idle();
  }

  // --- RPC -----------------------------------------------------------------------------------------------------------------------

  add(raw: Buffer): Promise<string> {
    const { arrive } = this.#modules;
    return arrive === undefined ? this.#admission.add(raw) : arrive(raw, (arrived) => this.#admission.add(arrived));
  }

  get(hash: string): PoolTransaction | undefined {
    return this.index.get(hash.toLowerCase());
  }

  state(hash: string): PoolTransactionState | null {
    const key = hash.toLowerCase();
    const entry = this.index.get(key);
    if (entry !== undefined) return liveState(entry, this.index, this.pricing);
    const bytes = Buffer.from(key.slice(2), 'hex');
    // First: what the pool gave up may be in the chain all the same, through a forced batch.
    if (this.#modules.engine.transactionJson(bytes) !== null) return { status: 'selected', reason: null, receivedAtMs: null };
    const ending = this.#writer.ending(key);
    if (ending !== undefined) return endState(ending);
    const stored = this.#modules.engine.poolStatus(bytes);
    return stored === null ? null : parseEndState(stored);
  }

  pendingNonce(address: string): bigint {
    const account = this.index.account(address.toLowerCase());
    if (account !== undefined) return BigInt(account.firstMissingNonce());
    return BigInt(this.#readAccount(Buffer.from(address.slice(2), 'hex'), BLOCK_PENDING).nonce);
  }

  content(): { pending: Map<string, PoolTransaction[]>; queued: Map<string, PoolTransaction[]> } {
    const pending = new Map<string, PoolTransaction[]>();
    const queued = new Map<string, PoolTransaction[]>();
    for (const { address } of this.index.accounts()) {
      const content = this.contentFrom(address);
      if (content.pending.length > 0) pending.set(address, content.pending);
      if (content.queued.length > 0) queued.set(address, content.queued);
    }
    return { pending, queued };
  }

  contentFrom(address: string): { pending: PoolTransaction[]; queued: PoolTransaction[] } {
    const account = this.index.account(address.toLowerCase());
    if (account === undefined) return { pending: [], queued: [] };
    const missing = account.firstMissingNonce();
    const at = account.entries.findIndex(({ nonceNumber }) => nonceNumber >= missing);
    const end = at < 0 ? account.entries.length : at;
    return { pending: account.entries.slice(0, end), queued: account.entries.slice(end) };
  }

  counts(): { pending: number; queued: number } {
    let pending = 0;
    let all = 0;
    for (const account of this.index.accounts()) {
      pending += account.contiguousCount();
      all += account.size;
    }
    return { pending, queued: all - pending };
  }

  onPending(listener: (transaction: PoolTransaction) => void): () => void {
    this.#pendingListeners.add(listener);
    return () => this.#pendingListeners.delete(listener);
  }

  // --- sequencer -----------------------------------------------------------------------------------------------------------------

  /** What to call when a transaction may have become ready, when a durable write failed, and where to ask whether admission is halted. */
  attachSequencer(sequencer: { onReady: () => void; onFailure: (error: unknown) => void; haltReason: () => string | null }): void {
    this.#readyListener = sequencer.onReady;
    this.#failureListener = sequencer.onFailure;
    this.#haltReason = sequencer.haltReason;
  }

  /** A transaction leaves the pool without being included. The end state is on disk soon after; until then it is answered from memory. */
  end(entry: PoolEntry, status: EndState['status'], reason: string): void {
    this.index.remove(entry);
    if (status === 'invalid') this.#admission.offended(entry.sender);
    // Not where its nonce was used otherwise.
    if (entry.freeDeposit !== null && entry.attempts > 0) this.#freeClaims.failed(entry.freeDeposit);
    this.#writeEnds([{ hash: entry.hash, status, reason, atMs: this.#modules.clock.nowMs() }]);
  }

  /** The executor failed on a transaction, in as many blocks as it is tried in: it leaves the pool. */
  quarantine(entry: PoolEntry, reason: string): void {
    const { hash, sender, nonceNumber: nonce, to, raw } = entry;
    this.end(entry, 'invalid', reason);
    this.#modules.onCoreFailure?.({ hash, sender, nonce, to, raw, stage: 'sequencing', failures: entry.coreFailures + 1 });
  }

  /** Ends what an account's nonce has passed by other ways than its own transactions. */
  endStale(account: AccountQueue): void {
    // Nearly always nothing is: the list is copied only where something may leave it.
    if ((account.entries[0]?.nonceNumber ?? account.nonce) >= account.nonce) return;
    for (const entry of [...account.entries]) {
      if (entry.nonceNumber >= account.nonce) break;
      if (entry.phase !== 'waiting') continue;
      this.end(entry, 'failed', `nonce too low: next nonce ${account.nonce}, tx nonce ${entry.nonceNumber}`);
    }
  }

  /** Reads an account again from the pending view. */
  reread(account: AccountQueue): void {
    this.index.applyState(account.address, this.#readAccount(account.addressBytes, BLOCK_PENDING));
    this.endStale(account);
    this.index.refresh(account);
  }

  /** A block was dropped: its transactions wait again, on the newest sealed state. There is no open block now. */
  restore(entries: readonly PoolEntry[], touched: readonly (readonly { readonly address: string }[])[]): void {
    for (const entry of entries) this.index.unseal(entry);
    const accounts = new Set(entries.map((entry) => entry.account));
    for (const { address } of touched.flat()) {
      const account = this.index.account(address);
      if (account !== undefined) accounts.add(account);
    }
    for (const account of accounts) {
      this.index.applyState(account.address, this.#readAccount(account.addressBytes, BLOCK_PENDING));
      this.index.refresh(account);
    }
  }

  /** Resolves when everything accepted so far is durable. To be called while nothing is accepted any more. */
  async settled(): Promise<void> {
    const { atTurnEnd } = this.#modules;
    do {
      await this.#writer.idle();
      // Whoever waited for the write goes first.
      await new Promise<void>((resolve) => (atTurnEnd ?? setImmediate)(resolve));
    } while (this.index.hasHeld);
  }

  /** The chain was taken back: what waits is read again, removed transactions among it. Nothing is accepted until this resolves. */
  async reload(): Promise<void> {
    this.#isLoading = true;
    try {
      this.index.clear();
      await this.#load();
    } finally {
      this.#isLoading = false;
    }
  }

  /** Ends transactions that waited too long. */
  expire(): void {
    if (this.#isLoading) return;
    const { config, clock } = this.#modules;
    const nowMs = clock.nowMs();
    const ends: EndState[] = [];
    for (const account of [...this.index.accounts()]) {
      for (const entry of [...account.entries]) {
        if (entry.phase !== 'waiting' || nowMs - entry.receivedAtMs < config.queuedLifetimeMs) continue;
        const blocked = account.blockageOf(entry) !== null;
        if (!blocked && nowMs - entry.receivedAtMs < config.pendingLifetimeMs) continue;
        this.index.remove(entry);
        ends.push({ hash: entry.hash, status: 'expired', reason: blocked ? 'queued too long' : 'pending too long', atMs: nowMs });
      }
    }
    if (ends.length > 0) this.#writeEnds(ends);
  }

  // --- inside --------------------------------------------------------------------------------------------------------------------

  #judge(): Judge {
    const { engine, config, gasPrice } = this.#modules;
    const head = engine.head();
    const { batchLimits } = this.#modules;
    return new Judge({
      config,
      chainId: BigInt(head.chainId),
      index: this.index,
      access: this.access,
      eviction: new EvictionPlanner(this.index),
      pricing: this.pricing,
      freeClaims: this.#freeClaims,
      batchLimits,
      batchBytesMax: batchLimits[RESOURCE_BYTES] ?? 0,
      minimumGasPriceWei: () => gasPrice.minimumWei(),
      haltReason: () => this.#writeFailure ?? (this.#stopped ? 'the node is stopping' : this.#haltReason()),
      isIncluded: (hash) => engine.transactionJson(Buffer.from(hash.slice(2), 'hex')) !== null,
    });
  }

  async #load(): Promise<void> {
    const { engine, config, clock, log, gasPrice } = this.#modules;
    const startMs = clock.monotonicMs();
    const chainId = BigInt(engine.head().chainId);
    const options = { pageSize: config.loadPageSize, nowMs: clock.nowMs(), chainId, minimumWei: gasPrice.minimumWei() };
    const found = await reloadPool(engine, this.index, this.#freeClaims, options);
    if (found.ends.length > 0) await this.#writer.write([], found.ends);
    this.#admission.continueAfter(found.lastArrival);
    log.info('pool loaded', { pending: found.loaded, ended: found.ends.length, ms: Math.round(clock.monotonicMs() - startMs) });
  }

  /** The executor failed on a transaction that came: it was never here, but its end is told as that of others. */
  #coreFailed(failure: CoreFailure): void {
    this.#writeEnds([{ hash: failure.hash, status: 'invalid', reason: 'internal', atMs: this.#modules.clock.nowMs() }]);
    this.#modules.onCoreFailure?.(failure);
  }

  #accepted(entries: readonly PoolEntry[]): void {
    // While its record was written, a forced batch may have used its nonce.
    for (const entry of entries) if (entry.nonceNumber < entry.account.nonce) this.endStale(entry.account);
    this.#readyListener();
    if (this.#pendingListeners.size === 0) return;
    for (const entry of entries) {
      for (const listener of this.#pendingListeners) {
        try {
          listener(entry);
        } catch (error) {
          this.#modules.log.warn('a listener of pending transactions failed', { error });
        }
      }
    }
  }

  #writeEnds(ends: readonly EndState[]): void {
    for (const { status } of ends) this.#metrics.ended.inc(1, { status });
    this.#writer.write([], ends).catch((error: unknown) => {
      this.#modules.log.error('pool write failed', { error, ends: ends.length });
      this.#writeFailed(error);
    });
  }

  #writeFailed(error: unknown): void {
    this.#writeFailure = 'the pool could not be written';
    this.#failureListener(error);
  }

  #readAccount(address: Buffer, block: number): AccountState {
    const bytes = this.#modules.engine.account(address, block);
    return { nonce: Number(bytes.readBigUInt64LE(0)), balanceWei: readU256(bytes, 8) };
  }

  #oldestReadySeconds(): number {
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const entry of this.index.candidates()) oldestMs = Math.min(oldestMs, entry.receivedAtMs);
    return Number.isFinite(oldestMs) ? Math.max(0, this.#modules.clock.nowMs() - oldestMs) / 1000 : 0;
  }

  #prune(): void {
    const { engine, clock, config, log } = this.#modules;
    engine.poolPrune(clock.nowMs() - config.endStateRetentionMs).then(
      (pruned) => log.debug('old pool end states forgotten', { pruned }),
      (error: unknown) => log.warn('pool end states could not be pruned', { error }),
    );
  }

  #every(intervalMs: number, task: () => void): void {
    let cancel: Cancel = () => undefined;
    const again = (): void => {
      this.#timers.delete(cancel);
      cancel = this.#modules.clock.schedule(intervalMs, () => {
        if (this.#stopped) return;
        task();
        again();
      });
      this.#timers.add(cancel);
    };
    again();
  }
}
