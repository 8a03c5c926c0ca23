/**
 * What becomes of a transaction that was handed to the executor (node.md 3.8): pure, the loop acts on it.
 *
 * Never blamed on the transaction: that an earlier one of its sender was not included, that the batch is too full for it.
 */
import { OUTCOME } from '../native/layouts.js';
import type { ExecutionOutcome } from './outcome.js';
import { RESOURCE_NAMES } from './resources.js';
import { INTRINSIC_ERRORS, ROM_INVALID_BALANCE, ROM_INVALID_NONCE } from './rom-errors.js';

/** Runs on a fresh overlay after which a transaction that the core fails on is given up. */
export const CORE_FAILURES_MAX = 2;

/** Result in the metric of a transaction that is given up because the core fails on it. */
export const QUARANTINED = 'quarantined';

/** Reason of a free claim that succeeded at admission and not when it was sequenced. */
export const FREE_CLAIM_FAILED = 'the claim is free and failed when it was sequenced: it is not included';

/** What to do with the transaction. */
export type Decision =
  /** It is in the open L2 block. */
  | { readonly kind: 'included' }
  /** Not now, for no reason of its own: it waits again. */
  | { readonly kind: 'retry' }
  /** It does not fit what is left of this batch: not before the next one. */
  | { readonly kind: 'nextBatch'; readonly resource: number }
  /** Its sender's nonce or balance is not what the pool believed: read it again. */
  | { readonly kind: 'reread'; readonly reason: string }
  /** The core failed on it: once more in the next block. */
  | { readonly kind: 'nextBlock'; readonly reason: string }
  /** It leaves the pool. */
  | { readonly kind: 'end'; readonly status: 'failed' | 'invalid'; readonly reason: string; readonly metric: string };

/** What a decision depends on besides the outcome. */
export interface DecisionContext {
  /** The batch held no transaction when this one ran. */
  readonly batchWasEmpty: boolean;
  /** Earlier runs at which the core failed on it. */
  readonly coreFailures: number;
  /** What the batch had left of a resource, for the reason: in an empty one, the limit without the marker of the L2 block. */
  readonly remainingOf: (resource: number) => number;
}

/** Decides over one outcome. */
export function decide(outcome: ExecutionOutcome, context: DecisionContext): Decision {
  switch (outcome.result) {
    case OUTCOME.included:
      return { kind: 'included' };
    case OUTCOME.notAttempted:
      return { kind: 'retry' };
    case OUTCOME.doesNotFit:
      return context.batchWasEmpty
        ? tooBig(outcome, context.remainingOf(outcome.resource))
        : { kind: 'nextBatch', resource: outcome.resource };
    case OUTCOME.skipped:
      return skipped(outcome.romError);
    case OUTCOME.hadToSucceed:
      return { kind: 'end', status: 'failed', reason: FREE_CLAIM_FAILED, metric: 'free_claim_failed' };
    case OUTCOME.internalError:
      if (context.coreFailures + 1 < CORE_FAILURES_MAX) return { kind: 'nextBlock', reason: 'internal error of the executor' };
      return { kind: 'end', status: 'invalid', reason: 'internal', metric: QUARANTINED };
    default:
      throw new RangeError(`unknown execution result ${outcome.result}`);
  }
}

function tooBig(outcome: ExecutionOutcome, limit: number): Decision {
  const { resource } = outcome;
  const key = RESOURCE_NAMES[resource] ?? 'resource';
  const used = Math.max(outcome.used[resource] ?? 0, outcome.reserved[resource] ?? 0);
  return { kind: 'end', status: 'invalid', reason: `out of counters: ${key} used ${used} limit ${limit}`, metric: 'ooc' };
}

function skipped(romError: number): Decision {
  const name = INTRINSIC_ERRORS[romError] ?? `ROM error ${romError}`;
  // The pool believed that nonce and balance were right: what is true now decides whether it waits or goes.
  if (romError === ROM_INVALID_NONCE || romError === ROM_INVALID_BALANCE) return { kind: 'reread', reason: name };
  return { kind: 'end', status: 'failed', reason: name, metric: 'invalid' };
}
