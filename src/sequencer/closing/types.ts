/** What the closing rules look at, and what they answer. Each rule is one file; `index.ts` has their order. */
import type { SequencerConfig } from '../config.js';
import type { ResourceLedger, Shortfall } from '../resource-ledger.js';

/** Exact strings: stored with the batch, exported in metrics and streams. */
export const CLOSING_REASONS = {
  maxTransactions: 'Max transactions',
  resourceExhausted: 'Resource exhausted',
  resourceMargin: 'Resource margin exhausted',
  noTransactionFits: 'No transaction fits',
  forcedBatchDeadline: 'Forced batch deadline',
  forcedBatch: 'Forced batch',
  maxDeltaTimestamp: 'Max delta timestamp',
  operator: 'Operator',
  forkChange: 'Fork change',
  shutdown: 'Shutdown',
  stopAtBlock: 'Stop at block',
} as const;
export type ClosingReason = (typeof CLOSING_REASONS)[keyof typeof CLOSING_REASONS];

/** The open batch at the moment of judgement. */
export interface ClosingContext {
  readonly config: SequencerConfig;
  readonly nowMs: number;
  readonly ledger: ResourceLedger;
  /** Transactions in the batch, the open L2 block included. */
  readonly txCount: number;
  /** Durable L2 blocks of the batch. */
  readonly blockCount: number;
  /** Unix ms from which the age of the batch is counted: when it got its first L2 block. */
  readonly openedAtMs: number;
  /** The marker of an L2 block that was opened and does not fit. */
  readonly markerShortfall: Shortfall | null;
  /** Ready transactions exist, as many as the look-ahead allows were tried, and none fits. */
  readonly nothingFits: boolean;
  /** Unix ms by which a forced batch has to be processed; null when none waits. */
  readonly forcedDeadlineMs: number | null;
  readonly operatorRequested: boolean;
  readonly draining: boolean;
  /** The L2 block that is ready to be sealed, or sealed and the newest, is the last one. */
  readonly isLastBlock: boolean;
  /** Fork of the next batch differs. */
  readonly forkChanges: boolean;
}

/** A batch has to be closed. */
export interface ClosingVerdict {
  readonly reason: ClosingReason;
  /** Index of the resource that closes it, where one does. */
  readonly resource?: number;
  /** What was reached, where the rule has a bound that is not of a resource: see `Certificate.bound`. */
  readonly bound?: number;
}

/** A rule: null means go on. */
export type ClosingRule = (context: ClosingContext) => ClosingVerdict | null;
