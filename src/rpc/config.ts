/** Settings of the JSON-RPC server. */
import { integer, list, type Settings, text, toggle } from '../config/setting.js';

/** Namespaces that exist. */
export const NAMESPACES = ['eth', 'net', 'web3', 'txpool', 'zkevm', 'debug', 'trace'] as const;

/** 30 M gas per second of block time is what full means in `gasUsedRatio`; the protocol's 2^50 would always show 0. */
const DISPLAY_GAS_PER_SECOND = 30_000_000;
const MIB = 1024 * 1024;

export interface RpcConfig {
  /** Address to listen on. */
  host: string;
  /** Port for HTTP and WebSocket; 0 = any free one. */
  port: number;
  namespaces: readonly string[];
  corsOrigins: readonly string[];
  trustedProxies: readonly string[];
  rateReadPerSecond: number;
  rateHeavyPerSecond: number;
  rateSendPerSecond: number;
  rateBurstSeconds: number;
  rateLimitLoopback: boolean;
  bodyLimitBytes: number;
  wsFrameLimitBytes: number;
  wsQueueMessagesMax: number;
  wsInFlightMax: number;
  batchItemsMax: number;
  batchResponseLimitBytes: number;
  callTimeoutMs: number;
  callsRunningMax: number;
  callsWaitingMax: number;
  traceTimeoutMs: number;
  traceLimitBytes: number;
  traceBlocksMax: number;
  tracesRunningMax: number;
  tracesWaitingMax: number;
  receiptTimeoutMs: number;
  callGasCap: number;
  callReturnLimitBytes: number;
  logsRangeMax: number;
  logsResultsMax: number;
  nativeBlockHashesRangeMax: number;
  filtersMax: number;
  filterIdleMs: number;
  subscriptionsMax: number;
  proofChangesMax: number;
  displayGasPerSecond: number;
  readyStaleMs: number;
  closeTimeoutMs: number;
}

export const rpcSettings: Settings<RpcConfig> = {
  host: text({ doc: 'Address to listen on; 0.0.0.0 for all.', default: '127.0.0.1', flag: 'host' }),
  port: integer({ doc: 'Port for HTTP and WebSocket; 0 takes any free one.', default: 8545, min: 0, max: 65535, flag: 'port' }),
  namespaces: list({ doc: 'Namespaces that are served.', default: NAMESPACES, of: NAMESPACES }),
  corsOrigins: list({ doc: 'Origins that browsers may call from; `*` for all.', default: ['*'] }),
  trustedProxies: list({
    doc: 'Addresses of reverse proxies: what their X-Forwarded-For says is the client, for rate limits. From others it is not believed.',
    default: [],
  }),
  rateReadPerSecond: integer({ doc: 'Look-ups per second and client address; 0 = unlimited.', default: 500, min: 0, max: 1_000_000 }),
  rateHeavyPerSecond: integer({
    doc: 'Calls, estimates, traces, proofs and log queries per second and client address; 0 = unlimited.',
    default: 100,
    min: 0,
    max: 1_000_000,
  }),
  rateSendPerSecond: integer({ doc: 'Transactions per second and client address; 0 = unlimited.', default: 200, min: 0, max: 1_000_000 }),
  rateBurstSeconds: integer({ doc: 'A silent client may ask for what so many seconds bring in at once.', default: 2, min: 1, max: 3600 }),
  rateLimitLoopback: toggle({ doc: 'Limit clients on this machine too.', default: false }),
  bodyLimitBytes: integer({ doc: 'Largest HTTP request body.', default: 5 * MIB, min: 1024, max: 1024 * MIB }),
  wsFrameLimitBytes: integer({ doc: 'Largest WebSocket message taken.', default: 16 * MIB, min: 1024, max: 1024 * MIB }),
  wsQueueMessagesMax: integer({
    doc: 'Messages that wait for a slow WebSocket client before it is disconnected (close code 1013).',
    default: 10_000,
    min: 16,
    max: 1_000_000,
  }),
  wsInFlightMax: integer({
    doc: 'Requests of one WebSocket connection that may be unanswered at a time.',
    default: 1000,
    min: 1,
    max: 100_000,
  }),
  batchItemsMax: integer({ doc: 'Requests in one JSON-RPC batch.', default: 100, min: 1, max: 1000 }),
  batchResponseLimitBytes: integer({ doc: 'Answers of one batch together.', default: 25 * MIB, min: 1024, max: 1024 * MIB }),
  callTimeoutMs: integer({ doc: 'Time budget of eth_call and eth_estimateGas.', default: 30_000, min: 10, max: 600_000 }),
  callsRunningMax: integer({
    doc: 'Calls, estimates and log queries that run at a time: they share four threads with sequencing.',
    default: 2,
    min: 1,
    max: 1024,
  }),
  callsWaitingMax: integer({
    doc: 'Calls, estimates and log queries that wait for their turn; more are refused.',
    default: 1000,
    min: 1,
    max: 1_000_000,
  }),
  traceTimeoutMs: integer({
    doc: 'Time budget of a trace at most; the `timeout` of debug_trace... is cut to it.',
    default: 120_000,
    min: 10,
    max: 3_600_000,
  }),
  traceLimitBytes: integer({
    doc: 'Answer of a trace at most. It is held in memory as a whole, several times over while it is sent.',
    default: 64 * MIB,
    min: 1024,
    max: 256 * MIB,
  }),
  traceBlocksMax: integer({ doc: 'L2 blocks in the range of one trace_filter.', default: 100, min: 1, max: 100_000 }),
  tracesRunningMax: integer({
    doc: 'Traces that run at a time: they share four threads with calls and sequencing.',
    default: 1,
    min: 1,
    max: 1024,
  }),
  tracesWaitingMax: integer({
    doc: 'Traces that wait for their turn; more are refused.',
    default: 100,
    min: 1,
    max: 1_000_000,
  }),
  receiptTimeoutMs: integer({
    doc: 'Time that eth_sendRawTransactionSync waits for the receipt; a request may ask for less.',
    default: 5000,
    min: 1,
    max: 600_000,
  }),
  callGasCap: integer({ doc: 'Gas of an eth_call at most.', default: 50_000_000, min: 21_000, max: 2 ** 50 }),
  callReturnLimitBytes: integer({ doc: 'Return data of an eth_call at most.', default: 256 * 1024, min: 32, max: 256 * MIB }),
  logsRangeMax: integer({ doc: 'Blocks in the range of one log query.', default: 10_000, min: 1, max: 10_000_000 }),
  logsResultsMax: integer({ doc: 'Logs in one answer.', default: 20_000, min: 1, max: 1_000_000 }),
  nativeBlockHashesRangeMax: integer({
    doc: 'Blocks in the range of one zkevm_getNativeBlockHashesInRange.',
    default: 60_000,
    min: 1,
    max: 10_000_000,
  }),
  filtersMax: integer({ doc: 'Filters that exist at a time.', default: 10_000, min: 1, max: 1_000_000 }),
  filterIdleMs: integer({ doc: 'A filter that is not polled for so long is removed.', default: 300_000, min: 1000, max: 86_400_000 }),
  subscriptionsMax: integer({ doc: 'Subscriptions of one WebSocket connection.', default: 128, min: 1, max: 100_000 }),
  proofChangesMax: integer({
    doc: 'Keys that may have changed since a block for its state tree to be rebuilt for proofs and witnesses: about 6 us each, more where pages come from disk.',
    default: 100_000,
    min: 1,
    max: 100_000_000,
  }),
  displayGasPerSecond: integer({
    doc: 'Gas per second of block time that eth_feeHistory shows as a full block.',
    default: DISPLAY_GAS_PER_SECOND,
    min: 21_000,
    max: 2 ** 50,
  }),
  readyStaleMs: integer({
    doc: 'Allowance above three block intervals before /ready reports that waiting transactions are not included.',
    default: 10_000,
    min: 0,
    max: 3_600_000,
  }),
  closeTimeoutMs: integer({ doc: 'Time that requests in flight get to finish when the node stops.', default: 5000, min: 0, max: 600_000 }),
};
