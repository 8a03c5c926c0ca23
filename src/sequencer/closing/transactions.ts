/** The batch holds as many transactions as it may. */
import { CLOSING_REASONS, type ClosingRule } from './types.js';

/** Limit by count; 0 switches it off. */
export const transactionsRule: ClosingRule = ({ config, txCount }) =>
  config.batchTxsMax > 0 && txCount >= config.batchTxsMax ? { reason: CLOSING_REASONS.maxTransactions, bound: config.batchTxsMax } : null;
