/** Hashes as text and as integers: h0 + h1*2^64 + h2*2^128 + h3*2^192, written big-endian. */
import { type H4, PRIME } from './poseidon.js';

const HASH = /^0x[0-9a-fA-F]{64}$/;
const MASK_64 = (1n << 64n) - 1n;

/** The four elements of a 256-bit integer; null where one is not below the prime, which no hash has. */
export function h4FromInteger(value: bigint): H4 | null {
  const hash: H4 = [value & MASK_64, (value >> 64n) & MASK_64, (value >> 128n) & MASK_64, value >> 192n];
  return hash.every((element) => element < PRIME) ? hash : null;
}

/** The 256-bit integer. */
export function h4ToInteger([h0, h1, h2, h3]: H4): bigint {
  return h0 | (h1 << 64n) | (h2 << 128n) | (h3 << 192n);
}

/** Reads `0x` and 64 digits; null for anything else and for what is no hash. */
export function h4FromHex(text: string): H4 | null {
  return HASH.test(text) ? h4FromInteger(BigInt(text)) : null;
}

/** `0x` and 64 digits. */
export function h4ToHex(hash: H4): string {
  return `0x${h4ToInteger(hash).toString(16).padStart(64, '0')}`;
}

/** Whether two hashes are the same. */
export function h4Equal(a: H4, b: H4): boolean {
  return a.every((element, i) => element === b[i]);
}

/** Whether this is the hash of an empty subtree. */
export function h4IsZero(hash: H4): boolean {
  return hash.every((element) => element === 0n);
}
