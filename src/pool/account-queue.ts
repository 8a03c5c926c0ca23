/**
 * The transactions of one sender by nonce, at most one for each nonce, over the sender's nonce and balance in the pending view.
 *
 * The chain that can run now starts at the account's nonce and goes on while nonces are contiguous and the balance covers the cumulative
 * cost. A cursor walks the chain while a slice is built, so that nonce n + 1 can go into the same slice right after n; the cursor
 * returns to the account's nonce when the slice is settled.
 */
import type { PoolEntry } from './entry.js';

/** Why the first transaction of an account, or of the rest after a gap, cannot run. */
export interface Blockage {
  /** First nonce that is missing; undefined where there is no gap before the transaction. */
  readonly missingNonce?: number;
  /** Wei that the sender lacks. */
  readonly missingFundsWei?: bigint;
}

/** One sender. */
export class AccountQueue {
  /** Lower-case 0x hex. */
  readonly address: string;
  readonly addressBytes: Buffer;
  /** Next nonce in the pending view. */
  nonce: number;
  balanceWei: bigint;
  /** Ascending by nonce; everything below the cursor is executing. */
  readonly #entries: PoolEntry[] = [];
  #cursorNonce: number;
  #cursorCostWei = 0n;
  /** Entry that did not fit the open batch: not offered again before the next one. */
  aside: PoolEntry | null = null;
  /** Slot in the ready index, -1 when not in it. Owned by the index. */
  indexSlot = -1;
  /** Entry by which the index orders this account. Owned by the index. */
  indexed: PoolEntry | null = null;
  /** The index has it among the changed ones. Owned by the index. */
  changed = false;
  /** Transactions of this sender inside a running native call. */
  executingCount = 0;
  /** Transactions of this sender in the open L2 block. */
  inBlockCount = 0;

  constructor(address: string, nonce: number, balanceWei: bigint) {
    this.address = address;
    this.addressBytes = Buffer.from(address.slice(2), 'hex');
    this.nonce = nonce;
    this.balanceWei = balanceWei;
    this.#cursorNonce = nonce;
  }

  get size(): number {
    return this.#entries.length;
  }

  get entries(): readonly PoolEntry[] {
    return this.#entries;
  }

  /** The entry of a nonce. */
  at(nonce: number): PoolEntry | undefined {
    const i = this.#lowerBound(nonce);
    const entry = this.#entries[i];
    return entry !== undefined && entry.nonceNumber === nonce ? entry : undefined;
  }

  /** The entry with the highest nonce. */
  get tail(): PoolEntry | undefined {
    return this.#entries[this.#entries.length - 1];
  }

  /** Puts an entry at its nonce and answers the one that was there. */
  put(entry: PoolEntry): PoolEntry | undefined {
    const i = this.#lowerBound(entry.nonceNumber);
    const old = this.#entries[i];
    if (old !== undefined && old.nonceNumber === entry.nonceNumber) {
      this.#entries[i] = entry;
      if (this.aside === old) this.aside = null;
      return old;
    }
    this.#entries.splice(i, 0, entry);
    return undefined;
  }

  /** Takes an entry out; false where it is not here. */
  remove(entry: PoolEntry): boolean {
    const i = this.#lowerBound(entry.nonceNumber);
    if (this.#entries[i] !== entry) return false;
    this.#entries.splice(i, 1);
    if (this.aside === entry) this.aside = null;
    return true;
  }

  /** Sets nonce and balance of the pending view. Answers true where something changed. */
  setState(nonce: number, balanceWei: bigint): boolean {
    if (this.nonce === nonce && this.balanceWei === balanceWei) return false;
    this.nonce = nonce;
    this.balanceWei = balanceWei;
    return true;
  }

  /** The next entry that could run after those already taken into the slice; null when none. */
  candidate(): PoolEntry | null {
    const entry = this.at(this.#cursorNonce);
    if (entry === undefined || entry === this.aside || entry.phase !== 'waiting') return null;
    return this.#cursorCostWei + entry.costWei <= this.balanceWei ? entry : null;
  }

  /** Moves the cursor over the candidate just taken. */
  advance(entry: PoolEntry): void {
    this.#cursorNonce = entry.nonceNumber + 1;
    this.#cursorCostWei += entry.costWei;
  }

  /** Returns the cursor to the account's nonce, when nothing of this account is executing any more. */
  resetCursor(): void {
    this.#cursorNonce = this.nonce;
    this.#cursorCostWei = 0n;
  }

  /** Entries that are contiguous from the account's nonce on, whatever the balance (geth's `pending`). */
  contiguousCount(): number {
    const count = this.#entries.length;
    if (count === 0) return 0;
    // Usually nothing is missing.
    if (this.#entries[0]?.nonceNumber === this.nonce && this.#entries[count - 1]?.nonceNumber === this.nonce + count - 1) return count;
    const start = this.#lowerBound(this.nonce);
    // Nonces ascend by at least one from entry to entry: one that is as far from the first as its place is, has no gap before it.
    let low = start;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entries[middle]?.nonceNumber === this.nonce + (middle - start)) low = middle + 1;
      else high = middle;
    }
    return low - start;
  }

  /** First nonce without an entry from the account's nonce on. */
  firstMissingNonce(): number {
    return this.nonce + this.contiguousCount();
  }

  /** Costs of all entries with a lower nonce that have not run yet. */
  costBefore(nonce: number): bigint {
    let cost = 0n;
    for (const entry of this.#entries) {
      if (entry.nonceNumber >= nonce) break;
      if (entry.nonceNumber >= this.nonce) cost += entry.costWei;
    }
    return cost;
  }

  /** What an entry waits for; null when it belongs to the chain that can run. */
  blockageOf(entry: PoolEntry): Blockage | null {
    const missingNonce = this.firstMissingNonce();
    if (entry.nonceNumber > missingNonce) return { missingNonce };
    const lacks = this.costBefore(entry.nonceNumber) + entry.costWei - this.balanceWei;
    return lacks > 0n ? { missingFundsWei: lacks } : null;
  }

  /** Index of the first entry with this nonce or a higher one. */
  #lowerBound(nonce: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && entry.nonceNumber < nonce) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
