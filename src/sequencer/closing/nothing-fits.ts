/** Ready transactions wait and none of them fits what is left. */
import { CLOSING_REASONS, type ClosingRule } from './types.js';

/** In a fresh batch nothing that does not fit stays in the pool, so only one that holds something is closed by it. */
export const nothingFitsRule: ClosingRule = ({ nothingFits, txCount, blockCount }) =>
  nothingFits && (txCount > 0 || blockCount > 0) ? { reason: CLOSING_REASONS.noTransactionFits } : null;
