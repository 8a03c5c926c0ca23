/** Forced batches as an L1 side would tell of them, for tests. */
import type { ForcedBatchSource, WaitingForcedBatch } from '../../src/sequencer/forced-batches.js';

/** A source that is fed by hand. */
export class ForcedSource implements ForcedBatchSource {
  #waiting: readonly WaitingForcedBatch[] = [];
  readonly #listeners = new Set<() => void>();

  waiting(): readonly WaitingForcedBatch[] {
    return this.#waiting;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Those that listen; a node that ended does not. */
  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** More wait. */
  add(...batches: WaitingForcedBatch[]): void {
    this.#waiting = [...this.#waiting, ...batches];
    for (const listener of this.#listeners) listener();
  }
}

/** A forced batch; what is not given is the same for all. */
export function forcedBatch(number: number, data: Uint8Array, changes: Partial<WaitingForcedBatch> = {}): WaitingForcedBatch {
  return {
    number,
    data: `0x${Buffer.from(data).toString('hex')}`,
    forcedAt: 1_700_000_000,
    globalExitRoot: `0x${'6e'.repeat(32)}`,
    l1ParentHash: `0x${'b1'.repeat(32)}`,
    deadlineMs: 0,
    ...changes,
  };
}
