/**
 * Calls: from the transaction object of `eth_call` and its relatives to the engine's request, and from the engine's outcome to a result or
 * the error that clients know.
 */
import { MAX_U256, toHex, u256ToBytes } from '../common/bytes.js';
import type { CodedError } from '../common/errors.js';
import type { CallOutcome, CallRequest } from '../native/engine.js';
import { invalidArgument, rpcError } from './errors.js';
import type { Params } from './method.js';
import { addressValue, countValue, dataValue, isObject, quantityValue } from './params.js';
import { revertReason } from './revert-reason.js';

/** Limits of a call. */
export interface CallLimits {
  readonly gasCap: number;
  readonly timeoutMs: number;
  readonly chainId: number;
}

/** Gas is a u64; what is more than a double holds is above every cap anyway. */
const GAS_MAX = Number.MAX_SAFE_INTEGER;

/** Reads the transaction object at `index`. */
export function parseCall(params: Params, index: number, limits: CallLimits): CallRequest {
  const value = params[index];
  if (!isObject(value)) throw invalidArgument(index, 'transaction must be an object');
  const request: CallRequest = { gas: limits.gasCap, timeoutMs: limits.timeoutMs };
  if (given(value['from'])) request.from = addressValue(value['from'], index, 'from');
  if (given(value['to'])) request.to = addressValue(value['to'], index, 'to');
  if (given(value['value'])) request.value = u256ToBytes(quantityValue(value['value'], index, 'value'));
  if (given(value['gas'])) request.gas = Math.min(gasValue(value['gas'], index), limits.gasCap);
  if (given(value['nonce'])) request.nonce = countValue(value['nonce'], index, 'nonce');
  const data = inputOf(value, index);
  if (data !== undefined) request.data = data;
  const price = priceOf(value, index);
  if (price !== undefined) request.gasPrice = u256ToBytes(price);
  if (given(value['accessList'])) {
    if (!Array.isArray(value['accessList'])) throw invalidArgument(index, 'accessList must be an array');
    request.accessListJson = JSON.stringify(value['accessList']);
  }
  checkRest(value, index, limits.chainId);
  return request;
}

/** Adds state overrides (`params[index]`) and block overrides (`params[index + 1]`), both in geth's shape. */
export function addOverrides(request: CallRequest, params: Params, index: number): void {
  const [state, block] = [params[index], params[index + 1]];
  if (given(state)) {
    if (!isObject(state)) throw invalidArgument(index, 'state overrides must be an object');
    request.stateOverridesJson = JSON.stringify(state);
  }
  if (given(block)) {
    if (!isObject(block)) throw invalidArgument(index + 1, 'block overrides must be an object');
    request.blockOverridesJson = JSON.stringify(block);
  }
}

function given(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function gasValue(value: unknown, index: number): number {
  const gas = typeof value === 'number' ? BigInt(countValue(value, index, 'gas')) : quantityValue(value, index, 'gas');
  return gas > BigInt(GAS_MAX) ? GAS_MAX : Number(gas);
}

function inputOf(value: Record<string, unknown>, index: number): Buffer | undefined {
  const data = given(value['data']) ? dataValue(value['data'], index, 'data') : undefined;
  const input = given(value['input']) ? dataValue(value['input'], index, 'input') : undefined;
  if (data !== undefined && input !== undefined && !data.equals(input)) {
    throw invalidArgument(index, 'both "data" and "input" are set and not equal. Please use "input" to pass transaction call data');
  }
  return input ?? data;
}

/** The price that the GASPRICE opcode shows; EIP-1559 fields count as one. */
function priceOf(value: Record<string, unknown>, index: number): bigint | undefined {
  const price = given(value['gasPrice']) ? quantityValue(value['gasPrice'], index, 'gasPrice') : undefined;
  const fee = given(value['maxFeePerGas']) ? quantityValue(value['maxFeePerGas'], index, 'maxFeePerGas') : undefined;
  const tip = given(value['maxPriorityFeePerGas'])
    ? quantityValue(value['maxPriorityFeePerGas'], index, 'maxPriorityFeePerGas')
    : undefined;
  if (price !== undefined && (fee !== undefined || tip !== undefined)) {
    throw invalidArgument(index, 'both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified');
  }
  if (fee !== undefined && tip !== undefined && tip > fee) {
    throw invalidArgument(index, `maxFeePerGas (${fee}) < maxPriorityFeePerGas (${tip})`);
  }
  return price ?? fee ?? tip;
}

/** Fields that change nothing here, but must not be nonsense. */
function checkRest(value: Record<string, unknown>, index: number, chainId: number): void {
  if (given(value['chainId'])) {
    const have = quantityValue(value['chainId'], index, 'chainId');
    if (have !== BigInt(chainId)) throw invalidArgument(index, `chainId does not match node's (have=${have}, want=${chainId})`);
  }
  if (given(value['type'])) quantityValue(value['type'], index, 'type', MAX_U256);
}

const ROM_PREFIX = 'ROM_ERROR_';
const OUT_OF_COUNTERS = 'OUT_OF_COUNTERS_';

/** Words of geth for failures inside the EVM, by ROM error name. */
const EVM_MESSAGES: Readonly<Record<string, string>> = {
  OUT_OF_GAS: 'out of gas',
  STACK_OVERFLOW: 'stack limit reached 1024 (1024)',
  STACK_UNDERFLOW: 'stack underflow',
  MAX_CODE_SIZE_EXCEEDED: 'max code size exceeded',
  CONTRACT_ADDRESS_COLLISION: 'contract address collision',
  INVALID_JUMP: 'invalid jump destination',
  INVALID_OPCODE: 'invalid opcode',
  INVALID_STATIC: 'write protection',
  INVALID_BYTECODE_STARTS_EF: 'invalid code: must not begin with 0xef',
  INTRINSIC_INVALID_BALANCE: 'insufficient funds for gas * price + value',
  INTRINSIC_INVALID_GAS_LIMIT: 'intrinsic gas too low',
  INTRINSIC_INVALID_NONCE: 'invalid nonce',
  INTRINSIC_INVALID_BATCH_GAS_LIMIT: 'exceeds block gas limit',
  INTRINSIC_TX_GAS_OVERFLOW: 'gas uint64 overflow',
};

/** ROM error of an outcome without the public prefix. */
export function romErrorName(outcome: CallOutcome): string {
  return outcome.romError.startsWith(ROM_PREFIX) ? outcome.romError.slice(ROM_PREFIX.length) : outcome.romError;
}

/** The sentence about an exhausted counter; null where the outcome is something else. */
export function outOfCountersMessage(outcome: CallOutcome): string | null {
  const name = romErrorName(outcome);
  if (!name.startsWith(OUT_OF_COUNTERS)) return null;
  return `not enough ${name.slice(OUT_OF_COUNTERS.length).toLowerCase()} counters to continue the execution`;
}

/** The revert as clients know it. */
export function revertError(outcome: CallOutcome): CodedError {
  const reason = revertReason(outcome.output);
  const message = reason === null ? 'execution reverted' : `execution reverted: ${reason}`;
  return rpcError('RPC_EXECUTION_REVERTED', message, toHex(outcome.output));
}

/** The error of a failed call. */
export function callError(outcome: CallOutcome): CodedError {
  const name = romErrorName(outcome);
  const counters = outOfCountersMessage(outcome);
  if (counters !== null) return rpcError('RPC_OUT_OF_COUNTERS', `out of counters: ${counters}`);
  if (name === 'EXECUTION_REVERTED') return revertError(outcome);
  return rpcError('RPC_EXECUTION_FAILED', EVM_MESSAGES[name] ?? `execution failed: ${name}`);
}
