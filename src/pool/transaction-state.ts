/** What is told of one transaction: where it is and what it waits for, or how it ended. */
import { COUNTER_NAMES } from '../native/layouts.js';
import type { PoolTransactionState } from '../rpc/modules.js';
import type { PoolEntry } from './entry.js';
import type { PoolIndex } from './pool-index.js';
import type { EndState } from './pool-writer.js';
import type { Pricing } from './pricing.js';

/** State of a transaction that is in the pool. */
export function liveState(entry: PoolEntry, index: PoolIndex, pricing: Pricing): PoolTransactionState {
  const { account } = entry;
  const state: PoolTransactionState = {
    status: 'pending',
    reason: entry.reason,
    receivedAtMs: entry.receivedAtMs,
    attempts: entry.attempts,
  };
  const { counters, reserved } = entry.need;
  if (counters !== null) state.usedCounters = namedCounters(counters);
  if (reserved !== null) state.reservedCounters = namedCounters(reserved);
  const breakEven = pricing.breakEven(entry);
  if (breakEven !== null) state.breakEvenGasPriceWei = breakEven;
  if (entry.phase === 'inBlock') return { ...state, reason: 'in the open L2 block', ready: true };
  const blockage = account.blockageOf(entry);
  if (blockage?.missingNonce !== undefined) state.missingNonce = BigInt(blockage.missingNonce);
  if (blockage?.missingFundsWei !== undefined) state.missingFundsWei = blockage.missingFundsWei;
  state.ready = entry.phase === 'executing' || (account.indexed === entry && account.nonce === entry.nonceNumber);
  if (state.ready) state.position = index.rank(entry);
  return state;
}

/** State of a transaction that left the pool without being included. */
export function endState({
  status,
  reason,
  related,
}: Pick<EndState, 'status' | 'related'> & { reason: string | null }): PoolTransactionState {
  const state: PoolTransactionState = { status, reason, receivedAtMs: null };
  if (related !== undefined && status === 'replaced') state.replacedBy = related;
  return state;
}

/** The same, as the engine tells it. */
export function parseEndState(json: string): PoolTransactionState {
  const { status, reason, related } = JSON.parse(json) as { status: EndState['status']; reason: string | null; related?: string | null };
  return endState({ status, reason, ...(typeof related === 'string' && { related }) });
}

function namedCounters(counters: readonly number[]): Record<string, number> {
  return Object.fromEntries(COUNTER_NAMES.map((name, i) => [name, counters[i] ?? 0]));
}
