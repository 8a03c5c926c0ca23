/** Transactions of the fake engine: JSON instead of most of the RLP, so that a test says what a transaction does instead of writing a contract for it. */
import { createHash } from 'node:crypto';
import { ADMISSION_FLAG, ADMISSION_ROW, COUNTER_COUNT, PRE_STATUS } from '../../src/native/layouts.js';

export interface FakeTransaction {
  /** 0x hex. */
  readonly sender: string;
  readonly nonce: number;
  readonly gasPrice: string;
  readonly gasLimit: number;
  readonly value: string;
  readonly to: string | null;
  /** Bytes in the batch. */
  readonly bytes: number;
  readonly gasUsed: number;
  /** Counters used and reserved. */
  readonly used: readonly number[];
  readonly reserved: readonly number[];
  readonly reverts: boolean;
  /** The core fails on it. */
  readonly panics: boolean;
  /** Its sender has code by the time it runs: it is skipped. */
  readonly getsCode: boolean;
  /** What pre-execution answers. */
  readonly preStatus: number;
  readonly preCounter: number;
  readonly chainId: number;
  readonly eip155: boolean;
  /** Index into DECODE_CODES. */
  readonly code: number;
  readonly dataBytes: number;
  readonly senderHasCode: boolean;
  /** Makes two equal transactions differ. */
  readonly salt: number;
  /** Hex of its data field, where the pool reads it; none of a length below 256. */
  readonly data: string;
}

export const GWEI = 1_000_000_000n;
export const FAKE_CHAIN_ID = 1001;

/** A number as an address. */
export function addressOf(index: number): string {
  return `0x${index.toString(16).padStart(40, '0')}`;
}

/** A plain transfer, changed as given. */
export function fakeTransaction(changes: Partial<FakeTransaction> = {}): FakeTransaction {
  const used = [4_000, 100, 200, 10, 3, 1, 400, 0];
  return {
    sender: addressOf(0xa1),
    nonce: 0,
    gasPrice: GWEI.toString(),
    gasLimit: 21_000,
    value: '1',
    to: addressOf(0xb1),
    bytes: 110,
    gasUsed: 21_000,
    used,
    reserved: (changes.used ?? used).map((value) => value + Math.ceil(value / 20)),
    reverts: false,
    panics: false,
    getsCode: false,
    preStatus: PRE_STATUS.notRun,
    preCounter: 0,
    chainId: FAKE_CHAIN_ID,
    eip155: true,
    code: 0,
    dataBytes: 0,
    senderHasCode: false,
    salt: 0,
    data: '',
    ...changes,
  };
}

/** What admission reads of raw bytes by itself: the head of an RLP list, three empty numbers, and the recipient. */
const HEAD_BYTES = 3 + 3;
const RECIPIENT_BYTES = 20;
/** An empty value, then the length of the data in two bytes. */
const NO_VALUE = 0x80;
const DATA_HEAD_BYTES = 4;

export function rawOf(transaction: FakeTransaction): Buffer {
  const { to } = transaction;
  const recipient = to === null ? Buffer.from([0x80]) : Buffer.from(`94${to.slice(2)}`, 'hex');
  const data = Buffer.from(transaction.data, 'hex');
  const fields = data.length === 0 ? data : Buffer.concat([Buffer.from([NO_VALUE, 0xb9, data.length >> 8, data.length & 255]), data]);
  return Buffer.concat([Buffer.from([0xf9, 0, 0, 0x80, 0x80, 0x80]), recipient, fields, Buffer.from(JSON.stringify(transaction))]);
}

export function parseRaw(raw: Buffer): FakeTransaction {
  const isCreation = raw[HEAD_BYTES] === 0x80;
  let at = HEAD_BYTES + 1 + (isCreation ? 0 : RECIPIENT_BYTES);
  if (raw[at] === NO_VALUE) at += DATA_HEAD_BYTES + raw.readUInt16BE(at + 2);
  return JSON.parse(raw.toString('utf8', at)) as FakeTransaction;
}

export function hashBytesOf(raw: Buffer): Buffer {
  return createHash('sha256').update(raw).digest();
}

export function hashOf(raw: Buffer): string {
  return `0x${hashBytesOf(raw).toString('hex')}`;
}

export function writeU256(target: Buffer, value: bigint, at: number): void {
  for (let word = 0; word < 4; word++) target.writeBigUInt64LE((value >> BigInt(64 * word)) & 0xffff_ffff_ffff_ffffn, at + 8 * word);
}

/** The admission row of a transaction over a sender state. */
export function admissionRow(raw: Buffer, sender: { nonce: number; balanceWei: bigint }, preExecute: boolean): Buffer {
  const transaction = parseRaw(raw);
  const row = Buffer.alloc(ADMISSION_ROW.bytes);
  row.writeUInt16LE(transaction.code, ADMISSION_ROW.code);
  row.writeUInt8(flagsOf(transaction), ADMISSION_ROW.flags);
  row.writeUInt32LE(transaction.bytes, ADMISSION_ROW.batchBytes);
  row.writeUInt32LE(transaction.dataBytes, ADMISSION_ROW.dataBytes);
  row.writeUInt32LE(transaction.bytes, ADMISSION_ROW.rawBytes);
  row.writeBigUInt64LE(BigInt(transaction.nonce), ADMISSION_ROW.nonce);
  row.writeBigUInt64LE(BigInt(transaction.gasLimit), ADMISSION_ROW.gasLimit);
  row.writeBigUInt64LE(transaction.to === null ? 53_000n : 21_000n, ADMISSION_ROW.intrinsicGas);
  row.writeBigUInt64LE(BigInt(transaction.chainId), ADMISSION_ROW.chainId);
  row.writeBigUInt64LE(BigInt(sender.nonce), ADMISSION_ROW.senderNonce);
  writeU256(row, BigInt(transaction.gasPrice), ADMISSION_ROW.gasPrice);
  writeU256(row, BigInt(transaction.value), ADMISSION_ROW.value);
  writeU256(row, sender.balanceWei, ADMISSION_ROW.senderBalance);
  row.set(hashBytesOf(raw), ADMISSION_ROW.hash);
  row.write(transaction.sender.slice(2), ADMISSION_ROW.sender, 'hex');
  if (transaction.to !== null) row.write(transaction.to.slice(2), ADMISSION_ROW.to, 'hex');
  row.writeUInt32LE(Math.floor(transaction.bytes / 10), ADMISSION_ROW.zeroBytes);
  if (preExecute && transaction.preStatus !== PRE_STATUS.notRun) {
    row.writeUInt8(transaction.preStatus, ADMISSION_ROW.preStatus);
    row.writeUInt8(transaction.preCounter, ADMISSION_ROW.preCounter);
    row.writeBigUInt64LE(BigInt(transaction.gasUsed), ADMISSION_ROW.preGasUsed);
    for (let i = 0; i < COUNTER_COUNT; i++) {
      const used = transaction.used[i] ?? 0;
      row.writeUInt32LE(used, ADMISSION_ROW.preCounters + 4 * i);
      row.writeUInt32LE(Math.max(used, transaction.reserved[i] ?? 0), ADMISSION_ROW.preReserved + 4 * i);
    }
  }
  return row;
}

function flagsOf(transaction: FakeTransaction): number {
  return (
    (transaction.to === null ? ADMISSION_FLAG.create : 0) |
    (transaction.eip155 ? ADMISSION_FLAG.eip155 : 0) |
    (transaction.senderHasCode ? ADMISSION_FLAG.senderHasCode : 0) |
    (transaction.preStatus === PRE_STATUS.notRun ? ADMISSION_FLAG.plainTransfer : 0)
  );
}
