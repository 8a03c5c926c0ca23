/** The margin of one resource: little enough is left that filling it up is not worth another block. Shared by rows, gas and bytes. */
import { CLOSING_REASONS, type ClosingContext, type ClosingVerdict } from './types.js';

/** Closes when the share that is left of a resource is at most the margin. An empty batch is never closed by a margin. */
export function marginExhausted(context: ClosingContext, resource: number): ClosingVerdict | null {
  if (context.txCount === 0) return null;
  const limit = context.ledger.limits[resource] ?? 0;
  const exhausted = context.ledger.remainingOf(resource) * 100 <= limit * context.config.resourceMarginPercent;
  return exhausted ? { reason: CLOSING_REASONS.resourceMargin, resource } : null;
}
