/**
 * Traces: from what a client asks for to the engine's options, and through the gate. Traces have a gate of their own: they run longer than
 * calls. The answer is JSON text that is handed on as it is.
 */
import { errorCode, errorMessage } from '../common/errors.js';
import type { TraceOptions } from '../native/engine.js';
import { invalidArgument, rpcError } from './errors.js';
import type { Params } from './method.js';
import { isObject } from './params.js';
import type { RpcServices } from './services.js';

/** What `debug_trace...` takes where the request names no `timeout`: as geth. */
const DEFAULT_TIMEOUT_MS = 5000;

/** Go's notation of durations, as geth's clients send them: `10s`, `1m30s`, `500ms`. */
const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g;
const UNIT_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** The form of an answer (`TraceOptions.configJson`). */
export type TraceForm =
  | { form: 'debug'; options: Record<string, unknown> }
  | { form: 'frames'; filter?: FrameFilter }
  | { form: 'replay'; types: readonly string[] };

/** Which frames are answered. */
export interface FrameFilter {
  readonly fromAddresses: readonly string[];
  readonly toAddresses: readonly string[];
  readonly intersects: boolean;
  readonly after: number;
  readonly count?: number;
}

/** Milliseconds of the text of a duration at `params[index].timeout`. */
export function durationMs(value: unknown, index: number): number {
  if (typeof value !== 'string' || !DURATION.test(value)) {
    throw invalidArgument(index, 'timeout must be a duration such as "10s", "1m30s" or "500ms"');
  }
  let ms = 0;
  for (const [, amount, unit] of value.matchAll(DURATION_PART)) ms += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  return Math.max(1, Math.ceil(ms));
}

/** The options object at `index` of a `debug_trace...` method; empty where it is missing. `reexec` has no meaning here. */
export function debugOptions(params: Params, index: number): Record<string, unknown> {
  const value = params[index] ?? {};
  if (!isObject(value)) throw invalidArgument(index, 'trace options must be an object');
  return value;
}

/** The engine's options for the options object of a `debug_trace...` method. */
export function debugTrace(services: RpcServices, options: Record<string, unknown>, index: number): TraceOptions {
  const { timeout, reexec: _, stateOverrides: __, blockOverrides: ___, ...rest } = options;
  const timeoutMs = timeout === undefined || timeout === null ? DEFAULT_TIMEOUT_MS : durationMs(timeout, index);
  return traceOptions(services, { form: 'debug', options: rest }, timeoutMs);
}

/** The engine's options for a form; the whole time budget where `timeoutMs` is not given. */
export function traceOptions({ config }: RpcServices, form: TraceForm, timeoutMs = config.traceTimeoutMs): TraceOptions {
  return {
    configJson: JSON.stringify(form),
    timeoutMs: Math.min(timeoutMs, config.traceTimeoutMs),
    limitBytes: config.traceLimitBytes,
  };
}

/** Runs a trace when its turn comes. */
export async function runTrace<T>({ traceGate }: RpcServices, trace: () => Promise<T>): Promise<T> {
  try {
    return await traceGate.run(trace);
  } catch (error) {
    if (errorCode(error) !== 'STATE_PRUNED') throw error;
    // The words that clients know.
    throw rpcError('STATE_PRUNED', `missing trie node: ${errorMessage(error).replace(/^the state of block/, 'state for block')}`);
  }
}
