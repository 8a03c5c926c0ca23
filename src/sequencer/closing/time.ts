/** The batch is old enough. */
import { CLOSING_REASONS, type ClosingRule } from './types.js';

/** Age of a batch with transactions; one of empty blocks only is never closed by time. */
export const timeRule: ClosingRule = ({ config, nowMs, openedAtMs, txCount }) =>
  txCount > 0 && nowMs - openedAtMs >= config.batchMaxAgeMs
    ? { reason: CLOSING_REASONS.maxDeltaTimestamp, bound: config.batchMaxAgeMs }
    : null;
