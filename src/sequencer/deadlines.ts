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

  isBlockDue(nowMs: number): boolean {
    const { block } = this.#finalizer;
    return block !== null && nowMs >= this.blockMs(block.openedAtMs);
  }

  get forcedMs(): number | null {
    return this.#forcedMs();
  }

  /** The next moment at which something has to happen; null while there is none. */
  nextMs(): number | null {
    const { batch, block } = this.#finalizer;
    const deadlines: number[] = [];
    if (block !== null) deadlines.push(this.blockMs(block.openedAtMs));
    if (batch.txCount > 0) deadlines.push(batch.openedAtMs + this.#config.batchMaxAgeMs);
    const forced = this.forcedMs;
    // Passed already and still waiting: it waits for something else than time.
    if (forced !== null && forced > this.#clock.nowMs()) deadlines.push(forced);
    return deadlines.length === 0 ? null : Math.min(...deadlines);
  }
}
