/**
 * JSON-RPC over HTTP POST on uWebSockets.js, and the plain routes. A response is touched only while it is alive: `onAborted` ends that, and
 * what a method answers afterwards is dropped.
 */
import { constants, gzip } from 'node:zlib';
import type { Reply } from '../dispatch.js';
import { errorText } from '../envelope.js';
import { RPC_CODE, rpcError } from '../errors.js';
import type { UwsRequest, UwsResponse } from './uws.js';

/** A body over the limit is read to its end, so that the client sees the answer; beyond this it is cut off. */
const DISCARD_MAX_BYTES = 64 * 1024 * 1024;
const JSON_TYPE = 'application/json';
/**
 * uWS closes an idle connection after 10 s, counted in steps of 4: never before 8. It cannot be told otherwise; clients can, so that they do
 * not send on a connection that is about to be closed.
 */
const KEEP_ALIVE = 'timeout=8';
/** The headers of the usual answer as the value of the first: each header that is written is a call into uWS. */
const USUAL_HEADERS = `${KEEP_ALIVE}\r\nAccess-Control-Allow-Origin: *\r\nContent-Type: ${JSON_TYPE}`;
const MS_PER_SECOND = 1000;
/** Shorter answers cost more to compress than to send. */
const GZIP_MIN_CHARS = 32 * 1024;
/** Fastest level: answers are hex text, which shrinks to a third at any level. */
const GZIP_OPTIONS = { level: constants.Z_BEST_SPEED };

/** Which origins browsers may call from. */
export class Cors {
  readonly #all: boolean;
  readonly #origins: ReadonlySet<string>;

  constructor(origins: readonly string[]) {
    this.#all = origins.includes('*');
    this.#origins = new Set(origins);
  }

  /** Value of Access-Control-Allow-Origin; null where the origin may not call. */
  allowed(request: UwsRequest): string | null {
    if (this.#all) return '*';
    const origin = request.getHeader('origin');
    return this.#origins.has(origin) ? origin : null;
  }

  /** False for a browser page of an origin that is not listed; programs send no origin. */
  admits(request: UwsRequest): boolean {
    return this.#all || request.getHeader('origin') === '' || this.allowed(request) !== null;
  }
}

/** Takes the body of a POST. */
export type BodyHandler = (body: string, reply: Reply) => void;

/** Reads the body of a POST and answers it. */
export function handlePost(response: UwsResponse, request: UwsRequest, limitBytes: number, cors: Cors, handle: BodyHandler): void {
  const exchange = new Exchange(response, cors.allowed(request), request.getHeader('accept-encoding').includes('gzip'));
  const body = new Body(limitBytes);
  response.onAborted(() => exchange.abort());
  response.onData((chunk, isLast) => {
    if (exchange.over) return;
    const text = body.take(chunk, isLast);
    if (body.bytes > limitBytes + DISCARD_MAX_BYTES) {
      exchange.abort();
      response.close();
    } else if (isLast) {
      if (text === null) exchange.refuseTooLarge(limitBytes);
      else handle(text, (answer, retryAfterMs) => exchange.answer(answer, retryAfterMs));
    }
  });
}

/** Collects a body; the usual one comes in one chunk and is never copied as bytes. */
class Body {
  bytes = 0;
  readonly #limit: number;
  #parts: Buffer[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The whole text with the last chunk; null before it, and where the limit was passed. */
  take(chunk: ArrayBuffer, isLast: boolean): string | null {
    this.bytes += chunk.byteLength;
    if (this.bytes > this.#limit) {
      this.#parts = [];
      return null;
    }
    const view = Buffer.from(chunk);
    if (isLast && this.#parts.length === 0) return view.toString('utf8');
    // uWS takes its memory back after the call.
    this.#parts.push(Buffer.from(view));
    return isLast ? Buffer.concat(this.#parts).toString('utf8') : null;
  }
}

/** One request and its answer. */
class Exchange {
  over = false;
  readonly #response: UwsResponse;
  readonly #origin: string | null;
  readonly #takesGzip: boolean;

  constructor(response: UwsResponse, origin: string | null, takesGzip: boolean) {
    this.#response = response;
    this.#origin = origin;
    this.#takesGzip = takesGzip;
  }

  abort(): void {
    this.over = true;
  }

  answer(text: string | null, retryAfterMs = 0): void {
    if (text !== null && retryAfterMs > 0) this.#send('429 Too Many Requests', text, null, Math.ceil(retryAfterMs / MS_PER_SECOND));
    // Notifications only: nothing to say.
    else if (text === null) this.#send('204 No Content', null);
    else if (this.#takesGzip && text.length >= GZIP_MIN_CHARS) this.#sendCompressed(text);
    else this.#send(null, text);
  }

  refuseTooLarge(limitBytes: number): void {
    const error = rpcError('RPC_BODY_TOO_LARGE', `request body too large, want at most ${limitBytes} bytes`);
    this.#send('413 Payload Too Large', errorText('null', error));
  }

  #sendCompressed(text: string): void {
    if (this.over) return;
    gzip(text, GZIP_OPTIONS, (error, compressed) => {
      if (error === null) this.#send(null, compressed, 'gzip');
      else this.#send(null, text);
    });
  }

  #send(status: string | null, body: string | Buffer | null, encoding: string | null = null, retryAfterSeconds = 0): void {
    if (this.over) return;
    this.over = true;
    this.#response.cork(() => {
      if (status === null && encoding === null && this.#origin === '*' && body !== null) {
        this.#response.writeHeader('Keep-Alive', USUAL_HEADERS).end(body);
        return;
      }
      if (status !== null) this.#response.writeStatus(status);
      this.#response.writeHeader('Keep-Alive', KEEP_ALIVE);
      writeCors(this.#response, this.#origin);
      if (encoding !== null) this.#response.writeHeader('Content-Encoding', encoding);
      if (retryAfterSeconds > 0) this.#response.writeHeader('Retry-After', String(retryAfterSeconds));
      if (body === null) this.#response.endWithoutBody();
      else this.#response.writeHeader('Content-Type', JSON_TYPE).end(body);
    });
  }
}

function writeCors(response: UwsResponse, origin: string | null): void {
  if (origin === null) return;
  response.writeHeader('Access-Control-Allow-Origin', origin);
  if (origin !== '*') response.writeHeader('Vary', 'Origin');
}

/** Answers a request that is refused before its body is looked at. */
export function refuse(response: UwsResponse, status: string, message: string): void {
  const error = JSON.stringify({ code: RPC_CODE.invalidRequest, message });
  response.writeStatus(status).writeHeader('Content-Type', JSON_TYPE).end(`{"jsonrpc":"2.0","id":null,"error":${error}}`, true);
}

/** Answers a CORS preflight. */
export function handleOptions(response: UwsResponse, request: UwsRequest, cors: Cors): void {
  const origin = cors.allowed(request);
  response.writeStatus('204 No Content').writeHeader('Keep-Alive', KEEP_ALIVE);
  writeCors(response, origin);
  if (origin !== null) {
    response.writeHeader('Access-Control-Allow-Methods', 'POST, GET, OPTIONS');
    response.writeHeader('Access-Control-Allow-Headers', 'Content-Type, Authorization');
    response.writeHeader('Access-Control-Max-Age', '600');
  }
  response.endWithoutBody();
}

/** What a plain route answers. */
export interface Page {
  readonly status?: string;
  readonly type?: string;
  readonly body: string;
}

/** Answers a plain route; a page that cannot be made is a 500 with its code only. */
export function handlePage(response: UwsResponse, request: UwsRequest, cors: Cors, page: () => Page): void {
  let made: Page;
  try {
    made = page();
  } catch (error) {
    made = { status: '500 Internal Server Error', body: errorText('null', error) };
  }
  if (made.status !== undefined) response.writeStatus(made.status);
  response.writeHeader('Keep-Alive', KEEP_ALIVE);
  writeCors(response, cors.allowed(request));
  response.writeHeader('Content-Type', made.type ?? JSON_TYPE).end(made.body);
}

/** The page of a path or a verb that is not served. */
export function notServed(request: UwsRequest): Page {
  const what = `${request.getMethod().toUpperCase()} ${request.getUrl().slice(0, 128)} is not served: POST JSON-RPC to /`;
  return {
    status: '405 Method Not Allowed',
    body: `{"jsonrpc":"2.0","id":null,"error":${JSON.stringify({ code: RPC_CODE.invalidRequest, message: what })}}`,
  };
}
