/** Batch data is nearly full. */
import { RESOURCE_BYTES } from '../../native/layouts.js';
import { marginExhausted } from './margin.js';
import type { ClosingRule } from './types.js';

/** Margin of the batch data. */
export const bytesRule: ClosingRule = (context) => marginExhausted(context, RESOURCE_BYTES);
