/** What a method costs the node, in three classes: rate limits are given by class. */

/** `send` writes to the disk and recovers a sender, `heavy` executes or scans, `read` is a look-up. */
export type CostClass = 'read' | 'heavy' | 'send';

const SENDS: ReadonlySet<string> = new Set(['eth_sendRawTransaction', 'eth_sendRawTransactionSync']);
const HEAVY: ReadonlySet<string> = new Set([
  'eth_call',
  'eth_callMany',
  'eth_simulateV1',
  'eth_estimateGas',
  'eth_createAccessList',
  'eth_getLogs',
  'eth_getFilterLogs',
  'eth_feeHistory',
  'txpool_content',
  'txpool_inspect',
  'zkevm_estimateCounters',
  'zkevm_estimateFee',
  'zkevm_estimateGasPrice',
  'zkevm_getBatchDataByNumbers',
  'zkevm_getBatchWitness',
  'zkevm_getBlockRangeWitness',
  'zkevm_getProof',
  'zkevm_getProverInput',
  'zkevm_traceCounters',
  'zkevm_getWitness',
]);
/** Namespaces that execute again. */
const HEAVY_NAMESPACES = /^(debug|trace|ots)_/;

/** The class of a method. */
export function costOf(method: string): CostClass {
  if (SENDS.has(method)) return 'send';
  return HEAVY.has(method) || HEAVY_NAMESPACES.test(method) ? 'heavy' : 'read';
}
