/**
 * Settings of the pool: defaults and ranges as plain constants. `src/config` composes them into the node's schema, the command line and
 * docs/config.md.
 */
import { EFFECTIVE_GAS_PRICE_DEFAULTS, type EffectiveGasPriceConfig } from './effective-gas-price.js';

/** When a transaction is executed at admission. */
export type PreExecutionMode = 'full' | 'countersOnlyOver100kGas' | 'off';

/** How the suggested gas price is found. */
export type GasPriceMode = 'fixed' | 'follower' | 'dataCost';

/** Settings of the gas price suggestion. */
export interface GasPriceConfig {
  readonly mode: GasPriceMode;
  /** Suggested price in wei; the floor where the suggestion follows L1. */
  readonly defaultWei: bigint;
  /** Upper bound of a suggestion that follows L1, in wei; 0 = none. */
  readonly maxWei: bigint;
  /** Follower: suggestion = L1 price * factor, in parts per million. */
  readonly l1FactorPpm: bigint;
  /** No transaction below this many wei is admitted, whatever the suggestion. */
  readonly floorWei: bigint;
  /** The lowest suggestion of this many milliseconds is still admitted. */
  readonly graceMs: number;
  /** Milliseconds between two readings of the L1 price. */
  readonly refreshMs: number;
}

/** Settings of the pool. */
export interface PoolConfig {
  /** Transactions without a chain id in their signature are taken. */
  readonly allowPreEip155: boolean;
  /** Limit of the signed RLP. */
  readonly txBytesMax: number;
  /** Limit of the data field. */
  readonly txDataBytesMax: number;
  /** Limit of the data field of a contract creation; 0 = none but the above. */
  readonly initCodeBytesMax: number;
  /** Gas limit of one transaction (a constant of the ROM). */
  readonly txGasMax: number;
  /** A nonce may be at most this many minus one ahead of the account. */
  readonly accountNoncesAhead: number;
  /** Transactions of one account. */
  readonly accountTxsMax: number;
  /** Transactions in all. */
  readonly txsMax: number;
  /** Memory for transactions in all. */
  readonly bytesMax: number;
  /** A queued transaction (nonce gap, no funds) expires after this. */
  readonly queuedLifetimeMs: number;
  /** A ready transaction expires after this. */
  readonly pendingLifetimeMs: number;
  /** Interval of the expiry sweep. */
  readonly expiryIntervalMs: number;
  /** End states stay readable this long. */
  readonly endStateRetentionMs: number;
  /** A replacement has to pay this many percent more. */
  readonly priceBumpPercent: number;
  /** A newcomer has to pay this many percent more than what it evicts. */
  readonly evictionBumpPercent: number;
  /** Largest gas * price in wei; 0 = no cap. */
  readonly feeCapWei: bigint;
  readonly preExecution: PreExecutionMode;
  /** Claims on the bridge may pay nothing where they succeed. */
  readonly freeClaims: boolean;
  /** The bridge on L2, lower-case; null where it is not known. */
  readonly bridgeAddress: string | null;
  /** Raw transactions in one native call; more wait for the next. */
  readonly admissionGroupMax: number;
  /** Raw transactions waiting for admission; more are refused as `txpool is full`. */
  readonly admissionQueueMax: number;
  /** Pending records read by one call at start. */
  readonly loadPageSize: number;
  readonly gasPrice: GasPriceConfig;
  readonly effectiveGasPrice: EffectiveGasPriceConfig;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const GWEI = 1_000_000_000n;

/** Defaults of the pool; node.md Appendix C has their reasons. */
export const POOL_DEFAULTS: PoolConfig = {
  allowPreEip155: true,
  txBytesMax: 100_132,
  txDataBytesMax: 100_000,
  initCodeBytesMax: 0,
  txGasMax: 30_000_000,
  accountNoncesAhead: 64,
  accountTxsMax: 128,
  txsMax: 50_000,
  bytesMax: 512 * 1024 * 1024,
  queuedLifetimeMs: 3 * HOUR_MS,
  pendingLifetimeMs: 24 * HOUR_MS,
  expiryIntervalMs: MINUTE_MS,
  endStateRetentionMs: 24 * HOUR_MS,
  priceBumpPercent: 10,
  evictionBumpPercent: 10,
  feeCapWei: 0n,
  preExecution: 'full',
  freeClaims: false,
  bridgeAddress: null,
  // 512 recoveries are about 25 ms of one core: long enough to amortise the call, short enough to keep the loop's latency.
  admissionGroupMax: 512,
  admissionQueueMax: 20_000,
  loadPageSize: 4_096,
  gasPrice: {
    mode: 'fixed',
    defaultWei: GWEI,
    maxWei: 0n,
    l1FactorPpm: 250_000n,
    floorWei: GWEI,
    graceMs: 5 * MINUTE_MS,
    refreshMs: 5 * SECOND_MS,
  },
  effectiveGasPrice: EFFECTIVE_GAS_PRICE_DEFAULTS,
};

/** Validation metadata of a numeric setting. */
export interface NumberRule {
  readonly min: number | bigint;
  readonly max: number | bigint;
  readonly unit: string;
  readonly help: string;
}

/** Ranges of the numeric settings by name. */
export const POOL_RULES = {
  txBytesMax: { min: 1_000, max: 119_991, unit: 'bytes', help: 'Limit of the signed RLP of a transaction.' },
  txDataBytesMax: { min: 0, max: 119_000, unit: 'bytes', help: 'Limit of the data field of a transaction.' },
  initCodeBytesMax: {
    min: 0,
    max: 119_000,
    unit: 'bytes',
    help: 'Limit of the init code of a contract creation; 0 = none of its own. 49152 is the one of EIP-3860, which this fork does not have.',
  },
  txGasMax: { min: 21_000, max: 30_000_000, unit: 'gas', help: 'Gas limit of one transaction.' },
  accountNoncesAhead: { min: 1, max: 10_000, unit: 'transactions', help: 'How far ahead of the account a nonce may be.' },
  accountTxsMax: { min: 1, max: 10_000, unit: 'transactions', help: 'Transactions of one account in the pool.' },
  txsMax: { min: 1, max: 5_000_000, unit: 'transactions', help: 'Transactions in the pool.' },
  bytesMax: { min: 1_048_576, max: 1_099_511_627_776, unit: 'bytes', help: 'Memory for pool transactions.' },
  queuedLifetimeMs: { min: 1_000, max: 2_592_000_000, unit: 'ms', help: 'Lifetime of a transaction that cannot run yet.' },
  pendingLifetimeMs: { min: 1_000, max: 2_592_000_000, unit: 'ms', help: 'Lifetime of a ready transaction.' },
  expiryIntervalMs: { min: 100, max: 3_600_000, unit: 'ms', help: 'Interval of the expiry sweep.' },
  endStateRetentionMs: { min: 86_400_000, max: 31_536_000_000, unit: 'ms', help: 'How long end states stay readable.' },
  priceBumpPercent: { min: 0, max: 1_000, unit: '%', help: 'What a replacement has to pay more.' },
  evictionBumpPercent: { min: 0, max: 1_000, unit: '%', help: 'What a newcomer has to pay more than the evicted.' },
  feeCapWei: { min: 0n, max: (1n << 256n) - 1n, unit: 'wei', help: 'Largest gas * price of a transaction; 0 = no cap.' },
  admissionGroupMax: { min: 1, max: 4_096, unit: 'transactions', help: 'Raw transactions in one native call.' },
  admissionQueueMax: { min: 1, max: 1_000_000, unit: 'transactions', help: 'Raw transactions waiting for admission.' },
  loadPageSize: { min: 1, max: 65_536, unit: 'records', help: 'Pending records read by one call at start.' },
} as const satisfies Partial<Record<keyof PoolConfig, NumberRule>>;

/** Choices of the named settings. */
export const POOL_CHOICES = {
  preExecution: ['full', 'countersOnlyOver100kGas', 'off'],
  gasPriceMode: ['fixed', 'follower', 'dataCost'],
  effectiveGasPriceMode: ['off', 'category', 'breakEven'],
} as const;
