/** Tells listeners of L2 blocks, strictly in block order, once they are durable. A listener that fails harms nobody else. */
import type { Logger } from '../common/logger.js';
import type { SealedBlock } from '../native/engine.js';

/** Takes one durable L2 block. */
export type BlockListener = (block: SealedBlock) => void;

/** Publication of durable L2 blocks. */
export class Publisher {
  readonly #listeners = new Set<BlockListener>();
  readonly #log: Logger;
  readonly #onError: () => void;
  #last: number;

  constructor(lastPublished: number, log: Logger, onError: () => void) {
    this.#last = lastPublished;
    this.#log = log;
    this.#onError = onError;
  }

  /** Answers an unsubscribe function. */
  subscribe(listener: BlockListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Throws where a block would be left out or published twice: that is a broken invariant, not a listener's fault. */
  publish(block: SealedBlock): void {
    if (block.number !== this.#last + 1) throw new RangeError(`L2 block ${block.number} is published after ${this.#last}`);
    this.#last = block.number;
    for (const listener of this.#listeners) {
      try {
        listener(block);
      } catch (error) {
        this.#onError();
        this.#log.error('a listener of L2 blocks failed', { error, block: block.number });
      }
    }
  }
}
