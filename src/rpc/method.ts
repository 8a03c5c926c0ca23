/**
 * What a JSON-RPC method is: how many parameters it takes, and a function that answers the **JSON text** of its result. Text, because the
 * engine answers JSON text for the large objects: the server splices it into the envelope and never parses or builds them.
 */

import type { CostClass } from './cost.js';

/** What one client may still ask for. */
export interface Allowance {
  /** Takes one request; 0 where it is granted, else the milliseconds after which the next one is. */
  take(cost: CostClass): number;
}

/** Takes messages for one WebSocket connection, in order. */
export interface NotificationSink {
  /** Sends one frame, or queues it; a client that cannot keep up is disconnected. */
  send(text: string): void;
  /** Runs once when the connection is gone. */
  onClose(listener: () => void): void;
}

/** Where a request came from. */
export interface CallContext {
  /** The WebSocket connection; null for HTTP, where nothing can be pushed. */
  readonly sink: NotificationSink | null;
  /** What its client may still ask for; absent where it is not limited. */
  readonly allowance?: Allowance | null;
}

/** Parameters by position; `null` and missing are the same. */
export type Params = readonly unknown[];

/** A method. */
export interface Method {
  /** Parameters that must be given. */
  readonly required: number;
  /** Parameters that may be given. */
  readonly max: number;
  /** Answers the JSON text of the result, at once or later. Failures carry a code of the error catalogue. */
  run(params: Params, context: CallContext): string | Promise<string>;
}

/** Methods by full name. */
export type MethodTable = Readonly<Record<string, Method>>;

/** Defines a method. */
export function method(required: number, max: number, run: Method['run']): Method {
  return { required, max, run };
}

/** A method that always answers the same. */
export function constant(json: string): Method {
  return { required: 0, max: 0, run: () => json };
}
