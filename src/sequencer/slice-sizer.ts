/**
 * How many transactions the next slice should hold. A slice that runs far beyond the end of the batch wastes an execution for each
 * transaction that no longer fits, so its length follows what transactions used lately: just enough to reach the closing margin.
 */
import { RESOURCE_COUNT } from '../native/layouts.js';
import type { ResourceLedger } from './resource-ledger.js';
import { type ResourceVector, zeroResources } from './resources.js';

/** Weight of the newest slice in the running average: follows a change of traffic within a few slices. */
const NEWEST_WEIGHT = 0.3;
/** A little more than the average says: better one misfit than another slice of two transactions. */
const HEADROOM = 1.05;

/** Estimates slice lengths. */
export class SliceSizer {
  #average: ResourceVector | null = null;

  /** Learns from the transactions that a slice included. */
  observe(before: readonly number[], after: readonly number[], included: number): void {
    if (included === 0) return;
    const average = this.#average ?? zeroResources();
    const weight = this.#average === null ? 1 : NEWEST_WEIGHT;
    for (let i = 0; i < RESOURCE_COUNT; i++) {
      const mean = ((after[i] ?? 0) - (before[i] ?? 0)) / included;
      average[i] = (average[i] ?? 0) * (1 - weight) + mean * weight;
    }
    this.#average = average;
  }

  /** Transactions after which the first resource is expected to reach its margin; at least one, at most `most`. */
  size(ledger: ResourceLedger, marginPercent: number, most: number): number {
    if (this.#average === null) return most;
    let fits = most;
    for (let i = 0; i < RESOURCE_COUNT; i++) {
      const use = this.#average[i] ?? 0;
      if (use <= 0) continue;
      const margin = ((ledger.limits[i] ?? 0) * marginPercent) / 100;
      fits = Math.min(fits, ((ledger.remainingOf(i) - margin) / use) * HEADROOM);
    }
    return Math.max(1, Math.min(most, Math.ceil(fits)));
  }
}
