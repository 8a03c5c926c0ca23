/** A pool transaction in memory: what selection, replacement and RPC need, and where it is in its life. */
import type { PoolStatus } from '../native/layouts.js';
import type { PoolTransaction } from '../rpc/modules.js';
import type { AccountQueue } from './account-queue.js';
import type { AdmissionRow } from './admission-row.js';

/** Memory of an entry besides its raw bytes: strings, bigints, map slots; measured roughly, it only feeds the pool's byte limit. */
const ENTRY_OVERHEAD_BYTES = 900;
/** Gas price from which a number no longer orders exactly. */
const EXACT_NUMBER_MAX = 2 ** 53;

/** What is known about the resources of an entry before it runs. */
export interface KnownNeed {
  /** Lower bound of the eight counters: of pre-execution, or learnt from a run that did not fit. */
  readonly counters: readonly number[] | null;
  /** What should be reserved for them, for a run on a deeper tree. */
  readonly reserved: readonly number[] | null;
  /** Gas used by pre-execution; 0 when unknown. */
  readonly gasUsed: number;
}

/** What makes an entry one that pays nothing. */
export interface FreeClaim {
  /** The deposit that it claims. */
  readonly deposit: string;
  /** The price that it counts as. */
  readonly rankWei: bigint;
}

/** Where an entry is. `held` while its durable write is under way, `executing` inside a native call, `inBlock` in the open L2 block. */
export type EntryPhase = 'held' | 'waiting' | 'executing' | 'inBlock' | 'gone';

/** One transaction of the pool. */
export class PoolEntry implements PoolTransaction {
  readonly account: AccountQueue;
  readonly hash: string;
  readonly nonceNumber: number;
  readonly gasPrice: bigint;
  /** The price that orders it: a free claim counts as one that pays the least that is admitted. */
  readonly rankWei: bigint;
  /** `rankWei` as a number: orders the index without bigint work, see `comparePrice`. */
  readonly priceRank: number;
  readonly gasLimitNumber: number;
  readonly value: bigint;
  readonly to: string | null;
  readonly raw: Buffer;
  readonly batchBytes: number;
  readonly zeroBytes: number;
  readonly arrival: number;
  readonly receivedAtMs: number;
  /** gas * price + value: what the sender's balance has to cover. */
  readonly costWei: bigint;
  /** The deposit that it claims for nothing: it is included only if it succeeds. Null for all that pay. */
  readonly freeDeposit: string | null;
  need: KnownNeed;
  phase: EntryPhase = 'waiting';
  /** Why it is not included yet; null when nothing happened to it. */
  reason: string | null = null;
  /** Rank among what entered the pool in this run; 0 before. Not `arrival`: what arrives waits for the disk before it enters. */
  joined = 0;
  /** Executions that did not fit the rest of a batch. */
  misfits = 0;
  /** Executions at which the core failed. */
  coreFailures = 0;
  /** Executions that found nonce or balance not to be what the pool believed. */
  misjudged = 0;
  /** Executions in all. */
  attempts = 0;

  constructor(account: AccountQueue, row: AdmissionRow, raw: Buffer, arrival: number, receivedAtMs: number, free: FreeClaim | null = null) {
    this.account = account;
    this.hash = row.hash;
    this.nonceNumber = row.nonce;
    this.gasPrice = row.gasPrice;
    this.rankWei = free === null ? this.gasPrice : free.rankWei;
    this.priceRank = Number(this.rankWei);
    this.freeDeposit = free === null ? null : free.deposit;
    this.gasLimitNumber = row.gasLimitNumber;
    this.value = row.value;
    this.to = row.to;
    this.raw = raw;
    this.batchBytes = row.batchBytes;
    this.zeroBytes = row.zeroBytes;
    this.arrival = arrival;
    this.receivedAtMs = receivedAtMs;
    this.costWei = row.costWei;
    const wasExecuted = row.preGasUsed > 0;
    this.need = {
      counters: wasExecuted ? row.preCounters : null,
      reserved: wasExecuted ? row.preReserved : null,
      gasUsed: knownGas(row),
    };
  }

  get sender(): string {
    return this.account.address;
  }

  get nonce(): bigint {
    return BigInt(this.nonceNumber);
  }

  get gasLimit(): bigint {
    return BigInt(this.gasLimitNumber);
  }

  /** An entry in memory is always pending on the wire: end states live in the database. */
  get status(): PoolStatus {
    return 'pending';
  }

  get memoryBytes(): number {
    return this.raw.length + ENTRY_OVERHEAD_BYTES;
  }
}

/** Gas that a transaction is known to use; 0 when unknown. A plain transfer is not pre-executed: what it costs is known. */
export function knownGas(row: AdmissionRow): number {
  const { preGasUsed } = row;
  return preGasUsed === 0 && row.has('plainTransfer') ? row.intrinsicGas : preGasUsed;
}

/** Negative where `a` pays more than `b`, positive where less, 0 on the same price. */
export function comparePrice(a: PoolEntry, b: PoolEntry): number {
  if (a.priceRank !== b.priceRank) return b.priceRank - a.priceRank;
  // Equal numbers are equal prices below 2^53; above, rounding may hide a difference.
  if (a.priceRank < EXACT_NUMBER_MAX || a.rankWei === b.rankWei) return 0;
  return a.rankWei > b.rankWei ? -1 : 1;
}

/** Price descending, then first come, first served. */
export function byPrice(a: PoolEntry, b: PoolEntry): number {
  return comparePrice(a, b) || a.arrival - b.arrival;
}

/**
 * Price and waiting: `doublingMs` of waiting weigh as much as twice the price. The order of two does not change while they wait, as both
 * wait.
 */
export function byPriceAndTime(doublingMs: number): (a: PoolEntry, b: PoolEntry) => number {
  return (a, b) =>
    priceTimeScore(b.priceRank, b.receivedAtMs, doublingMs) - priceTimeScore(a.priceRank, a.receivedAtMs, doublingMs) ||
    a.arrival - b.arrival;
}

/** The higher, the sooner. */
export function priceTimeScore(price: number, receivedAtMs: number, doublingMs: number): number {
  return Math.log2(Math.max(1, price)) * doublingMs - receivedAtMs;
}

/** First come, first served. */
export function byArrival(a: PoolEntry, b: PoolEntry): number {
  return a.arrival - b.arrival;
}
