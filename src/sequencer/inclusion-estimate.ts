/** When a transaction at a price would be included: what goes before it, and how fast that was lately. */
import type { Clock } from '../common/clock.js';
import type { PoolIndex } from '../pool/pool-index.js';
import type { InclusionEstimate } from '../rpc/modules.js';
import type { GoesBefore } from './ordering.js';

/** Window over which the rate of inclusion is measured. */
const RATE_WINDOW_MS = 30_000;
/** Blocks kept for the rate: a window of 10 ms blocks. */
const SAMPLES_MAX = 3_000;

/** A durable L2 block. */
interface Sample {
  readonly atMs: number;
  readonly txCount: number;
}

/** Measures the rate and counts the queue. */
export class InclusionEstimator {
  readonly #index: PoolIndex;
  readonly #clock: Clock;
  readonly #blockIntervalMs: number;
  readonly #goesBefore: GoesBefore;
  #samples: Sample[] = [];

  constructor(index: PoolIndex, clock: Clock, blockIntervalMs: number, goesBefore: GoesBefore) {
    this.#index = index;
    this.#clock = clock;
    this.#blockIntervalMs = blockIntervalMs;
    this.#goesBefore = goesBefore;
  }

  /** An L2 block became durable. */
  observe(txCount: number): void {
    this.#samples.push({ atMs: this.#clock.nowMs(), txCount });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  /** For a new transaction at this price; equal prices go first, they came earlier. `isWorking`: blocks are being made. */
  estimate(gasPriceWei: bigint, isWorking: boolean): InclusionEstimate {
    const ahead = this.#ahead(gasPriceWei);
    const samples = this.#recent();
    const perSecond = this.#perSecond(samples);
    return { ahead, perSecond, expectedMs: isWorking ? this.#expectedMs(ahead, this.#best(samples, perSecond)) : null };
  }

  #expectedMs(ahead: number, perSecond: number | null): number | null {
    // It opens a block or joins one: one interval covers either. So it does where all that is ahead came just now.
    if (ahead === 0 || (perSecond === null && this.#allCameJustNow())) return this.#blockIntervalMs;
    if (perSecond === null) return null;
    return Math.round(this.#blockIntervalMs + (ahead / perSecond) * 1000);
  }

  /**
   * What could run now and goes first. A chain counts as far as each of its transactions goes first and is covered by the balance: the others
   * hold up what is behind them.
   */
  #ahead(gasPriceWei: bigint): number {
    let ahead = 0;
    const nowMs = this.#clock.nowMs();
    for (const account of this.#index.accounts()) {
      const end = account.firstMissingNonce();
      let costWei = 0n;
      for (const entry of account.entries) {
        if (entry.nonceNumber < account.nonce) continue;
        costWei += entry.costWei;
        if (entry.nonceNumber >= end || costWei > account.balanceWei || !this.#goesBefore(entry, gasPriceWei, nowMs)) break;
        ahead++;
      }
    }
    return ahead;
  }

  #allCameJustNow(): boolean {
    const sinceMs = this.#clock.nowMs() - this.#blockIntervalMs;
    for (const entry of this.#index.candidates()) if (entry.receivedAtMs < sinceMs) return false;
    return true;
  }

  /** Blocks of the window. What lies ahead was before a clock that was set back. */
  #recent(): readonly Sample[] {
    const nowMs = this.#clock.nowMs();
    this.#samples = this.#samples.filter(({ atMs }) => atMs <= nowMs && atMs >= nowMs - RATE_WINDOW_MS);
    return this.#samples;
  }

  #perSecond(samples: readonly Sample[]): number | null {
    const txCount = samples.reduce((sum, sample) => sum + sample.txCount, 0);
    const [first] = samples;
    if (txCount === 0 || first === undefined) return null;
    return (txCount * 1000) / Math.max(1, this.#clock.nowMs() - first.atMs + this.#blockIntervalMs);
  }

  /** How fast it can go, as far as was seen: a node with little to do is no slow one, its fullest block says more. */
  #best(samples: readonly Sample[], perSecond: number | null): number | null {
    if (perSecond === null) return null;
    const fullest = samples.reduce((most, { txCount }) => Math.max(most, txCount), 0);
    return Math.max(perSecond, (fullest * 1000) / this.#blockIntervalMs);
  }
}
