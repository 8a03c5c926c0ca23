/** The order of ready transactions: by price, by arrival or by both, those of priority senders before all others. */
import { byArrival, byPrice, byPriceAndTime, type PoolEntry, priceTimeScore } from '../pool/entry.js';
import type { EntryOrder } from '../pool/ready-index.js';
import type { SequencerConfig } from './config.js';

/** What the order depends on. */
type OrderingConfig = Pick<SequencerConfig, 'ordering' | 'priceDoublingMs' | 'prioritySenders'>;

/** The order that a configuration asks for. */
export function orderOf(config: OrderingConfig): EntryOrder {
  const order = policyOf(config);
  const first = new Set(config.prioritySenders);
  // Comparing is what the index does most: without such senders it is not one step longer.
  if (first.size === 0) return order;
  return (a, b) => Number(first.has(b.sender)) - Number(first.has(a.sender)) || order(a, b);
}

function policyOf({ ordering, priceDoublingMs }: OrderingConfig): EntryOrder {
  switch (ordering) {
    case 'fcfs':
      return byArrival;
    case 'price+time':
      return byPriceAndTime(priceDoublingMs);
    default:
      return byPrice;
  }
}

/** Whether a waiting transaction goes before one that comes now at a price, of a sender without priority. */
export type GoesBefore = (entry: PoolEntry, gasPriceWei: bigint, nowMs: number) => boolean;

/** The same order, for a transaction that is not there yet: everybody came before it. */
export function goesBefore({ ordering, priceDoublingMs, prioritySenders }: OrderingConfig): GoesBefore {
  const first = new Set(prioritySenders);
  return (entry, gasPriceWei, nowMs) => {
    if (ordering === 'fcfs' || first.has(entry.sender)) return true;
    if (ordering === 'price') return entry.rankWei >= gasPriceWei;
    const score = priceTimeScore(entry.priceRank, entry.receivedAtMs, priceDoublingMs);
    return score >= priceTimeScore(Number(gasPriceWei), nowMs, priceDoublingMs);
  };
}
