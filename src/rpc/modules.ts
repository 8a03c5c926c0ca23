/**
 * What the JSON-RPC namespaces need from the rest of the node: small interfaces owned by their consumer. The pool and the sequencer
 * implement them; tests may stand in with their own.
 */
import type { NativeEngine, SealedBlock } from '../native/engine.js';
import type { PoolStatus } from '../native/layouts.js';

/** A pending transaction as the pool knows it. */
export interface PoolTransaction {
  readonly hash: string;
  /** Lower-case 0x address. */
  readonly sender: string;
  readonly nonce: bigint;
  readonly gasPrice: bigint;
  readonly gasLimit: bigint;
  readonly value: bigint;
  /** Lower-case 0x address; null for a contract creation. */
  readonly to: string | null;
  readonly raw: Buffer;
  readonly receivedAtMs: number;
  readonly status: PoolStatus;
}

/** The answer of `zkevm_getPoolTransaction`: why a transaction is where it is. */
export interface PoolTransactionState {
  status: PoolStatus;
  reason: string | null;
  receivedAtMs: number | null;
  attempts?: number;
  usedCounters?: Record<string, number>;
  /** What is to be reserved for them: what it may need on a deeper tree. */
  reservedCounters?: Record<string, number>;
  /** Price at which it costs the operator nothing, where that decides about prices. */
  breakEvenGasPriceWei?: bigint;
  /** True when it is next in line for selection. */
  ready?: boolean;
  /** First nonce that is missing before it, where it waits for one. */
  missingNonce?: bigint;
  /** Wei that its sender lacks, where it waits for funds. */
  missingFundsWei?: bigint;
  /** Rank among the ready transactions by price, 0 = next. */
  position?: number;
  replacedBy?: string;
}

export interface RpcPool {
  /** Resolves with the transaction hash after it is durable; rejects with a PoolError (`code`, message of node.md 1.6). */
  add(raw: Buffer): Promise<string>;
  get(hash: string): PoolTransaction | undefined;
  state(hash: string): PoolTransactionState | null;
  /** Nonce of the pending view plus contiguous pool nonces (geth rule). */
  pendingNonce(address: string): bigint;
  /** Transactions of every account: contiguous ones as pending, others as queued. */
  content(): { pending: Map<string, PoolTransaction[]>; queued: Map<string, PoolTransaction[]> };
  /** The same of one account. */
  contentFrom(address: string): { pending: PoolTransaction[]; queued: PoolTransaction[] };
  counts(): { pending: number; queued: number };
  /** Called with each transaction that enters the pool; answers an unsubscribe function. */
  onPending(listener: (transaction: PoolTransaction) => void): () => void;
}

/** Where the verification of closed batches stands. */
export interface VerificationStatus {
  readonly enabled: boolean;
  /** Newest batch that was executed again and found as it was stored. */
  readonly checkedBatch: number;
  /** Closed batches behind it. */
  readonly lag: number;
  /** Why verification stopped; null while it goes on. */
  readonly problem: string | null;
  /** Folder of the bundle of the batch that differs. */
  readonly bundle: string | null;
}

export interface SequencerStatus {
  mode: 'syncing' | 'sequencing' | 'throttled' | 'recovering' | 'halted' | 'draining';
  haltReason: string | null;
  /** Only a new start ends the halt. */
  isHaltFinal: boolean;
  /** An operator paused it: transactions are admitted, none is executed. */
  paused: boolean;
  /** Why nothing new is executed; null while nothing lags. */
  throttleReason: string | null;
  /** Verification of closed batches; null where this node has none. */
  verification: VerificationStatus | null;
  blockNumber: number;
  openBatch: number;
  closedBatch: number;
  /** Null where nothing tells this node of forced batches. */
  forcedBatches: ForcedBatchStatus | null;
  /** Used resources of the open batch by name, for `zkevm_status`. */
  wip: { blockTxCount: number; batchTxCount: number; used: Record<string, number> };
}

/** Forced batches that wait. */
export interface ForcedBatchStatus {
  /** Number of the one that goes next. */
  readonly next: number;
  /** How many can be processed. */
  readonly pending: number;
  /** How many wait for one that is missing. */
  readonly blocked: number;
  /** Unix ms by which those that can be are processed; null where none can. */
  readonly deadlineMs: number | null;
}

/** What became of a transaction in one closed batch. */
export type BatchOutcome = 'included' | 'left' | 'misfit' | 'nonceGap' | 'behindEarlierNonce' | 'missingFunds' | 'notReached';

/** Verdict of one closed batch on a transaction. */
export interface BatchVerdict {
  readonly batch: number;
  readonly verdict: BatchOutcome;
  /** What it lacked, in words; empty where it is included. */
  readonly detail: string;
}

/** The batches closed since the arrival of a transaction, oldest first: the answer of `zkevm_explainTransaction`. */
export interface Explanation {
  readonly hash: string;
  readonly batches: readonly BatchVerdict[];
}

/** The answer of `zkevm_estimateInclusion`. */
export interface InclusionEstimate {
  /** Transactions that could run now and go first. */
  readonly ahead: number;
  /** Transactions included per second lately; null when none was. */
  readonly perSecond: number | null;
  /** Expected milliseconds until its L2 block is durable; null while no blocks are made, and when nothing is included although others wait. */
  readonly expectedMs: number | null;
}

/** The open L2 block as far as it is executed. */
export interface PendingBlock {
  readonly number: number;
  /** Unix ms; its timestamp was fixed then. */
  readonly openedAtMs: number;
  readonly gasUsed: number;
  /** In their order. */
  readonly transactions: readonly PoolTransaction[];
}

export interface RpcSequencer {
  status(): SequencerStatus;
  /** Null while no block is open. */
  pendingBlock(): PendingBlock | null;
  /** Null where nothing is known: never seen, or included in the first batch that it met. */
  explain(hash: string): Explanation | null;
  /** When a new transaction at this price would be in a durable L2 block. */
  estimateInclusion(gasPriceWei: bigint): InclusionEstimate;
  /** Called in block order after each L2 block is durable; answers an unsubscribe function. */
  onBlock(listener: (block: SealedBlock) => void): () => void;
  /**
   * Called before blocks are taken back, with the one that is to be the newest; what it answers is called afterwards with the one that is.
   * Answers an unsubscribe function.
   */
  onRemoval(listener: (newest: number) => (newest: number) => void): () => void;
}

export interface GasPriceOracle {
  /** Suggested price in wei. */
  suggestedWei(): bigint;
  /** Lowest admissible price in wei. */
  minimumWei(): bigint;
}

/** What the effective price of a transaction depends on; a pool entry has all of it. */
export interface PricedTransaction {
  /** Signed price in wei. */
  readonly gasPrice: bigint;
  /** Bytes inside batchL2Data, and the zero bytes among them. */
  readonly batchBytes: number;
  readonly zeroBytes: number;
  readonly to: string | null;
  readonly raw: Buffer;
  readonly need: { readonly gasUsed: number };
}

/** The share of the signed price that is charged. */
export interface EffectivePricing {
  /** Percentage byte: `(byte + 1) / 256` of the signed price. */
  percentage(transaction: PricedTransaction): number;
}

export interface RpcModules {
  engine: NativeEngine;
  pool: RpcPool;
  sequencer: RpcSequencer;
  gasPrice: GasPriceOracle;
  pricing: EffectivePricing;
}
