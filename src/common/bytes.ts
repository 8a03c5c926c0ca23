/**
 * Hex and byte helpers. Hex text exists only at the JSON-RPC edge and in configuration; inside the node values are bytes or bigints.
 */

const HEX_BYTES = /^0x(?:[0-9a-fA-F]{2})*$/;

/** Width of an address. */
export const ADDRESS_BYTES = 20;
/** Width of a hash, a storage slot, a 256-bit integer. */
export const HASH_BYTES = 32;
/** Largest 256-bit integer. */
export const MAX_U256 = (1n << 256n) - 1n;
/** Largest 64-bit integer. */
export const MAX_U64 = (1n << 64n) - 1n;

/** `0x` and two lower-case digits for each byte. */
export function toHex(bytes: Uint8Array): string {
  const view = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return `0x${view.toString('hex')}`;
}

/** True for `0x` and an even number of hex digits. */
export function isHexBytes(text: string): boolean {
  return HEX_BYTES.test(text);
}

/**
 * Bytes of a `0x` hex string; null where the text is not hex. `Buffer.from(text, 'hex')` stops silently at the first bad digit, so the
 * length of its answer is the check: one native pass instead of a regular expression over the whole text.
 */
export function tryFromHex(text: string): Buffer | null {
  const length = text.length;
  if (length < 2 || length % 2 !== 0 || text.charCodeAt(0) !== 0x30 || text.charCodeAt(1) !== 0x78) return null;
  const bytes = Buffer.from(length > 2 ? text.slice(2) : '', 'hex');
  return bytes.length === length / 2 - 1 ? bytes : null;
}

/** Bytes of a `0x` hex string. Throws RangeError where the text is not hex. */
export function fromHex(text: string): Buffer {
  const bytes = tryFromHex(text);
  if (bytes === null) throw new RangeError(`not a hex string: ${text.slice(0, 80)}`);
  return bytes;
}

/** JSON-RPC quantity: `0x`, no leading zeros. */
export function toQuantity(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

/** Reads an unsigned big-endian integer of any width. */
export function bigIntFromBytes(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(toHex(bytes));
}

/** 32 bytes big-endian. Throws RangeError for negative values and for more than 256 bits. */
export function u256ToBytes(value: bigint): Buffer {
  if (value < 0n || value > MAX_U256) throw new RangeError('value does not fit 256 bits');
  return Buffer.from(value.toString(16).padStart(2 * HASH_BYTES, '0'), 'hex');
}
