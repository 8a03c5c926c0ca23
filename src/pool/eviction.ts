/**
 * Whom a full pool gives up for a newcomer that pays more: first the cheapest transactions behind a nonce gap, then the cheapest tails of
 * the accounts with the most transactions. A plan is made by one pass over the pool and used up over many admissions, so that a flood
 * against a full pool costs O(1) for each transaction.
 */
import type { PoolEntry } from './entry.js';
import type { PoolIndex } from './pool-index.js';

/** Victims of one plan: one pass over the pool pays for so many evictions. */
const PLAN_LENGTH = 512;
/** A plan older than this is made anew even when it is not used up: the pool has changed. */
const PLAN_LIFETIME_MS = 1_000;

/** Plans evictions. */
export class EvictionPlanner {
  readonly #index: PoolIndex;
  #plan: PoolEntry[] = [];
  #plannedAtMs = Number.NEGATIVE_INFINITY;
  /** The last plan left victims out: when it is used up there are more. */
  #more = false;

  constructor(index: PoolIndex) {
    this.#index = index;
  }

  /** The next victim, not of this sender (whose own chain it would cut); null when there is none. */
  victim(nowMs: number, exceptSender: string): PoolEntry | null {
    const usedUp = this.#plan.length === 0 && this.#more;
    if (usedUp || nowMs - this.#plannedAtMs >= PLAN_LIFETIME_MS || nowMs < this.#plannedAtMs) this.#replan(nowMs);
    for (let i = this.#plan.length - 1; i >= 0; i--) {
      const entry = this.#plan[i];
      if (entry === undefined || !isVictim(entry)) {
        this.#plan.splice(i, 1);
        continue;
      }
      if (entry.sender !== exceptSender) return entry;
    }
    return null;
  }

  /** Best victim last, so that taking it is cheap. */
  #replan(nowMs: number): void {
    const gapped: PoolEntry[] = [];
    const tails: PoolEntry[] = [];
    for (const account of this.#index.accounts()) {
      const missing = account.firstMissingNonce();
      for (const entry of account.entries) if (entry.nonceNumber > missing && entry.phase === 'waiting') gapped.push(entry);
      const { tail } = account;
      if (tail !== undefined && tail.nonceNumber <= missing && tail.phase === 'waiting') tails.push(tail);
    }
    gapped.sort(cheapestFirst);
    tails.sort((a, b) => b.account.size - a.account.size || cheapestFirst(a, b));
    const all = [...gapped, ...tails];
    this.#more = all.length > PLAN_LENGTH;
    this.#plan = all.slice(0, PLAN_LENGTH).reverse();
    this.#plannedAtMs = nowMs;
  }
}

/** Cheapest, then newest. */
function cheapestFirst(a: PoolEntry, b: PoolEntry): number {
  if (a.rankWei !== b.rankWei) return a.rankWei < b.rankWei ? -1 : 1;
  return b.arrival - a.arrival;
}

/** Still in the pool, not executing, and nothing behind it that it would cut off (unless there is a gap anyway). */
function isVictim(entry: PoolEntry): boolean {
  return entry.phase === 'waiting' && (entry.account.tail === entry || entry.nonceNumber > entry.account.firstMissingNonce());
}
