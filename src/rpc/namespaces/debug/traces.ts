/** debug: executions shown by a tracer. */
import { decodeRlp, encodeRlp, keccak256 } from 'ethers';
import { toHex } from '../../../common/bytes.js';
import { BLOCK_PENDING, type TraceOptions } from '../../../native/engine.js';
import { parseBatch } from '../../batch-ref.js';
import { addOverrides, parseCall } from '../../call.js';
import { invalidArgument, rpcError } from '../../errors.js';
import { type MethodTable, method, type Params } from '../../method.js';
import { dataValue, hashParam, isObject } from '../../params.js';
import type { RpcServices } from '../../services.js';
import { debugOptions, debugTrace, runTrace } from '../../trace-request.js';

/** Calls of one debug_traceCallMany. */
const CALLS_MAX = 1000;

export function traceMethods(services: RpcServices): MethodTable {
  const { engine, blocks } = services;
  const options = (params: Params, index: number) => debugTrace(services, debugOptions(params, index), index);
  return {
    debug_traceTransaction: method(1, 2, (params) => transaction(services, hashParam(params, 0), options(params, 1))),
    debug_traceTransactionCounters: method(1, 2, (params) => {
      const shown = { disableStack: true, disableStorage: true, ...debugOptions(params, 1), enableCounters: true };
      return transaction(services, hashParam(params, 0), debugTrace(services, shown, 1));
    }),
    debug_traceBlockByNumber: method(0, 2, (params) => block(services, blocks.find(params, 0), options(params, 1))),
    debug_traceBlockByHash: method(1, 2, (params) => block(services, engine.blockNumberByHash(hashParam(params, 0)), options(params, 1))),
    debug_traceBlock: method(1, 2, (params) => {
      const hash = hashOfRlp(dataValue(params[0], 0, 'block'));
      return block(services, engine.blockNumberByHash(hash), options(params, 1));
    }),
    debug_traceBatchByNumber: method(0, 2, (params) =>
      batch(services, parseBatch(params, 0, engine, services.finality), options(params, 1)),
    ),
    debug_traceCall: method(1, 3, (params) => call(services, params)),
    debug_traceCallMany: method(1, 3, (params) => callMany(services, params)),
  };
}

/** The trace of a stored transaction. */
export async function transaction(services: RpcServices, hash: Buffer, options: TraceOptions): Promise<string> {
  const json = await runTrace(services, () => services.engine.traceTransaction(hash, options));
  if (json === null) throw rpcError('RPC_TRANSACTION_NOT_FOUND', 'transaction not found');
  return json;
}

async function block(services: RpcServices, number: number | null, options: TraceOptions): Promise<string> {
  if (number === BLOCK_PENDING) throw rpcError('RPC_HEADER_NOT_FOUND', 'header not found: the pending block has no transactions yet');
  const concrete = number === null ? null : services.blocks.concrete(number);
  const json = concrete === null ? null : await runTrace(services, () => services.engine.traceBlocks(concrete, concrete, options));
  if (json === null) throw rpcError('RPC_HEADER_NOT_FOUND', 'header not found');
  return json;
}

/** By L2 block, then by index. */
async function batch(services: RpcServices, number: number | null, options: TraceOptions): Promise<string> {
  const { engine } = services;
  const text = number === null ? null : engine.batchJson(number, false);
  if (text === null) throw rpcError('RPC_HEADER_NOT_FOUND', 'batch not found');
  const { blocks } = JSON.parse(text) as { blocks: readonly string[] };
  const ends = [blocks[0], blocks.at(-1)].map((hash) =>
    hash === undefined ? null : engine.blockNumberByHash(Buffer.from(hash.slice(2), 'hex')),
  );
  const [first, last] = ends;
  if (first === null || first === undefined || last === null || last === undefined) return '[]';
  return (await runTrace(services, () => engine.traceBlocks(first, last, options))) ?? '[]';
}

/**
 * `debug_traceCallMany(bundles, {blockNumber, transactionIndex: -1}, options)`, as erigon: the calls of a bundle are in one block, and each
 * call sees what those before it did.
 */
function callMany(services: RpcServices, params: Params): Promise<string> {
  const { engine, blocks, config } = services;
  const [bundles, at] = [params[0], params[1] ?? {}];
  if (!Array.isArray(bundles)) throw invalidArgument(0, 'bundles must be an array');
  if (!isObject(at)) throw invalidArgument(1, 'the context must be an object');
  if ((at['transactionIndex'] ?? -1) !== -1) throw invalidArgument(1, 'transactionIndex must be -1: calls run on the state after a block');
  const options = debugOptions(params, 2);
  const limits = { gasCap: config.callGasCap, timeoutMs: config.traceTimeoutMs, chainId: engine.head().chainId };
  const requests = bundles.map((bundle: unknown) => {
    const transactions = isObject(bundle) ? bundle['transactions'] : undefined;
    if (!isObject(bundle) || !Array.isArray(transactions)) throw invalidArgument(0, 'a bundle needs transactions');
    return transactions.map((transaction: unknown) => {
      const request = parseCall([transaction], 0, limits);
      addOverrides(request, [options['stateOverrides'], bundle['blockOverride'] ?? bundle['blockOverrides']], 0);
      return request;
    });
  });
  if (requests.flat().length > CALLS_MAX) throw invalidArgument(0, `at most ${CALLS_MAX} calls`);
  const block = blocks.state([at['blockNumber']], 0);
  return runTrace(services, () => engine.traceCalls(requests, block, debugTrace(services, options, 2)));
}

async function call(services: RpcServices, params: Params): Promise<string> {
  const { config, engine, blocks } = services;
  const options = debugOptions(params, 2);
  const request = parseCall(params, 0, {
    gasCap: config.callGasCap,
    timeoutMs: config.traceTimeoutMs,
    chainId: engine.head().chainId,
  });
  addOverrides(request, [options['stateOverrides'], options['blockOverrides']], 0);
  const number = blocks.state(params, 1);
  return runTrace(services, () => engine.traceCall(request, number, debugTrace(services, options, 2)));
}

/** The hash of an encoded block: its transactions are traced as they were executed, so that the block has to be one of this chain. */
function hashOfRlp(rlp: Buffer): Buffer {
  try {
    const [header] = decodeRlp(toHex(rlp));
    if (Array.isArray(header)) return Buffer.from(keccak256(encodeRlp(header)).slice(2), 'hex');
  } catch {
    // Whatever the decoder dislikes is no block.
  }
  throw invalidArgument(0, 'block must be RLP: a list of header, transactions and uncles');
}
