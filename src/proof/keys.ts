/** Keys of the state tree: an account's leaves and its storage slots. */
import { type H4, linearHash, poseidon } from './poseidon.js';

/** Kinds of leaves. */
export const LEAF_KIND = { balance: 0n, nonce: 1n, codeHash: 2n, storage: 3n, codeLength: 4n } as const;

export type LeafKind = keyof typeof LEAF_KIND;

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const MASK_32 = 0xffff_ffffn;
const WORD_BITS = 256n;

/** A 256-bit value as eight elements of 32 bits, the least significant first. */
export function valueElements(value: bigint): bigint[] {
  if (value < 0n || value >> WORD_BITS !== 0n) throw new RangeError('a value of the state has 256 bits');
  return Array.from({ length: 8 }, (_, i) => (value >> BigInt(32 * i)) & MASK_32);
}

/** The hash of a value, as its leaf holds it. */
export function valueHash(value: bigint): H4 {
  return poseidon(valueElements(value));
}

/** The key of one of an account's leaves; `slot` counts for storage only. */
export function stateKey(kind: LeafKind, address: string, slot = 0n): H4 {
  if (!ADDRESS.test(address)) throw new RangeError(`not an address: ${address.slice(0, 80)}`);
  const input = valueElements(BigInt(address));
  input[6] = LEAF_KIND[kind];
  return poseidon(input, valueHash(kind === 'storage' ? slot : 0n));
}

/** The Poseidon code hash of a contract: what `codeHash` of a proof is to be compared with when the code itself is at hand. */
export function hashCode(code: Uint8Array): H4 {
  return linearHash(code);
}
