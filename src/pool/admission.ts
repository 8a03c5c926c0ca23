/**
 * Groups raw transactions on their way into the pool.
 *
 *   arrive (one event-loop turn) -> one native call decodes, recovers, reads senders -> judged in order of arrival
 *     cost is known (plain transfer, or pre-execution is off) -> one durable write -> visible to selection, answered
 *     otherwise -> pre-execution lane (fair by sender, with more counters where few do not suffice) -> judged again on the result
 *       -> the same write
 *
 * While one group is in its native call the next one accumulates; the call of group n + 1 may overlap the write of group n. A judgement is
 * synchronous and works on a pool that holds everything accepted before (not yet durable entries included), so two transactions that race
 * for one nonce or one hash are decided as if they had come one by one.
 */
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import type { NativeEngine } from '../native/engine.js';
import { ADMISSION_ROW, PRE_STATUS, packList, packListOf } from '../native/layouts.js';
import { AdmissionRow, viewOf } from './admission-row.js';
import type { PoolConfig } from './config.js';
import type { PoolEntry } from './entry.js';
import { PoolError, poolErrors } from './errors.js';
import type { Acceptance, Arrival, Judge } from './judge.js';
import type { PoolMetrics } from './metrics.js';
import type { PoolIndex } from './pool-index.js';
import type { EndState, PoolWriter } from './pool-writer.js';
import { type Effort, PreExecutionLane } from './pre-execution-lane.js';
import type { CoreFailure } from './quarantine.js';
import { Shedding } from './shedding.js';

/** Groups between the end of their native call and the end of their write; more would only wait in line. */
const UNWRITTEN_GROUPS_MAX = 2;
/** What a quick pre-execution may use of each of a batch's counters: one part in so many, 1 to 2 ms of a core. */
const QUICK_LIMITS_DIVISOR = 8;
/** Gas limit up to which a transaction is not pre-executed in the mode `countersOnlyOver100kGas`. */
const SMALL_GAS_LIMIT = 100_000n;

/** Reason of the metric for what is refused as `POOL_FULL` because calls of its contract are shed. */
const SHED = 'SHED';

interface Waiting extends Arrival {
  /** Set once it is known, as is the sender. */
  hash: string;
  sender: string;
  dataBytes: number;
  readonly resolve: (hash: string) => void;
  readonly reject: (error: unknown) => void;
}

/** A judged transaction whose write is under way. */
interface Accepted {
  readonly item: Waiting;
  readonly acceptance: Acceptance;
  /** The transaction that it replaced. */
  readonly displaced: PoolEntry | undefined;
}

/** Parts that admission works with. */
export interface AdmissionModules {
  readonly engine: Pick<NativeEngine, 'admit' | 'preExecute'>;
  readonly config: PoolConfig;
  readonly index: PoolIndex;
  readonly judge: Judge;
  readonly writer: PoolWriter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: PoolMetrics;
  /** Runs a task at the end of this turn of the event loop. */
  readonly atTurnEnd: (task: () => void) => void;
  /** Called with the entries of a group once they are durable. */
  readonly onAccepted: (entries: readonly PoolEntry[]) => void;
  /** Called when a durable write failed: the node cannot promise anything any more. */
  readonly onWriteFailed: (error: unknown) => void;
  /** Called where the executor failed on a transaction against which nothing else was to be said. */
  readonly onCoreFailure: (failure: CoreFailure) => void;
}

/** The entrance of the pool. */
export class Admission {
  readonly #modules: AdmissionModules;
  #queue: Waiting[] = [];
  #scheduled = false;
  #closed = false;
  #admitting = false;
  #unwritten = 0;
  #unanswered = 0;
  #idleWaiters: (() => void)[] = [];
  #nextArrival: number;
  readonly #lane: PreExecutionLane<Waiting>;
  readonly #shedding: Shedding;

  constructor(modules: AdmissionModules, firstArrival: number) {
    this.#modules = modules;
    this.#nextArrival = firstArrival;
    const work = {
      run: (group: readonly Waiting[], effort: Effort) => this.#preExecute(group, effort),
      refuse: (item: Waiting) => this.#reject(item, poolErrors.full()),
    };
    this.#lane = new PreExecutionLane(work, modules.clock);
    this.#shedding = new Shedding(modules.clock);
  }

  /** Resolves with the hash once the transaction is durable. */
  add(raw: Buffer): Promise<string> {
    const { config, clock } = this.#modules;
    if (this.#queue.length + this.#lane.size >= config.admissionQueueMax) {
      return this.#unseen('POOL_FULL');
    }
    if (this.#lane.isFlooded && this.#shedding.sheds(raw)) return this.#unseen(SHED);
    return new Promise((resolve, reject) => {
      this.#unanswered++;
      this.#queue.push({
        raw,
        hash: '',
        sender: '',
        dataBytes: 0,
        arrival: this.#nextArrival++,
        receivedAtMs: clock.nowMs(),
        resolve: (hash) => {
          resolve(hash);
          this.#answered();
        },
        reject: (error) => {
          reject(error);
          this.#answered();
        },
      });
      this.#schedule();
    });
  }

  /** Refused for want of room before anything of it is known. */
  #unseen(reason: string): Promise<never> {
    this.#refused(reason);
    return Promise.reject(poolErrors.full());
  }

  /** Rank of the next arrival must be above those loaded from disk. */
  continueAfter(arrival: number): void {
    this.#nextArrival = Math.max(this.#nextArrival, arrival + 1);
  }

  /** A transaction of this sender, admitted as harmless, ran out of counters when it was executed. */
  offended(sender: string): void {
    this.#lane.offended(sender);
  }

  /** The node stops: what waits for pre-execution is refused, everything else is answered. Resolves when that is done. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const item of this.#lane.drop()) this.#reject(item, poolErrors.halted('the node is stopping'));
    await this.#idle();
  }

  /** Resolves when nothing that arrived is unanswered. */
  #idle(): Promise<void> {
    if (this.#unanswered === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  #answered(): void {
    this.#unanswered--;
    if (this.#unanswered > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  #schedule(): void {
    if (this.#scheduled || this.#admitting || this.#unwritten >= UNWRITTEN_GROUPS_MAX || this.#queue.length === 0) return;
    this.#scheduled = true;
    this.#modules.atTurnEnd(() => {
      this.#scheduled = false;
      void this.#admitGroup();
    });
  }

  async #admitGroup(): Promise<void> {
    const { engine, config, index, metrics } = this.#modules;
    const group = this.#queue.splice(0, config.admissionGroupMax);
    metrics.groupSize.observe(group.length);
    this.#admitting = true;
    this.#unwritten++;
    const mark = index.openReader();
    try {
      const rows = await engine.admit(packList(group.map((item) => item.raw)), false);
      const written = this.#judgeGroup(group, rows, mark, false);
      void written.then(() => this.#groupDone());
    } catch (error) {
      this.#failed(group, error);
      this.#groupDone();
    } finally {
      index.closeReader();
      this.#admitting = false;
      this.#schedule();
    }
  }

  /** Runs a group of the lane; what comes out is judged like any other group. */
  async #preExecute(group: readonly Waiting[], effort: Effort): Promise<void> {
    const { engine, index } = this.#modules;
    const mark = index.openReader();
    try {
      // Without the verb for known senders the group is recovered once more, and each is run to its end.
      const rows = engine.preExecute
        ? await engine.preExecute(packListOf(group, recoveredBytes, writeRecovered), effort === 'quick' ? QUICK_LIMITS_DIVISOR : 1)
        : await engine.admit(packList(group.map((item) => item.raw)), true);
      // The next group need not wait for the disk: writes that overlap are joined.
      void this.#judgeGroup(group, rows, mark, true);
    } catch (error) {
      this.#failed(group, error);
    } finally {
      index.closeReader();
    }
  }

  #failed(group: readonly Waiting[], error: unknown): void {
    for (const item of group) item.reject(error);
    this.#modules.log.error('admission failed', { error, transactions: group.length });
  }

  /**
   * Judges at once, in order of arrival, and answers the promise of the write, which never rejects: whatever happens is the answer of the
   * items. Not `final`: what needs pre-execution goes to the lane.
   */
  #judgeGroup(group: readonly Waiting[], rows: Buffer, mark: number, final: boolean): Promise<void> {
    if (rows.length !== group.length * ADMISSION_ROW.bytes) throw new RangeError('admit: wrong number of rows');
    const accepted: Accepted[] = [];
    const view = viewOf(rows);
    let at = 0;
    for (const item of group) {
      const row = new AdmissionRow(rows, at, view);
      at += ADMISSION_ROW.bytes;
      try {
        item.dataBytes = row.dataBytes;
        if (item.sender !== '') row.identify(item.hash, item.sender);
        if (row.preStatus === PRE_STATUS.unfinished) this.#toLane(row, item, mark, true);
        else if (final || this.#needsNoExecution(row, item.raw)) accepted.push(this.#accept(row, item, mark));
        else this.#toLane(row, item, mark, false);
      } catch (error) {
        if (hasCoreFailed(row, error)) this.#modules.onCoreFailure(coreFailure(row, item.raw));
        this.#reject(item, error);
      }
    }
    return accepted.length > 0 ? this.#write(accepted) : Promise.resolve();
  }

  /** What it costs is known, or bounded by a gas limit that is not worth an execution of its own. */
  #needsNoExecution(row: AdmissionRow, raw: Buffer): boolean {
    if (row.has('plainTransfer')) return true;
    const { judge, config } = this.#modules;
    const { preExecution } = config;
    if (preExecution === 'full' || judge.isFreeClaim(row, raw)) return false;
    return preExecution === 'off' || row.gasLimit <= SMALL_GAS_LIMIT;
  }

  #accept(row: AdmissionRow, item: Waiting, mark: number): Accepted {
    const acceptance = this.#modules.judge.judge(row, item, mark);
    const { preStatus } = row;
    if (preStatus === PRE_STATUS.success || preStatus === PRE_STATUS.failed) this.#shedding.fitted(item);
    return { item, acceptance, displaced: this.#hold(acceptance) };
  }

  /** Everything but its cost is in order; it is judged again when that is known. */
  #toLane(row: AdmissionRow, item: Waiting, mark: number, isHeavy: boolean): void {
    item.sender = this.#modules.judge.check(row, item, mark).sender;
    item.hash = row.hash;
    if (this.#closed) throw poolErrors.halted('the node is stopping');
    const isTaken = isHeavy ? this.#lane.pushHeavy(item, row.to ?? '') : this.#lane.push(item);
    // One of a flood that others must not wait behind.
    if (!isTaken) throw poolErrors.full();
  }

  /** Puts an accepted entry in, invisible to selection, and takes out what has to leave for it. */
  #hold({ entry, evicted }: Acceptance): PoolEntry | undefined {
    const { index } = this.#modules;
    entry.phase = 'held';
    if (evicted !== null) index.remove(evicted);
    return index.insert(entry);
  }

  async #write(accepted: readonly Accepted[]): Promise<void> {
    const { index, writer, clock, metrics } = this.#modules;
    const atMs = clock.nowMs();
    // An entry replaced within its own group never was promised to anybody else: it is written as ended only.
    const displacedInGroup = new Set(accepted.map(({ displaced }) => displaced));
    const puts: PoolEntry[] = [];
    const ends: EndState[] = [];
    for (const { acceptance, displaced } of accepted) {
      const { entry, evicted } = acceptance;
      if (!displacedInGroup.has(entry)) puts.push(entry);
      if (displaced !== undefined) {
        ends.push({ hash: displaced.hash, status: 'replaced', reason: 'replaced transaction', atMs, related: entry.hash });
      }
      if (evicted !== null) ends.push({ hash: evicted.hash, status: 'expired', reason: 'evicted', atMs });
    }
    try {
      await writer.write(puts, ends);
    } catch (error) {
      this.#undo(accepted, error);
      return;
    }
    for (const entry of puts) if (entry.phase === 'held') index.release(entry);
    for (const end of ends) metrics.ended.inc(1, { status: end.status });
    metrics.evicted.inc(accepted.reduce((sum, { acceptance }) => sum + (acceptance.evicted === null ? 0 : 1), 0));
    metrics.accepted.inc(accepted.length);
    const nowMs = clock.nowMs();
    for (const { item, acceptance } of accepted) {
      metrics.admissionSeconds.observe((nowMs - item.receivedAtMs) / 1000);
      item.resolve(acceptance.entry.hash);
    }
    this.#modules.onAccepted(puts);
  }

  /** Nothing was written: newcomers go, those that had to leave come back. In reverse, so that chains of replacements unwind. */
  #undo(accepted: readonly Accepted[], error: unknown): void {
    const { index } = this.#modules;
    for (const { item, acceptance, displaced } of [...accepted].reverse()) {
      index.remove(acceptance.entry);
      for (const old of [displaced, acceptance.evicted]) {
        if (old === undefined || old === null) continue;
        old.phase = 'waiting';
        index.insert(old);
      }
      item.reject(error);
    }
    this.#modules.log.error('pool write failed', { error, transactions: accepted.length });
    this.#modules.onWriteFailed(error);
  }

  #groupDone(): void {
    this.#unwritten--;
    this.#schedule();
  }

  #reject(item: Waiting, error: unknown): void {
    const code = error instanceof PoolError ? error.code : 'INTERNAL';
    if (code === 'TX_OUT_OF_COUNTERS') {
      this.#lane.wasInVain(item.sender);
      this.#shedding.ranOut(item);
    }
    this.#refused(code);
    item.reject(error);
  }

  #refused(code: string): void {
    this.#modules.metrics.rejected.inc(1, { reason: code });
  }
}

/** Every other check has passed then: it is the last one but prices. */
function hasCoreFailed(row: AdmissionRow, error: unknown): boolean {
  return row.preStatus === PRE_STATUS.internal && error instanceof PoolError && error.code === 'TX_EXECUTION_FAILED';
}

function coreFailure({ hash, sender, nonce, to }: AdmissionRow, raw: Buffer): CoreFailure {
  return { hash, sender, nonce, to, raw, stage: 'admission', failures: 1 };
}

const SENDER_BYTES = 20;
const recoveredBytes = ({ raw }: Waiting): number => SENDER_BYTES + raw.length;

/** Item of a pre-execution: sender, then the signed RLP. */
function writeRecovered({ sender, raw }: Waiting, out: Buffer, at: number): void {
  out.write(sender.slice(2), at, 'hex');
  out.set(raw, at + SENDER_BYTES);
}
