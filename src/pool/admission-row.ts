/**
 * Reads rows of the native answer of `admit`. The buffer is borrowed for the time of the judgement; what outlives it is copied.
 */
import { ADMISSION_FLAG, ADMISSION_ROW, readCounters } from '../native/layouts.js';

const TWO_32 = 0x1_0000_0000;
const TWO_64 = 1n << 64n;

/** Little-endian u64 as a number; values from 2^53 on lose precision and only serve comparisons that refuse them. */
function readU64Number(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * TWO_32;
}

/** Little-endian u256; nearly all values fit the low word, so the high ones are touched only when they are set. */
export function readU256Fast(bytes: Buffer, at: number): bigint {
  const low = bytes.readBigUInt64LE(at);
  const second = bytes.readBigUInt64LE(at + 8);
  const third = bytes.readBigUInt64LE(at + 16);
  const fourth = bytes.readBigUInt64LE(at + 24);
  if (second === 0n && third === 0n && fourth === 0n) return low;
  return low + (second + (third + fourth * TWO_64) * TWO_64) * TWO_64;
}

/** `0x` hex text of a slice. */
export function hexAt(bytes: Buffer, at: number, length: number): string {
  return `0x${bytes.toString('hex', at, at + length)}`;
}

/** One row, read field by field where it is needed: a refused transaction costs only the fields that its refusal looks at. */
export class AdmissionRow {
  readonly #bytes: Buffer;
  readonly #at: number;

  constructor(bytes: Buffer, at: number) {
    if (at + ADMISSION_ROW.bytes > bytes.length) throw new RangeError('admission row: buffer is too short');
    this.#bytes = bytes;
    this.#at = at;
  }

  get code(): number {
    return this.#bytes.readUInt16LE(this.#at + ADMISSION_ROW.code);
  }

  get flags(): number {
    return this.#bytes.readUInt8(this.#at + ADMISSION_ROW.flags);
  }

  has(flag: keyof typeof ADMISSION_FLAG): boolean {
    return (this.flags & ADMISSION_FLAG[flag]) !== 0;
  }

  get batchBytes(): number {
    return this.#bytes.readUInt32LE(this.#at + ADMISSION_ROW.batchBytes);
  }

  get zeroBytes(): number {
    return this.#bytes.readUInt32LE(this.#at + ADMISSION_ROW.zeroBytes);
  }

  get dataBytes(): number {
    return this.#bytes.readUInt32LE(this.#at + ADMISSION_ROW.dataBytes);
  }

  get rawBytes(): number {
    return this.#bytes.readUInt32LE(this.#at + ADMISSION_ROW.rawBytes);
  }

  /** Exact, for the one check that needs it. */
  get nonceExact(): bigint {
    return this.#bytes.readBigUInt64LE(this.#at + ADMISSION_ROW.nonce);
  }

  get nonce(): number {
    return readU64Number(this.#bytes, this.#at + ADMISSION_ROW.nonce);
  }

  get gasLimit(): bigint {
    return this.#bytes.readBigUInt64LE(this.#at + ADMISSION_ROW.gasLimit);
  }

  get intrinsicGas(): number {
    return readU64Number(this.#bytes, this.#at + ADMISSION_ROW.intrinsicGas);
  }

  get chainId(): bigint {
    return this.#bytes.readBigUInt64LE(this.#at + ADMISSION_ROW.chainId);
  }

  get senderNonce(): number {
    return readU64Number(this.#bytes, this.#at + ADMISSION_ROW.senderNonce);
  }

  get senderBalance(): bigint {
    return readU256Fast(this.#bytes, this.#at + ADMISSION_ROW.senderBalance);
  }

  get gasPrice(): bigint {
    return readU256Fast(this.#bytes, this.#at + ADMISSION_ROW.gasPrice);
  }

  get value(): bigint {
    return readU256Fast(this.#bytes, this.#at + ADMISSION_ROW.value);
  }

  get hash(): string {
    return hexAt(this.#bytes, this.#at + ADMISSION_ROW.hash, 32);
  }

  get sender(): string {
    return hexAt(this.#bytes, this.#at + ADMISSION_ROW.sender, 20);
  }

  /** Recipient; null for a contract creation. */
  get to(): string | null {
    return this.has('create') ? null : hexAt(this.#bytes, this.#at + ADMISSION_ROW.to, 20);
  }

  get preGasUsed(): number {
    return readU64Number(this.#bytes, this.#at + ADMISSION_ROW.preGasUsed);
  }

  get preCounters(): number[] {
    return readCounters(this.#bytes, this.#at + ADMISSION_ROW.preCounters);
  }

  get preStatus(): number {
    return this.#bytes.readUInt8(this.#at + ADMISSION_ROW.preStatus);
  }

  get preCounter(): number {
    return this.#bytes.readUInt8(this.#at + ADMISSION_ROW.preCounter);
  }
}
