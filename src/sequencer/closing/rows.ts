/** One of the eight trace-row counters is nearly used up. */
import { COUNTER_COUNT } from '../../native/layouts.js';
import { RESOURCE_ORDER } from '../resources.js';
import { marginExhausted } from './margin.js';
import type { ClosingRule } from './types.js';

const COUNTERS_IN_ORDER = RESOURCE_ORDER.filter((resource) => resource < COUNTER_COUNT);

/** Margin of the counters, in order of inspection. */
export const rowsRule: ClosingRule = (context) => {
  for (const resource of COUNTERS_IN_ORDER) {
    const verdict = marginExhausted(context, resource);
    if (verdict !== null) return verdict;
  }
  return null;
};
