/**
 * Groups raw transactions on their way into the pool.
 *
 *   arrive (one event-loop turn) -> one native call decodes, recovers, reads senders, pre-executes
 *                                -> judged in order of arrival -> one durable write -> visible to selection, answered
 *
 * While one group is in its native call the next one accumulates; the call of group n + 1 may overlap the write of group n, but
 * judgements are strictly one after the other, each on a pool that holds everything accepted before (not yet durable entries included),
 * so two transactions that race for one nonce or one hash are decided as if they had come one by one.
 */
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import type { NativeEngine } from '../native/engine.js';
import { ADMISSION_ROW, packList } from '../native/layouts.js';
import { AdmissionRow } from './admission-row.js';
import type { PoolConfig } from './config.js';
import type { PoolEntry } from './entry.js';
import { PoolError, poolErrors } from './errors.js';
import type { Acceptance, Arrival, Judge } from './judge.js';
import type { PoolMetrics } from './metrics.js';
import type { PoolIndex } from './pool-index.js';
import type { EndState, PoolWriter } from './pool-writer.js';

/** Groups between the end of their native call and the end of their write; more would only wait in line. */
const UNWRITTEN_GROUPS_MAX = 2;

interface Waiting extends Arrival {
  readonly resolve: (hash: string) => void;
  readonly reject: (error: unknown) => void;
}

/** Parts that admission works with. */
export interface AdmissionModules {
  readonly engine: Pick<NativeEngine, 'admit'>;
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
}

/** The entrance of the pool. */
export class Admission {
  readonly #modules: AdmissionModules;
  #queue: Waiting[] = [];
  #scheduled = false;
  #admitting = false;
  #unwritten = 0;
  #judging: Promise<void> = Promise.resolve();
  #nextArrival: number;

  constructor(modules: AdmissionModules, firstArrival: number) {
    this.#modules = modules;
    this.#nextArrival = firstArrival;
  }

  /** Resolves with the hash once the transaction is durable. */
  add(raw: Buffer): Promise<string> {
    const { config, clock } = this.#modules;
    if (this.#queue.length >= config.admissionQueueMax) {
      this.#refused('POOL_FULL');
      return Promise.reject(poolErrors.full());
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ raw, arrival: this.#nextArrival++, receivedAtMs: clock.nowMs(), resolve, reject });
      this.#schedule();
    });
  }

  /** Rank of the next arrival must be above those loaded from disk. */
  continueAfter(arrival: number): void {
    this.#nextArrival = Math.max(this.#nextArrival, arrival + 1);
  }

  /** Resolves when everything that has arrived so far is answered. */
  async idle(): Promise<void> {
    while (this.#queue.length > 0 || this.#admitting || this.#unwritten > 0) {
      await new Promise<void>((resolve) => this.#modules.atTurnEnd(resolve));
      await this.#judging;
    }
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
      const rows = await engine.admit(packList(group.map((item) => item.raw)), config.preExecution === 'full');
      if (rows.length !== group.length * ADMISSION_ROW.bytes) throw new RangeError('admit: wrong number of rows');
      this.#judging = this.#judging.then(() => this.#judgeGroup(group, rows, mark));
    } catch (error) {
      for (const item of group) item.reject(error);
      this.#modules.log.error('admission failed', { error, transactions: group.length });
      this.#groupDone();
    } finally {
      this.#admitting = false;
      this.#schedule();
    }
  }

  /** Never rejects: whatever happens is the answer of the items. */
  async #judgeGroup(group: readonly Waiting[], rows: Buffer, mark: number): Promise<void> {
    const { clock, metrics } = this.#modules;
    const accepted: { item: Waiting; acceptance: Acceptance; displaced: PoolEntry | undefined }[] = [];
    for (const [i, item] of group.entries()) {
      try {
        const acceptance = this.#modules.judge.judge(new AdmissionRow(rows, i * ADMISSION_ROW.bytes), item, mark);
        accepted.push({ item, acceptance, displaced: this.#hold(acceptance) });
      } catch (error) {
        this.#refused(error instanceof PoolError ? error.code : 'INTERNAL');
        item.reject(error);
      }
    }
    if (accepted.length > 0) await this.#write(accepted);
    const first = group[0];
    if (first !== undefined) metrics.admissionSeconds.observe((clock.nowMs() - first.receivedAtMs) / 1000);
    this.#groupDone();
  }

  /** Puts an accepted entry in, invisible to selection, and takes out what has to leave for it. */
  #hold({ entry, evicted }: Acceptance): PoolEntry | undefined {
    const { index } = this.#modules;
    entry.phase = 'held';
    if (evicted !== null) index.remove(evicted);
    return index.insert(entry);
  }

  async #write(accepted: readonly { item: Waiting; acceptance: Acceptance; displaced: PoolEntry | undefined }[]): Promise<void> {
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
    for (const { item, acceptance } of accepted) item.resolve(acceptance.entry.hash);
    this.#modules.onAccepted(puts);
  }

  /** Nothing was written: newcomers go, those that had to leave come back. In reverse, so that chains of replacements unwind. */
  #undo(accepted: readonly { item: Waiting; acceptance: Acceptance; displaced: PoolEntry | undefined }[], error: unknown): void {
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
    this.#modules.index.closeReader();
    this.#unwritten--;
    this.#schedule();
  }

  #refused(code: string): void {
    this.#modules.metrics.rejected.inc(1, { reason: code });
  }
}
