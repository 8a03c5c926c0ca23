/**
 * Lets only so many engine calls of readers (eth_call, estimates, log queries) run at a time. They share the thread pool of the process with
 * sequencing: without a gate, a crowd of slow calls would hold every thread and blocks would wait for them. What does not run yet waits in a
 * bounded queue; what waited longer than its budget is not started any more.
 */
import { BoundedQueue } from '../common/bounded-queue.js';
import type { Clock } from '../common/clock.js';
import { rpcError } from './errors.js';

export interface CallGateOptions {
  /** Calls that run at a time. */
  readonly callsRunningMax: number;
  /** Calls that wait. */
  readonly callsWaitingMax: number;
  /** Time that a call may wait. */
  readonly callTimeoutMs: number;
}

interface Waiting {
  readonly sinceMs: number;
  readonly start: () => void;
  readonly refuse: (error: Error) => void;
}

export class CallGate {
  readonly #options: CallGateOptions;
  readonly #clock: Clock;
  readonly #waiting: BoundedQueue<Waiting>;
  #running = 0;

  constructor(options: CallGateOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#waiting = new BoundedQueue(options.callsWaitingMax);
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs the call now or when its turn comes. Rejects with RPC_LIMIT_EXCEEDED or CALL_TIMEOUT where that never comes. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#running < this.#options.callsRunningMax) this.#running++;
    else await this.#turn();
    try {
      return await call();
    } finally {
      this.#next();
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve, reject) => {
      const taken = this.#waiting.push({ sinceMs: this.#clock.monotonicMs(), start: resolve, refuse: reject });
      if (!taken) reject(rpcError('RPC_LIMIT_EXCEEDED', `too many calls wait, want at most ${this.#options.callsWaitingMax}: try later`));
    });
  }

  /** Hands the place of a call that ended to the next one that still has time. */
  #next(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (this.#clock.monotonicMs() - next.sinceMs <= this.#options.callTimeoutMs) {
        next.start();
        return;
      }
      next.refuse(rpcError('CALL_TIMEOUT', 'execution timeout'));
    }
    this.#running--;
  }
}
