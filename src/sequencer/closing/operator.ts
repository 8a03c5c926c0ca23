/** An operator asked for it. */
import { CLOSING_REASONS, type ClosingRule } from './types.js';

/** Request of the operator. */
export const operatorRule: ClosingRule = ({ operatorRequested }) => (operatorRequested ? { reason: CLOSING_REASONS.operator } : null);
