/** A forced batch has to be processed now, and it goes between batches. */
import { CLOSING_REASONS, type ClosingRule } from './types.js';

/** Deadline of the oldest waiting forced batch. */
export const forcedRule: ClosingRule = ({ forcedDeadlineMs, nowMs }) =>
  forcedDeadlineMs !== null && nowMs >= forcedDeadlineMs ? { reason: CLOSING_REASONS.forcedBatchDeadline, bound: forcedDeadlineMs } : null;
