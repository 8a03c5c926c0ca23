/**
 * The work in progress: the open batch with its resources, and the open L2 block with its transactions. It keeps the books and talks to
 * the engine; when to open, seal and close is the loop's business.
 */
import type { EngineHead, ForcedBatchOutcome, NativeEngine, SealedBlock } from '../native/engine.js';
import { OUTCOME, packListOf } from '../native/layouts.js';
import type { PoolEntry } from '../pool/entry.js';
import { CLOSING_REASONS, type ClosingReason } from './closing/types.js';
import type { DueForcedBatch } from './forced-batches.js';
import { type BatchLimitConfig, batchLimits } from './limits.js';
import { type ExecutionAnswer, type ExecutionOutcome, readExecutionAnswer, type TouchedAccount } from './outcome.js';
import { ResourceLedger, type Shortfall } from './resource-ledger.js';
import { type ResourceVector, readResources, writeResources } from './resources.js';

/** Verbs of the engine that sequencing uses. */
export type SequencingEngine = Pick<
  NativeEngine,
  | 'sealedHead'
  | 'openBlock'
  | 'execute'
  | 'finishBlock'
  | 'commitBlocks'
  | 'discardBlock'
  | 'discardSealed'
  | 'closeBatch'
  | 'executeForcedBatch'
>;

/** The open batch. */
export interface WipBatch {
  readonly number: number;
  readonly ledger: ResourceLedger;
  /** Transactions, those of the open block included. */
  txCount: number;
  /** Sealed L2 blocks of the batch. */
  blockCount: number;
  /** Unix ms of its first L2 block; 0 while it has none. */
  openedAtMs: number;
}

/** The open L2 block. */
export interface WipBlock {
  readonly number: number;
  /** Unix ms; the block's timestamp was fixed at this moment. */
  readonly openedAtMs: number;
  readonly entries: PoolEntry[];
  /** Accounts changed by the block, as each slice told them: only a block that is dropped looks through them. */
  readonly touched: (readonly TouchedAccount[])[];
  gasUsed: number;
}

/** One transaction to execute. */
export interface SliceItem {
  readonly entry: PoolEntry;
  readonly percentage: number;
}

/** A slice to execute, and within which bounds. */
export interface SliceRequest {
  readonly items: readonly SliceItem[];
  readonly maxMisfits: number;
  readonly budgetNanos: number;
  /** How they are priced again once their gas is known; null where the percentages stay. */
  readonly repricing: Buffer | null;
}

/** One byte for each transaction: 1 where it is only included if it succeeds. Null, as nearly always, where that is none. */
function mustSucceed(slice: readonly SliceItem[]): Buffer | null {
  if (!slice.some(({ entry }) => entry.freeDeposit !== null)) return null;
  return Buffer.from(slice.map(({ entry }) => Number(entry.freeDeposit !== null)));
}

/** How a batch ends. */
export interface Closing {
  readonly reason: ClosingReason;
  readonly detailJson: string;
}

/** A sealed L2 block, with the pool entries in it. */
export interface Sealing {
  readonly sealed: SealedBlock;
  readonly block: WipBlock;
  /** The batch that it closed. */
  readonly closed: ClosedWipBatch | null;
}

/** A batch that was closed, as the books had it. */
export interface ClosedWipBatch {
  readonly batch: WipBatch;
  readonly closing: Closing;
}

/** A forced batch that is executed and durable. */
export interface ForcedBatchDone {
  readonly outcome: ForcedBatchOutcome;
  readonly touched: readonly TouchedAccount[];
  readonly closed: ClosedWipBatch;
}

/** Books of the work in progress. */
export class Finalizer {
  readonly #engine: SequencingEngine;
  readonly #limitConfig: BatchLimitConfig;
  /** Limits of a batch, and the budget of the engine that they were made from. */
  #limitsOf: { readonly budget: Buffer; readonly limits: ResourceVector } = { budget: Buffer.alloc(0), limits: [] };
  #batch: WipBatch;
  #block: WipBlock | null = null;
  #headBlock: number;
  #nextForcedBatch: number;

  constructor(engine: SequencingEngine, limits: BatchLimitConfig) {
    this.#engine = engine;
    this.#limitConfig = limits;
    const head = engine.sealedHead();
    this.#headBlock = head.blockNumber;
    this.#nextForcedBatch = head.nextForcedBatch;
    this.#batch = this.#batchFrom(head);
  }

  get batch(): WipBatch {
    return this.#batch;
  }

  get block(): WipBlock | null {
    return this.#block;
  }

  /** Newest sealed L2 block, durable or not. */
  get headBlock(): number {
    return this.#headBlock;
  }

  /** Number of the forced batch that goes next. */
  get nextForcedBatch(): number {
    return this.#nextForcedBatch;
  }

  /** The batch holds nothing: what does not fit it now never fits. */
  get isBatchFresh(): boolean {
    return this.#batch.txCount === 0 && this.#batch.blockCount === 0;
  }

  /**
   * Opens the next L2 block. Answers what the marker lacks where it does not fit the batch; the block is open all the same and has to be
   * discarded.
   */
  async open(nowMs: number): Promise<Shortfall | null> {
    const timestamp = Math.floor(nowMs / 1000);
    const answer = readExecutionAnswer(await this.#engine.openBlock({ timestamp, nowMs, l1InfoTreeIndex: 0 }));
    const marker = answer.outcomes[0];
    if (marker === undefined) throw new RangeError('openBlock answered no outcome');
    this.#block = { number: this.#headBlock + 1, openedAtMs: nowMs, entries: [], touched: [], gasUsed: 0 };
    if (this.#batch.openedAtMs === 0) this.#batch.openedAtMs = nowMs;
    const shortfall = this.#batch.ledger.shortfall(marker);
    if (shortfall === null) this.#batch.ledger.add(marker);
    return shortfall;
  }

  /** Executes a slice on the open block and books what was included. */
  async execute({ items: slice, maxMisfits, budgetNanos, repricing }: SliceRequest): Promise<ExecutionAnswer> {
    const block = this.#openBlock();
    const { ledger } = this.#batch;
    const demanding = mustSucceed(slice);
    const answer = readExecutionAnswer(
      await this.#engine.execute({
        transactions: packListOf(slice, itemBytes, writeItem),
        remaining: writeResources(ledger.remaining()),
        high: writeResources(ledger.high),
        maxMisfits,
        budgetNanos,
        ...(repricing === null ? {} : { repricing }),
        ...(demanding === null ? {} : { mustSucceed: demanding }),
      }),
    );
    if (answer.outcomes.length > slice.length) throw new RangeError('execute answered more outcomes than transactions');
    for (const [i, outcome] of answer.outcomes.entries()) {
      const item = slice[i];
      if (item !== undefined && outcome.result === OUTCOME.included) this.#book(block, item.entry, outcome);
    }
    block.touched.push(answer.touched);
    return answer;
  }

  /**
   * Seals the open block, and closes the batch with it where asked; the next block may be opened at once. Nothing of it may be published
   * before it is durable.
   */
  async finish(nowMs: number, closing: Closing | null): Promise<Sealing> {
    const block = this.#openBlock();
    const batch = this.#batch;
    const sealed = await this.#engine.finishBlock(closing === null ? { nowMs } : { nowMs, closeBatch: closing });
    assertSealed(sealed, block);
    this.#block = null;
    this.#resync();
    return { sealed, block, closed: closing === null ? null : { batch, closing } };
  }

  /** Drops the open block; answers it, so that its transactions go back. The books return to the newest sealed block. */
  async discard(): Promise<WipBlock> {
    const block = this.#openBlock();
    await this.#engine.discardBlock();
    this.#block = null;
    this.#resync();
    return block;
  }

  /** Closes a batch that has no open block. */
  async close(nowMs: number, closing: Closing): Promise<void> {
    if (this.#block !== null) throw new Error('a batch with an open L2 block is closed by sealing the block');
    await this.#engine.closeBatch(closing.reason, closing.detailJson, nowMs);
    this.#resync();
  }

  /** Has a forced batch executed as a batch of its own, durable when this resolves. The open batch is fresh, and nothing waits to be committed. */
  async force({ batch: forced, deadlineMs }: DueForcedBatch, nowMs: number): Promise<ForcedBatchDone> {
    if (this.#block !== null || !this.isBatchFresh) throw new Error('a forced batch goes between batches');
    const { number, ledger } = this.#batch;
    const outcome = await this.#engine.executeForcedBatch({
      number: forced.number,
      data: bytesOf(forced.data),
      timestamp: forced.forcedAt,
      globalExitRoot: bytesOf(forced.globalExitRoot),
      l1BlockHash: bytesOf(forced.l1ParentHash),
      deadlineMs,
      nowMs,
    });
    if (outcome.batchNumber !== number)
      throw new RangeError(`forced batch ${forced.number} is batch ${outcome.batchNumber}, not ${number}`);
    this.#resync();
    const batch: WipBatch = {
      number,
      ledger: new ResourceLedger(ledger.limits, readResources(outcome.used)),
      txCount: outcome.block?.txCount ?? 0,
      blockCount: outcome.block === undefined ? 0 : 1,
      openedAtMs: nowMs,
    };
    const closing = { reason: CLOSING_REASONS.forcedBatch, detailJson: outcome.certificateJson };
    return { outcome, touched: readExecutionAnswer(outcome.touched).touched, closed: { batch, closing } };
  }

  /** After a failure: forgets the open block here, whatever the engine made of it, and answers it. */
  abandon(): WipBlock | null {
    const block = this.#block;
    this.#block = null;
    this.#resync();
    return block;
  }

  #book(block: WipBlock, entry: PoolEntry, outcome: ExecutionOutcome): void {
    const shortfall = this.#batch.ledger.shortfall(outcome);
    if (shortfall !== null) {
      throw new RangeError(
        `transaction ${entry.hash} was included but lacks resource ${shortfall.resource}: needed ${shortfall.needed}, remaining ${shortfall.remaining}`,
      );
    }
    this.#batch.ledger.add(outcome);
    this.#batch.txCount++;
    block.entries.push(entry);
    block.gasUsed += outcome.gasUsed;
  }

  #openBlock(): WipBlock {
    if (this.#block === null) throw new Error('no L2 block is open');
    return this.#block;
  }

  /** Takes the engine's books over: they are the truth after a restart, so they are the truth now. */
  #resync(): void {
    const head = this.#engine.sealedHead();
    this.#headBlock = head.blockNumber;
    this.#nextForcedBatch = head.nextForcedBatch;
    this.#batch = this.#batchFrom(head);
  }

  #limits(budget: Buffer): ResourceVector {
    if (!this.#limitsOf.budget.equals(budget)) this.#limitsOf = { budget, limits: batchLimits(budget, this.#limitConfig) };
    return this.#limitsOf.limits;
  }

  #batchFrom(head: EngineHead): WipBatch {
    return {
      number: head.openBatch,
      ledger: new ResourceLedger(this.#limits(head.budgetLimits), readResources(head.openBatchUsed), readResources(head.openBatchHigh)),
      txCount: head.openBatchTxCount,
      blockCount: head.openBatchBlockCount,
      openedAtMs: head.openBatchOpenedAtMs,
    };
  }
}

const bytesOf = (hex: string): Buffer => Buffer.from(hex.slice(2), 'hex');

const ITEM_HEAD_BYTES = 21;
const itemBytes = ({ entry }: SliceItem): number => ITEM_HEAD_BYTES + entry.raw.length;

/** Item of an execution list: sender, percentage byte, signed RLP. */
function writeItem({ entry, percentage }: SliceItem, out: Buffer, at: number): void {
  out.set(entry.account.addressBytes, at);
  out[at + 20] = percentage;
  out.set(entry.raw, at + ITEM_HEAD_BYTES);
}

/** The engine sealed exactly what the books say, in their order. */
function assertSealed(sealed: SealedBlock, block: WipBlock): void {
  const expected = block.entries.map((entry) => entry.hash.slice(2)).join('');
  if (sealed.number !== block.number || sealed.txHashes.toString('hex') !== expected) {
    throw new RangeError(
      `L2 block ${sealed.number} with ${sealed.txCount} transactions is not block ${block.number} with ${block.entries.length}`,
    );
  }
}
