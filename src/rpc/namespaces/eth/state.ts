/** eth: accounts, storage, calls and estimates. */
import { bigIntFromBytes, toHex, toQuantity } from '../../../common/bytes.js';
import { errorCode } from '../../../common/errors.js';
import { BLOCK_PENDING, type CallOutcome, type CallRequest } from '../../../native/engine.js';
import { readU256 } from '../../../native/layouts.js';
import { addOverrides, callError, parseCall, romErrorName } from '../../call.js';
import { rpcError } from '../../errors.js';
import { type MethodTable, method, type Params } from '../../method.js';
import { addressParam, slotValue } from '../../params.js';
import type { RpcServices } from '../../services.js';

/** Gas of an estimate at most: the limit of one transaction. */
export const TX_GAS_MAX = 30_000_000;

/** Offsets of the engine's account record. */
const ACCOUNT_NONCE = 0;
const ACCOUNT_BALANCE = 8;

export function stateMethods(services: RpcServices): MethodTable {
  const { engine, blocks } = services;
  return {
    eth_getBalance: method(1, 2, (params) => {
      const account = onState(services, params, 1, (block) => engine.account(addressParam(params, 0), block));
      return `"${toQuantity(readU256(account, ACCOUNT_BALANCE))}"`;
    }),
    eth_getTransactionCount: method(1, 2, (params) => {
      const address = addressParam(params, 0);
      if (blocks.state(params, 1) === BLOCK_PENDING) return `"${toQuantity(services.pool.pendingNonce(toHex(address)))}"`;
      const account = onState(services, params, 1, (block) => engine.account(address, block));
      return `"${toQuantity(account.readBigUInt64LE(ACCOUNT_NONCE))}"`;
    }),
    eth_getCode: method(1, 2, (params) => {
      const address = addressParam(params, 0);
      return `"${toHex(onState(services, params, 1, (block) => engine.code(address, block)))}"`;
    }),
    eth_getStorageAt: method(2, 3, (params) => {
      const address = addressParam(params, 0);
      const slot = slotValue(params[1], 1);
      return `"${toHex(onState(services, params, 2, (block) => engine.storageAt(address, slot, block)))}"`;
    }),
    eth_call: method(1, 4, (params) => call(services, params)),
    eth_estimateGas: method(1, 4, (params) => estimate(services, params)),
  };
}

/** Runs a read on the block of `params[index]`, with the words that clients know for state that is not there. */
function onState<T>(services: RpcServices, params: Params, index: number, read: (block: number) => T): T {
  const block = services.blocks.state(params, index);
  try {
    return read(block);
  } catch (error) {
    throw stateError(services, error, block);
  }
}

function stateError(services: RpcServices, error: unknown, block: number): unknown {
  if (errorCode(error) !== 'STATE_PRUNED') return error;
  return rpcError('STATE_PRUNED', `missing trie node: state for block ${services.blocks.concrete(block)} is pruned`);
}

async function call(services: RpcServices, params: Params): Promise<string> {
  const { config } = services;
  const outcome = await runCall(services, params, config.callGasCap);
  if (outcome.status !== 1) throw callError(outcome);
  const length = outcome.output.length;
  if (length > config.callReturnLimitBytes) {
    throw rpcError('RPC_LIMIT_EXCEEDED', `return data of ${length} bytes exceeds the limit of ${config.callReturnLimitBytes}`);
  }
  return `"${toHex(outcome.output)}"`;
}

/** Runs the transaction object `params[0]` on the block `params[1]` with the overrides that follow. */
export async function runCall(services: RpcServices, params: Params, gasCap: number): Promise<CallOutcome> {
  const request = readCall(services, params, gasCap);
  const block = services.blocks.state(params, 1);
  try {
    return await services.gate.run(() => services.engine.call(request, block));
  } catch (error) {
    throw stateError(services, error, block);
  }
}

function readCall(services: RpcServices, params: Params, gasCap: number): CallRequest {
  const { config, engine } = services;
  const request = parseCall(params, 0, { gasCap, timeoutMs: config.callTimeoutMs, chainId: engine.head().chainId });
  addOverrides(request, params, 2);
  return request;
}

async function estimate(services: RpcServices, params: Params): Promise<string> {
  const gas = await estimateGas(services, params);
  return `"${toQuantity(gas)}"`;
}

/** The gas estimate of the transaction object `params[0]`; throws the error that explains why there is none. */
export async function estimateGas(services: RpcServices, params: Params): Promise<number> {
  const request = readCall(services, params, TX_GAS_MAX);
  const block = services.blocks.state(params, 1);
  try {
    checkFunds(services, request, block);
    const { gas, outcome } = await services.gate.run(() => services.engine.estimateGas(request, block));
    if (outcome.status === 1) return gas;
    throw estimateError(outcome, request);
  } catch (error) {
    throw stateError(services, error, block);
  }
}

/** A sender that is named has to own what it sends; overrides may give it funds, so that they are left to the execution. */
function checkFunds(services: RpcServices, request: CallRequest, block: number): void {
  if (request.from === undefined || request.stateOverridesJson !== undefined) return;
  const value = request.value === undefined ? 0n : bigIntFromBytes(request.value);
  const price = request.gasPrice === undefined ? 0n : bigIntFromBytes(request.gasPrice);
  if (value === 0n && price === 0n) return;
  const balance = readU256(services.engine.account(request.from, block), ACCOUNT_BALANCE);
  if (value > balance) throw rpcError('RPC_INSUFFICIENT_FUNDS', 'insufficient funds for transfer');
  if (price === 0n) return;
  const allowance = (balance - value) / price;
  if (allowance < BigInt(request.gas ?? TX_GAS_MAX)) request.gas = Number(allowance);
}

function estimateError(outcome: CallOutcome, request: CallRequest): Error {
  const name = romErrorName(outcome);
  if (name === 'OUT_OF_GAS' || name === 'INTRINSIC_INVALID_GAS_LIMIT') {
    return rpcError('RPC_GAS_ALLOWANCE_EXCEEDED', `gas required exceeds allowance (${request.gas ?? TX_GAS_MAX})`);
  }
  return callError(outcome);
}
