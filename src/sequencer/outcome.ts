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
import { hexAt, readU64Number, readU256Fast, viewOf } from '../pool/admission-row.js';
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
  /** Places of outcomes whose reserve the engine stated below what was used. */
  readonly underReserved: readonly number[];
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
  const view = viewOf(bytes);
  const outcomes: ExecutionOutcome[] = [];
  const underReserved: number[] = [];
  for (let i = 0; i < rows; i++) {
    const at = OUTCOME_HEADER.bytes + i * OUTCOME_ROW.bytes;
    if (isUnderReserved(view, at)) underReserved.push(i);
    outcomes.push(readOutcome(view, at));
  }
  const touched: TouchedAccount[] = [];
  for (let i = 0; i < touchedCount; i++) touched.push(readTouched(bytes, view, touchedAt + i * TOUCHED_ROW.bytes));
  return { outcomes, underReserved, touched };
}

function isUnderReserved(view: DataView, at: number): boolean {
  for (let i = 0; i < COUNTER_COUNT; i++) {
    if (view.getUint32(at + OUTCOME_ROW.reserved + 4 * i, true) < view.getUint32(at + OUTCOME_ROW.used + 4 * i, true)) return true;
  }
  return false;
}

function readOutcome(view: DataView, at: number): ExecutionOutcome {
  const used = zeroResources();
  const reserved = zeroResources();
  for (let i = 0; i < COUNTER_COUNT; i++) {
    const use = view.getUint32(at + OUTCOME_ROW.used + 4 * i, true);
    used[i] = use;
    // A reserve below the use is a fault of the estimate; the use counts.
    reserved[i] = Math.max(use, view.getUint32(at + OUTCOME_ROW.reserved + 4 * i, true));
  }
  const gasUsed = readU64Number(view, at + OUTCOME_ROW.gasUsed);
  used[RESOURCE_BYTES] = reserved[RESOURCE_BYTES] = view.getUint32(at + OUTCOME_ROW.batchBytes, true);
  used[RESOURCE_GAS] = reserved[RESOURCE_GAS] = gasUsed;
  return {
    result: view.getUint8(at + OUTCOME_ROW.result),
    romError: view.getUint8(at + OUTCOME_ROW.romError),
    resource: view.getUint8(at + OUTCOME_ROW.resource),
    status: view.getUint8(at + OUTCOME_ROW.status),
    gasUsed,
    nanos: readU64Number(view, at + OUTCOME_ROW.nanos),
    priced: view.getUint8(at + OUTCOME_ROW.priced),
    used,
    reserved,
  };
}

function readTouched(bytes: Buffer, view: DataView, at: number): TouchedAccount {
  return {
    address: hexAt(bytes, at + TOUCHED_ROW.address, 20),
    nonce: readU64Number(view, at + TOUCHED_ROW.nonce),
    balanceWei: readU256Fast(view, at + TOUCHED_ROW.balance),
  };
}
