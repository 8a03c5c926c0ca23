/** When a transaction at a price would be included: what goes before it, and how fast that was lately. */
import type { Clock } from '../common/clock.js';
import type { PoolIndex } from '../pool/pool-index.js';
import type { InclusionEstimate } from '../rpc/modules.js';

/** Window over which the rate of inclusion is measured. */
const RATE_WINDOW_MS = 30_000;
/** Blocks kept for the rate: a window of 10 ms blocks. */
const SAMPLES_MAX = 3_000;

/** Measures the rate and counts the queue. */
export class InclusionEstimator {
  readonly #index: PoolIndex;
  readonly #clock: Clock;
  readonly #blockIntervalMs: number;
  readonly #samples: { readonly atMs: number; readonly txCount: number }[] = [];

  constructor(index: PoolIndex, clock: Clock, blockIntervalMs: number) {
    this.#index = index;
    this.#clock = clock;
    this.#blockIntervalMs = blockIntervalMs;
  }

  /** An L2 block became durable. */
  observe(txCount: number): void {
    this.#samples.push({ atMs: this.#clock.nowMs(), txCount });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  /** For a new transaction at this price; equal prices go first, they came earlier. */
  estimate(gasPriceWei: bigint): InclusionEstimate {
    const ahead = this.#ahead(gasPriceWei);
    const perSecond = this.#perSecond();
    // It opens a block or joins one: one interval covers either.
    if (ahead === 0) return { ahead, perSecond, expectedMs: this.#blockIntervalMs };
    if (perSecond === null) return { ahead, perSecond, expectedMs: null };
    return { ahead, perSecond, expectedMs: Math.round(this.#blockIntervalMs + (ahead / perSecond) * 1000) };
  }

  /** A chain counts as far as each of its transactions pays enough: a cheap one holds up what is behind it. */
  #ahead(gasPriceWei: bigint): number {
    let ahead = 0;
    for (const account of this.#index.accounts()) {
      const runnable = account.contiguousCount();
      for (const entry of account.entries) {
        if (entry.nonceNumber >= account.nonce + runnable || entry.gasPrice < gasPriceWei) break;
        ahead++;
      }
    }
    return ahead;
  }

  #perSecond(): number | null {
    const nowMs = this.#clock.nowMs();
    const sinceMs = nowMs - RATE_WINDOW_MS;
    let txCount = 0;
    let firstMs = nowMs;
    for (let i = this.#samples.length - 1; i >= 0; i--) {
      const sample = this.#samples[i];
      if (sample === undefined || sample.atMs < sinceMs) break;
      txCount += sample.txCount;
      firstMs = sample.atMs - this.#blockIntervalMs;
    }
    return txCount === 0 ? null : (txCount * 1000) / Math.max(1, nowMs - firstMs);
  }
}
