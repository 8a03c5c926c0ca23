/** Log filters: reading the filter object, resolving its block range, matching single logs. */
import { toHex } from '../common/bytes.js';
import type { NativeEngine } from '../native/engine.js';
import { type BlockResolver, parseBlock } from './block-ref.js';
import { invalidArgument, rpcError } from './errors.js';
import { addressValue, hashValue, isObject } from './params.js';

/** More addresses than this in one filter make each log too dear to match; geth has the same bound. */
const ADDRESSES_MAX = 1000;
/** Alternatives of one topic position; the same reason. */
const TOPIC_ALTERNATIVES_MAX = 1000;
const TOPICS_MAX = 4;

/** What a log has to match; hex in lower case. */
export interface LogCriteria {
  /** Empty = any. */
  readonly addresses: readonly string[];
  /** By position; null = any. */
  readonly topics: readonly (readonly string[] | null)[];
}

/** Where to look. */
export type LogRange = { readonly blockHash: Buffer } | { readonly fromBlock: unknown; readonly toBlock: unknown };

/** Reads addresses and topics of the filter object at `index`; no object means anything. */
export function parseCriteria(value: unknown, index: number): LogCriteria {
  if (value === undefined || value === null) return { addresses: [], topics: [] };
  if (!isObject(value)) throw invalidArgument(index, 'filter must be an object');
  return { addresses: parseAddresses(value['address'], index), topics: parseTopics(value['topics'], index) };
}

/** Reads the block range of the filter object at `index`. */
export function parseRange(value: unknown, index: number): LogRange {
  const filter = isObject(value) ? value : {};
  const { blockHash, fromBlock, toBlock } = filter;
  if (blockHash === undefined || blockHash === null) return { fromBlock, toBlock };
  if ((fromBlock !== undefined && fromBlock !== null) || (toBlock !== undefined && toBlock !== null)) {
    throw invalidArgument(index, 'cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other');
  }
  return { blockHash: hashValue(blockHash, index, 'blockHash') };
}

function parseAddresses(value: unknown, index: number): string[] {
  if (value === undefined || value === null) return [];
  const list = Array.isArray(value) ? value : [value];
  if (list.length > ADDRESSES_MAX) throw invalidArgument(index, `exceed max addresses: ${ADDRESSES_MAX}`);
  return list.map((address) => toHex(addressValue(address, index)));
}

function parseTopics(value: unknown, index: number): (string[] | null)[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalidArgument(index, 'topics must be an array');
  if (value.length > TOPICS_MAX) throw invalidArgument(index, `exceed max topics: ${TOPICS_MAX}`);
  return value.map((position) => parseTopic(position, index));
}

function parseTopic(position: unknown, index: number): string[] | null {
  if (position === null) return null;
  const list = Array.isArray(position) ? position : [position];
  if (list.length > TOPIC_ALTERNATIVES_MAX) throw invalidArgument(index, `exceed max topics: ${TOPIC_ALTERNATIVES_MAX} alternatives`);
  // An empty list and a null among the alternatives both mean any.
  if (list.length === 0 || list.includes(null)) return null;
  return list.map((topic) => toHex(hashValue(topic, index, 'topic')));
}

/** The range in block numbers, both ends included; null where it has no block. */
export function resolveRange(
  range: LogRange,
  engine: NativeEngine,
  blocks: BlockResolver,
  rangeMax: number,
): { from: number; to: number } | null {
  if ('blockHash' in range) {
    const number = engine.blockNumberByHash(range.blockHash);
    if (number === null) throw rpcError('RPC_UNKNOWN_BLOCK', 'unknown block');
    return { from: number, to: number };
  }
  const from = endOf(range.fromBlock, blocks);
  const to = endOf(range.toBlock, blocks);
  // A client that polls from the block after the newest one to `latest` asks for nothing yet.
  if (from.number > to.number && to.tag) return null;
  if (from.number > to.number) throw rpcError('RPC_INVALID_PARAMS', 'invalid block range params');
  const last = Math.min(to.number, engine.blockNumber());
  if (from.number > last) return null;
  if (last - from.number >= rangeMax) throw rpcError('RPC_INVALID_PARAMS', `logs are limited to a ${rangeMax} block range`);
  return { from: from.number, to: last };
}

function endOf(value: unknown, blocks: BlockResolver): { number: number; tag: boolean } {
  const params = [value ?? 'latest'];
  const block = parseBlock(params, 0);
  if ('number' in block) return { number: block.number, tag: false };
  return { number: blocks.concrete(blocks.state(params, 0)), tag: 'tag' in block };
}

/** The filter as the engine takes it. */
export function engineFilter(criteria: LogCriteria, from: number, to: number): string {
  return JSON.stringify({ fromBlock: from, toBlock: to, addresses: criteria.addresses, topics: criteria.topics });
}

/** A log of a published block, as far as matching needs it. */
export interface LogFields {
  readonly address: string;
  readonly topics: readonly string[];
}

/** True when the log fits the criteria. */
export function matchesLog(criteria: LogCriteria, log: LogFields): boolean {
  if (criteria.addresses.length > 0 && !criteria.addresses.includes(log.address.toLowerCase())) return false;
  if (criteria.topics.length > log.topics.length) return false;
  return criteria.topics.every((alternatives, i) => alternatives === null || alternatives.includes(log.topics[i] ?? ''));
}
