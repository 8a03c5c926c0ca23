/**
 * Builds the next slice: the best ready transactions by price (or another order of the pool's index), among what can fit the rest of the
 * batch. Looks ahead over what cannot fit, but only so far: a transaction that is too big now neither blocks the others nor costs an
 * execution, it is set aside until the next batch.
 *
 * What is known beforehand is a lower bound (bytes exactly; counters of pre-execution, or learnt from a run that did not fit), so a
 * transaction is set aside only if it surely does not fit; the executor decides about the others.
 */
import { RESOURCE_BYTES, RESOURCE_GAS } from '../native/layouts.js';
import { byArrival, type PoolEntry } from '../pool/entry.js';
import type { PoolIndex } from '../pool/pool-index.js';
import type { ResourceLedger, Shortfall } from './resource-ledger.js';
import { RESOURCE_ORDER, zeroResources } from './resources.js';

/** Overdue transactions that go first in one batch. */
const OVERDUE_MAX = 16;

/** What a slice may hold. */
export interface SliceLimits {
  readonly txsMax: number;
  /** Entries that may be set aside while the slice is built. */
  readonly lookAhead: number;
}

/** A slice, and what was set aside while it was built. */
export interface Slice {
  readonly entries: readonly PoolEntry[];
  readonly aside: readonly { readonly entry: PoolEntry; readonly shortfall: Shortfall }[];
}

/** Lower bound of what an entry uses of a resource. */
function knownUse(entry: PoolEntry, resource: number): number {
  if (resource === RESOURCE_BYTES) return entry.batchBytes;
  if (resource === RESOURCE_GAS) return entry.need.gasUsed;
  return entry.need.counters?.[resource] ?? 0;
}

/** The resource that an entry surely lacks; null where it may fit. `taken` is used by others before it. */
export function knownShortfall(entry: PoolEntry, ledger: ResourceLedger, taken?: readonly number[]): Shortfall | null {
  for (const resource of RESOURCE_ORDER) {
    const needed = knownUse(entry, resource);
    const remaining = ledger.remainingOf(resource) - (taken?.[resource] ?? 0);
    if (needed > remaining) return { resource, needed, remaining: Math.max(0, remaining) };
  }
  return null;
}

/**
 * Takes the next slice out of the index; `lead` goes first, in its order, where it still is ready. With `isBatchEmpty` nothing is set aside
 * on what is known beforehand: in an empty batch the executor has the last word, and what does not fit there never will.
 *
 * The slice ends before a transaction that would fit now but not behind the others of the slice: only when those are booked is it known
 * whether it has to wait for the next batch.
 */
export function takeSlice(
  index: PoolIndex,
  ledger: ResourceLedger,
  limits: SliceLimits,
  isBatchEmpty: boolean,
  lead: readonly PoolEntry[] = [],
): Slice {
  const entries: PoolEntry[] = [];
  const aside: { entry: PoolEntry; shortfall: Shortfall }[] = [];
  const taken = zeroResources();
  const take = (entry: PoolEntry): void => {
    for (let i = 0; i < taken.length; i++) taken[i] = (taken[i] ?? 0) + knownUse(entry, i);
    index.take(entry);
    entries.push(entry);
  };
  for (const entry of lead) if (entry.account.indexed === entry && entries.length < limits.txsMax) take(entry);
  while (entries.length < limits.txsMax && aside.length < limits.lookAhead) {
    const entry = index.peek();
    if (entry === null) break;
    const shortfall = isBatchEmpty ? null : knownShortfall(entry, ledger);
    if (shortfall !== null) {
      index.setAside(entry);
      aside.push({ entry, shortfall });
      continue;
    }
    if (entries.length > 0 && knownShortfall(entry, ledger, taken) !== null) break;
    take(entry);
  }
  return { entries, aside };
}

/**
 * Ready transactions that waited longer than `maxWaitMs`, oldest first: they lead the next empty batch, however little they pay above the
 * minimum and however big they are. All that is ready is looked at: what waits for something else, however much of it, hides nobody. Where
 * nothing that is ready can have waited so long, nothing is looked at: this is asked batch by batch.
 */
export function overdueEntries(index: PoolIndex, nowMs: number, maxWaitMs: number): PoolEntry[] {
  const overdue: PoolEntry[] = [];
  if (nowMs - index.oldestReadyMs < maxWaitMs) return overdue;
  for (const entry of index.candidates()) {
    if (nowMs - entry.receivedAtMs < maxWaitMs || entry.account.nonce !== entry.nonceNumber) continue;
    const last = overdue[OVERDUE_MAX - 1];
    if (last !== undefined && byArrival(last, entry) < 0) continue;
    const at = overdue.findIndex((other) => byArrival(entry, other) < 0);
    overdue.splice(at < 0 ? overdue.length : at, 0, entry);
    if (overdue.length > OVERDUE_MAX) overdue.pop();
  }
  // What had waited for so long is gone.
  if (overdue.length === 0) index.measureOldestReady();
  return overdue;
}
