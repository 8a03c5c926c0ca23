/**
 * Poseidon over the Goldilocks field, width 12: the hash of the zkEVM state tree. About a quarter of a millisecond for one hash, which
 * is plenty for proofs; the node itself hashes natively.
 */
import { ROUND_CONSTANTS } from './round-constants.js';

/** The field's prime, 2^64 - 2^32 + 1. */
export const PRIME = 0xffff_ffff_0000_0001n;

/** Four field elements: a key, a node's hash, a root. */
export type H4 = readonly [bigint, bigint, bigint, bigint];

export const ZERO: H4 = [0n, 0n, 0n, 0n];
/** Capacity of a leaf's hash; that of all else is zero. */
export const CAPACITY_LEAF: H4 = [1n, 0n, 0n, 0n];

const WIDTH = 12;
const ROUNDS = 30;
/** Full rounds at each end; in between only the first element goes through the S-box. */
const FULL_AT_END = 4;
const MASK_32 = 0xffff_ffffn;
/** The circulant part of the MDS matrix; 8 is added at its first place. */
const CIRCULANT = [17, 15, 41, 16, 2, 28, 13, 13, 39, 18, 34, 20] as const;
const DIAGONAL_FIRST = 8;

/** The first four elements after the permutation of eight inputs and four of capacity. Elements need not be below the prime. */
export function poseidon(input: readonly bigint[], capacity: H4 = ZERO): H4 {
  if (input.length !== 8) throw new RangeError(`Poseidon takes 8 elements, not ${input.length}`);
  const state = [...input, ...capacity].map((element) => element % PRIME);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < WIDTH; i++) state[i] = (at(state, i) + at(ROUND_CONSTANTS, WIDTH * round + i)) % PRIME;
    const isFull = round < FULL_AT_END || round >= ROUNDS - FULL_AT_END;
    for (let i = 0; i < (isFull ? WIDTH : 1); i++) state[i] = seventhPower(at(state, i));
    multiplyByMds(state);
  }
  return [at(state, 0), at(state, 1), at(state, 2), at(state, 3)];
}

function seventhPower(x: bigint): bigint {
  const square = (x * x) % PRIME;
  const fourth = (square * square) % PRIME;
  return (((fourth * square) % PRIME) * x) % PRIME;
}

/** The entries are small, so halves of 32 bits are summed as doubles: the sums stay below 2^41. */
function multiplyByMds(state: bigint[]): void {
  const low = state.map((element) => Number(element & MASK_32));
  const high = state.map((element) => Number(element >> 32n));
  for (let row = 0; row < WIDTH; row++) {
    let lowSum = row === 0 ? DIAGONAL_FIRST * (low[0] ?? 0) : 0;
    let highSum = row === 0 ? DIAGONAL_FIRST * (high[0] ?? 0) : 0;
    for (let column = 0; column < WIDTH; column++) {
      const factor = CIRCULANT[(column - row + WIDTH) % WIDTH] ?? 0;
      lowSum += factor * (low[column] ?? 0);
      highSum += factor * (high[column] ?? 0);
    }
    state[row] = ((BigInt(highSum) << 32n) + BigInt(lowSum)) % PRIME;
  }
}

/** An element that is there: the indices of this file are constants. */
function at(elements: readonly bigint[], index: number): bigint {
  return elements[index] ?? 0n;
}

/** Bytes of one field element in the linear hash, and of one block of eight. */
const CHUNK_BYTES = 7;
const BLOCK_BYTES = 8 * CHUNK_BYTES;

/** Linear hash of a byte string: what the leaf of a contract's code hash holds. */
export function linearHash(bytes: Uint8Array): H4 {
  const padded = new Uint8Array(Math.ceil((bytes.length + 1) / BLOCK_BYTES) * BLOCK_BYTES);
  padded.set(bytes);
  padded[bytes.length] = 0x01;
  padded[padded.length - 1] = (padded[padded.length - 1] ?? 0) | 0x80;
  let hash: H4 = ZERO;
  for (let block = 0; block < padded.length; block += BLOCK_BYTES) {
    const elements = Array.from({ length: 8 }, (_, i) => {
      const chunk = padded.subarray(block + CHUNK_BYTES * i, block + CHUNK_BYTES * (i + 1));
      return chunk.reduceRight((element, byte) => (element << 8n) | BigInt(byte), 0n);
    });
    hash = poseidon(elements, hash);
  }
  return hash;
}
