/** Answers of the fake engine in the layouts of the real one. */
import { createHash } from 'node:crypto';
import type { SealedBlock } from '../../src/native/engine.js';
import {
  COUNTER_COUNT,
  LAYOUT_VERSION,
  OUTCOME_HEADER,
  OUTCOME_ROW,
  RESOURCE_BYTES,
  RESOURCE_COUNT,
  RESOURCE_GAS,
  TOUCHED_ROW,
} from '../../src/native/layouts.js';
import type { FakeAccount } from './fake-disk.js';
import type { OpenBlock } from './fake-execution.js';
import { type FakeTransaction, writeU256 } from './fake-transaction.js';

/** ROM error of an outcome without one. */
const NO_ERROR = 1;

export function sha256(text: string): string {
  return `0x${createHash('sha256').update(text).digest('hex')}`;
}

export function add(target: number[], more: readonly number[]): void {
  for (let i = 0; i < RESOURCE_COUNT; i++) target[i] = (target[i] ?? 0) + (more[i] ?? 0);
}

/** Counters with the bytes and the gas of a transaction. */
export function vectorOf(transaction: FakeTransaction, counters: readonly number[]): number[] {
  const vector = counters.slice(0, COUNTER_COUNT);
  vector[RESOURCE_BYTES] = transaction.bytes;
  vector[RESOURCE_GAS] = transaction.gasUsed;
  return vector;
}

/** An answer of `openBlock` or `execute`. */
export function executionAnswer(rows: readonly Buffer[], touched: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(OUTCOME_HEADER.bytes);
  header.writeUInt16LE(LAYOUT_VERSION, 0);
  header.writeUInt32LE(rows.length, OUTCOME_HEADER.rows);
  header.writeUInt32LE(touched.length, OUTCOME_HEADER.touched);
  return Buffer.concat([header, ...rows, ...touched]);
}

export function outcomeRow(
  result: number,
  used: readonly number[],
  reserved: readonly number[],
  resource: number,
  romError: number,
): Buffer {
  const row = Buffer.alloc(OUTCOME_ROW.bytes);
  row.writeUInt8(result, OUTCOME_ROW.result);
  row.writeUInt8(romError, OUTCOME_ROW.romError);
  row.writeUInt8(resource, OUTCOME_ROW.resource);
  row.writeUInt8(romError === NO_ERROR ? 1 : 0, OUTCOME_ROW.status);
  row.writeUInt32LE(used[RESOURCE_BYTES] ?? 0, OUTCOME_ROW.batchBytes);
  row.writeBigUInt64LE(BigInt(used[RESOURCE_GAS] ?? 0), OUTCOME_ROW.gasUsed);
  for (let i = 0; i < COUNTER_COUNT; i++) {
    row.writeUInt32LE(used[i] ?? 0, OUTCOME_ROW.used + 4 * i);
    row.writeUInt32LE(reserved[i] ?? 0, OUTCOME_ROW.reserved + 4 * i);
  }
  return row;
}

export function touchedRow(address: string, account: FakeAccount): Buffer {
  const row = Buffer.alloc(TOUCHED_ROW.bytes);
  row.write(address.slice(2), TOUCHED_ROW.address, 'hex');
  row.writeBigUInt64LE(BigInt(account.nonce), TOUCHED_ROW.nonce);
  writeU256(row, account.balanceWei, TOUCHED_ROW.balance);
  return row;
}

export function sealedBlock(block: OpenBlock, batchNumber: number, hash: string): SealedBlock {
  return {
    number: block.number,
    hash,
    stateRoot: '0x',
    timestamp: block.timestamp,
    txCount: block.txHashes.length,
    gasUsed: BigInt(block.gasUsed),
    batchNumber,
    headerJson: '{}',
    txHashes: Buffer.from(block.txHashes.map((hash) => hash.slice(2)).join(''), 'hex'),
    sealNanos: 0,
    treeNanos: 0,
    commitNanos: 0,
  };
}
