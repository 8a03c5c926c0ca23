/** The node stops and is told to leave no open batch. */
import { CLOSING_REASONS, type ClosingRule } from './types.js';

/** Graceful stop; a batch without transactions stays open for the next start. */
export const shutdownRule: ClosingRule = ({ config, draining, txCount }) =>
  draining && config.closeBatchOnShutdown && txCount > 0 ? { reason: CLOSING_REASONS.shutdown } : null;
