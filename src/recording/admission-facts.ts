/**
 * The part of an admission row that depends on the moment: what the sender had, and what pre-execution saw. The rest follows from the
 * transaction itself. A replay decodes the transaction again and puts these facts over it.
 */

import { type ByteReader, ByteWriter } from '../common/byte-codec.js';
import { ADMISSION_ROW, COUNTER_COUNT, PRE_STATUS } from '../native/layouts.js';

const U256_BYTES = 32;
const TWO_32 = 0x1_0000_0000;

/** Facts of every row of an answer. */
export function packFacts(rows: Buffer): Buffer {
  const out = new ByteWriter();
  for (let at = 0; at < rows.length; at += ADMISSION_ROW.bytes) packRowFacts(out, rows, at);
  return out.copy();
}

/** Appends the facts of one row. */
export function packRowFacts(out: ByteWriter, rows: Buffer, at: number): void {
  out.byte(rows.readUInt8(at + ADMISSION_ROW.flags));
  out.number(u64(rows, at + ADMISSION_ROW.senderNonce));
  out.bytes(trimmed(rows.subarray(at + ADMISSION_ROW.senderBalance, at + ADMISSION_ROW.senderBalance + U256_BYTES)));
  const status = rows.readUInt8(at + ADMISSION_ROW.preStatus);
  out.byte(status);
  if (status === PRE_STATUS.notRun) return;
  out.byte(rows.readUInt8(at + ADMISSION_ROW.preRomError)).byte(rows.readUInt8(at + ADMISSION_ROW.preCounter));
  out.number(u64(rows, at + ADMISSION_ROW.preGasUsed));
  for (let i = 0; i < COUNTER_COUNT; i++) {
    const used = rows.readUInt32LE(at + ADMISSION_ROW.preCounters + 4 * i);
    out.number(used).number(Math.max(0, rows.readUInt32LE(at + ADMISSION_ROW.preReserved + 4 * i) - used));
  }
}

/** Puts recorded facts over freshly decoded rows. */
export function applyFacts(rows: Buffer, facts: ByteReader): void {
  for (let at = 0; at < rows.length; at += ADMISSION_ROW.bytes) applyRowFacts(rows, at, facts);
}

/** Puts the facts of one row over it. */
export function applyRowFacts(rows: Buffer, at: number, facts: ByteReader): void {
  rows.writeUInt8(facts.byte(), at + ADMISSION_ROW.flags);
  writeU64(rows, facts.number(), at + ADMISSION_ROW.senderNonce);
  rows.fill(0, at + ADMISSION_ROW.senderBalance, at + ADMISSION_ROW.senderBalance + U256_BYTES);
  rows.set(facts.bytes(), at + ADMISSION_ROW.senderBalance);
  const status = facts.byte();
  rows.writeUInt8(status, at + ADMISSION_ROW.preStatus);
  const ran = status !== PRE_STATUS.notRun;
  if (!ran) {
    rows.fill(0, at + ADMISSION_ROW.preGasUsed, at + ADMISSION_ROW.preCounters + 4 * COUNTER_COUNT);
    rows.fill(0, at + ADMISSION_ROW.preReserved, at + ADMISSION_ROW.preReserved + 4 * COUNTER_COUNT);
    return;
  }
  rows.writeUInt8(facts.byte(), at + ADMISSION_ROW.preRomError);
  rows.writeUInt8(facts.byte(), at + ADMISSION_ROW.preCounter);
  writeU64(rows, facts.number(), at + ADMISSION_ROW.preGasUsed);
  for (let i = 0; i < COUNTER_COUNT; i++) {
    const used = facts.number();
    rows.writeUInt32LE(used, at + ADMISSION_ROW.preCounters + 4 * i);
    rows.writeUInt32LE(used + facts.number(), at + ADMISSION_ROW.preReserved + 4 * i);
  }
}

/** Little-endian bytes without the zeros at the end. */
function trimmed(bytes: Buffer): Buffer {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return bytes.subarray(0, length);
}

/** Nonces and gas of accounts stay below 2^53; a larger one is cut to it, and refused like it. */
function u64(bytes: Buffer, at: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * TWO_32);
}

function writeU64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % TWO_32, at);
  bytes.writeUInt32LE(Math.floor(value / TWO_32), at + 4);
}
