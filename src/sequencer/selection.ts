/**
 * Builds the next slice: the best ready transactions by price (or another order of the pool's index), among what can fit the rest of the
 * batch. Looks ahead over what cannot fit, but only so far: a transaction that is too big now neither blocks the others nor costs an
 * execution, it is set aside until the next batch.
 *
 * What is known beforehand is a lower bound (bytes exactly; counters of pre-execution, or learnt from a run that did not fit), so a
 * transaction is set aside only if it surely does not fit; the executor decides about the others.
 */
import { RESOURCE_BYTES, RESOURCE_GAS } from '../native/layouts.js';
import type { PoolEntry } from '../pool/entry.js';
import type { PoolIndex } from '../pool/pool-index.js';
import type { ResourceLedger, Shortfall } from './resource-ledger.js';
import { RESOURCE_ORDER } from './resources.js';

/** Oldest transactions that are looked through for those that waited too long. */
const OVERDUE_SCAN_MAX = 1_024;
/** Overdue transactions that go first in one batch. */
const OVERDUE_MAX = 16;

/** What a slice may hold. */
export interface SliceLimits {
  readonly txsMax: number;
  /** Entries in a row that may be set aside before the rest counts as full. */
  readonly lookAhead: number;
}

/** A slice, and what was set aside while it was built. */
export interface Slice {
  readonly entries: readonly PoolEntry[];
  readonly aside: readonly { readonly entry: PoolEntry; readonly shortfall: Shortfall }[];
  /** The look-ahead is used up and nothing was found. */
  readonly nothingFits: boolean;
}

/** The resource that an entry surely lacks; null where it may fit. */
export function knownShortfall(entry: PoolEntry, ledger: ResourceLedger): Shortfall | null {
  const { counters, gasUsed } = entry.need;
  for (const resource of RESOURCE_ORDER) {
    let needed: number;
    if (resource === RESOURCE_BYTES) needed = entry.batchBytes;
    else if (resource === RESOURCE_GAS) needed = gasUsed;
    else needed = counters?.[resource] ?? 0;
    const remaining = ledger.remainingOf(resource);
    if (needed > remaining) return { resource, needed, remaining };
  }
  return null;
}

/**
 * Takes the next slice out of the index; `lead` goes first, in its order, where it still is ready. With `isBatchEmpty` nothing is set aside on what is known beforehand: in an empty batch the
 * executor has the last word, and what does not fit there never will.
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
  let bytes = 0;
  for (const entry of lead) {
    if (entry.account.indexed !== entry || entries.length >= limits.txsMax) continue;
    index.take(entry);
    entries.push(entry);
    bytes += entry.batchBytes;
  }
  while (entries.length < limits.txsMax && aside.length < limits.lookAhead) {
    const entry = index.peek();
    if (entry === null) break;
    const shortfall = isBatchEmpty ? null : knownShortfall(entry, ledger);
    if (shortfall !== null) {
      index.setAside(entry);
      aside.push({ entry, shortfall });
      continue;
    }
    // A slice that surely fills the batch needs no more entries behind it.
    if (entries.length > 0 && bytes + entry.batchBytes > ledger.remainingOf(RESOURCE_BYTES)) break;
    bytes += entry.batchBytes;
    index.take(entry);
    entries.push(entry);
  }
  return { entries, aside, nothingFits: entries.length === 0 && aside.length > 0 };
}

/**
 * Ready transactions that waited longer than `maxWaitMs`, oldest first: they lead the next empty batch, however little they pay above the
 * minimum and however big they are.
 */
export function overdueEntries(index: PoolIndex, nowMs: number, maxWaitMs: number): PoolEntry[] {
  const overdue: PoolEntry[] = [];
  let scanned = 0;
  for (const entry of index.entries()) {
    if (nowMs - entry.receivedAtMs < maxWaitMs || scanned++ >= OVERDUE_SCAN_MAX || overdue.length >= OVERDUE_MAX) break;
    if (entry.phase === 'waiting' && entry.account.indexed === entry && entry.account.nonce === entry.nonceNumber) overdue.push(entry);
  }
  return overdue;
}
