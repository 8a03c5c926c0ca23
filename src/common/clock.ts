/**
 * Time as a dependency: what decides by time takes a Clock, so that tests and simulations replay it. Nothing else in the node reads the
 * system clock for a decision.
 */

/** Ends a scheduled call that has not run yet; harmless afterwards. */
export type Cancel = () => void;

/** A source of time. */
export interface Clock {
  /** Unix milliseconds. */
  nowMs(): number;
  /** Milliseconds since an arbitrary moment, never going back, with fractions; for durations. */
  monotonicMs(): number;
  /** Runs `task` once after `delayMs`. A scheduled task does not keep the process alive. */
  schedule(delayMs: number, task: () => void): Cancel;
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
