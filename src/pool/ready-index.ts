/**
 * The accounts that have a transaction to run, best first: a binary heap over the candidate of each account, with the slot of every
 * account known, so that a change of one account costs O(log n).
 */
import type { AccountQueue } from './account-queue.js';
import type { PoolEntry } from './entry.js';

/** Order of two candidates: negative where the first goes first. */
export type EntryOrder = (a: PoolEntry, b: PoolEntry) => number;

/** Heap of ready accounts. */
export class ReadyIndex {
  readonly #heap: AccountQueue[] = [];
  readonly #order: EntryOrder;
  /** No candidate arrived before: the least arrival of all that became candidates since it was measured. */
  #oldestMs = Number.POSITIVE_INFINITY;

  constructor(order: EntryOrder) {
    this.#order = order;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** The best candidate, left in place. */
  peek(): PoolEntry | null {
    return this.#heap[0]?.indexed ?? null;
  }

  /** Brings the index up to date with an account after any change to it. */
  refresh(account: AccountQueue): void {
    const candidate = account.candidate();
    if (candidate === account.indexed) return;
    if (candidate === null) {
      this.#removeAt(account.indexSlot);
      return;
    }
    account.indexed = candidate;
    if (candidate.receivedAtMs < this.#oldestMs) this.#oldestMs = candidate.receivedAtMs;
    if (account.indexSlot < 0) {
      account.indexSlot = this.#heap.length;
      this.#heap.push(account);
    }
    this.#settle(account.indexSlot);
  }

  /** How many candidates go before this one; 0 for the next. Linear: for RPC, not for the loop. */
  rank(entry: PoolEntry): number {
    let better = 0;
    for (const account of this.#heap) {
      if (account.indexed !== null && this.#order(account.indexed, entry) < 0) better++;
    }
    return better;
  }

  /** A moment before which no candidate arrived; earlier than need be until it is measured. */
  get oldestMs(): number {
    return this.#oldestMs;
  }

  /** Sets `oldestMs` to the arrival of the oldest candidate. Linear. */
  measureOldest(): void {
    this.#oldestMs = Number.POSITIVE_INFINITY;
    for (const { receivedAtMs } of this.candidates()) this.#oldestMs = Math.min(this.#oldestMs, receivedAtMs);
  }

  /** All candidates, in no particular order. */
  *candidates(): IterableIterator<PoolEntry> {
    for (const account of this.#heap) {
      if (account.indexed !== null) yield account.indexed;
    }
  }

  /** Forgets all accounts. */
  clear(): void {
    for (const account of this.#heap.splice(0)) {
      account.indexSlot = -1;
      account.indexed = null;
    }
  }

  #removeAt(slot: number): void {
    const account = this.#heap[slot];
    if (account === undefined) return;
    const last = this.#heap.pop();
    account.indexSlot = -1;
    account.indexed = null;
    if (last === undefined || last === account) return;
    this.#heap[slot] = last;
    last.indexSlot = slot;
    this.#settle(slot);
  }

  #settle(slot: number): void {
    if (!this.#siftUp(slot)) this.#siftDown(slot);
  }

  #less(a: number, b: number): boolean {
    const first = this.#heap[a]?.indexed;
    const second = this.#heap[b]?.indexed;
    return first !== undefined && second !== undefined && first !== null && second !== null && this.#order(first, second) < 0;
  }

  #siftUp(from: number): boolean {
    let slot = from;
    while (slot > 0) {
      const parent = (slot - 1) >>> 1;
      if (!this.#less(slot, parent)) break;
      this.#swap(slot, parent);
      slot = parent;
    }
    return slot !== from;
  }

  #siftDown(from: number): void {
    let slot = from;
    for (;;) {
      const left = 2 * slot + 1;
      const right = left + 1;
      let best = slot;
      if (left < this.#heap.length && this.#less(left, best)) best = left;
      if (right < this.#heap.length && this.#less(right, best)) best = right;
      if (best === slot) return;
      this.#swap(slot, best);
      slot = best;
    }
  }

  #swap(a: number, b: number): void {
    const first = this.#heap[a];
    const second = this.#heap[b];
    if (first === undefined || second === undefined) return;
    this.#heap[a] = second;
    this.#heap[b] = first;
    second.indexSlot = a;
    first.indexSlot = b;
  }
}
