/**
 * Verification of closed batches in the background: each is executed again from its stored bytes and compared (native/engine/src/verify).
 *
 *   batch closed ─► verify the oldest unverified one, on a thread of low priority
 *                      same       ─► it counts as verified, on disk too
 *                      different  ─► once more; still different: bundle on disk, the sequencer halts
 *                      failed     ─► again, later and later; then the sequencer halts
 *   lag above its bound ─► the sequencer is throttled until it is below three quarters of it
 *
 * Sealing never waits for it. After a start what was closed before is verified before anything new is executed.
 */
import type { Cancel, Clock } from '../common/clock.js';
import { errorCode, errorMessage } from '../common/errors.js';
import type { Logger } from '../common/logger.js';
import type { Counter, Histogram, MetricsRegistry } from '../common/metrics.js';
import type { BatchCheck, NativeEngine } from '../native/engine.js';
import type { VerificationStatus } from '../rpc/modules.js';
import type { VerificationConfig } from './verification-config.js';

/** Delays before a verification that failed, rather than found a difference, is tried again. */
const RETRY_DELAYS_MS: readonly number[] = [100, 1_000, 10_000];
/** At shutdown the newest batches are still verified, for so long. */
const CLOSE_MS = 2_000;

/** Verbs of the engine that verification uses. */
export type VerifyingEngine = Pick<NativeEngine, 'beginVerification' | 'verifyBatch' | 'head'>;

/** What verification asks of the sequencer. */
export interface VerifiedSequencer {
  throttle(reason: string | null): void;
  halt(reason: string): void;
}

/** Parts that verification works with. */
export interface VerificationModules {
  readonly engine: VerifyingEngine;
  readonly config: VerificationConfig;
  /** Folder for the bundles of differing batches. */
  readonly bundleDirectory: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
}

/** Verifies batch after batch. */
export class Verification {
  readonly #modules: VerificationModules;
  readonly #metrics: VerificationMetrics;
  #sequencer: VerifiedSequencer | null = null;
  #checked = 0;
  #closed = 0;
  /** Closed before the start and not verified: nothing is executed until they are. */
  #backlogEnd = 0;
  #throttled = false;
  #suspended = false;
  #problem: string | null = null;
  #bundle: string | null = null;
  #running: Promise<void> | null = null;
  #stopAtMs: number | null = null;
  #cancelRetry: Cancel | null = null;
  #endRetry: () => void = () => undefined;

  constructor(modules: VerificationModules) {
    this.#modules = modules;
    this.#metrics = new VerificationMetrics(modules.metrics, { lag: () => this.#lag, checked: () => this.#checked });
  }

  /** Begins with what was closed before the start. */
  start(sequencer: VerifiedSequencer): void {
    this.#sequencer = sequencer;
    this.#begin();
  }

  #begin(): void {
    const { engine, config, log } = this.#modules;
    if (!config.enabled) return;
    this.#checked = engine.beginVerification(config.lagBatchesMax);
    this.#closed = engine.head().closedBatch;
    this.#backlogEnd = this.#closed;
    if (this.#lag > 0) log.info('verifying what was closed before the start', { batches: this.#lag, from: this.#checked + 1 });
    this.#throttle();
    this.#run();
  }

  /** A batch is closed and durable. */
  batchClosed(number: number): void {
    this.#closed = Math.max(this.#closed, number);
    this.#throttle();
    this.#run();
  }

  /** Resolves when nothing is being verified; nothing is until `continue` or `wentBack`. */
  async suspend(): Promise<void> {
    this.#suspended = true;
    this.#cancelRetry?.();
    this.#endRetry();
    while (this.#running !== null) await this.#running;
  }

  /** Ends a suspension. */
  continue(): void {
    this.#suspended = false;
    this.#run();
  }

  /** The chain was taken back: what is left is looked at as after a start, and what differed may be gone. */
  wentBack(): void {
    this.#suspended = false;
    this.#problem = null;
    this.#bundle = null;
    this.#begin();
  }

  /** An operator looked into a halt: what differed is verified again. */
  resumed(): void {
    this.#problem = null;
    this.#run();
  }

  status(): VerificationStatus {
    const { enabled } = this.#modules.config;
    return { enabled, checkedBatch: this.#checked, lag: enabled ? this.#lag : 0, problem: this.#problem, bundle: this.#bundle };
  }

  /** Resolves when there is nothing more to verify: null, or why a batch is left that is not verified. */
  async caughtUp(): Promise<string | null> {
    while (this.#running !== null) await this.#running;
    return this.#problem;
  }

  /** Verifies what is left as far as time allows, and ends. */
  async close(): Promise<void> {
    this.#stopAtMs = this.#modules.clock.monotonicMs() + CLOSE_MS;
    this.#cancelRetry?.();
    this.#endRetry();
    while (this.#running !== null) await this.#running;
  }

  get #lag(): number {
    return Math.max(0, this.#closed - this.#checked);
  }

  #run(): void {
    if (!this.#modules.config.enabled || this.#sequencer === null || this.#running !== null || !this.#hasWork) return;
    this.#running = this.#loop().finally(() => {
      this.#running = null;
      // A batch may have closed since the loop looked last.
      this.#run();
    });
  }

  get #hasWork(): boolean {
    return this.#lag > 0 && this.#problem === null && !this.#suspended && !this.#isOver;
  }

  async #loop(): Promise<void> {
    let failures = 0;
    while (this.#hasWork) {
      try {
        await this.#verifyNext();
        failures = 0;
      } catch (error) {
        const delayMs = RETRY_DELAYS_MS[failures++];
        this.#modules.log.error('a batch could not be verified', { batch: this.#checked + 1, error });
        if (delayMs === undefined || errorCode(error) === 'ENGINE_CLOSED') {
          this.#halt(`batch ${this.#checked + 1} could not be verified: ${errorMessage(error)}`);
        } else await this.#sleep(delayMs);
      }
    }
  }

  get #isOver(): boolean {
    return this.#stopAtMs !== null && this.#modules.clock.monotonicMs() >= this.#stopAtMs;
  }

  async #verifyNext(): Promise<void> {
    const number = this.#checked + 1;
    let check = await this.#verify(number);
    // Once more: whether the batch differs, or the first look at it did.
    if (check.mismatch) check = await this.#verify(number);
    this.#metrics.verified(check);
    const { mismatch, bundle, bundleFailure } = check;
    if (mismatch) {
      this.#bundle = bundle ?? null;
      if (bundleFailure) this.#modules.log.error('the bundle of a batch that differs could not be written', { reason: bundleFailure });
      this.#halt(`batch ${number} is not what executing it again gives: ${mismatch.text}${bundle ? `; see ${bundle}` : ''}`);
      return;
    }
    this.#checked = number;
    this.#modules.log.debug('batch verified', { batch: number, txs: check.txCount, ms: Math.round(check.nanos / 1e6) });
    this.#throttle();
  }

  #verify(number: number): Promise<BatchCheck> {
    const { engine, config, bundleDirectory } = this.#modules;
    // What lags much is verified at the usual priority: throttling would cost more.
    const nice = this.#lag * 2 > config.lagBatchesMax ? 0 : config.niceness;
    const recomputeRoot = config.rootInterval > 0 && number % config.rootInterval === 0;
    return engine.verifyBatch(number, { nice, recomputeRoot, bundleDirectory });
  }

  #throttle(): void {
    const { lagBatchesMax } = this.#modules.config;
    const behind = this.#checked < this.#backlogEnd;
    const limit = this.#throttled ? Math.floor((lagBatchesMax * 3) / 4) : lagBatchesMax;
    const throttles = this.#modules.config.enabled && (behind || this.#lag > limit);
    if (throttles === this.#throttled) return;
    this.#throttled = throttles;
    const reason = behind ? 'batches closed before the start are verified first' : `verification lags by ${this.#lag} batches`;
    this.#sequencer?.throttle(throttles ? reason : null);
  }

  #halt(reason: string): void {
    this.#problem = reason;
    this.#metrics.mismatches.inc();
    this.#sequencer?.halt(reason);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#endRetry = resolve;
      this.#cancelRetry = this.#modules.clock.schedule(ms, resolve);
    });
  }
}

/** Metrics of the verification. */
class VerificationMetrics {
  readonly mismatches: Counter;
  readonly #seconds: Histogram;
  readonly #txs: Counter;

  constructor(registry: MetricsRegistry, gauges: { lag(): number; checked(): number }) {
    registry.gauge('zknode_verify_lag_batches', 'Closed batches that wait for verification.').collect((gauge) => gauge.set(gauges.lag()));
    registry.gauge('zknode_verify_checked_batch', 'Newest verified batch.').collect((gauge) => gauge.set(gauges.checked()));
    this.#seconds = registry.histogram('zknode_verify_batch_seconds', 'Time of verifying a batch.');
    this.#txs = registry.counter('zknode_verify_txs_total', 'Transactions of verified batches.');
    this.mismatches = registry.counter('zknode_verify_failures_total', 'Batches that differ, or could not be verified.');
  }

  verified({ nanos, txCount }: BatchCheck): void {
    this.#seconds.observe(nanos / 1e9);
    this.#txs.inc(txCount);
  }
}
