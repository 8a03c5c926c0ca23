/**
 * The second stage of admission for transactions whose cost is not known beforehand: they are pre-executed here, after every cheap check
 * has passed, in small groups and fairly by sender. Plain transfers never wait behind it, and a sender who floods it waits behind itself.
 *
 * Senders whose transactions ran out of counters lately are offenders: pre-executing theirs costs the most and brings in nothing. They wait
 * in a queue of their own, which is short, and they get only a small share of the time: what admission computes for them, blocks lack.
 */

import type { Clock } from '../common/clock.js';

/** Transactions of one native call: an honest group takes about 2 ms, and one hostile transaction delays so few others. */
const GROUP_MAX = 16;
/** Offenders are run in smaller groups: each of theirs takes as long as a whole honest group. */
const OFFENDER_GROUP_MAX = 4;
/** After a group of offenders they pause so many times as long as it took: a twentieth of one thread is theirs. */
const OFFENDER_PAUSE_FACTOR = 19;
/** Longest pause: longer than any group takes by its budget. */
const OFFENDER_PAUSE_MAX_MS = 5_000;
/** Offenders that wait; more are refused. */
const OFFENDERS_WAITING_MAX = 256;
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
  readonly #clock: Clock;
  readonly #honest = new FairQueue<T>();
  readonly #offending = new FairQueue<T>();
  /** Sender to the moment until which it counts as an offender, oldest offence first. */
  readonly #offenders = new Map<string, number>();
  readonly #run: (group: readonly T[]) => Promise<void>;
  #offendersFromMs = Number.NEGATIVE_INFINITY;
  #running = false;
  #wake: () => void = () => undefined;

  /** `run` never rejects: what becomes of its items is its own business. */
  constructor(run: (group: readonly T[]) => Promise<void>, clock: Clock) {
    this.#run = run;
    this.#clock = clock;
  }

  /** Items that wait. */
  get size(): number {
    return this.#honest.size + this.#offending.size;
  }

  /** False where the item is one offender too many: it is not taken. */
  push(item: T): boolean {
    const until = this.#offenders.get(item.sender);
    const offends = until !== undefined && until > this.#clock.nowMs();
    if (offends && this.#offending.size >= OFFENDERS_WAITING_MAX) return false;
    (offends ? this.#offending : this.#honest).push(item);
    if (!this.#running) void this.#serve();
    else if (!offends) this.#wake();
    return true;
  }

  /** Gives up what waits and answers it; a running group goes on. */
  drop(): T[] {
    this.#wake();
    return [...this.#honest.take(this.#honest.size), ...this.#offending.take(this.#offending.size)];
  }

  /** A transaction of this sender ran out of counters. */
  offended(sender: string): void {
    this.#offenders.delete(sender);
    this.#offenders.set(sender, this.#clock.nowMs() + OFFENCE_MS);
    if (this.#offenders.size <= OFFENDERS_MAX) return;
    const oldest = this.#offenders.keys().next();
    if (oldest.done !== true) this.#offenders.delete(oldest.value);
  }

  async #serve(): Promise<void> {
    this.#running = true;
    while (this.size > 0) {
      if (this.#offending.size > 0 && this.#offendersPauseMs() === 0) await this.#runOffenders();
      if (this.#honest.size > 0) await this.#run(this.#honest.take(GROUP_MAX));
      else if (this.#offending.size > 0) await this.#offendersTurn();
    }
    this.#running = false;
  }

  async #runOffenders(): Promise<void> {
    const startMs = this.#clock.nowMs();
    await this.#run(this.#offending.take(OFFENDER_GROUP_MAX));
    const endMs = this.#clock.nowMs();
    const pauseMs = Math.max(1, endMs - startMs) * OFFENDER_PAUSE_FACTOR;
    this.#offendersFromMs = endMs + Math.min(pauseMs, OFFENDER_PAUSE_MAX_MS);
  }

  /** How long offenders still have to pause. Never longer than the longest pause, also where the clock was set back. */
  #offendersPauseMs(): number {
    const leftMs = this.#offendersFromMs - this.#clock.nowMs();
    return leftMs > OFFENDER_PAUSE_MAX_MS ? 0 : Math.max(0, leftMs);
  }

  /** Waits until offenders may be run again, or somebody else comes. */
  #offendersTurn(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.schedule(this.#offendersPauseMs(), () => this.#wake());
      this.#wake = () => {
        this.#wake = () => undefined;
        cancel();
        resolve();
      };
    });
  }
}
