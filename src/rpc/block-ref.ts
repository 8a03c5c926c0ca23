/**
 * Block parameters: a quantity, a tag, an EIP-1898 object, or a 32-byte hash where a method takes one; optional everywhere, `latest` when
 * missing. Resolved to the numbers of the engine (`BLOCK_LATEST`, `BLOCK_PENDING` or a block number).
 *
 * A tag that resolves to nothing yet is null for methods that answer a block, and an error for methods that read state.
 */
import { HASH_BYTES } from '../common/bytes.js';
import { BLOCK_LATEST, BLOCK_PENDING, type NativeEngine } from '../native/engine.js';
import { invalidArgument, rpcError } from './errors.js';
import type { Finality } from './finality.js';
import type { Params } from './method.js';
import { hashValue, isObject } from './params.js';

/** Block tags. */
export const BLOCK_TAGS = ['earliest', 'latest', 'pending', 'safe', 'finalized'] as const;
export type BlockTag = (typeof BLOCK_TAGS)[number];

/** A block parameter as it was written. */
export type BlockParameter = { tag: BlockTag } | { number: number } | { hash: Buffer };

/** Numbers that old scripts send with leading zeros or in decimal are understood. */
const HEX_NUMBER = /^0x[0-9a-fA-F]{1,64}$/;
const DECIMAL_NUMBER = /^\d{1,20}$/;
/** Texts of this length are numbers that a double holds exactly. */
const SHORT_NUMBER_LENGTH = 12;
const HASH_TEXT_LENGTH = 2 + 2 * HASH_BYTES;
const INT64_MAX = (1n << 63n) - 1n;

/** Reads the parameter at `index`. `hashText` says whether a plain 32-byte hash is taken. */
export function parseBlock(params: Params, index: number, hashText = false): BlockParameter {
  const value = params[index] ?? 'latest';
  if (typeof value === 'string') {
    if ((BLOCK_TAGS as readonly string[]).includes(value)) return { tag: value as BlockTag };
    if (hashText && value.length === HASH_TEXT_LENGTH) return { hash: hashValue(value, index, 'block hash') };
  }
  if (isObject(value)) return parseObject(value, index);
  return { number: blockNumberValue(value, index) };
}

/** A block number as hex, decimal text or JSON number. */
export function blockNumberValue(value: unknown, index: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  if (typeof value !== 'string' || !(HEX_NUMBER.test(value) || DECIMAL_NUMBER.test(value))) {
    throw invalidArgument(index, `block must be a number, a block hash object or one of ${BLOCK_TAGS.join(', ')}`);
  }
  if (value.length <= SHORT_NUMBER_LENGTH) return Number(value);
  const number = BigInt(value);
  if (number > INT64_MAX) throw invalidArgument(index, 'block number larger than int64');
  // No chain gets there: such a block is simply unknown.
  return number > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(number);
}

function parseObject(value: Record<string, unknown>, index: number): BlockParameter {
  const { blockNumber, blockHash, requireCanonical } = value;
  if (blockNumber !== undefined && blockHash !== undefined) {
    throw invalidArgument(index, 'cannot specify both BlockHash and BlockNumber, choose one or the other');
  }
  if (requireCanonical !== undefined && typeof requireCanonical !== 'boolean')
    throw invalidArgument(index, 'requireCanonical must be true or false');
  if (blockHash !== undefined) return { hash: hashValue(blockHash, index, 'blockHash') };
  if (blockNumber === undefined) throw invalidArgument(index, 'block object needs blockNumber or blockHash');
  return isObject(blockNumber) ? { number: blockNumberValue(blockNumber, index) } : parseBlock([blockNumber], 0);
}

/** Resolves block parameters against the chain. */
export class BlockResolver {
  readonly #engine: NativeEngine;
  readonly #finality: Finality;

  constructor(engine: NativeEngine, finality: Finality) {
    this.#engine = engine;
    this.#finality = finality;
  }

  /** For methods that answer a block: null where there is none. A number is not looked up: the engine answers null for it. */
  find(params: Params, index: number, hashText = false): number | null {
    const block = parseBlock(params, index, hashText);
    if ('number' in block) return block.number;
    if ('hash' in block) return this.#engine.blockNumberByHash(block.hash);
    return this.#tag(block.tag);
  }

  /** For methods that read state: throws -32000 with geth's words where there is no such block. */
  state(params: Params, index: number): number {
    const block = parseBlock(params, index, true);
    if ('number' in block) return block.number;
    if ('hash' in block) {
      const number = this.#engine.blockNumberByHash(block.hash);
      if (number === null) throw rpcError('RPC_HEADER_NOT_FOUND', 'header for hash not found');
      return number;
    }
    const number = this.#tag(block.tag);
    if (number === null) throw rpcError('RPC_TAG_NOT_FOUND', `${block.tag} block not found`);
    return number;
  }

  /** The number of a block that `find` or `state` answered, tags resolved to the newest published block. */
  concrete(block: number): number {
    return block < 0 ? this.#engine.blockNumber() : block;
  }

  #tag(tag: BlockTag): number | null {
    switch (tag) {
      case 'earliest':
        return 0;
      case 'latest':
        return BLOCK_LATEST;
      case 'pending':
        return BLOCK_PENDING;
      case 'safe':
        return this.#finality.safeBlock();
      case 'finalized':
        return this.#finality.finalizedBlock();
    }
  }
}
