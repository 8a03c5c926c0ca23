/** A queue by sender, served round-robin: a group holds one item of each sender before it holds a second of any. */

/** What the queue needs to know of an item. */
export interface Queued {
  readonly sender: string;
}

export class FairQueue<T extends Queued> {
  readonly #bySender = new Map<string, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Items of one sender. */
  countOf(sender: string): number {
    return this.#bySender.get(sender)?.length ?? 0;
  }

  push(item: T): this {
    const queue = this.#bySender.get(item.sender);
    if (queue === undefined) this.#bySender.set(item.sender, [item]);
    else queue.push(item);
    this.#size++;
    return this;
  }

  /** The newest of the sender whose turn comes last. */
  takeLast(): T | null {
    const [sender, queue] = [...this.#bySender].at(-1) ?? [];
    const item = queue?.pop();
    if (sender === undefined || item === undefined) return null;
    if (queue?.length === 0) this.#bySender.delete(sender);
    this.#size--;
    return item;
  }

  take(max: number): T[] {
    const taken: T[] = [];
    while (taken.length < max && this.#size > 0) {
      const first = this.#bySender.entries().next();
      if (first.done === true) break;
      const [sender, queue] = first.value;
      const item = queue.shift();
      // To the end of the round, or out.
      this.#bySender.delete(sender);
      if (queue.length > 0) this.#bySender.set(sender, queue);
      if (item === undefined) continue;
      taken.push(item);
      this.#size--;
    }
    return taken;
  }

  /** Everything of one sender, in order. */
  takeOf(sender: string): T[] {
    const queue = this.#bySender.get(sender) ?? [];
    this.#bySender.delete(sender);
    this.#size -= queue.length;
    return queue;
  }
}
