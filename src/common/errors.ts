/**
 * The one base class of the node's own failures: a sentence for people, a stable `code` for programs, and the facts as fields.
 *
 * Match on `code` (`hasCode`), never with `instanceof`: failures of the addon carry a `code` too but are plain errors.
 * Every code has an entry in `error-catalogue.ts`, from which `docs/errors.md` and the JSON-RPC table are checked.
 */
import type { ErrorCode } from './error-catalogue.js';

/** What a coded error knows: its code, and whatever facts belong to it (expected and actual values, paths, limits). */
export interface ErrorFacts {
  readonly code: ErrorCode;
  readonly [fact: string]: unknown;
}

/** An expected failure of the node. `message` is one clear sentence; `facts` are the values that it talks about. */
export class CodedError<F extends ErrorFacts = ErrorFacts> extends Error {
  readonly code: F['code'];
  readonly facts: F;

  constructor(message: string, facts: F, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CodedError';
    this.code = facts.code;
    this.facts = facts;
  }
}

/** The stable code of any failure, ours or the addon's; undefined where it has none. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : undefined;
}

/** True when the failure carries this code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return errorCode(error) === code;
}

/** The sentence of any failure. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
