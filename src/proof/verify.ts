/**
 * Verifies what `zkevm_getProof` answers, from the answer and a state root alone: no node, no database, no native code.
 *
 * A proof is the list of nodes from the root to the end of the key's path, each named by the hash that the one before it holds (the first
 * by the state root), then the value. Inner nodes have 64 bytes, leaves 65: remaining key, hash of the value, and 01. A path that ends in
 * an empty subtree, or in the leaf of another key, proves that the key has no value, which counts as zero.
 */
import { CodedError } from '../common/errors.js';
import { h4Equal, h4FromHex, h4FromInteger, h4IsZero, h4ToHex } from './h4.js';
import { stateKey, valueHash } from './keys.js';
import { CAPACITY_LEAF, type H4, poseidon, ZERO } from './poseidon.js';

const LEVELS = 256;
const NODE = /^0x[0-9a-fA-F]{128}(01)?$/;
const INNER_CHARS = 2 + 2 * 64;
/** The shortest big-endian form. */
const VALUE = /^0x(?!00)(?:[0-9a-fA-F]{2}){1,32}$/;

/** The answer of `zkevm_getProof`; more members are let through. */
export interface AccountProof {
  readonly address: string;
  readonly balance: string;
  readonly nonce: string;
  readonly codeHash: string;
  readonly codeLength: string;
  readonly balanceProof: readonly string[];
  readonly nonceProof: readonly string[];
  readonly codeHashProof: readonly string[];
  readonly codeLengthProof: readonly string[];
  readonly storageProof: readonly SlotProof[];
}

/** A slot in the answer. */
export interface SlotProof {
  readonly key: string;
  readonly value: string;
  readonly proof: readonly string[];
}

/** What was asked for, and the root that is trusted. */
export interface ProofRequest {
  /** State root of the block: `stateRoot` of its header, from a source that is trusted. */
  readonly stateRoot: string;
  readonly address: string;
  /** Slots, in the order in which they were asked for. */
  readonly slots?: readonly bigint[];
}

/** Values that the state root vouches for. */
export interface VerifiedAccount {
  readonly address: string;
  readonly balance: bigint;
  readonly nonce: bigint;
  /** Linear Poseidon hash, zero without code. */
  readonly codeHash: string;
  readonly codeLength: bigint;
  readonly storage: ReadonlyMap<bigint, bigint>;
}

/** Verifies a whole answer. Throws PROOF_INVALID where anything in it is not what the root vouches for. */
export function verifyAccountProof(request: ProofRequest, answer: AccountProof): VerifiedAccount {
  const { stateRoot, address, slots = [] } = request;
  if (answer.address.toLowerCase() !== address.toLowerCase()) throw invalid(`the answer is about ${answer.address}`);
  if (answer.storageProof.length !== slots.length) throw invalid(`the answer has ${answer.storageProof.length} slots, not ${slots.length}`);
  const proven = (name: string, key: H4, proof: readonly string[], claimed: string) => {
    const value = verifyProof(stateRoot, key, proof, name);
    if (integer(claimed, name) !== value) throw invalid(`${name}: ${claimed} is claimed, ${value} is proven`);
    return value;
  };
  const storage = slots.map((slot, i): [bigint, bigint] => {
    const { key, value, proof } = answer.storageProof[i] as SlotProof;
    if (integer(key, 'slot') !== slot) throw invalid(`slot ${slot} was asked for, ${key} answered`);
    return [slot, proven(`slot ${slot}`, stateKey('storage', address, slot), proof, value)];
  });
  const codeHash = proven('codeHash', stateKey('codeHash', address), answer.codeHashProof, answer.codeHash);
  return {
    address,
    balance: proven('balance', stateKey('balance', address), answer.balanceProof, answer.balance),
    nonce: proven('nonce', stateKey('nonce', address), answer.nonceProof, answer.nonce),
    codeHash: `0x${codeHash.toString(16).padStart(64, '0')}`,
    codeLength: proven('codeLength', stateKey('codeLength', address), answer.codeLengthProof, answer.codeLength),
    storage: new Map(storage),
  };
}

/** The value that a proof proves a key to have under a state root, 0 for none. Throws PROOF_INVALID where it proves nothing. */
export function verifyProof(stateRoot: string, key: H4, proof: readonly string[], name = 'proof'): bigint {
  let expected = h4FromHex(stateRoot);
  if (expected === null) throw invalid(`${name}: ${stateRoot.slice(0, 80)} is no state root`);
  for (const [depth, element] of proof.entries()) {
    const place = `${name}: element ${depth}`;
    if (h4IsZero(expected)) throw invalid(`${place} follows the end of the path`);
    const node = readNode(element);
    if (node === null || depth > LEVELS || (!node.isLeaf && depth === LEVELS)) throw invalid(`${place} is no node`);
    const actual = poseidon([...node.left, ...node.right], node.isLeaf ? CAPACITY_LEAF : ZERO);
    if (!h4Equal(actual, expected)) throw invalid(`${place} hashes to ${h4ToHex(actual)}, not ${h4ToHex(expected)}`);
    if (node.isLeaf) return readEnd(key, depth, node, proof.slice(depth + 1), name);
    expected = bitAt(key, depth) === 0n ? node.left : node.right;
  }
  if (!h4IsZero(expected)) throw invalid(`${name}: the path goes on after the last element`);
  return 0n;
}

interface ProofNode {
  readonly isLeaf: boolean;
  /** Left child, or what remains of the leaf's key. */
  readonly left: H4;
  /** Right child, or the hash of the leaf's value. */
  readonly right: H4;
}

function readNode(element: string): ProofNode | null {
  if (!NODE.test(element)) return null;
  const left = h4FromInteger(BigInt(element.slice(0, 66)));
  const right = h4FromInteger(BigInt(`0x${element.slice(66, INNER_CHARS)}`));
  return left === null || right === null ? null : { isLeaf: element.length > INNER_CHARS, left, right };
}

/** The value after the key's own leaf; nothing may follow another's. */
function readEnd(key: H4, depth: number, leaf: ProofNode, rest: readonly string[], name: string): bigint {
  const remaining = leaf.left;
  const misplaced = remaining.some((element, i) => (element << consumedBits(depth, i)) >> 64n !== 0n);
  if (misplaced) throw invalid(`${name}: the leaf does not belong to its place`);
  const isOwn = remaining.every((element, i) => element === (key[i] ?? 0n) >> consumedBits(depth, i));
  if (rest.length !== (isOwn ? 1 : 0)) throw invalid(`${name}: ${rest.length} elements follow ${isOwn ? 'its own' : 'the other'} leaf`);
  const [bytes] = rest;
  if (bytes === undefined) return 0n;
  const value = VALUE.test(bytes) ? BigInt(bytes) : null;
  if (value === null || !h4Equal(valueHash(value), leaf.right)) throw invalid(`${name}: the value is not the one that its leaf names`);
  return value;
}

/** Bits that the levels above a depth have taken of one of the key's elements. */
function consumedBits(depth: number, element: number): bigint {
  return BigInt(Math.floor((depth + 3 - element) / 4));
}

/** The bit of the key that decides at a level. */
function bitAt(key: H4, level: number): bigint {
  return ((key[level % 4] ?? 0n) >> BigInt(Math.floor(level / 4))) & 1n;
}

function integer(text: string, name: string): bigint {
  if (!/^0x[0-9a-fA-F]{1,64}$/.test(text)) throw invalid(`${name}: ${text.slice(0, 80)} is no number`);
  return BigInt(text);
}

function invalid(what: string): CodedError {
  return new CodedError(`the proof does not hold: ${what}`, { code: 'PROOF_INVALID' });
}
