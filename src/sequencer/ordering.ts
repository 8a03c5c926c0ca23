/** The order of ready transactions: by price or by arrival, those of priority senders before all others. */
import { byArrival, byPrice, type PoolEntry } from '../pool/entry.js';
import type { EntryOrder } from '../pool/ready-index.js';
import type { SequencerConfig } from './config.js';

/** The order that a configuration asks for. */
export function orderOf({ ordering, prioritySenders }: Pick<SequencerConfig, 'ordering' | 'prioritySenders'>): EntryOrder {
  const order = ordering === 'fcfs' ? byArrival : byPrice;
  const first = new Set(prioritySenders);
  // Comparing is what the index does most: without such senders it is not one step longer.
  if (first.size === 0) return order;
  return (a, b) => Number(first.has(b.sender)) - Number(first.has(a.sender)) || order(a, b);
}

/** Whether a waiting transaction goes before a new one at a price, of a sender without priority. */
export type GoesBefore = (entry: PoolEntry, gasPriceWei: bigint) => boolean;

/** The same order, for a transaction that is not there yet: everybody came before it. */
export function goesBefore({ ordering, prioritySenders }: Pick<SequencerConfig, 'ordering' | 'prioritySenders'>): GoesBefore {
  const first = new Set(prioritySenders);
  return ({ rankWei, sender }, gasPriceWei) => ordering === 'fcfs' || rankWei >= gasPriceWei || first.has(sender);
}
