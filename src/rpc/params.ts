/**
 * Checks of single parameters. Each throws `invalid argument I: ...` (-32602) that says what is expected; none of them looks at state.
 */
import { ADDRESS_BYTES, HASH_BYTES, MAX_U256, tryFromHex, u256ToBytes } from '../common/bytes.js';
import { invalidArgument } from './errors.js';
import type { Params } from './method.js';

const QUANTITY = /^0x[0-9a-fA-F]{1,64}$/;
const SLOT = /^0x[0-9a-fA-F]{0,64}$/;

/** True for a JSON object (no array, not null). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Bytes of any length. JSON has none: those that are bytes already were decoded where the body was read (`readUsualSend`). */
export function dataValue(value: unknown, index: number, name = 'data'): Buffer {
  if (Buffer.isBuffer(value)) return value;
  const bytes = typeof value === 'string' ? tryFromHex(value) : null;
  if (bytes === null) throw invalidArgument(index, `${name} must be a 0x hex string of whole bytes`);
  return bytes;
}

/** An address. */
export function addressValue(value: unknown, index: number, name = 'address'): Buffer {
  const bytes = typeof value === 'string' && value.length === 2 + 2 * ADDRESS_BYTES ? tryFromHex(value) : null;
  if (bytes === null) throw invalidArgument(index, `${name} must be a 0x hex string of ${ADDRESS_BYTES} bytes`);
  return bytes;
}

/** A hash. */
export function hashValue(value: unknown, index: number, name = 'hash'): Buffer {
  const bytes = typeof value === 'string' && value.length === 2 + 2 * HASH_BYTES ? tryFromHex(value) : null;
  if (bytes === null) throw invalidArgument(index, `${name} must be a 0x hex string of ${HASH_BYTES} bytes`);
  return bytes;
}

/** An unsigned integer of at most 256 bits: a `0x` quantity (leading zeros are let through). */
export function quantityValue(value: unknown, index: number, name = 'value', max: bigint = MAX_U256): bigint {
  if (typeof value !== 'string' || !QUANTITY.test(value)) throw invalidArgument(index, `${name} must be a 0x hex quantity`);
  const amount = BigInt(value);
  if (amount > max) throw invalidArgument(index, `${name} is larger than ${max}`);
  return amount;
}

/** An unsigned integer that a double holds exactly. */
export function countValue(value: unknown, index: number, name = 'value', max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  return Number(quantityValue(value, index, name, BigInt(max)));
}

/** A storage slot: 32 bytes, or a quantity, padded or not. */
export function slotValue(value: unknown, index: number): Buffer {
  if (typeof value !== 'string' || !SLOT.test(value))
    throw invalidArgument(index, 'storage slot must be a 0x hex string of at most 32 bytes');
  return u256ToBytes(value.length === 2 ? 0n : BigInt(value));
}

/** A boolean; `fallback` when it is not given. */
export function booleanParam(params: Params, index: number, fallback = false): boolean {
  const value = params[index] ?? fallback;
  if (typeof value !== 'boolean') throw invalidArgument(index, 'must be true or false');
  return value;
}

/** An object. */
export function objectParam(params: Params, index: number): Record<string, unknown> {
  const value = params[index];
  if (!isObject(value)) throw invalidArgument(index, 'must be an object');
  return value;
}

/** An address parameter. */
export function addressParam(params: Params, index: number): Buffer {
  return addressValue(params[index], index);
}

/** A hash parameter. */
export function hashParam(params: Params, index: number): Buffer {
  return hashValue(params[index], index);
}
