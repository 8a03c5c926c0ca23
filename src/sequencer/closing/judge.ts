/** Judges whether the open batch has to be closed: puts before the closing rules what the books say, and what was met or asked for since. */
import type { SequencerConfig } from '../config.js';
import type { Deadlines } from '../deadlines.js';
import type { Finalizer } from '../finalizer.js';
import type { ModeMachine } from '../mode.js';
import type { Shortfall } from '../resource-ledger.js';
import type { RunEnd } from '../run-end.js';
import type { SliceRunner } from '../slice-runner.js';
import { judgeClosing } from './index.js';
import type { ClosingContext, ClosingVerdict } from './types.js';

/** Where the judge looks. */
export interface ClosingBooks {
  readonly finalizer: Finalizer;
  readonly slices: SliceRunner;
  readonly deadlines: Deadlines;
  readonly mode: ModeMachine;
  readonly runEnd: RunEnd;
  readonly config: SequencerConfig;
  /** True when the batch after this one belongs to another fork. */
  readonly forkChangesAfter: (batch: number) => boolean;
}

/** Judges the open batch. */
export class ClosingJudge {
  readonly #books: ClosingBooks;
  #markerShortfall: Shortfall | null = null;
  #operatorRequested = false;

  constructor(books: ClosingBooks) {
    this.#books = books;
  }

  /** The open batch has something that a close would seal. */
  get holdsSomething(): boolean {
    const { batch, block } = this.#books.finalizer;
    return batch.blockCount > 0 || (block !== null && block.entries.length > 0);
  }

  /** An operator wants the open batch closed. */
  request(): void {
    this.#operatorRequested = true;
  }

  /** An L2 block was opened; what its marker lacks, null where it fits. */
  blockOpened(markerShortfall: Shortfall | null): void {
    this.#markerShortfall = markerShortfall;
  }

  /** The open L2 block is gone, and with it a marker that did not fit. */
  blockDropped(): void {
    this.#markerShortfall = null;
  }

  /** Another batch is open. */
  batchOpened(): void {
    this.#markerShortfall = null;
    this.#operatorRequested = false;
  }

  /** Null: the batch stays open. A request for a batch that holds nothing is done with. */
  verdict(nowMs: number): ClosingVerdict | null {
    if (!this.holdsSomething) {
      this.#operatorRequested = false;
      return null;
    }
    return judgeClosing(this.#context(nowMs));
  }

  #context(nowMs: number): ClosingContext {
    const { finalizer, slices, deadlines, mode, runEnd, config, forkChangesAfter } = this.#books;
    const { batch, block } = finalizer;
    const isBlockDue = deadlines.isBlockDue(nowMs);
    return {
      config,
      nowMs,
      ledger: batch.ledger,
      txCount: batch.txCount,
      blockCount: batch.blockCount,
      openedAtMs: deadlines.batchOpenedAtMs(nowMs),
      markerShortfall: this.#markerShortfall,
      nothingFits: slices.nothingFits(block === null || isBlockDue),
      forcedDeadlineMs: deadlines.forcedMs,
      operatorRequested: this.#operatorRequested,
      draining: mode.mode === 'draining',
      isLastBlock: runEnd.isLastBlock(isBlockDue),
      forkChanges: forkChangesAfter(batch.number),
    };
  }
}
