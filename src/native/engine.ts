/**
 * The engine as the TypeScript side sees it: the verbs of the addon, and nothing else. `src/native` is the only importer of the addon.
 *
 * Conventions: addresses 20 bytes, hashes 32 bytes, u256 as 32-byte big-endian Buffers unless a layout says otherwise; numbers are block,
 * batch or byte counts below 2^53. Methods that return a Promise work off the event loop. Every failure carries a stable string `code`
 * (docs/errors.md), e.g. `DATA_DIR_LOCKED`, `STATE_PRUNED`, `INTERNAL_PANIC`.
 */

/** A stored L2 block by number, or the newest committed one, or the open (WIP) one. */
export const BLOCK_LATEST = -1;
export const BLOCK_PENDING = -2;

export interface EngineOptions {
  /** Folder of the database; created when missing. */
  path: string;
  chainId: number;
  forkId: number;
  /** Public genesis format: `{root, genesis: [...], firstBatchData?}` as JSON text. The computed root must equal `root` when present. */
  genesisJson: string;
  /** L2 coinbase of sequenced batches. */
  sequencerAddress: Buffer;
  /** Bytes for caches (block cache, tree pages, flat state). */
  cacheBytes: number;
  /** fsync every commit and pool write (default true). */
  syncWrites: boolean;
  /** So many blocks before the newest keep their state; every state is kept where absent. */
  historyBlocks?: number;
  /** Bytes for results of pre-execution that blocks take over; 0 = every transaction is executed in its block. */
  preExecutionBytes: number;
}

export interface EngineHead {
  chainId: number;
  forkId: number;
  genesisRoot: string;
  /** Newest committed L2 block. */
  blockNumber: number;
  blockHash: string;
  blockTimestamp: number;
  stateRoot: string;
  /** Newest closed batch (0 = genesis). */
  closedBatch: number;
  /** The batch that the next sealed L2 block belongs to. */
  openBatch: number;
  /** Resources already used in the open batch (RESOURCE_COUNT u64 LE), and the high-reserved slack of each. */
  openBatchUsed: Buffer;
  openBatchHigh: Buffer;
  openBatchTxCount: number;
  openBatchBlockCount: number;
  /** Unix ms when the open batch got its first L2 block; 0 when empty. */
  openBatchOpenedAtMs: number;
  /** Resource limits of one batch: hard limits of the ROM for the fork (RESOURCE_COUNT u64 LE). */
  hardLimits: Buffer;
  /** Scheduling budget of the fork, at most the hard limits. */
  budgetLimits: Buffer;
  /** True when this start created the database. */
  created: boolean;
  /** Number of the forced batch that goes next. */
  nextForcedBatch: number;
}

export interface OpenBlockRequest {
  /** Unix seconds; raised to the previous timestamp when lower. */
  timestamp: number;
  /** Unix ms of the opening, recorded for the batch age. */
  nowMs: number;
  /** 0 = no L1 info update. */
  l1InfoTreeIndex: number;
  globalExitRoot?: Buffer;
  l1BlockHash?: Buffer;
}

export interface ExecuteRequest {
  /** Packed list; item = sender 20, effective percentage u8, raw signed RLP. */
  transactions: Buffer;
  /** RESOURCE_COUNT u64 LE: what is left in the batch before the first transaction. */
  remaining: Buffer;
  /** RESOURCE_COUNT u64 LE: high-reserved slack before the first transaction (needed = used + max(high, reserved - used)). */
  high: Buffer;
  /** Stop after so many transactions that did not fit (bounded look-ahead). */
  maxMisfits: number;
  /** Stop after so many nanoseconds of execution, so that the block deadline holds. 0 = no limit. */
  budgetNanos: number;
  /** Layout REPRICING: transactions whose gas differs from what their percentage was chosen for are charged another one (node.md 2.6). */
  repricing?: Buffer;
  /** u8 for each transaction: not 0 = it is left out where it fails (`hadToSucceed`). Absent where all may fail. */
  mustSucceed?: Buffer;
}

export interface SealedBlock {
  number: number;
  hash: string;
  stateRoot: string;
  timestamp: number;
  txCount: number;
  gasUsed: bigint;
  batchNumber: number;
  /** Header as JSON for `newHeads`. */
  headerJson: string;
  /** Hashes of the included transactions, 32 bytes each. */
  txHashes: Buffer;
  /** Nanoseconds of each stage: seal (block info tree), tree, commit; the last is 0 for a block of `finishBlock`. */
  sealNanos: number;
  treeNanos: number;
  commitNanos: number;
}

/** What a commit made durable. */
export interface CommittedBlocks {
  /** Newest durable L2 block. */
  blockNumber: number;
  /** L2 blocks of this commit. */
  blocks: number;
  nanos: number;
}

export interface SealRequest {
  /** Close the batch in the same commit. */
  closeBatch?: { reason: string; detailJson?: string };
  nowMs: number;
}

export interface ClosedBatch {
  number: number;
  stateRoot: string;
  localExitRoot: string;
  closingReason: string;
  blockCount: number;
  txCount: number;
  bytes: number;
}

/** A forced batch, as L1 has it. */
export interface ForcedBatchRequest {
  number: number;
  /** batchL2Data, as it was forced. */
  data: Buffer;
  /** Unix seconds: the timestamp of the L1 block in which it was forced. */
  timestamp: number;
  globalExitRoot: Buffer;
  /** Hash of the parent of that L1 block. */
  l1BlockHash: Buffer;
  /** Unix ms by which it had to be processed; for the certificate. */
  deadlineMs: number;
  nowMs: number;
}

/** What became of a forced batch. */
export interface ForcedBatchOutcome {
  batchNumber: number;
  /** Its L2 block; absent where it has none: no data, or no effect. */
  block?: SealedBlock;
  /** ROM error of a batch without effect, else empty. */
  romError: string;
  /** Transactions that were not valid, and are not in the block. */
  skipped: number;
  /** The closing certificate, as it is stored. */
  certificateJson: string;
  /** RESOURCE_COUNT u64 LE. */
  used: Buffer;
  /** An answer as of `execute`, without rows: the accounts that it changed. */
  touched: Buffer;
}

/** How to verify a batch. */
export interface VerifyOptions {
  /** Priority of the thread, 0 (usual) to 19 (lowest). */
  nice: number;
  /** Compute the state root from the tree as it was before the batch. */
  recomputeRoot: boolean;
  /** Folder for bundles of differing batches; none are written where absent. */
  bundleDirectory?: string;
}

/** The first difference between a stored batch and its second execution. */
export interface BatchMismatch {
  what: string;
  /** L2 block, and index of the transaction in it, where the difference begins; absent where no block differs. */
  block?: number;
  transaction?: number;
  /** As stored, and as executed. */
  expected: string;
  got: string;
  /** All of it as one sentence. */
  text: string;
}

/** What verifying a batch came to. */
export interface BatchCheck {
  number: number;
  blockCount: number;
  txCount: number;
  nanos: number;
  mismatch?: BatchMismatch;
  /** Folder of the bundle, where one was written, or why none could be. */
  bundle?: string;
  bundleFailure?: string;
}

/** `eth_call`-like request; absent fields take the defaults of the RPC specification. */
export interface CallRequest {
  from?: Buffer;
  to?: Buffer;
  data?: Buffer;
  /** u256 big-endian. */
  value?: Buffer;
  gasPrice?: Buffer;
  gas?: number;
  nonce?: number;
  /** State overrides as JSON text, geth's shape. */
  stateOverridesJson?: string;
  /** Block overrides as JSON text, geth's shape. */
  blockOverridesJson?: string;
  /** EIP-2930's access list as JSON text: warm from the start, and paid for. */
  accessListJson?: string;
  /** Milliseconds after which execution is cancelled. */
  timeoutMs?: number;
}

export interface CallOutcome {
  /** 1 success, 0 reverted or halted. */
  status: number;
  gasUsed: number;
  /** Return data, or revert data. */
  output: Buffer;
  /** Public ROM error name, `ROM_ERROR_NO_ERROR` on success. */
  romError: string;
  /** 8 x u32 LE counters used. */
  counters: Buffer;
}

/** What a trace is to show, and within which bounds. */
export interface TraceOptions {
  /**
   * JSON text. `{form: "debug", options}`: what a tracer answers, `options` as of `debug_traceTransaction`. `{form: "frames", filter?:
   * {fromAddresses, toAddresses, intersects, after, count}}`: the frames of all transactions as Parity shows them. `{form: "replay",
   * types}`: Parity's `{output, trace, stateDiff, vmTrace}` of each transaction.
   */
  configJson: string;
  /** Milliseconds after which tracing is given up. */
  timeoutMs: number;
  /** Most bytes of the answer. */
  limitBytes: number;
}

/** Parts of a block that `rawBlockJson` encodes. */
export const RAW_PART = { header: 0, block: 1, receipts: 2 } as const;

export interface NativeEngine {
  /** The newest durable state of the chain. */
  head(): EngineHead;
  /** The newest committed L2 block, without the cost of the whole head. */
  blockNumber(): number;
  /** The state after the newest sealed L2 block, durable or not: what the next block is built on. */
  sealedHead(): EngineHead;
  /** What is finished and not durable is dropped, as the open block is. */
  close(): Promise<void>;

  /** What an operator set at run time under this name; null where nothing is stored. */
  setting(name: string): string | null;
  /** Stores a text under a name, or forgets it. Resolves after it is on disk. */
  putSetting(name: string, text: string | null): Promise<void>;

  /** Decodes, recovers and reads the sender's pending state for all items at once. Answer: ADMISSION_ROW for each item. */
  admit(transactions: Buffer, preExecute: boolean): Promise<Buffer>;
  /**
   * Pre-executes transactions whose sender is known already: packed list, item = sender 20, raw signed RLP. Answer: ADMISSION_ROW for each
   * item, as of `admit` with `preExecute`, without recovering the sender again. Each may use one part in `limitsDivisor` of every counter
   * of a batch.
   */
  preExecute?(transactions: Buffer, limitsDivisor: number): Promise<Buffer>;
  /** One durable write of pool operations (packed list of POOL_OP items). Resolves after it is on disk. */
  poolWrite(operations: Buffer): Promise<void>;
  /** Pending records in key order after `after` (empty = from the start); at most `max`; packed list of POOL_ITEM. */
  poolLoad(after: Buffer, max: number): Promise<Buffer>;
  /** JSON `{status, reason, at, related}` of an ended pool record, or null. */
  poolStatus(hash: Buffer): string | null;
  /** Forgets end states older than `beforeMs`; answers how many. */
  poolPrune(beforeMs: number): Promise<number>;
  /** One write of records of explanations, not synced: packed list, item = u8 kind (0 put, 1 remove), u64 batch, u64 part, bytes. */
  explainWrite(operations: Buffer): Promise<void>;
  /** All records by batch and part: packed list, item = u64 batch, u64 part, bytes. */
  explainLoad(): Promise<Buffer>;
  /** JSON-RPC transaction object of a pending transaction. */
  pendingTransactionJson(raw: Buffer, sender: Buffer): string;

  /** Opens the next L2 block on the newest sealed one, durable or not. Answer: OUTCOME_HEADER and one OUTCOME_ROW for the changeL2Block. */
  openBlock(request: OpenBlockRequest): Promise<Buffer>;
  /** Executes in order on the open block. Answer: OUTCOME_HEADER, rows for the transactions reached, touched accounts. */
  execute(request: ExecuteRequest): Promise<Buffer>;
  /** `finishBlock` and `commitBlocks` in one. */
  sealBlock(request: SealRequest): Promise<SealedBlock>;
  /**
   * Hashes the open block; the next one may be opened on it at once. Nothing of it is visible to anybody, nor may be told, before a
   * `commitBlocks` that began later has resolved.
   */
  finishBlock(request: SealRequest): Promise<SealedBlock>;
  /**
   * Makes all finished blocks durable in one write, those after `through` left out; blocks finished meanwhile are left to the next. Rejected,
   * none of them is, and the database takes no more writes: `discardSealed` goes back to the newest durable block.
   */
  commitBlocks(through?: number): Promise<CommittedBlocks>;
  /** Drops the open block and every finished one that is not durable. */
  discardSealed(): Promise<void>;
  /** Drops the open block; its transactions are as before. */
  discardBlock(): Promise<void>;
  /** Closes the open batch, which holds at least one block and no open one, after committing what is finished. */
  closeBatch(reason: string, detailJson: string, nowMs: number): Promise<ClosedBatch>;
  /**
   * Executes the next forced batch on the newest sealed block and makes it durable as a closed batch of its own, with everything finished
   * before it. There is no open L2 block, and the open batch has none. A batch without effect is no failure. Rejected, nothing of it is in the chain.
   */
  executeForcedBatch(request: ForcedBatchRequest): Promise<ForcedBatchOutcome>;
  /**
   * Takes the durable chain back to the end of a closed batch; there is no open L2 block. Answers a `RollbackReport` as JSON text. Rejects with
   * `ROLLBACK_REFUSED` where it cannot be; any other failure leaves the chain where the last finished step left it.
   */
  rollback(toBatch: number): Promise<string>;

  /**
   * Verification begins: answers the newest batch that counts as verified. Keeps what verifying later ones takes, however little history is
   * kept. At most `lagMax` batches are made up for.
   */
  beginVerification(lagMax: number): number;
  /** Executes a closed batch again from its stored bytes and compares, on a thread of its own. Where it is as stored, it counts as verified. */
  verifyBatch(number: number, options: VerifyOptions): Promise<BatchCheck>;

  /** u64 nonce LE, u256 balance LE, 32 bytes Poseidon code hash, u64 code length LE: 80 bytes. Throws STATE_PRUNED, BLOCK_NOT_FOUND. */
  account(address: Buffer, block: number): Buffer;
  /** 32 bytes big-endian. */
  storageAt(address: Buffer, slot: Buffer, block: number): Buffer;
  code(address: Buffer, block: number): Buffer;
  call(request: CallRequest, block: number): Promise<CallOutcome>;
  /** Gas by bounded search; the outcome of the last failing run when even the cap does not suffice. */
  estimateGas(request: CallRequest, block: number): Promise<{ gas: number; outcome: CallOutcome }>;

  /** JSON text; null when there is no such transaction. Rejects with TRACE_TOO_LARGE, CALL_TIMEOUT, CALL_INVALID, STATE_PRUNED. */
  traceTransaction(hash: Buffer, options: TraceOptions): Promise<string | null>;
  /** JSON array over the transactions of the blocks, both ends included, by block and index; null when the first does not exist. */
  traceBlocks(first: number, last: number, options: TraceOptions): Promise<string | null>;
  /** JSON text; the forms `debug` and `replay` only. */
  traceCall(request: CallRequest, block: number, options: TraceOptions): Promise<string>;
  /**
   * As `traceCall` for calls in bundles, one JSON array a bundle: each call sees what those before it did. The state overrides of the first
   * call hold for all.
   */
  traceCalls(bundles: CallRequest[][], block: number, options: TraceOptions): Promise<string>;
  /** State roots of the blocks, both ends included, as a JSON array. */
  stateRootsJson(first: number, last: number): Promise<string>;
  /** RLP of a `RAW_PART` as JSON text: hex, or an array of hex for receipts; null when there is no such block. */
  rawBlockJson(block: number, part: number): string | null;

  /** JSON text of the RPC objects, or null when unknown. */
  blockJson(block: number, fullTransactions: boolean, extra: boolean): string | null;
  blockNumberByHash(hash: Buffer): number | null;
  transactionJson(hash: Buffer): string | null;
  transactionByIndexJson(block: number, index: number): string | null;
  rawTransaction(hash: Buffer): Buffer | null;
  receiptJson(hash: Buffer): string | null;
  /** Hash of the transaction that has this L2 hash. */
  transactionHashByL2Hash(l2Hash: Buffer): Buffer | null;
  blockReceiptsJson(block: number): string | null;
  /** All logs of a block as a JSON array. Throws BLOCK_NOT_FOUND. */
  blockLogsJson(block: number): string;
  /** `filterJson`: `{fromBlock, toBlock, addresses: [...], topics: [[...]|null, ...]}` (numbers resolved). JSON array; throws LOGS_TOO_MANY. */
  logsJson(filterJson: string, maxResults: number): Promise<string>;
  batchJson(batch: number, fullTransactions: boolean): string | null;
  batchNumberByBlock(block: number): number | null;
  batchData(batch: number): Buffer | null;

  /**
   * Values and proofs of an account and of slots (32 bytes each, one after the other) at the end of a block, as the JSON object of
   * `zkevm_getProof`. The tree of an older block is rebuilt from what changed since, at most `changesMax` keys. Throws STATE_TOO_OLD,
   * STATE_PRUNED, BLOCK_NOT_FOUND.
   */
  proofJson(address: Buffer, slots: Buffer, block: number, changesMax: number): Promise<string>;
  /**
   * Witness of a closed batch as JSON: `{oldStateRoot, newStateRoot, db, contractsBytecode}`, or with `asVector` the whole input of the
   * executor with the expected results. Throws BATCH_NOT_CLOSED, STATE_TOO_OLD, STATE_PRUNED.
   */
  batchWitness(batch: number, asVector: boolean, changesMax: number): Promise<string>;
  /** The same for consecutive L2 blocks. Throws CALL_INVALID for blocks that cannot be executed as one. */
  blockRangeWitness(first: number, last: number, changesMax: number): Promise<string>;
  /** Copies the database as it is now into a folder that does not exist yet, while the node goes on. JSON text of a `SnapshotReport`. */
  snapshot(target: string): Promise<string>;

  /** Prometheus text of the native side. */
  metricsText(): string;
}
