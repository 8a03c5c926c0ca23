/**
 * Judges one admission row: the checks of admission in their order, cheap and stateless first. Pure but for the pool that it reads; it
 * answers the entry to insert, and what has to leave for it, or the refusal.
 */
import type { CounterName } from '../native/layouts.js';
import { COUNTER_NAMES, DECODE_CODES, PRE_STATUS } from '../native/layouts.js';
import type { AccessList } from './access-list.js';
import type { AccountQueue } from './account-queue.js';
import type { AdmissionRow } from './admission-row.js';
import type { PoolConfig } from './config.js';
import { type FreeClaim, knownGas, PoolEntry } from './entry.js';
import { type PoolError, poolErrors } from './errors.js';
import type { EvictionPlanner } from './eviction.js';
import { FREE_CLAIM_GAS_MAX, type FreeClaims } from './free-claims.js';
import type { AccountState, PoolIndex } from './pool-index.js';
import type { Pricing } from './pricing.js';

const MAX_U256 = (1n << 256n) - 1n;
/** A transaction shares its batch with at least the marker of its L2 block. */
const BLOCK_MARKER_BYTES = 9;

/** What a judgement depends on besides the row. */
export interface JudgeModules {
  readonly config: PoolConfig;
  readonly chainId: bigint;
  readonly index: PoolIndex;
  readonly access: AccessList;
  readonly eviction: EvictionPlanner;
  readonly pricing: Pricing;
  readonly freeClaims: FreeClaims;
  /** Limits of one batch: the eight counters, bytes, gas. */
  readonly batchLimits: readonly number[];
  /** Bytes of batch data that one batch may hold. */
  readonly batchBytesMax: number;
  minimumGasPriceWei(): bigint;
  /** Why nothing is admitted now; null in normal operation. */
  haltReason(): string | null;
  /** True where the transaction is in a stored L2 block. */
  isIncluded(hash: string): boolean;
}

/** A raw transaction with the moment and the rank of its arrival. */
export interface Arrival {
  readonly raw: Buffer;
  /** Set where it passed all checks before: what depends on its fields alone is not checked again. */
  readonly sender: string;
  readonly arrival: number;
  readonly receivedAtMs: number;
}

/** An accepted transaction and what has to leave for it. */
export interface Acceptance {
  readonly entry: PoolEntry;
  readonly evicted: PoolEntry | null;
}

/** A transaction that passed the checks. */
export interface Checked {
  readonly sender: string;
  readonly state: AccountState;
  readonly evicted: PoolEntry | null;
  /** Set where it pays nothing, as a claim on the bridge. */
  readonly free: FreeClaim | null;
}

type Verdict = PoolError | null;

/** The checks of admission. */
export class Judge {
  readonly #modules: JudgeModules;

  constructor(modules: JudgeModules) {
    this.#modules = modules;
  }

  /** `mark` is what `PoolIndex.openReader` answered before the rows were read. Throws the refusal. */
  judge(row: AdmissionRow, arrival: Arrival, mark: number): Acceptance {
    const checked = this.check(row, arrival, mark);
    if (checked.free !== null) this.#succeeds(row, checked.free);
    return { entry: this.#entry(row, arrival, checked), evicted: checked.evicted };
  }

  /** Whether it is to be seen to succeed, whatever it costs to run it. */
  isFreeClaim(row: AdmissionRow, raw: Buffer): boolean {
    return this.#modules.freeClaims.depositOf(row, raw) !== null;
  }

  /** The checks alone; the pool is left as it is. Throws the refusal. */
  check(row: AdmissionRow, arrival: Arrival, mark: number): Checked {
    throwIf(this.#decoded(row));
    if (arrival.sender === '') this.#itself(row);
    const { index } = this.#modules;
    const account = index.account(row.sender);
    // The account's own text where there is one: it is found faster than an equal one.
    const sender = account?.address ?? row.sender;
    throwIf(this.#permitted(row, sender));
    if (this.#isKnown(row)) throw poolErrors.alreadyKnown();
    if (!index.isValid(mark)) throw poolErrors.halted('the chain was taken back, send it again');
    const free = this.#free(row, arrival.raw);
    const evicted = this.#room(row, free, sender, arrival.receivedAtMs);
    const state = index.stateFor(sender, row, mark);
    throwIf(free === null ? this.#price(row) : this.#claim(row, free, state));
    throwIf(this.#account(row, state));
    throwIf(this.#replacement(row, account));
    throwIf(this.#resources(row));
    if (free === null) throwIf(this.#breakEven(row, arrival.raw));
    return { sender, state, evicted, free };
  }

  #free(row: AdmissionRow, raw: Buffer): FreeClaim | null {
    const { freeClaims, minimumGasPriceWei } = this.#modules;
    const deposit = freeClaims.depositOf(row, raw);
    return deposit === null ? null : { deposit, rankWei: minimumGasPriceWei() };
  }

  /** The rules of a claim that pays nothing, besides those of everybody. */
  #claim(row: AdmissionRow, { deposit, rankWei }: FreeClaim, { nonce }: AccountState): Verdict {
    const { index, freeClaims } = this.#modules;
    const refuse = (rule: string): PoolError => poolErrors.claimNotFree(rankWei, rule);
    if (row.value !== 0n) return refuse('it sends no value');
    if (row.gasLimitNumber > FREE_CLAIM_GAS_MAX) return refuse(`its gas limit is at most ${FREE_CLAIM_GAS_MAX}`);
    if (index.freeClaimOf(deposit) !== undefined) return refuse('no other free claim of its deposit waits');
    if (freeClaims.hasFailed(deposit)) return refuse('none of its deposit failed in the last minutes');
    // What waits behind others would keep everybody else from claiming that deposit.
    return row.nonce > nonce ? refuse('it is the next transaction of its sender') : null;
  }

  /** Judged last, on the result of pre-execution. */
  #succeeds(row: AdmissionRow, { rankWei }: FreeClaim): void {
    if (row.preStatus !== PRE_STATUS.success) throw poolErrors.claimNotFree(rankWei, 'it succeeds');
  }

  /** What depends on its fields alone. */
  #itself(row: AdmissionRow): void {
    throwIf(this.#fields(row));
    throwIf(this.#sizes(row));
    throwIf(this.#gas(row));
  }

  #decoded(row: AdmissionRow): Verdict {
    const { config } = this.#modules;
    switch (DECODE_CODES[row.code]) {
      case 'OK':
        return null;
      case 'TX_TYPE_NOT_SUPPORTED':
        return poolErrors.typeNotSupported();
      case 'TX_SIGNATURE_INVALID':
        return poolErrors.signatureInvalid();
      case 'TX_FIELD_OVERFLOW':
        return poolErrors.fieldOverflow();
      case 'TX_TOO_LARGE':
        return poolErrors.tooLarge(row.rawBytes, config.txBytesMax);
      default:
        return poolErrors.rlpInvalid();
    }
  }

  #fields(row: AdmissionRow): Verdict {
    const { chainId, config } = this.#modules;
    if (!row.has('eip155')) {
      if (!config.allowPreEip155) return poolErrors.notReplayProtected();
    } else if (row.chainId !== chainId) {
      return poolErrors.chainId(row.chainId, chainId);
    }
    if (row.nonceIsMax) return poolErrors.nonceMax();
    return row.costWei > MAX_U256 ? poolErrors.fieldOverflow() : null;
  }

  #sizes(row: AdmissionRow): Verdict {
    const { config, batchBytesMax } = this.#modules;
    if (row.rawBytes > config.txBytesMax) return poolErrors.tooLarge(row.rawBytes, config.txBytesMax);
    const { initCodeBytesMax } = config;
    if (initCodeBytesMax > 0 && row.dataBytes > initCodeBytesMax && row.has('create')) {
      return poolErrors.initCodeTooLarge(row.dataBytes, initCodeBytesMax);
    }
    if (row.dataBytes > config.txDataBytesMax) return poolErrors.tooLarge(row.dataBytes, config.txDataBytesMax);
    const limit = batchBytesMax - BLOCK_MARKER_BYTES;
    return row.batchBytes > limit ? poolErrors.tooLarge(row.batchBytes, limit) : null;
  }

  #gas(row: AdmissionRow): Verdict {
    const { config } = this.#modules;
    // As numbers: what a number cannot hold exactly is far above the limit, and refused by it.
    const { gasLimitNumber, intrinsicGas } = row;
    if (gasLimitNumber > config.txGasMax) return poolErrors.gasLimit(row.gasLimit, config.txGasMax);
    return gasLimitNumber < intrinsicGas ? poolErrors.intrinsicGas(row.gasLimit, intrinsicGas) : null;
  }

  #permitted(row: AdmissionRow, sender: string): Verdict {
    const { access } = this.#modules;
    if (access.isOpen) return null;
    const verdict = access.judge(sender, row.to);
    if (verdict === 'blocked') return poolErrors.senderBlocked();
    return verdict === 'deployForbidden' ? poolErrors.deployForbidden() : null;
  }

  /** Pending, or included: a wallet that sends again hears so whatever became of prices, room and mode since. */
  #isKnown({ hash, nonce, senderNonce }: AdmissionRow): boolean {
    return this.#modules.index.get(hash) !== undefined || (nonce < senderNonce && this.#modules.isIncluded(hash));
  }

  /** Node-wide limits. Answers whom a full pool gives up; a replacement needs no room of its own. */
  #room(row: AdmissionRow, free: FreeClaim | null, sender: string, nowMs: number): PoolEntry | null {
    const { config, index, eviction } = this.#modules;
    const halted = this.#modules.haltReason();
    if (halted !== null) throw poolErrors.halted(halted);
    const full = index.waitingCount >= config.txsMax || index.memoryBytes >= config.bytesMax;
    if (!full || index.account(sender)?.at(row.nonce) !== undefined) return null;
    const victim = eviction.victim(nowMs, sender);
    const price = free === null ? row.gasPrice : free.rankWei;
    if (victim === null || price < bumped(victim.rankWei, config.evictionBumpPercent)) throw poolErrors.full();
    return victim;
  }

  #price(row: AdmissionRow): Verdict {
    const minimum = this.#modules.minimumGasPriceWei();
    const price = row.gasPrice;
    if (price < minimum) return poolErrors.underpriced(price, minimum);
    const { feeCapWei } = this.#modules.config;
    if (feeCapWei === 0n) return null;
    const fee = price * row.gasLimit;
    return fee > feeCapWei ? poolErrors.feeCap(fee, feeCapWei) : null;
  }

  #account(row: AdmissionRow, state: AccountState): Verdict {
    const { config, index } = this.#modules;
    const { nonce } = row;
    if (nonce < state.nonce) {
      if (this.#modules.isIncluded(row.hash)) return poolErrors.alreadyKnown();
      // What the open block holds of a sender are its last nonces.
      const inBlockCount = index.account(row.sender)?.inBlockCount ?? 0;
      return nonce >= state.nonce - inBlockCount ? poolErrors.nonceInOpenBlock() : poolErrors.nonceTooLow(state.nonce, nonce);
    }
    if (nonce > state.nonce + config.accountNoncesAhead - 1) return poolErrors.nonceTooHigh(state.nonce, row.nonceExact);
    if (row.has('senderHasCode')) return poolErrors.senderNotEoa();
    return row.costWei > state.balanceWei ? poolErrors.insufficientFunds(state.balanceWei, row.costWei) : null;
  }

  #replacement(row: AdmissionRow, account: AccountQueue | undefined): Verdict {
    const { config } = this.#modules;
    const old = account?.at(row.nonce);
    if (old === undefined) {
      return (account?.size ?? 0) >= config.accountTxsMax ? poolErrors.accountLimit(config.accountTxsMax) : null;
    }
    // Whether it is included is decided in this very moment; taking it back is no longer possible.
    if (old.phase === 'executing') return poolErrors.nonceInOpenBlock();
    // A free claim is replaced by one that pays as everybody.
    const minimum = bumped(old.rankWei, config.priceBumpPercent);
    return row.gasPrice < minimum ? poolErrors.replacementUnderpriced(row.gasPrice, minimum) : null;
  }

  /** What pre-execution found out: a transaction has to fit an empty batch. That it reverts is no reason, it pays. */
  #resources(row: AdmissionRow): Verdict {
    const { batchLimits } = this.#modules;
    const { preStatus } = row;
    if (preStatus === PRE_STATUS.notRun || preStatus === PRE_STATUS.unfinished) return null;
    if (preStatus === PRE_STATUS.internal || preStatus === PRE_STATUS.unavailable) return poolErrors.preExecutionFailed();
    const counters = row.preCounters;
    if (preStatus === PRE_STATUS.outOfCounters) {
      const name = counterName(row.preCounter);
      return poolErrors.outOfCounters(name, counters[row.preCounter] ?? 0, batchLimits[row.preCounter] ?? 0);
    }
    // A batch has to hold what it may need on a deeper tree too.
    const reserved = row.preReserved;
    for (let i = 0; i < counters.length; i++) {
      const limit = batchLimits[i] ?? 0;
      const [used, wanted] = [counters[i] ?? 0, reserved[i] ?? 0];
      if (Math.max(used, wanted) > limit) return poolErrors.outOfCounters(counterName(i), used > limit ? used : wanted, limit);
    }
    return null;
  }

  #breakEven(row: AdmissionRow, raw: Buffer): Verdict {
    const { pricing } = this.#modules;
    if (!pricing.judgesBreakEven) return null;
    const { gasPrice, batchBytes, zeroBytes, to } = row;
    const breakEven = pricing.refusal({ gasPrice, batchBytes, zeroBytes, to, raw, need: { gasUsed: knownGas(row) } });
    return breakEven === null ? null : poolErrors.belowBreakEven(gasPrice, breakEven);
  }

  #entry(row: AdmissionRow, arrival: Arrival, { sender, state, free }: Checked): PoolEntry {
    const { index } = this.#modules;
    const account = index.ensureAccount(sender, state);
    // The row was newer than what the pool knew.
    if (state !== account) index.applyState(sender, state);
    return new PoolEntry(account, row, arrival.raw, arrival.arrival, arrival.receivedAtMs, free);
  }
}

/** A price raised by so many percent, rounded up. */
export function bumped(price: bigint, percent: number): bigint {
  return (price * BigInt(100 + percent) + 99n) / 100n;
}

function counterName(i: number): CounterName | 'counter' {
  return COUNTER_NAMES[i] ?? 'counter';
}

function throwIf(verdict: Verdict): void {
  if (verdict !== null) throw verdict;
}
