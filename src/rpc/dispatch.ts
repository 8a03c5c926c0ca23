/**
 * From a request body to the answer text.
 *
 *   body -> JSON.parse -> envelope -> method table -> run -> text
 *
 * The usual `eth_sendRawTransaction` goes around the first two steps (`readUsualSend`).
 * Answers come through a callback, not a promise: a method that answers at once costs no promise, one that answers later exactly its own.
 * Nothing here knows sockets, and nothing throws.
 */
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import type { CounterValue, HistogramValue, MetricsRegistry } from '../common/metrics.js';
import { type CostClass, costOf } from './cost.js';
import { arrayItemText, errorText, type RpcRequest, readRequest, readUsualSend, resultText } from './envelope.js';
import { isInternal, rpcError } from './errors.js';
import type { CallContext, Method, MethodTable } from './method.js';

/**
 * Takes the answer of a body; null when there is nothing to answer (notifications only). Called once. `retryAfterMs` is set where nothing
 * of the body was granted by the rate limit.
 */
export type Reply = (response: string | null, retryAfterMs?: number) => void;

/** Limits of the dispatcher. */
export interface DispatchOptions {
  readonly batchItemsMax: number;
  readonly batchResponseLimitBytes: number;
}

export interface DispatchModules {
  readonly methods: MethodTable;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
}

interface Entry {
  readonly method: Method;
  readonly cost: CostClass;
  readonly duration: HistogramValue;
}

/**
 * Answers the text of one request, or null for a notification, with the id that it belongs to, and for how long it is refused where the
 * rate limit refuses it.
 */
type Done = (text: string | null, idText: string, retryAfterMs?: number) => void;

/** Routes requests to methods. */
export class Dispatcher {
  readonly #options: DispatchOptions;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #handled: Record<'single' | 'batch' | 'invalid' | 'error', CounterValue>;
  readonly #limited: Record<CostClass, CounterValue>;

  constructor(options: DispatchOptions, modules: DispatchModules) {
    this.#options = options;
    this.#logger = modules.logger;
    this.#clock = modules.clock;
    const handled = modules.metrics.counter('jsonrpc_request_handled', 'JSON-RPC bodies by outcome.', ['type']);
    this.#handled = {
      single: handled.with({ type: 'single' }),
      batch: handled.with({ type: 'batch' }),
      invalid: handled.with({ type: 'invalid' }),
      error: handled.with({ type: 'error' }),
    };
    const limited = modules.metrics.counter('zknode_rpc_rate_limited_total', 'Requests that the rate limit refused, by class.', ['class']);
    this.#limited = {
      read: limited.with({ class: 'read' }),
      heavy: limited.with({ class: 'heavy' }),
      send: limited.with({ class: 'send' }),
    };
    const duration = modules.metrics.histogram('jsonrpc_request_duration', 'Seconds to answer a request, by method.', undefined, [
      'method',
    ]);
    for (const [name, method] of Object.entries(modules.methods)) {
      this.#entries.set(name, { method, cost: costOf(name), duration: duration.with({ method: name }) });
    }
  }

  /** Answers one body: a request or a batch of them. */
  handle(body: string, context: CallContext, reply: Reply): void {
    const usual = readUsualSend(body);
    if (usual !== null) {
      this.#handled.single.inc();
      this.#answer(usual, context, (text, _idText, retryAfterMs) => reply(text, retryAfterMs));
      return;
    }
    let parsed: unknown;
    try {
      parsed = JSON.parse(body);
    } catch {
      this.#handled.invalid.inc();
      reply(errorText('null', rpcError('RPC_PARSE_ERROR', 'parse error')));
      return;
    }
    if (Array.isArray(parsed)) {
      this.#batch(parsed, body, context, reply);
      return;
    }
    this.#handled.single.inc();
    this.#one(
      parsed,
      () => body,
      context,
      (text, _idText, retryAfterMs) => reply(text, retryAfterMs),
    );
  }

  #batch(items: unknown[], body: string, context: CallContext, reply: Reply): void {
    if (items.length === 0 || items.length > this.#options.batchItemsMax) {
      this.#handled.invalid.inc();
      reply(errorText('null', rpcError('RPC_INVALID_REQUEST', items.length === 0 ? 'empty batch' : 'batch too large')));
      return;
    }
    this.#handled.batch.inc();
    const texts = new Array<string | null>(items.length).fill(null);
    let open = items.length;
    let bytes = 0;
    // The shortest wait of the refused ones, as long as none was granted.
    let retryAfterMs = Number.POSITIVE_INFINITY;
    for (const [i, item] of items.entries()) {
      this.#one(
        item,
        () => arrayItemText(body, i),
        context,
        (text, idText, refusedMs = 0) => {
          retryAfterMs = Math.min(retryAfterMs, refusedMs);
          if (text !== null) {
            bytes += text.length;
            const tooMuch = bytes > this.#options.batchResponseLimitBytes;
            texts[i] = tooMuch ? errorText(idText, rpcError('RPC_RESPONSE_TOO_LARGE', 'batch response too large')) : text;
          }
          open--;
          if (open === 0) reply(joinBatch(texts), retryAfterMs);
        },
      );
    }
  }

  #one(value: unknown, source: () => string, context: CallContext, done: Done): void {
    const request = readRequest(value, source);
    if ('error' in request) {
      this.#handled.invalid.inc();
      done(errorText(request.idText, request.error), request.idText);
      return;
    }
    this.#answer(request, context, done);
  }

  #answer(request: RpcRequest, context: CallContext, done: Done): void {
    const entry = this.#entries.get(request.method);
    if (entry === undefined) {
      const message = `the method ${request.method.slice(0, 128)} does not exist/is not available`;
      this.#fail(request, rpcError('RPC_METHOD_NOT_FOUND', message), done);
      return;
    }
    const retryAfterMs = context.allowance?.take(entry.cost) ?? 0;
    if (retryAfterMs > 0) this.#limit(request, entry.cost, retryAfterMs, done);
    else this.#run(request, entry, context, done);
  }

  #run(request: RpcRequest, entry: Entry, context: CallContext, done: Done): void {
    const started = this.#clock.monotonicMs();
    let result: string | Promise<string>;
    try {
      checkCount(request.params, entry.method);
      result = entry.method.run(request.params, context);
    } catch (error) {
      this.#fail(request, error, done);
      return;
    }
    const succeed = (json: string): void => {
      entry.duration.observe((this.#clock.monotonicMs() - started) / 1000);
      if (request.idText === null) done(null, 'null');
      else done(resultText(request.idText, json), request.idText);
    };
    if (typeof result === 'string') succeed(result);
    else result.then(succeed, (error: unknown) => this.#fail(request, error, done));
  }

  #limit(request: RpcRequest, cost: CostClass, retryAfterMs: number, done: Done): void {
    this.#limited[cost].inc();
    const text = `rate limit exceeded: too many requests of class ${cost}, retry after ${Math.ceil(retryAfterMs)} ms`;
    const idText = request.idText ?? 'null';
    done(request.idText === null ? null : errorText(idText, rpcError('RPC_RATE_LIMITED', text)), idText, retryAfterMs);
  }

  #fail(request: RpcRequest, error: unknown, done: Done): void {
    this.#handled.error.inc();
    if (isInternal(error)) this.#logger.error('request failed', { method: request.method, error });
    if (request.idText === null) done(null, 'null');
    else done(errorText(request.idText, error), request.idText);
  }
}

/** Trailing nulls count as missing; a mandatory parameter may be neither. */
function checkCount(params: readonly unknown[], method: Method): void {
  if (params.length > method.max) {
    throw rpcError('RPC_INVALID_PARAMS', `too many arguments, want at most ${method.max}`);
  }
  for (let i = 0; i < method.required; i++) {
    if (params[i] === undefined || params[i] === null) {
      throw rpcError('RPC_INVALID_PARAMS', `missing value for required argument ${i}`);
    }
  }
}

function joinBatch(texts: readonly (string | null)[]): string | null {
  const answers = texts.filter((text) => text !== null);
  return answers.length === 0 ? null : `[${answers.join(',')}]`;
}
