/** trace: executions in Parity's shapes, as explorers and indexers ask for them. */
import { Transaction } from 'ethers';
import { toHex } from '../../common/bytes.js';
import { BLOCK_PENDING } from '../../native/engine.js';
import { addOverrides, parseCall } from '../call.js';
import { invalidArgument, rpcError } from '../errors.js';
import { type MethodTable, method, type Params } from '../method.js';
import { addressValue, countValue, dataValue, hashParam, objectParam } from '../params.js';
import type { RpcServices } from '../services.js';
import { type FrameFilter, runTrace, traceOptions } from '../trace-request.js';

/** Addresses of one trace_filter: each frame is compared with all of them. */
const ADDRESSES_MAX = 1000;

export function traceMethods(services: RpcServices): MethodTable {
  const { blocks } = services;
  return {
    trace_transaction: method(1, 1, (params) => transactionFrames(services, params)),
    trace_get: method(2, 2, (params) => oneFrame(services, params)),
    trace_block: method(0, 1, (params) => blockFrames(services, blocks.find(params, 0, true))),
    trace_filter: method(1, 1, (params) => filteredFrames(services, params)),
    trace_replayTransaction: method(2, 2, async (params) => {
      const options = traceOptions(services, { form: 'replay', types: typesOf(params, 1) });
      const hash = hashParam(params, 0);
      return (await runTrace(services, () => services.engine.traceTransaction(hash, options))) ?? 'null';
    }),
    trace_replayBlockTransactions: method(2, 2, async (params) => {
      const options = traceOptions(services, { form: 'replay', types: typesOf(params, 1) });
      return blockTraces(services, blocks.find(params, 0, true), options);
    }),
    trace_call: method(2, 4, (params) => call(services, params)),
    trace_rawTransaction: method(2, 2, (params) => rawTransaction(services, params)),
  };
}

async function transactionFrames(services: RpcServices, params: Params): Promise<string> {
  const hash = hashParam(params, 0);
  const options = traceOptions(services, { form: 'frames' });
  return (await runTrace(services, () => services.engine.traceTransaction(hash, options))) ?? 'null';
}

/** The frame at a place in the tree; null where there is none. */
async function oneFrame(services: RpcServices, params: Params): Promise<string> {
  const path = params[1];
  if (!Array.isArray(path)) throw invalidArgument(1, 'trace address must be an array of indices');
  const wanted = path.map((position) => countValue(position, 1, 'index')).join();
  const frames = JSON.parse(await transactionFrames(services, params)) as { traceAddress: number[] }[] | null;
  return JSON.stringify(frames?.find(({ traceAddress }) => traceAddress.join() === wanted) ?? null);
}

function blockFrames(services: RpcServices, number: number | null): Promise<string> {
  return blockTraces(services, number, traceOptions(services, { form: 'frames' }));
}

async function blockTraces(services: RpcServices, number: number | null, options: ReturnType<typeof traceOptions>): Promise<string> {
  // What is pending is shown without transactions everywhere.
  if (number === BLOCK_PENDING) return '[]';
  if (number === null) return 'null';
  const concrete = services.blocks.concrete(number);
  return (await runTrace(services, () => services.engine.traceBlocks(concrete, concrete, options))) ?? 'null';
}

async function filteredFrames(services: RpcServices, params: Params): Promise<string> {
  const { blocks, config, engine } = services;
  const filter = objectParam(params, 0);
  const first = blocks.concrete(blocks.state([filter['fromBlock'] ?? 'latest'], 0));
  const last = Math.min(blocks.concrete(blocks.state([filter['toBlock'] ?? 'latest'], 0)), engine.head().blockNumber);
  if (last - first >= config.traceBlocksMax) {
    throw rpcError('RPC_INVALID_PARAMS', `traces are limited to a ${config.traceBlocksMax} block range`);
  }
  if (first > last) return '[]';
  const options = traceOptions(services, { form: 'frames', filter: frameFilter(filter) });
  return (await runTrace(services, () => engine.traceBlocks(first, last, options))) ?? '[]';
}

function frameFilter(filter: Record<string, unknown>): FrameFilter {
  const { fromAddress, toAddress, after, count, mode } = filter;
  if (mode !== undefined && mode !== 'union' && mode !== 'intersection') throw invalidArgument(0, 'mode must be union or intersection');
  return {
    fromAddresses: addresses(fromAddress, 'fromAddress'),
    toAddresses: addresses(toAddress, 'toAddress'),
    intersects: mode === 'intersection',
    after: after === undefined || after === null ? 0 : countValue(after, 0, 'after'),
    ...(count === undefined || count === null ? {} : { count: countValue(count, 0, 'count') }),
  };
}

function addresses(value: unknown, name: string): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > ADDRESSES_MAX) {
    throw invalidArgument(0, `${name} must be an array of at most ${ADDRESSES_MAX} addresses`);
  }
  return value.map((address) => toHex(addressValue(address, 0, name)));
}

function typesOf(params: Params, index: number): string[] {
  const types = params[index];
  if (!Array.isArray(types) || types.some((type) => typeof type !== 'string')) {
    throw invalidArgument(index, 'trace types must be an array of trace, stateDiff and vmTrace');
  }
  return types as string[];
}

/** `trace_call(tx, types, block?, stateOverrides?)`. */
function call(services: RpcServices, params: Params): Promise<string> {
  return replayCall(services, params[0], typesOf(params, 1), services.blocks.state(params, 2), params[3]);
}

/** As `trace_call` of what a signed transaction asks for, on the latest state; it is not sent. */
function rawTransaction(services: RpcServices, params: Params): Promise<string> {
  const raw = toHex(dataValue(params[0], 0, 'transaction'));
  let transaction: Transaction;
  try {
    transaction = Transaction.from(raw);
  } catch {
    throw invalidArgument(0, 'transaction must be a signed legacy transaction');
  }
  const { from, to, data, value, gasLimit, gasPrice, nonce } = transaction;
  const quantity = (amount: bigint | number | null) => (amount === null ? null : `0x${amount.toString(16)}`);
  const fields = { from, to, data, value: quantity(value), gas: quantity(gasLimit), gasPrice: quantity(gasPrice), nonce: quantity(nonce) };
  return replayCall(services, fields, typesOf(params, 1), services.blocks.state([], 0), null);
}

function replayCall(services: RpcServices, fields: unknown, types: string[], block: number, overrides: unknown): Promise<string> {
  const { config, engine } = services;
  const limits = { gasCap: config.callGasCap, timeoutMs: config.traceTimeoutMs, chainId: engine.head().chainId };
  const request = parseCall([fields], 0, limits);
  addOverrides(request, [overrides], 0);
  return runTrace(services, () => engine.traceCall(request, block, traceOptions(services, { form: 'replay', types })));
}
