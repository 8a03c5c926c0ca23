/** What the loop sleeps on: a signal or a deadline, whichever is first. A signal given while nobody sleeps is kept for the next sleep. */
import type { Cancel, Clock } from '../common/clock.js';

/** A latched signal with a deadline. */
export class Wakeup {
  readonly #clock: Clock;
  #signalled = false;
  #wake: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the sleep, or the next one at once. */
  signal(): void {
    this.#signalled = true;
    this.#wake?.();
  }

  /** Sleeps until a signal or until the clock reads `atMs`; null = no deadline. */
  async until(atMs: number | null): Promise<void> {
    if (this.#signalled) {
      this.#signalled = false;
      return;
    }
    await new Promise<void>((resolve) => {
      let cancel: Cancel = () => undefined;
      this.#wake = () => {
        this.#wake = null;
        cancel();
        resolve();
      };
      // The timer may fire a little early by the clock that the rules read; the loop then sleeps again.
      if (atMs !== null) cancel = this.#clock.schedule(Math.max(0, atMs - this.#clock.nowMs()), () => this.#wake?.());
    });
    this.#signalled = false;
  }
}
