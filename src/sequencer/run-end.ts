/** Where a run ends by itself: after a batch (`stopAtBatch`), or after an L2 block and the batch that is closed with it (`stopAtBlock`). */
import type { SequencerConfig } from './config.js';
import type { Finalizer } from './finalizer.js';

/** What of the work in progress decides about the end. */
export type RunEndBooks = Pick<Finalizer, 'batch' | 'block' | 'headBlock' | 'isBatchFresh'>;

/** Never: no number is reached that is larger than all. */
const orNever = (stopAt: number): number => (stopAt === 0 ? Number.POSITIVE_INFINITY : stopAt);

/** The end of a run. */
export class RunEnd {
  readonly #books: RunEndBooks;
  readonly #lastBatch: number;
  readonly #lastBlock: number;

  constructor({ stopAtBatch, stopAtBlock }: Pick<SequencerConfig, 'stopAtBatch' | 'stopAtBlock'>, books: RunEndBooks) {
    this.#books = books;
    this.#lastBatch = orNever(stopAtBatch);
    this.#lastBlock = orNever(stopAtBlock);
  }

  /**
   * The last batch is closed, in this run or in an earlier one: another batch, or another L2 block, would be one too many. The last block
   * alone does not end the run, as long as its batch is open.
   */
  get isReached(): boolean {
    const { batch, headBlock, isBatchFresh } = this.#books;
    return batch.number > this.#lastBatch || headBlock > this.#lastBlock || (headBlock === this.#lastBlock && isBatchFresh);
  }

  /**
   * A batch that is closed now ends with the last L2 block: it is sealed and the newest, or open, with transactions, and due. An open one
   * without transactions is no part of the close: it is sealed by itself first, where it is to be sealed.
   */
  isLastBlock(isBlockDue: boolean): boolean {
    const { block, headBlock } = this.#books;
    if (block === null) return headBlock === this.#lastBlock;
    return block.number === this.#lastBlock && block.entries.length > 0 && isBlockDue;
  }
}
