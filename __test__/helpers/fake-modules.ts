/** Stand-ins for the parts that the JSON-RPC server talks to: a chain of a few blocks held as JSON, a pool that takes anything. */
import { keccak256 } from 'ethers';
import { CodedError } from '../../src/common/errors.js';
import { type Logger, silentLogger } from '../../src/common/logger.js';
import { MetricsRegistry } from '../../src/common/metrics.js';
import {
  BLOCK_LATEST,
  BLOCK_PENDING,
  type CallOutcome,
  type CallRequest,
  type NativeEngine,
  type SealedBlock,
} from '../../src/native/engine.js';
import { BlockResolver } from '../../src/rpc/block-ref.js';
import { CallGate } from '../../src/rpc/call-gate.js';
import { type RpcConfig, rpcSettings } from '../../src/rpc/config.js';
import { Filters } from '../../src/rpc/filters.js';
import { trustedOnly } from '../../src/rpc/finality.js';
import type {
  Explanation,
  InclusionEstimate,
  PendingBlock,
  PoolTransaction,
  PoolTransactionState,
  RpcPool,
  RpcSequencer,
  SequencerStatus,
} from '../../src/rpc/modules.js';
import { ReceiptWaiter } from '../../src/rpc/receipt-waiter.js';
import type { RpcServices } from '../../src/rpc/services.js';
import { Subscriptions } from '../../src/rpc/subscriptions.js';
import { ManualClock } from './manual-clock.js';

export const SENDER = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266';
export const OTHER = `0x${'22'.repeat(20)}`;

/** Hash of the fake block with this number. */
export function blockHash(number: number): string {
  return `0x${number.toString(16).padStart(64, '0')}`;
}

/** A stored block of one transaction, with the members that the engine answers. */
function blockObject(number: number, full: boolean, extra: boolean): string {
  return JSON.stringify({
    parentHash: blockHash(Math.max(0, number - 1)),
    miner: OTHER,
    stateRoot: blockHash(number),
    transactionsRoot: blockHash(number),
    receiptsRoot: blockHash(number),
    logsBloom: `0x${'01'.repeat(256)}`,
    size: '0x220',
    number: `0x${number.toString(16)}`,
    gasLimit: '0x10000',
    gasUsed: '0x5208',
    timestamp: `0x${number.toString(16)}`,
    nonce: '0x0000000000000000',
    hash: blockHash(number),
    transactions: full ? [{ hash: '0x1' }] : ['0x1'],
    uncles: [],
    ...(extra ? { globalExitRoot: blockHash(7), blockInfoRoot: blockHash(8) } : {}),
  });
}

export interface FakeLog {
  readonly address: string;
  readonly topics: string[];
  readonly data: string;
}

interface FakeBlock {
  readonly number: number;
  readonly logs: FakeLog[];
}

/** What the tests steer. */
export class FakeChain {
  readonly blocks: FakeBlock[] = [{ number: 0, logs: [] }];
  readonly calls: { request: CallRequest; block: number }[] = [];
  outcome: CallOutcome = {
    status: 1,
    gasUsed: 21_000,
    output: Buffer.alloc(0),
    romError: 'ROM_ERROR_NO_ERROR',
    counters: Buffer.alloc(32),
  };
  estimate = 21_000;
  readonly balance = 10n ** 18n;
  readonly nonce = 5n;
  readonly #blockListeners = new Set<(block: SealedBlock) => void>();
  readonly #removalListeners = new Set<(newest: number) => (newest: number) => void>();
  readonly #pendingListeners = new Set<(transaction: PoolTransaction) => void>();
  readonly pending = new Map<string, PoolTransaction>();
  readonly states = new Map<string, PoolTransactionState>();
  status: SequencerStatus = {
    mode: 'sequencing',
    haltReason: null,
    isHaltFinal: false,
    paused: false,
    throttleReason: null,
    verification: null,
    blockNumber: 0,
    openBatch: 1,
    forcedBatches: null,
    closedBatch: 0,
    wip: { blockTxCount: 0, batchTxCount: 0, used: {} },
  };
  readonly explanations = new Map<string, Explanation>();
  /** What is answered by price in wei; a test that asks for another price fails. */
  readonly inclusions = new Map<bigint, InclusionEstimate>();
  readonly included = new Set<string>();
  openBlock: PendingBlock | null = null;
  /** Blocks that are sealed and not durable. */
  sealedAhead = 0;
  refuse: CodedError | null = null;

  get head(): number {
    return this.blocks.length - 1;
  }

  /** Publishes a block with these logs. */
  publish(logs: FakeLog[] = [], hashes: string[] = []): void {
    const number = this.blocks.length;
    for (const hash of hashes) this.included.add(hash);
    this.blocks.push({ number, logs });
    const block: SealedBlock = {
      number,
      hash: blockHash(number),
      stateRoot: blockHash(number),
      timestamp: number,
      txCount: 0,
      gasUsed: 0n,
      batchNumber: 1,
      headerJson: `{"number":"0x${number.toString(16)}"}`,
      txHashes: Buffer.from(hashes.map((hash) => hash.slice(2)).join(''), 'hex'),
      sealNanos: 0,
      treeNanos: 0,
      commitNanos: 0,
    };
    for (const listener of this.#blockListeners) listener(block);
  }

  /** Takes the blocks after this one back. */
  takeBack(newest: number): void {
    const told = [...this.#removalListeners].map((listener) => listener(newest));
    this.blocks.length = newest + 1;
    for (const tell of told) tell(newest);
  }

  readonly sequencer: RpcSequencer = {
    status: () => this.status,
    pendingBlock: () => this.openBlock,
    explain: (hash) => this.explanations.get(hash) ?? null,
    estimateInclusion: (gasPriceWei) => {
      const estimate = this.inclusions.get(gasPriceWei);
      if (estimate === undefined) throw new RangeError(`no estimate at ${gasPriceWei} wei`);
      return estimate;
    },
    onRemoval: (listener) => {
      this.#removalListeners.add(listener);
      return () => this.#removalListeners.delete(listener);
    },
    onBlock: (listener) => {
      this.#blockListeners.add(listener);
      return () => this.#blockListeners.delete(listener);
    },
  };

  readonly pool: RpcPool = {
    add: async (raw) => {
      if (this.refuse !== null) throw this.refuse;
      const transaction: PoolTransaction = {
        hash: keccak256(raw),
        sender: SENDER,
        nonce: BigInt(this.pending.size),
        gasPrice: 10n ** 9n,
        gasLimit: 21_000n,
        value: 1n,
        to: OTHER,
        raw,
        receivedAtMs: 0,
        status: 'pending',
      };
      this.pending.set(transaction.hash, transaction);
      for (const listener of this.#pendingListeners) listener(transaction);
      return transaction.hash;
    },
    get: (hash) => this.pending.get(hash),
    state: (hash) => this.states.get(hash) ?? null,
    pendingNonce: () => this.nonce + BigInt(this.pending.size),
    contentFrom: (address) => ({ pending: address === SENDER ? [...this.pending.values()] : [], queued: [] }),
    content: () => ({ pending: new Map([[SENDER, [...this.pending.values()]]]), queued: new Map() }),
    counts: () => ({ pending: this.pending.size, queued: 0 }),
    onPending: (listener) => {
      this.#pendingListeners.add(listener);
      return () => this.#pendingListeners.delete(listener);
    },
  };

  #state(block: number): void {
    if (block > this.head) throw new CodedError('no such block', { code: 'BLOCK_NOT_FOUND' });
  }

  #account(block: number): Buffer {
    this.#state(block);
    const account = Buffer.alloc(80);
    account.writeBigUInt64LE(this.nonce, 0);
    account.writeBigUInt64LE(this.balance, 8);
    return account;
  }

  #block(block: number): FakeBlock | undefined {
    // As the engine does: a block that is not stored is the newest one that is.
    if (block === BLOCK_LATEST || block === BLOCK_PENDING) return this.blocks[this.head];
    return this.blocks[block];
  }

  #logs(filterJson: string, max: number): string {
    const { fromBlock, toBlock } = JSON.parse(filterJson) as { fromBlock: number; toBlock: number };
    const logs = this.blocks.slice(fromBlock, toBlock + 1).flatMap((block) => block.logs);
    if (logs.length > max) throw new CodedError('too many', { code: 'LOGS_TOO_MANY' });
    return JSON.stringify(logs);
  }

  /** The verbs that the RPC uses; the others are not called by it. */
  readonly engine = {
    blockNumber: () => this.head,
    sealedHead: () => {
      const number = this.head + this.sealedAhead;
      return { blockNumber: number, blockHash: blockHash(number), blockTimestamp: number, stateRoot: blockHash(number) };
    },
    head: () => ({
      chainId: 1001,
      forkId: 9,
      blockNumber: this.head,
      blockHash: blockHash(this.head),
      blockTimestamp: this.head,
      stateRoot: blockHash(this.head),
      closedBatch: 3,
      openBatch: 4,
      openBatchBlockCount: 1,
      budgetLimits: Buffer.alloc(80, 1),
      hardLimits: Buffer.alloc(80, 2),
    }),
    account: (_address: Buffer, block: number) => this.#account(block),
    storageAt: (_address: Buffer, slot: Buffer, block: number) => {
      this.#state(block);
      return slot;
    },
    code: (_address: Buffer, block: number) => {
      this.#state(block);
      return Buffer.from('6001', 'hex');
    },
    call: async (request: CallRequest, block: number) => {
      this.#state(block);
      this.calls.push({ request, block });
      return this.outcome;
    },
    estimateGas: async (request: CallRequest, block: number) => {
      this.calls.push({ request, block });
      return { gas: this.estimate, outcome: this.outcome };
    },
    blockJson: (number: number, full: boolean, extra: boolean) => {
      const block = this.#block(number);
      return block === undefined ? null : blockObject(block.number, full, extra);
    },
    blockNumberByHash: (hash: Buffer) => {
      const number = Number(BigInt(`0x${hash.toString('hex')}`));
      return number <= this.head ? number : null;
    },
    transactionJson: () => null,
    transactionByIndexJson: (number: number, index: number) =>
      this.#block(number) === undefined || index > 0 ? null : JSON.stringify({ hash: '0x1' }),
    rawTransaction: () => null,
    receiptJson: (hash: Buffer) => {
      const transactionHash = `0x${hash.toString('hex')}`;
      return this.included.has(transactionHash) ? JSON.stringify({ transactionHash }) : null;
    },
    blockReceiptsJson: (number: number) =>
      this.#block(number) === undefined ? null : '[{"gasUsed":"0x5208","effectiveGasPrice":"0x3b9aca00"}]',
    blockLogsJson: (number: number) => JSON.stringify(this.#block(number)?.logs ?? []),
    logsJson: async (filterJson: string, max: number) => this.#logs(filterJson, max),
    batchJson: (batch: number) => (batch <= 4 ? JSON.stringify({ number: `0x${batch.toString(16)}` }) : null),
    batchNumberByBlock: (block: number) => (block <= this.head ? (block === 0 ? 0 : 1) : null),
    batchData: (batch: number) => (batch <= 3 ? Buffer.from('0b', 'hex') : null),
    pendingTransactionJson: (raw: Buffer, sender: Buffer) =>
      JSON.stringify({ from: `0x${sender.toString('hex')}`, size: raw.length, blockHash: null }),
    metricsText: () => '',
  } as unknown as NativeEngine;
}

/** Defaults of the configuration with some values changed. */
export function rpcConfig(changes: Partial<RpcConfig> = {}): RpcConfig {
  const defaults = Object.fromEntries(Object.entries(rpcSettings).map(([key, setting]) => [key, setting.default])) as unknown as RpcConfig;
  return { ...defaults, ...changes };
}

const LIMITS = new Array<number>(10).fill(1000);

/** Services over a fake chain. */
export function fakeServices(
  chain: FakeChain,
  changes: Partial<RpcConfig> = {},
  clock = new ManualClock(),
  logger: Logger = silentLogger,
): RpcServices & { metrics: MetricsRegistry } {
  const { engine, pool, sequencer } = chain;
  const config = rpcConfig(changes);
  const blocks = new BlockResolver(engine, trustedOnly);
  const gate = new CallGate(config, clock);
  return {
    engine,
    pool,
    sequencer,
    gasPrice: { suggestedWei: () => 2_000_000_000n, minimumWei: () => 1_000_000_000n },
    pricing: { percentage: () => 127 },
    config,
    identity: { clientVersion: 'zkevm-sequencer/test', sequencerAddress: OTHER, blockIntervalMs: 1000, batchLimits: LIMITS },
    clock,
    logger,
    finality: trustedOnly,
    blocks,
    gate,
    traceGate: new CallGate({ callsRunningMax: 1, callsWaitingMax: 10, callTimeoutMs: config.traceTimeoutMs }, clock),
    filters: new Filters(config, { engine, pool, sequencer, blocks, clock, gate }),
    subscriptions: new Subscriptions(config.subscriptionsMax, { engine, pool, sequencer }),
    receipts: new ReceiptWaiter({ engine, sequencer, clock }),
    metrics: new MetricsRegistry(),
  };
}
