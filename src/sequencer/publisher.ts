/** Tells listeners of L2 blocks, strictly in block order, once they are durable. A listener that fails harms nobody else. */
import type { Logger } from '../common/logger.js';
import type { SealedBlock } from '../native/engine.js';

/** Takes one durable L2 block. */
export type BlockListener = (block: SealedBlock) => void;

/**
 * Asked before published blocks are taken back, with the block that is to be the newest; what it answers is called afterwards with the one
 * that is, which may be a later one.
 */
export type RemovalListener = (newest: number) => (newest: number) => void;

/** Publication of durable L2 blocks. */
export class Publisher {
  readonly #listeners = new Set<BlockListener>();
  readonly #removalListeners = new Set<RemovalListener>();
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

  /** Answers an unsubscribe function. */
  subscribeToRemovals(listener: RemovalListener): () => void {
    this.#removalListeners.add(listener);
    return () => this.#removalListeners.delete(listener);
  }

  /** Blocks after this one are to be taken back; what is answered is to be called with the newest block when they are. */
  takesBack(newest: number): (newest: number) => void {
    const told: ((newest: number) => void)[] = [];
    for (const listener of this.#removalListeners) this.#guarded(() => void told.push(listener(newest)));
    return (block) => {
      this.#last = block;
      for (const tell of told) this.#guarded(() => tell(block));
    };
  }

  #guarded(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#onError();
      this.#log.error('a listener of removed L2 blocks failed', { error });
    }
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
