/** The marker of the next L2 block does not fit: the batch can take nothing more. */
import { CLOSING_REASONS, type ClosingRule } from './types.js';

/** Next marker does not fit. */
export const exhaustedRule: ClosingRule = ({ markerShortfall }) =>
  markerShortfall === null
    ? null
    : { reason: CLOSING_REASONS.resourceExhausted, resource: markerShortfall.resource, bound: markerShortfall.needed };
