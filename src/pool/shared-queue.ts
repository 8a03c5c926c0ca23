/**
 * A bounded queue by recipient, and by sender within: whoever calls one contract with many keys waits behind himself, and when the queue is
 * full it is his transaction that goes, not the newcomer's.
 */
import { FairQueue, type Queued } from './fair-queue.js';

export class SharedQueue<T extends Queued> {
  readonly #max: number;
  /** By recipient, the next to be served first. */
  readonly #shares = new Map<string, FairQueue<T>>();
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.#max;
  }

  /** Items of one sender, whomever they call. */
  countOf(sender: string): number {
    let count = 0;
    for (const share of this.#shares.values()) count += share.countOf(sender);
    return count;
  }

  /** Answers the item that has to go for it: itself where its recipient has no fewer than any other. */
  push(recipient: string, item: T): T | null {
    const displaced = this.isFull ? this.#makeRoom(recipient) : null;
    if (this.isFull) return item;
    const share = this.#shares.get(recipient);
    if (share === undefined) this.#shares.set(recipient, new FairQueue<T>().push(item));
    else share.push(item);
    this.#size++;
    return displaced;
  }

  /** One item of each recipient before a second of any. */
  take(max: number): T[] {
    const taken: T[] = [];
    for (const [recipient, share] of this.#shares) {
      if (taken.length >= max) break;
      // To the end of the round, which this very loop comes to, or out.
      this.#shares.delete(recipient);
      taken.push(...share.take(1));
      if (share.size > 0) this.#shares.set(recipient, share);
    }
    this.#size -= taken.length;
    return taken;
  }

  /** Everything of one sender, in order for each recipient. */
  takeOf(sender: string): T[] {
    const taken: T[] = [];
    for (const [recipient, share] of this.#shares) {
      taken.push(...share.takeOf(sender));
      if (share.size === 0) this.#shares.delete(recipient);
    }
    this.#size -= taken.length;
    return taken;
  }

  /** Takes the newest out of the largest share, if a newcomer's own is smaller by more than the newcomer. */
  #makeRoom(recipient: string): T | null {
    let largest: FairQueue<T> | undefined;
    for (const share of this.#shares.values()) if (share.size > (largest?.size ?? 0)) largest = share;
    const own = this.#shares.get(recipient)?.size ?? 0;
    if (largest === undefined || largest.size <= own + 1) return null;
    this.#size--;
    return largest.takeLast();
  }
}
