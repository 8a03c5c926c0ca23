/** The gas of the batch is nearly used up (2^50: only a lowered limit reaches it). */
import { RESOURCE_GAS } from '../../native/layouts.js';
import { marginExhausted } from './margin.js';
import type { ClosingRule } from './types.js';

/** Margin of the gas. */
export const gasRule: ClosingRule = (context) => marginExhausted(context, RESOURCE_GAS);
