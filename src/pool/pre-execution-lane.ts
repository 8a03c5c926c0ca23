/**
 * The second stage of admission for transactions whose cost is not known beforehand: they are pre-executed here, after every cheap check
 * has passed, in small groups and fairly by sender. Plain transfers never wait behind it, and a sender who floods it waits behind itself.
 *
 * Senders whose transactions ran out of counters lately are offenders: pre-executing theirs costs the most and brings in nothing, so they
 * get a group only when nobody else waits, or every few groups.
 */

/** Transactions of one native call: an honest group takes about 2 ms, and one hostile transaction delays so few others. */
const GROUP_MAX = 16;
/** One group of offenders after so many others, so that they wait but do not starve. */
const OFFENDER_EVERY = 8;
/** How long a sender counts as an offender after a transaction that ran out of counters. */
const OFFENCE_MS = 10_000;
/** Offenders that are remembered; the oldest are forgotten first. */
const OFFENDERS_MAX = 10_000;

/** What the lane needs to know of an item. */
export interface LaneItem {
  readonly sender: string;
}

/** Queues by sender, served round-robin: a group holds one transaction of each sender before it holds a second of any. */
class FairQueue<T extends LaneItem> {
  readonly #bySender = new Map<string, T[]>();
  size = 0;

  push(item: T): void {
    const queue = this.#bySender.get(item.sender);
    if (queue === undefined) this.#bySender.set(item.sender, [item]);
    else queue.push(item);
    this.size++;
  }

  take(max: number): T[] {
    const taken: T[] = [];
    while (taken.length < max && this.size > 0) {
      const first = this.#bySender.entries().next();
      if (first.done === true) break;
      const [sender, queue] = first.value;
      const item = queue.shift();
      // To the end of the round, or out.
      this.#bySender.delete(sender);
      if (queue.length > 0) this.#bySender.set(sender, queue);
      if (item === undefined) continue;
      taken.push(item);
      this.size--;
    }
    return taken;
  }
}

/** Serves groups, one at a time. */
export class PreExecutionLane<T extends LaneItem> {
  readonly #honest = new FairQueue<T>();
  readonly #offending = new FairQueue<T>();
  /** Sender to the moment until which it counts as an offender, oldest offence first. */
  readonly #offenders = new Map<string, number>();
  readonly #run: (group: readonly T[]) => Promise<void>;
  readonly #nowMs: () => number;
  #running = false;
  #groups = 0;

  /** `run` never rejects: what becomes of its items is its own business. */
  constructor(run: (group: readonly T[]) => Promise<void>, nowMs: () => number) {
    this.#run = run;
    this.#nowMs = nowMs;
  }

  /** Items that wait. */
  get size(): number {
    return this.#honest.size + this.#offending.size;
  }

  push(item: T): void {
    const until = this.#offenders.get(item.sender);
    (until !== undefined && until > this.#nowMs() ? this.#offending : this.#honest).push(item);
    if (!this.#running) void this.#serve();
  }

  /** Gives up what waits and answers it; a running group goes on. */
  drop(): T[] {
    return [...this.#honest.take(this.#honest.size), ...this.#offending.take(this.#offending.size)];
  }

  /** A transaction of this sender ran out of counters. */
  offended(sender: string): void {
    this.#offenders.delete(sender);
    this.#offenders.set(sender, this.#nowMs() + OFFENCE_MS);
    if (this.#offenders.size <= OFFENDERS_MAX) return;
    const oldest = this.#offenders.keys().next();
    if (oldest.done !== true) this.#offenders.delete(oldest.value);
  }

  async #serve(): Promise<void> {
    this.#running = true;
    while (this.size > 0) {
      this.#groups++;
      const turn = this.#honest.size === 0 || this.#groups % OFFENDER_EVERY === 0;
      const group = turn && this.#offending.size > 0 ? this.#offending.take(GROUP_MAX) : this.#honest.take(GROUP_MAX);
      await this.#run(group);
    }
    this.#running = false;
  }
}
