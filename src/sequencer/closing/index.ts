/** The closing rules in the order in which they are asked; the first verdict counts. */
import { bytesRule } from './bytes.js';
import { exhaustedRule } from './exhausted.js';
import { forcedRule } from './forced.js';
import { forkChangeRule } from './fork-change.js';
import { gasRule } from './gas.js';
import { nothingFitsRule } from './nothing-fits.js';
import { operatorRule } from './operator.js';
import { rowsRule } from './rows.js';
import { shutdownRule } from './shutdown.js';
import { stopAtBlockRule } from './stop-at-block.js';
import { timeRule } from './time.js';
import { transactionsRule } from './transactions.js';
import type { ClosingContext, ClosingRule, ClosingVerdict } from './types.js';

/** Counts and resources, then deadlines, then requests. */
export const CLOSING_RULES: readonly ClosingRule[] = [
  transactionsRule,
  exhaustedRule,
  bytesRule,
  rowsRule,
  gasRule,
  nothingFitsRule,
  forcedRule,
  timeRule,
  forkChangeRule,
  stopAtBlockRule,
  operatorRule,
  shutdownRule,
];

/** Asks the rules; null means that the batch goes on. */
export function judgeClosing(context: ClosingContext, rules: readonly ClosingRule[] = CLOSING_RULES): ClosingVerdict | null {
  for (const rule of rules) {
    const verdict = rule(context);
    if (verdict !== null) return verdict;
  }
  return null;
}
