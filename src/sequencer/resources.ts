/** Batch resources: names, the order in which a batch is inspected, and vectors of them as they cross the boundary. */
import { COUNTER_NAMES, RESOURCE_BYTES, RESOURCE_COUNT, RESOURCE_GAS } from '../native/layouts.js';

/** Name of each resource by index. */
export const RESOURCE_NAMES: readonly string[] = [...COUNTER_NAMES, 'bytes', 'gas'];

/** Indexes in the order in which a batch is inspected (node.md 0.3): the binding resource is the first in this order. */
export const RESOURCE_ORDER: readonly number[] = [
  RESOURCE_BYTES,
  ...['steps', 'padding', 'poseidon', 'binary', 'keccaks', 'arith', 'memAlign'].map((name) => RESOURCE_NAMES.indexOf(name)),
  RESOURCE_GAS,
  RESOURCE_NAMES.indexOf('sha256'),
];

/** One value for each resource. */
export type ResourceVector = number[];

/** Zero of every resource. */
export function zeroResources(): ResourceVector {
  return new Array<number>(RESOURCE_COUNT).fill(0);
}

/** Reads RESOURCE_COUNT u64 LE. Throws RangeError where a value is not exact or the buffer is short. */
export function readResources(bytes: Buffer): ResourceVector {
  const vector = zeroResources();
  for (let i = 0; i < RESOURCE_COUNT; i++) {
    const value = Number(bytes.readBigUInt64LE(8 * i));
    if (!Number.isSafeInteger(value)) throw new RangeError(`resource ${RESOURCE_NAMES[i]} is out of range`);
    vector[i] = value;
  }
  return vector;
}

/** Writes RESOURCE_COUNT u64 LE. */
export function writeResources(vector: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(8 * RESOURCE_COUNT);
  for (let i = 0; i < RESOURCE_COUNT; i++) bytes.writeBigUInt64LE(BigInt(vector[i] ?? 0), 8 * i);
  return bytes;
}

/** Values by name, for status, certificates and logs. */
export function namedResources(vector: readonly number[]): Record<string, number> {
  const named: Record<string, number> = {};
  for (const [i, name] of RESOURCE_NAMES.entries()) named[name] = vector[i] ?? 0;
  return named;
}
