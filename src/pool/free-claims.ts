/**
 * Claims on the bridge that pay nothing (node.md 2.7): whoever bridges to a chain for the first time has no ether on it to pay the claim with.
 *
 *   by its form       gas price 0, no value, a call of claimAsset or claimMessage to the bridge, little gas
 *   at admission      succeeds in pre-execution; next of its sender; the only one of its deposit in the pool
 *   at sequencing     succeeds again, or leaves the pool without a trace in the chain
 *
 * Who may do so for nothing must not be able to do it often: a valid claim takes a deposit on L1, one free claim of a deposit waits at a time,
 * and one that failed when it was sequenced keeps its deposit from free claims for a while.
 */
import type { Clock } from '../common/clock.js';
import type { AdmissionRow } from './admission-row.js';

/** Gas limit of a free claim. */
export const FREE_CLAIM_GAS_MAX = 500_000;
/** `claimAsset` and `claimMessage` of the bridge: 32 + 32 siblings, global index, two roots, two networks and addresses, amount, metadata. */
const SELECTORS: ReadonlySet<string> = new Set(['ccaa2d11', 'f5efcd79']);
const SELECTOR_BYTES = 4;
const WORD_BYTES = 32;
const SIBLINGS = 64;
const GLOBAL_INDEX_AT = SELECTOR_BYTES + SIBLINGS * WORD_BYTES;
/** Words of the arguments before the metadata's own bytes. */
const DATA_BYTES_MIN = SELECTOR_BYTES + (SIBLINGS + 10) * WORD_BYTES;
/** How long a deposit has no free claim after one that failed. */
const FAILED_MS = 600_000;
/** Failed ones that are remembered; the oldest are forgotten first. */
const FAILED_MAX = 10_000;

const LIST_LONG = 0xf7;
const STRING = 0x80;
const STRING_LONG = 0xb7;
const FIELDS_BEFORE_DATA = 5;

/** Recognises free claims, and remembers which failed. */
export class FreeClaims {
  readonly #bridge: string | null;
  readonly #clock: Clock;
  /** Deposit to the moment until which it has no free claim, oldest first. */
  readonly #failed = new Map<string, number>();

  /** `bridge` in lower case; null where claims pay like everybody. */
  constructor(bridge: string | null, clock: Clock) {
    this.#bridge = bridge;
    this.#clock = clock;
  }

  /** The deposit that a transaction at gas price 0 claims; null where it is no claim, or none is free. */
  depositOf(row: AdmissionRow, raw: Buffer): string | null {
    if (this.#bridge === null || row.dataBytes < DATA_BYTES_MIN || row.gasPrice !== 0n || row.to !== this.#bridge) return null;
    const at = dataAt(raw);
    if (!SELECTORS.has(raw.toString('hex', at, at + SELECTOR_BYTES))) return null;
    return depositKey(raw, at + GLOBAL_INDEX_AT);
  }

  /** A free claim of this deposit failed when it was sequenced. */
  failed(deposit: string): void {
    this.#failed.delete(deposit);
    this.#failed.set(deposit, this.#clock.nowMs() + FAILED_MS);
    if (this.#failed.size <= FAILED_MAX) return;
    const oldest = this.#failed.keys().next();
    if (oldest.done !== true) this.#failed.delete(oldest.value);
  }

  /** Whether a free claim of this deposit failed a short time ago. */
  hasFailed(deposit: string): boolean {
    const until = this.#failed.get(deposit);
    return until !== undefined && until > this.#clock.nowMs();
  }
}

/** Where the bytes of the data field begin in the signed RLP of a transaction that decodes. */
function dataAt(raw: Buffer): number {
  const head = raw[0] ?? 0;
  let at = 1 + (head > LIST_LONG ? head - LIST_LONG : 0);
  for (let field = 0; field < FIELDS_BEFORE_DATA; field++) {
    const first = raw[at] ?? 0;
    at += first < STRING ? 1 : 1 + first - STRING;
  }
  // Data of a claim is long: its length is written in so many bytes.
  return at + 1 + (raw[at] ?? 0) - STRING_LONG;
}

/**
 * The deposit that a global index names, as the bridge reads it: bit 64 says mainnet, below are 32 bits of the rollup, which mean nothing for
 * mainnet, and 32 of the leaf. It ignores the bits above, so one deposit has many global indexes.
 */
function depositKey(raw: Buffer, at: number): string {
  const leaf = raw.readUInt32BE(at + 28);
  const isMainnet = ((raw[at + 23] ?? 0) & 1) === 1;
  return isMainnet ? `mainnet ${leaf}` : `rollup ${raw.readUInt32BE(at + 24)} ${leaf}`;
}
