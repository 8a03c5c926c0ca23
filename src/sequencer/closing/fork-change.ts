/** The next batch belongs to another fork. */
import { CLOSING_REASONS, type ClosingRule } from './types.js';

/** Switch of the fork id between batches. */
export const forkChangeRule: ClosingRule = ({ forkChanges }) => (forkChanges ? { reason: CLOSING_REASONS.forkChange } : null);
