/** The L2 block at which the node is told to stop. */
import { CLOSING_REASONS, type ClosingRule } from './types.js';

/** The batch ends with the last block, so that nothing is left open behind it. */
export const stopAtBlockRule: ClosingRule = ({ isLastBlock }) => (isLastBlock ? { reason: CLOSING_REASONS.stopAtBlock } : null);
