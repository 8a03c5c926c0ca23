/** Reads the flat answers of `openBlock` and `execute`. */
import {
  COUNTER_COUNT,
  LAYOUT_VERSION,
  OUTCOME_HEADER,
  OUTCOME_ROW,
  RESOURCE_BYTES,
  RESOURCE_GAS,
  TOUCHED_ROW,
} from '../native/layouts.js';
import { hexAt, readU256Fast } from '../pool/admission-row.js';
import type { AccountState } from '../pool/pool-index.js';
import type { ItemResources } from './resource-ledger.js';
import { type ResourceVector, zeroResources } from './resources.js';

/** One transaction reached by `execute`. */
export interface ExecutionOutcome extends ItemResources {
  /** See OUTCOME. */
  readonly result: number;
  readonly romError: number;
  readonly resource: number;
  readonly status: number;
  readonly gasUsed: number;
  readonly nanos: number;
  /** How it came to its effective percentage, see PRICED. */
  readonly priced: number;
  readonly used: ResourceVector;
  readonly reserved: ResourceVector;
}

/** An account changed by the included transactions. */
export interface TouchedAccount extends AccountState {
  readonly address: string;
}

/** A whole answer. */
export interface ExecutionAnswer {
  readonly outcomes: readonly ExecutionOutcome[];
  readonly touched: readonly TouchedAccount[];
}

/** Throws RangeError where the answer is not of this layout. */
export function readExecutionAnswer(bytes: Buffer): ExecutionAnswer {
  if (bytes.length < OUTCOME_HEADER.bytes || bytes.readUInt16LE(0) !== LAYOUT_VERSION) {
    throw new RangeError(`execution answer: expected layout version ${LAYOUT_VERSION}`);
  }
  const rows = bytes.readUInt32LE(OUTCOME_HEADER.rows);
  const touchedCount = bytes.readUInt32LE(OUTCOME_HEADER.touched);
  const touchedAt = OUTCOME_HEADER.bytes + rows * OUTCOME_ROW.bytes;
  if (bytes.length < touchedAt + touchedCount * TOUCHED_ROW.bytes) throw new RangeError('execution answer: truncated');
  const outcomes: ExecutionOutcome[] = [];
  for (let i = 0; i < rows; i++) outcomes.push(readOutcome(bytes, OUTCOME_HEADER.bytes + i * OUTCOME_ROW.bytes));
  const touched: TouchedAccount[] = [];
  for (let i = 0; i < touchedCount; i++) touched.push(readTouched(bytes, touchedAt + i * TOUCHED_ROW.bytes));
  return { outcomes, touched };
}

function readOutcome(bytes: Buffer, at: number): ExecutionOutcome {
  const used = zeroResources();
  const reserved = zeroResources();
  for (let i = 0; i < COUNTER_COUNT; i++) {
    used[i] = bytes.readUInt32LE(at + OUTCOME_ROW.used + 4 * i);
    // A reserve below the use is a fault of the estimate; the use counts.
    reserved[i] = Math.max(used[i] ?? 0, bytes.readUInt32LE(at + OUTCOME_ROW.reserved + 4 * i));
  }
  const gasUsed = Number(bytes.readBigUInt64LE(at + OUTCOME_ROW.gasUsed));
  used[RESOURCE_BYTES] = reserved[RESOURCE_BYTES] = bytes.readUInt32LE(at + OUTCOME_ROW.batchBytes);
  used[RESOURCE_GAS] = reserved[RESOURCE_GAS] = gasUsed;
  return {
    result: bytes.readUInt8(at + OUTCOME_ROW.result),
    romError: bytes.readUInt8(at + OUTCOME_ROW.romError),
    resource: bytes.readUInt8(at + OUTCOME_ROW.resource),
    status: bytes.readUInt8(at + OUTCOME_ROW.status),
    gasUsed,
    nanos: Number(bytes.readBigUInt64LE(at + OUTCOME_ROW.nanos)),
    priced: bytes.readUInt8(at + OUTCOME_ROW.priced),
    used,
    reserved,
  };
}

function readTouched(bytes: Buffer, at: number): TouchedAccount {
  return {
    address: hexAt(bytes, at + TOUCHED_ROW.address, 20),
    nonce: Number(bytes.readBigUInt64LE(at + TOUCHED_ROW.nonce)),
    balanceWei: readU256Fast(bytes, at + TOUCHED_ROW.balance),
  };
}
