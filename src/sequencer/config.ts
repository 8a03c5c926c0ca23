/**
 * Settings of the sequencer: defaults and ranges as plain constants. `src/config` composes them into the node's schema.
 */
import type { NumberRule } from '../pool/config.js';

/** When an L2 block without transactions is made. */
export type EmptyBlocksPolicy = 'never' | 'interval';

/** Order of ready transactions. */
export type OrderingPolicy = 'price' | 'fcfs' | 'price+time';

/** Settings of the sequencer. */
export interface SequencerConfig {
  /** An L2 block is sealed this long after it was opened. */
  readonly blockIntervalMs: number;
  /** A batch with transactions is closed at this age. */
  readonly batchMaxAgeMs: number;
  readonly emptyBlocks: EmptyBlocksPolicy;
  readonly ordering: OrderingPolicy;
  /** Ordering `price+time`: waiting so long weighs as much as twice the price. */
  readonly priceDoublingMs: number;
  /** Senders whose ready transactions go before those of all others, lower-case addresses. */
  readonly prioritySenders: readonly string[];
  /** Transactions of one batch; 0 = no limit by count. */
  readonly batchTxsMax: number;
  /** The batch is closed when this share of any resource, or less, is left. */
  readonly resourceMarginPercent: number;
  /** Batch data in bytes: lowers the limit of the fork, never raises it. */
  readonly batchBytesMax: number;
  /** Gas and rows of each counter in one batch: lower the budget of the fork, never raise it; 0 = the fork's. */
  readonly batchGasMax: number;
  readonly batchStepsMax: number;
  readonly batchArithMax: number;
  readonly batchBinaryMax: number;
  readonly batchMemAlignMax: number;
  readonly batchKeccaksMax: number;
  readonly batchPaddingMax: number;
  readonly batchPoseidonMax: number;
  readonly batchSha256Max: number;
  /** Candidates that did not fit, in a row, after which the batch counts as full. */
  readonly lookAhead: number;
  /** Transactions of one native call. */
  readonly sliceTxsMax: number;
  /** Execution time of one native call. */
  readonly sliceBudgetMs: number;
  /** A ready transaction that waited longer goes first in the next empty batch. */
  readonly maxWaitMs: number;
  /** The node stops after this batch is closed; 0 = never. */
  readonly stopAtBatch: number;
  /** The node stops after this L2 block, and the batch that is closed with it; 0 = never. */
  readonly stopAtBlock: number;
  /** Close the open batch when the node stops. */
  readonly closeBatchOnShutdown: boolean;
  /** Batches whose verdicts are kept for explanations. */
  readonly explainedBatchesMax: number;
}

/** Defaults of the sequencer. */
export const SEQUENCER_DEFAULTS: SequencerConfig = {
  blockIntervalMs: 1_000,
  batchMaxAgeMs: 60_000,
  emptyBlocks: 'never',
  ordering: 'price',
  priceDoublingMs: 10_000,
  prioritySenders: [],
  batchTxsMax: 0,
  resourceMarginPercent: 10,
  batchBytesMax: 120_000,
  batchGasMax: 0,
  batchStepsMax: 0,
  batchArithMax: 0,
  batchBinaryMax: 0,
  batchMemAlignMax: 0,
  batchKeccaksMax: 0,
  batchPaddingMax: 0,
  batchPoseidonMax: 0,
  batchSha256Max: 0,
  lookAhead: 64,
  sliceTxsMax: 256,
  // Newcomers that pay more, deadlines and shutdown wait at most this long for a running slice.
  sliceBudgetMs: 20,
  maxWaitMs: 60_000,
  stopAtBatch: 0,
  stopAtBlock: 0,
  closeBatchOnShutdown: true,
  explainedBatchesMax: 1_024,
};

/** Range of a row budget: what is above the fork's has no effect. */
const rows = (counter: string) => ({
  min: 0,
  max: 100_000_000,
  unit: 'rows',
  help: `Counter ${counter} of one batch: lowers the budget of the fork; 0 = the fork's.`,
});

/** Ranges of the numeric settings by name. */
export const SEQUENCER_RULES = {
  blockIntervalMs: { min: 10, max: 3_600_000, unit: 'ms', help: 'Time from opening to sealing an L2 block.' },
  batchMaxAgeMs: { min: 10, max: 86_400_000, unit: 'ms', help: 'Age at which a batch with transactions is closed.' },
  batchTxsMax: { min: 0, max: 1_000_000, unit: 'transactions', help: 'Transactions of one batch; 0 = no limit by count.' },
  resourceMarginPercent: { min: 0, max: 90, unit: '%', help: 'A batch is closed when this share of a resource, or less, is left.' },
  batchBytesMax: { min: 1_000, max: 120_000, unit: 'bytes', help: 'Batch data of one batch.' },
  batchGasMax: { min: 0, max: 2 ** 50, unit: 'gas', help: "Gas of one batch; 0 = the fork's." },
  batchStepsMax: rows('steps'),
  batchArithMax: rows('arithmetics'),
  batchBinaryMax: rows('binaries'),
  batchMemAlignMax: rows('memAligns'),
  batchKeccaksMax: rows('keccakHashes'),
  batchPaddingMax: rows('poseidonPaddings'),
  batchPoseidonMax: rows('poseidonHashes'),
  batchSha256Max: rows('sha256Hashes'),
  lookAhead: { min: 1, max: 4_096, unit: 'transactions', help: 'Misfits in a row after which the batch counts as full.' },
  sliceTxsMax: { min: 1, max: 4_096, unit: 'transactions', help: 'Transactions of one native call.' },
  sliceBudgetMs: { min: 1, max: 1_000, unit: 'ms', help: 'Execution time of one native call.' },
  maxWaitMs: { min: 0, max: 86_400_000, unit: 'ms', help: 'Waiting time after which a ready transaction goes first in an empty batch.' },
  priceDoublingMs: {
    min: 1,
    max: 86_400_000,
    unit: 'ms',
    help: 'Ordering price+time: waiting so long weighs as much as twice the price.',
  },
  stopAtBatch: { min: 0, max: 9_007_199_254_740_991, unit: 'batch', help: 'Stop after this batch is closed; 0 = never.' },
  stopAtBlock: {
    min: 0,
    max: 9_007_199_254_740_991,
    unit: 'L2 block',
    help: 'Stop after this L2 block, and close the batch with it; 0 = never.',
  },
  explainedBatchesMax: { min: 1, max: 1_000_000, unit: 'batches', help: 'Batches whose verdicts are kept for explanations.' },
} as const satisfies Partial<Record<keyof SequencerConfig, NumberRule>>;

/** Choices of the named settings. */
export const SEQUENCER_CHOICES = { emptyBlocks: ['never', 'interval'], ordering: ['price', 'fcfs', 'price+time'] } as const;
