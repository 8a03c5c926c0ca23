/** JSON-RPC 2.0 envelopes: reading a request object, writing answers around JSON text that is already there. */
import { tryFromHex } from '../common/bytes.js';
import { rpcError, toRpcError } from './errors.js';
import { isObject } from './params.js';

/** A well-formed request. */
export interface RpcRequest {
  /** JSON text of the id as it is echoed; null for a notification, which gets no answer. */
  readonly idText: string | null;
  readonly method: string;
  readonly params: readonly unknown[];
}

/** A malformed request: what to answer. */
export interface RpcRefusal {
  readonly idText: string;
  readonly error: Error;
}

const NO_PARAMS: readonly unknown[] = [];
const NULL_ID = 'null';

/** A way to write `eth_sendRawTransaction` with a number as its id: the texts before, between and after id and transaction. */
interface SendShape {
  readonly head: string;
  readonly middle: string;
  readonly tail: string;
  readonly isIdFirst: boolean;
}

const SEND_METHOD = 'eth_sendRawTransaction';
/** The orders in which the libraries of clients write the fields. */
const SEND_SHAPES: readonly SendShape[] = [
  { head: '{"jsonrpc":"2.0","id":', middle: `,"method":"${SEND_METHOD}","params":["`, tail: '"]}', isIdFirst: true },
  { head: `{"method":"${SEND_METHOD}","params":["`, middle: '"],"id":', tail: ',"jsonrpc":"2.0"}', isIdFirst: false },
  { head: `{"jsonrpc":"2.0","method":"${SEND_METHOD}","params":["`, middle: '"],"id":', tail: '}', isIdFirst: false },
];
/** Ids that are echoed as they are written. */
const PLAIN_ID = /^(?:0|[1-9]\d{0,14})$/;

/**
 * Reads the body of a single `eth_sendRawTransaction` as clients write it, without making objects of it; the transaction is decoded
 * already. Null for everything else: what that means, `JSON.parse` and `readRequest` say, and of what is read here they say the same.
 */
export function readUsualSend(body: string): RpcRequest | null {
  for (const { head, middle, tail, isIdFirst } of SEND_SHAPES) {
    if (!body.startsWith(head) || !body.endsWith(tail)) continue;
    const end = body.length - tail.length;
    const cut = body.indexOf(middle, head.length);
    if (cut < 0 || cut + middle.length > end) continue;
    const [first, second] = [body.slice(head.length, cut), body.slice(cut + middle.length, end)];
    const [idText, transaction] = isIdFirst ? [first, second] : [second, first];
    const raw = PLAIN_ID.test(idText) ? tryFromHex(transaction) : null;
    return raw === null ? null : { idText, method: SEND_METHOD, params: [raw] };
  }
  return null;
}

/** Reads one request. `source` is the text that it was parsed from, for ids that a double cannot hold. */
export function readRequest(value: unknown, source: () => string): RpcRequest | RpcRefusal {
  if (!isObject(value)) return refuse(NULL_ID, 'invalid request');
  const { id, method, params } = value;
  const idText = readId(id, source);
  if (idText === undefined) return refuse(NULL_ID, 'invalid request');
  if (value['jsonrpc'] !== '2.0' || typeof method !== 'string') return refuse(idText ?? NULL_ID, 'invalid request');
  if (params === undefined || params === null) return { idText, method, params: NO_PARAMS };
  if (!Array.isArray(params)) {
    return { idText: idText ?? NULL_ID, error: rpcError('RPC_INVALID_PARAMS', 'params must be an array') };
  }
  return { idText, method, params };
}

function refuse(idText: string, message: string): RpcRefusal {
  return { idText, error: rpcError('RPC_INVALID_REQUEST', message) };
}

/** Text of the id; null when there is none, undefined when it is of a wrong type. */
function readId(id: unknown, source: () => string): string | null | undefined {
  if (id === undefined) return null;
  if (typeof id === 'number') return Number.isSafeInteger(id) ? String(id) : (numberIdText(source()) ?? JSON.stringify(id));
  if (typeof id === 'string' || id === null) return JSON.stringify(id);
  return undefined;
}

/** `{"id": number}` of the outermost object, character by character, so that ids beyond 2^53 are echoed as they came. */
function numberIdText(source: string): string | undefined {
  let depth = 0;
  let at = 0;
  let found: string | undefined;
  while (at < source.length) {
    const char = source[at];
    if (char === '"') {
      const end = stringEnd(source, at);
      if (depth === 1 && source.slice(at, end) === '"id"') {
        const match = /^\s*:\s*(-?[0-9][0-9.eE+-]*)/.exec(source.slice(end, end + 512));
        if (match?.[1] !== undefined) found = match[1];
      }
      at = end;
      continue;
    }
    if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
    at++;
  }
  return found;
}

/** Text of one item of a JSON array; only asked for ids that a double cannot hold. */
export function arrayItemText(source: string, index: number): string {
  let depth = 0;
  let item = 0;
  let start = 0;
  let at = 0;
  while (at < source.length) {
    const char = source[at];
    if (char === '"') {
      at = stringEnd(source, at);
      continue;
    }
    if (char === '{' || char === '[') {
      depth++;
      if (depth === 1) start = at + 1;
    } else if (char === '}' || char === ']') depth--;
    const ends = depth === 0 || (depth === 1 && char === ',');
    if (ends && start > 0) {
      if (item === index) return source.slice(start, at);
      item++;
      start = at + 1;
    }
    at++;
  }
  return '';
}

function stringEnd(source: string, start: number): number {
  let at = start + 1;
  while (at < source.length && source[at] !== '"') at += source[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** An answer around the JSON text of a result. */
export function resultText(idText: string, resultJson: string): string {
  return `{"jsonrpc":"2.0","id":${idText},"result":${resultJson}}`;
}

/** An answer around a failure. */
export function errorText(idText: string, error: unknown): string {
  return `{"jsonrpc":"2.0","id":${idText},"error":${JSON.stringify(toRpcError(error))}}`;
}
