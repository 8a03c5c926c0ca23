/**
 * The whole configuration: every section with its settings. Values come from the command line, the environment, the file given with
 * --config, and the defaults, in this order of precedence.
 */
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from '../common/logger.js';
import { ACCESS_MODES, type AccessPolicy } from '../pool/access-list.js';
import { type GasPriceConfig, POOL_CHOICES, POOL_DEFAULTS, POOL_RULES, type PoolConfig } from '../pool/config.js';
import { EFFECTIVE_GAS_PRICE_DEFAULTS, type EffectiveGasPriceMode } from '../pool/effective-gas-price.js';
import { type AdminConfig, adminSettings } from '../rpc/admin-config.js';
import { type RpcConfig, rpcSettings } from '../rpc/config.js';
import { SEQUENCER_CHOICES, SEQUENCER_DEFAULTS, SEQUENCER_RULES, type SequencerConfig } from '../sequencer/config.js';
import { VERIFICATION_DEFAULTS, VERIFICATION_RULES, type VerificationConfig } from '../sequencer/verification-config.js';
import { ruledSettings } from './rules.js';
import {
  addressList,
  choice,
  historyBlocks,
  integer,
  optionalAddress,
  optionalText,
  type Setting,
  type Settings,
  text,
  toggle,
  wei,
} from './setting.js';

/** Which chain. */
export interface ChainConfig {
  chainId: number;
  forkId: number;
  /** Genesis file in the public format; the development chain where null. */
  genesisFile: string | null;
  /** L2 coinbase of sequenced batches; see the documentation for the default. */
  sequencerAddress: string | null;
}

/** Where and how state is kept. */
export interface DataConfig {
  directory: string;
  cacheBytes: number;
  /** Blocks before the newest whose state can be read; null = all. */
  history: number | null;
  /** Where admin_snapshot puts snapshots; null = nowhere. */
  snapshotDirectory: string | null;
  syncWrites: boolean;
  /** File into which the session is recorded; none where null. */
  recordFile: string | null;
  preExecutionBytes: number;
}

/** Logs. */
export interface LogConfig {
  level: LogLevel;
  format: LogFormat;
}

/** Gas price with the address of the L1 node that the follower reads. */
export interface GasPriceSection extends GasPriceConfig {
  l1RpcUrl: string | null;
}

/** Settings of the effective gas price, flat. */
export interface EffectiveGasPriceSection {
  mode: EffectiveGasPriceMode;
  l1GasPriceFactorPpm: bigint;
  byteGasCost: bigint;
  zeroByteGasCost: bigint;
  netProfitPpm: bigint;
  breakEvenFactorPpm: bigint;
  ethTransferGasPriceWei: bigint;
  ethTransferL1GasPriceFactorPpm: bigint;
  finalDeviationPpm: bigint;
  transferPercentage: number;
  erc20TransferPercentage: number;
  contractCallPercentage: number;
  deploymentPercentage: number;
}

/** The pool's own section; prices have sections of their own. */
export type PoolSection = Omit<PoolConfig, 'gasPrice' | 'effectiveGasPrice'>;

/** The configuration as it is written: sections of settings. */
export interface ConfigSections {
  chain: ChainConfig;
  data: DataConfig;
  rpc: RpcConfig;
  admin: AdminConfig;
  pool: PoolSection;
  gasPrice: GasPriceSection;
  effectiveGasPrice: EffectiveGasPriceSection;
  access: AccessPolicy;
  sequencer: SequencerConfig;
  verification: VerificationConfig;
  log: LogConfig;
}

const GIB = 1024 ** 3;
const PPM_MAX = 1_000_000_000_000n;

/** Development chain: what `zkevm-sequencer start` without options makes. */
export const DEV_CHAIN_ID = 1001;
/** Elderberry 2. */
export const DEFAULT_FORK_ID = 9;

const chain: Settings<ChainConfig> = {
  chainId: integer({ doc: 'Chain id.', default: DEV_CHAIN_ID, min: 1, max: Number.MAX_SAFE_INTEGER, flag: 'chain-id' }),
  forkId: integer({
    doc: 'Fork id of the rules that batches are executed with.',
    default: DEFAULT_FORK_ID,
    min: 1,
    max: 1000,
    flag: 'fork-id',
  }),
  genesisFile: optionalText({
    doc: 'Genesis file in the public format {root, genesis: [...], firstBatchData?}; without it a development chain with ten funded accounts.',
    default: null,
    flag: 'genesis',
  }),
  sequencerAddress: optionalAddress({
    doc: "Address that earns the fees. Default: the sequencer of the genesis' firstBatchData, else the eleventh development account.",
    default: null,
    flag: 'sequencer-address',
  }),
};

const data: Settings<DataConfig> = {
  directory: text({ doc: 'Folder of the database; created when missing.', default: './data', flag: 'data-dir' }),
  cacheBytes: integer({
    doc: 'Memory for caches: a quarter for RocksDB (memory tables included), half for tree pages, a quarter for the flat state.',
    default: GIB,
    min: 16 * 1024 * 1024,
    max: 1024 * GIB,
  }),
  history: historyBlocks({
    doc: 'Whose state can be read: every block (archive), so many blocks before the newest, or the newest alone (none). Blocks, transactions and receipts stay.',
    default: null,
    max: Number.MAX_SAFE_INTEGER,
    flag: 'history',
  }),
  snapshotDirectory: optionalText({
    doc: 'Folder that admin_snapshot makes snapshots in; it has to exist, best on the file system of the database. Without it the method is off.',
    default: null,
    flag: 'snapshot-dir',
  }),
  syncWrites: toggle({
    doc: 'Wait for the disk at every commit and pool write. Off, a power cut can lose what was acknowledged.',
    default: true,
  }),
  recordFile: optionalText({
    doc: 'Record what the sequencer decides by (arrivals, clock, settings) into this file, behind what it holds; `replay FILE` makes the same batches from it.',
    default: null,
    flag: 'record',
  }),
  preExecutionBytes: integer({
    doc: 'Memory for results of pre-execution that blocks take over where all they depend on is as it was; 0 executes every transaction in its block.',
    default: GIB / 32,
    min: 0,
    max: GIB,
  }),
};

const log: Settings<LogConfig> = {
  level: choice({ doc: 'Least urgent level that is written.', default: 'info', of: LOG_LEVELS }),
  format: choice({ doc: 'One line a record, for people or for machines.', default: 'pretty', of: LOG_FORMATS }),
};

const pool: Settings<PoolSection> = {
  ...ruledSettings(POOL_DEFAULTS, POOL_RULES),
  allowPreEip155: toggle({ doc: 'Take transactions that are signed without a chain id.', default: POOL_DEFAULTS.allowPreEip155 }),
  preExecution: choice({
    doc: 'Execute transactions at admission, to know their counters and to refuse what fits no batch.',
    default: POOL_DEFAULTS.preExecution,
    of: POOL_CHOICES.preExecution,
  }),
  freeClaims: toggle({
    doc: 'Calls of claimAsset and claimMessage to the bridge may have gas price 0, as far as they succeed.',
    default: POOL_DEFAULTS.freeClaims,
  }),
  bridgeAddress: optionalAddress({
    doc: 'The bridge on L2 that freeClaims is about; by default the one that the genesis names.',
    default: POOL_DEFAULTS.bridgeAddress,
  }),
};

const gasPrice: Settings<GasPriceSection> = {
  mode: choice({
    doc: 'Suggested price: constant, a share of the L1 price, or what data and execution of an ERC-20 transfer cost at the L1 price.',
    default: POOL_DEFAULTS.gasPrice.mode,
    of: POOL_CHOICES.gasPriceMode,
  }),
  defaultWei: wei({
    doc: 'Suggested price; its floor in the other modes.',
    default: POOL_DEFAULTS.gasPrice.defaultWei,
    flag: 'gas-price-wei',
  }),
  maxWei: wei({ doc: 'Modes follower and dataCost: upper bound of the suggestion; 0 = none.', default: POOL_DEFAULTS.gasPrice.maxWei }),
  l1FactorPpm: wei({
    doc: 'Follower: share of the L1 price, in parts per million.',
    default: POOL_DEFAULTS.gasPrice.l1FactorPpm,
    max: PPM_MAX,
  }),
  floorWei: wei({
    doc: 'No transaction below this price is admitted.',
    default: POOL_DEFAULTS.gasPrice.floorWei,
    flag: 'gas-price-floor-wei',
  }),
  graceMs: integer({
    doc: 'The lowest suggestion of this time is still admitted.',
    default: POOL_DEFAULTS.gasPrice.graceMs,
    min: 0,
    max: 86_400_000,
  }),
  refreshMs: integer({ doc: 'Interval of reading the L1 price.', default: POOL_DEFAULTS.gasPrice.refreshMs, min: 100, max: 3_600_000 }),
  l1RpcUrl: optionalText({
    doc: 'JSON-RPC address of an L1 node, or several separated by commas, whose median counts: what suggestions and the effective gas price follow.',
    default: null,
  }),
};

const EGP = EFFECTIVE_GAS_PRICE_DEFAULTS;
const ppm = (doc: string, value: bigint): Setting<bigint> => wei({ doc: `${doc} In parts per million.`, default: value, max: PPM_MAX });
const percentage = (what: string, value: number): Setting<number> =>
  integer({
    doc: `Mode category: percentage byte of ${what}; (byte + 1) / 256 of the price is charged.`,
    default: value,
    min: 0,
    max: 255,
  });

const effectiveGasPrice: Settings<EffectiveGasPriceSection> = {
  mode: choice({ doc: 'How the charged share of the signed price is chosen.', default: EGP.mode, of: POOL_CHOICES.effectiveGasPriceMode }),
  l1GasPriceFactorPpm: ppm('Least L2 price as a share of the L1 price.', EGP.l1GasPriceFactorPpm),
  byteGasCost: wei({ doc: 'L1 gas of a byte of batch data.', default: EGP.byteGasCost, max: 1000n }),
  zeroByteGasCost: wei({ doc: 'L1 gas of a zero byte of batch data.', default: EGP.zeroByteGasCost, max: 1000n }),
  netProfitPpm: ppm('Factor on the break-even price.', EGP.netProfitPpm),
  breakEvenFactorPpm: ppm('Admission refuses below the break-even price times this.', EGP.breakEvenFactorPpm),
  ethTransferGasPriceWei: wei({ doc: 'Fixed break-even price of a plain transfer; 0 = none.', default: EGP.ethTransferGasPriceWei }),
  ethTransferL1GasPriceFactorPpm: ppm(
    'Break-even price of a plain transfer as a share of the L1 price; 0 = none.',
    EGP.ethTransferL1GasPriceFactorPpm,
  ),
  finalDeviationPpm: ppm(
    'Mode breakEven: a transaction is charged another price when the gas it used moves its price by more than this share of the first one.',
    EGP.finalDeviationPpm,
  ),
  transferPercentage: percentage('plain transfers', EGP.categoryPercentage.transfer),
  erc20TransferPercentage: percentage('ERC-20 transfers', EGP.categoryPercentage.erc20Transfer),
  contractCallPercentage: percentage('contract calls', EGP.categoryPercentage.contractCall),
  deploymentPercentage: percentage('deployments', EGP.categoryPercentage.deployment),
};

const access: Settings<AccessPolicy> = {
  sendMode: choice({ doc: 'Who may send: everybody, only those listed, everybody but those listed.', default: 'off', of: ACCESS_MODES }),
  send: addressList({ doc: 'Senders that sendMode is about.', default: [] }),
  deployMode: choice({ doc: 'Who may deploy contracts.', default: 'off', of: ACCESS_MODES }),
  deploy: addressList({ doc: 'Senders that deployMode is about.', default: [] }),
  blockedRecipients: addressList({ doc: 'Recipients that nobody may call.', default: [] }),
};

const sequencer: Settings<SequencerConfig> = {
  ...ruledSettings(SEQUENCER_DEFAULTS, SEQUENCER_RULES, {
    blockIntervalMs: 'block-interval-ms',
    batchMaxAgeMs: 'batch-max-age-ms',
    stopAtBatch: 'stop-at-batch',
    stopAtBlock: 'stop-at-block',
  }),
  emptyBlocks: choice({
    doc: 'L2 blocks without transactions.',
    default: SEQUENCER_DEFAULTS.emptyBlocks,
    of: SEQUENCER_CHOICES.emptyBlocks,
  }),
  ordering: choice({
    doc: 'Order of ready transactions: by price, by arrival, or by both (priceDoublingMs).',
    default: SEQUENCER_DEFAULTS.ordering,
    of: SEQUENCER_CHOICES.ordering,
  }),
  prioritySenders: addressList({ doc: 'Senders whose ready transactions go before those of all others.', default: [] }),
  closeBatchOnShutdown: toggle({ doc: 'Close the open batch when the node stops.', default: SEQUENCER_DEFAULTS.closeBatchOnShutdown }),
};

const verification: Settings<VerificationConfig> = {
  enabled: toggle({
    doc: 'Execute every closed batch again from its stored bytes and compare; the sequencer halts on a difference.',
    default: VERIFICATION_DEFAULTS.enabled,
  }),
  ...ruledSettings(VERIFICATION_DEFAULTS, VERIFICATION_RULES),
};

/** Settings by section. */
export const CONFIG_SCHEMA: { readonly [S in keyof ConfigSections]: Settings<ConfigSections[S]> } = {
  chain,
  data,
  rpc: rpcSettings,
  admin: adminSettings,
  pool,
  gasPrice,
  effectiveGasPrice,
  access,
  sequencer,
  verification,
  log,
};

/** What a section is about, for the documentation. */
export const SECTION_TITLES: Readonly<Record<keyof ConfigSections, string>> = {
  chain: 'Chain',
  data: 'Data directory',
  rpc: 'JSON-RPC',
  admin: 'Operator port',
  pool: 'Pool',
  gasPrice: 'Gas price',
  effectiveGasPrice: 'Effective gas price',
  access: 'Access',
  sequencer: 'Sequencer',
  verification: 'Verification',
  log: 'Logs',
};

/** A setting with its place and its names. */
export interface NamedSetting {
  readonly section: keyof ConfigSections;
  readonly key: string;
  /** Command line name without dashes. */
  readonly flag: string;
  /** Environment variable. */
  readonly env: string;
  readonly setting: Setting<unknown>;
}

/** Other names of options that operators know. */
export const FLAG_ALIASES: Readonly<Record<string, string>> = { 'block-time-ms': 'block-interval-ms' };

/** Prefix of environment variables. */
export const ENV_PREFIX = 'ZKEVM_SEQUENCER_';

/** All settings in order. */
export const NAMED_SETTINGS: readonly NamedSetting[] = Object.entries(CONFIG_SCHEMA).flatMap(([section, settings]) =>
  Object.entries(settings as Record<string, Setting<unknown>>).map(([key, setting]) => {
    const flag = setting.flag ?? `${kebab(section)}-${kebab(key)}`;
    return { section: section as keyof ConfigSections, key, flag, env: ENV_PREFIX + flag.toUpperCase().replaceAll('-', '_'), setting };
  }),
);

/** `batchMaxAgeMs` becomes `batch-max-age-ms`, `l1RpcUrl` becomes `l1-rpc-url`. */
function kebab(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
}
