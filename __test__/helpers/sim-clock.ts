/** A virtual clock for asynchronous code: after each timer everything that it set off settles before time moves on. */
import type { Cancel, Clock } from '../../src/common/clock.js';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

export class SimClock implements Clock {
  /** Time that passed; the wall clock is off by the jumps. */
  #now: number;
  #wallMs = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(nowMs = 1_700_000_000_000) {
    this.#now = nowMs;
  }

  nowMs(): number {
    return this.#now + this.#wallMs;
  }

  /** Somebody sets the wall clock, forward or back; time goes on as it did. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }

  monotonicMs(): number {
    return this.#now;
  }

  schedule(delayMs: number, task: () => void): Cancel {
    const timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, task };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Resolves after that much virtual time. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.schedule(ms, resolve));
  }

  /** Runs timers in order of time until `ms` have passed. */
  async run(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.at > until) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.task();
      await settle();
    }
    this.#now = until;
  }

  /** Runs until the promise settles, at most `limitMs` of virtual time. */
  async runUntil<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let done = false;
    const mark = () => {
      done = true;
    };
    promise.then(mark, mark);
    const limit = this.#now + limitMs;
    await settle();
    while (!done) {
      const next = this.#next();
      if (next === undefined || next.at > limit) throw new Error(`not settled within ${limitMs} ms of virtual time`);
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.task();
      await settle();
    }
    return promise;
  }

  #next(): Timer | undefined {
    let best: Timer | undefined;
    for (const timer of this.#timers) {
      if (best === undefined || timer.at < best.at || (timer.at === best.at && timer.order < best.order)) best = timer;
    }
    return best;
  }
}

/** Lets promise chains run out. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
