/** When something has to happen by itself: blocks, batches and forced batches fall due. */
import type { Clock } from '../common/clock.js';
import type { SequencerConfig } from './config.js';
import type { Finalizer } from './finalizer.js';

/** What falls due; all times are Unix ms. */
export class Deadlines {
  readonly #finalizer: Finalizer;
  readonly #config: SequencerConfig;
  readonly #clock: Clock;
  readonly #forcedMs: () => number | null;
  /** From when the age of a batch that was opened then is counted. */
  #counted = { openedAtMs: 0, fromMs: 0 };

  /** `forcedMs`: by when a forced batch has to be processed, null when none waits. */
  constructor(finalizer: Finalizer, config: SequencerConfig, clock: Clock, forcedMs: () => number | null = () => null) {
    this.#finalizer = finalizer;
    this.#config = config;
    this.#clock = clock;
    this.#forcedMs = forcedMs;
  }

  /** By when a block opened then is sealed. */
  blockMs(openedAtMs: number): number {
    return openedAtMs + this.#config.blockIntervalMs;
  }

  /** Also where the clock was set back since it was opened: nobody knows how long ago that is. */
  isBlockDue(nowMs: number): boolean {
    const { block } = this.#finalizer;
    return block !== null && (nowMs >= this.blockMs(block.openedAtMs) || nowMs < block.openedAtMs);
  }

  /** From when the age of the open batch is counted: from its first block, or from when it was seen that the clock was set back since. */
  batchOpenedAtMs(nowMs: number): number {
    const { openedAtMs } = this.#finalizer.batch;
    if (this.#counted.openedAtMs !== openedAtMs) this.#counted = { openedAtMs, fromMs: openedAtMs };
    this.#counted.fromMs = Math.min(this.#counted.fromMs, nowMs);
    return this.#counted.fromMs;
  }

  get forcedMs(): number | null {
    return this.#forcedMs();
  }

  /** The next moment at which something has to happen; null while there is none. */
  nextMs(): number | null {
    const nowMs = this.#clock.nowMs();
    const { batch, block } = this.#finalizer;
    const deadlines: number[] = [];
    if (block !== null) deadlines.push(this.blockMs(block.openedAtMs));
    if (batch.txCount > 0) deadlines.push(this.batchOpenedAtMs(nowMs) + this.#config.batchMaxAgeMs);
    const forced = this.forcedMs;
    // Passed already and still waiting: it waits for something else than time.
    if (forced !== null && forced > nowMs) deadlines.push(forced);
    return deadlines.length === 0 ? null : Math.min(...deadlines);
  }
}
