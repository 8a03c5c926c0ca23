/**
 * The second stage of admission for transactions whose cost is not known beforehand: they are pre-executed here, after every cheap check
 * has passed, in small groups and fairly by sender. Plain transfers never wait behind it, and a sender who floods it waits behind itself.
 *
 * What admission computes for a transaction that it then refuses, blocks lack. So it is bounded what is computed in vain:
 *
 *   quick      everybody's first: with a small part of a batch's counters, which nearly all transactions need no more than
 *   heavy      what did not come to its end with these: with all counters
 *   offending  of senders whose transactions ran out of counters lately: a short queue
 *
 * The latter two pause after a group in proportion to the time that was spent in vain on it; what is accepted costs no pause. While a sender
 * has something heavy, the rest of what it sent is held back: it may be more of the same. Heavy ones are served by recipient: many keys that
 * call one contract have one share together.
 */

import type { Clock } from '../common/clock.js';
import { FairQueue, type Queued } from './fair-queue.js';
import { SharedQueue } from './shared-queue.js';

/** Transactions of one native call: an honest group takes about 2 ms, and one hostile transaction delays so few others. */
const QUICK_GROUP_MAX = 16;
/** Each of these may take as long as a whole quick group, or longer. */
const WHOLE_GROUP_MAX = 4;
/** Pause of heavy ones, in times of what was spent in vain: a twentieth of one thread at most. */
const HEAVY_PAUSE_FACTOR = 19;
/** The same for offenders: a fortieth. */
const OFFENDER_PAUSE_FACTOR = 39;
/** Longest pause: longer than any group takes by its budget. */
const PAUSE_MAX_MS = 5_000;
/** Heavy ones that wait; more are refused. */
const HEAVY_WAITING_MAX = 256;
/** Offenders that wait, in all and of one sender; more are refused. At their pace the last one waits for half a minute at most. */
const OFFENDERS_WAITING_MAX = 32;
const OFFENDER_WAITING_MAX = 4;
/** How long a sender counts as an offender after a transaction that ran out of counters. */
const OFFENCE_MS = 600_000;
/** Offenders that are remembered; the oldest are forgotten first. */
const OFFENDERS_MAX = 10_000;

/** With how much of a batch's counters a group is run. */
export type Effort = 'quick' | 'whole';

/** What the lane works with. */
export interface LaneWork<T> {
  /** Runs a group; never rejects: what becomes of its items is its own business. */
  run(group: readonly T[], effort: Effort): Promise<void>;
  /** There is no room for an item that was taken before. */
  refuse(item: T): void;
}

/** When a queue may be served: it pauses for what was spent in vain on it. */
class Pace {
  readonly #clock: Clock;
  readonly #factor: number;
  #fromMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, factor: number) {
    this.#clock = clock;
    this.#factor = factor;
  }

  /** How long the queue still has to pause. Never longer than the longest pause, also where the clock was set back. */
  get pauseMs(): number {
    const leftMs = this.#fromMs - this.#clock.nowMs();
    return leftMs > PAUSE_MAX_MS ? 0 : Math.max(0, leftMs);
  }

  spentInVain(ms: number): void {
    this.#fromMs = this.#clock.nowMs() + Math.min(ms * this.#factor, PAUSE_MAX_MS);
  }
}

/** Serves groups, one at a time. */
export class PreExecutionLane<T extends Queued> {
  readonly #clock: Clock;
  readonly #work: LaneWork<T>;
  readonly #quick = new FairQueue<T>();
  readonly #heavy = new SharedQueue<T>(HEAVY_WAITING_MAX);
  readonly #heavyPace: Pace;
  readonly #offending = new FairQueue<T>();
  readonly #offenderPace: Pace;
  /** What senders with a heavy transaction sent besides. */
  readonly #held = new Map<string, T[]>();
  #heldCount = 0;
  /** Sender to the moment until which it counts as an offender, oldest offence first. */
  readonly #offenders = new Map<string, number>();
  /** Items of the running group that turned out to fit no batch. */
  #vain = 0;
  #running = false;
  #wake: () => void = () => undefined;

  constructor(work: LaneWork<T>, clock: Clock) {
    this.#work = work;
    this.#clock = clock;
    this.#heavyPace = new Pace(clock, HEAVY_PAUSE_FACTOR);
    this.#offenderPace = new Pace(clock, OFFENDER_PAUSE_FACTOR);
  }

  /** Items that wait. */
  get size(): number {
    return this.#quick.size + this.#heavy.size + this.#offending.size + this.#heldCount;
  }

  /** More that fits no batch arrives than is looked at. */
  get isFlooded(): boolean {
    return this.#offending.size >= OFFENDERS_WAITING_MAX || this.#heavy.isFull;
  }

  /** False where the item is one offender too many: it is not taken. */
  push(item: T): boolean {
    if (this.#offends(item.sender)) return this.#pushOffending(item);
    if (this.#held.has(item.sender)) this.#hold(item.sender, [item]);
    else this.#quick.push(item);
    this.#serve();
    return true;
  }

  /** An item of a quick group that did not come to its end. False where there are too many: it is not taken. */
  pushHeavy(item: T, recipient: string): boolean {
    if (this.#offends(item.sender)) return this.#pushOffending(item);
    const displaced = this.#heavy.push(recipient, item);
    if (displaced === item) return false;
    this.#hold(item.sender, this.#quick.takeOf(item.sender));
    if (displaced !== null) {
      this.#work.refuse(displaced);
      this.#decided(displaced.sender);
    }
    this.#serve();
    return true;
  }

  /** Gives up what waits and answers it; a running group goes on. */
  drop(): T[] {
    this.#wake();
    const held = [...this.#held.keys()].flatMap((sender) => this.#unhold(sender));
    return [...[this.#quick, this.#heavy, this.#offending].flatMap((queue) => queue.take(queue.size)), ...held];
  }

  /** An item of the running group fits no batch. */
  wasInVain(sender: string): void {
    this.#vain++;
    this.offended(sender);
  }

  /** A transaction of this sender ran out of counters: what else it has here waits with the offenders. */
  offended(sender: string): void {
    this.#offenders.delete(sender);
    this.#offenders.set(sender, this.#clock.nowMs() + OFFENCE_MS);
    if (this.#offenders.size > OFFENDERS_MAX) {
      const oldest = this.#offenders.keys().next();
      if (oldest.done !== true) this.#offenders.delete(oldest.value);
    }
    for (const item of [...this.#heavy.takeOf(sender), ...this.#unhold(sender), ...this.#quick.takeOf(sender)]) {
      if (!this.#pushOffending(item)) this.#work.refuse(item);
    }
  }

  #offends(sender: string): boolean {
    const until = this.#offenders.get(sender);
    return until !== undefined && until > this.#clock.nowMs();
  }

  #hold(sender: string, items: readonly T[]): void {
    const held = this.#held.get(sender);
    if (held === undefined) this.#held.set(sender, [...items]);
    else held.push(...items);
    this.#heldCount += items.length;
  }

  #unhold(sender: string): T[] {
    const held = this.#held.get(sender) ?? [];
    this.#held.delete(sender);
    this.#heldCount -= held.length;
    return held;
  }

  #pushOffending(item: T): boolean {
    const isFull = this.#offending.size >= OFFENDERS_WAITING_MAX || this.#offending.countOf(item.sender) >= OFFENDER_WAITING_MAX;
    if (isFull) return false;
    this.#offending.push(item);
    this.#serve();
    return true;
  }

  /** Sees to it that what waits is served: wakes the loop where it pauses, starts it where it rests. */
  #serve(): void {
    if (this.#running) this.#wake();
    else void this.#loop();
  }

  async #loop(): Promise<void> {
    this.#running = true;
    while (this.size > 0) {
      if (hasTurn(this.#offending, this.#offenderPace)) await this.#runPaced(this.#offending, this.#offenderPace);
      if (hasTurn(this.#heavy, this.#heavyPace)) await this.#runHeavy();
      if (this.#quick.size > 0) await this.#work.run(this.#quick.take(QUICK_GROUP_MAX), 'quick');
      else if (this.size > 0) await this.#pause();
    }
    this.#running = false;
  }

  async #runHeavy(): Promise<void> {
    for (const { sender } of await this.#runPaced(this.#heavy, this.#heavyPace)) this.#decided(sender);
  }

  /** A heavy item of this sender is not heavy any more: what waits for the last of them goes on. */
  #decided(sender: string): void {
    // Not of an offender: what that one sent has gone elsewhere.
    if (this.#heavy.countOf(sender) === 0) for (const item of this.#unhold(sender)) this.#quick.push(item);
  }

  async #runPaced(queue: { take(max: number): T[] }, pace: Pace): Promise<readonly T[]> {
    const group = queue.take(WHOLE_GROUP_MAX);
    const startMs = this.#clock.nowMs();
    this.#vain = 0;
    await this.#work.run(group, 'whole');
    // A clock that was set back meanwhile, or that is too coarse, does not make it free.
    const ms = Math.max(1, this.#clock.nowMs() - startMs);
    if (this.#vain > 0) pace.spentInVain((ms * this.#vain) / group.length);
    return group;
  }

  /** Waits until one of the paced queues has its turn, or somebody comes. */
  #pause(): Promise<void> {
    const pauses: number[] = [];
    if (this.#heavy.size > 0) pauses.push(this.#heavyPace.pauseMs);
    if (this.#offending.size > 0) pauses.push(this.#offenderPace.pauseMs);
    return new Promise((resolve) => {
      const cancel = this.#clock.schedule(Math.min(...pauses), () => this.#wake());
      this.#wake = () => {
        this.#wake = () => undefined;
        cancel();
        resolve();
      };
    });
  }
}

function hasTurn({ size }: { readonly size: number }, { pauseMs }: Pace): boolean {
  return size > 0 && pauseMs === 0;
}
