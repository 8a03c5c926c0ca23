/**
 * Reads rows of the native answer of `admit`. The buffer is borrowed for the time of the judgement; what outlives it is copied.
 */
import { ADMISSION_FLAG, ADMISSION_ROW, readCounters } from '../native/layouts.js';

const TWO_32 = 0x1_0000_0000;
const TWO_64 = 1n << 64n;
const U32_MAX = 0xffff_ffff;

/** A view for numbers: V8 reads them from it without a call. */
export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Little-endian u64 as a number; values from 2^53 on lose precision and only serve comparisons that refuse them. */
export function readU64Number(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
}

/** Little-endian u256; nearly all values fit the low word, so the high ones become integers only when they are set. */
export function readU256Fast(view: DataView, at: number): bigint {
  const low = view.getBigUint64(at, true);
  let high = 0;
  for (let i = 8; i < 32; i += 4) high |= view.getUint32(at + i, true);
  if (high === 0) return low;
  const [second, third, fourth] = [8, 16, 24].map((i) => view.getBigUint64(at + i, true)) as [bigint, bigint, bigint];
  return low + (second + (third + fourth * TWO_64) * TWO_64) * TWO_64;
}

/** `0x` hex text of a slice. */
export function hexAt(bytes: Buffer, at: number, length: number): string {
  return `0x${bytes.toString('hex', at, at + length)}`;
}

/** One row, read field by field where it is needed: a refused transaction costs only the fields that its refusal looks at. */
export class AdmissionRow {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #at: number;
  // Made once: texts and large integers are what reading a row costs.
  #hash: string | undefined;
  #sender: string | undefined;
  #gasPrice: bigint | undefined;
  #costWei: bigint | undefined;
  #preCounters: readonly number[] | undefined;
  #preReserved: readonly number[] | undefined;

  /** `view` is over all of `bytes`; rows of one answer share it. */
  constructor(bytes: Buffer, at: number, view: DataView = viewOf(bytes)) {
    if (at + ADMISSION_ROW.bytes > bytes.length) throw new RangeError('admission row: buffer is too short');
    this.#bytes = bytes;
    this.#view = view;
    this.#at = at;
  }

  /** Of a transaction that an earlier row was about: its texts are the same. */
  identify(hash: string, sender: string): this {
    this.#hash = hash;
    this.#sender = sender;
    return this;
  }

  get code(): number {
    return this.#view.getUint16(this.#at + ADMISSION_ROW.code, true);
  }

  get flags(): number {
    return this.#view.getUint8(this.#at + ADMISSION_ROW.flags);
  }

  has(flag: keyof typeof ADMISSION_FLAG): boolean {
    return (this.flags & ADMISSION_FLAG[flag]) !== 0;
  }

  get batchBytes(): number {
    return this.#view.getUint32(this.#at + ADMISSION_ROW.batchBytes, true);
  }

  get zeroBytes(): number {
    return this.#view.getUint32(this.#at + ADMISSION_ROW.zeroBytes, true);
  }

  get dataBytes(): number {
    return this.#view.getUint32(this.#at + ADMISSION_ROW.dataBytes, true);
  }

  get rawBytes(): number {
    return this.#view.getUint32(this.#at + ADMISSION_ROW.rawBytes, true);
  }

  /** Exact, where it is told. */
  get nonceExact(): bigint {
    return this.#view.getBigUint64(this.#at + ADMISSION_ROW.nonce, true);
  }

  /** The nonce after which there is none. */
  get nonceIsMax(): boolean {
    const at = this.#at + ADMISSION_ROW.nonce;
    return this.#view.getUint32(at, true) === U32_MAX && this.#view.getUint32(at + 4, true) === U32_MAX;
  }

  get nonce(): number {
    return readU64Number(this.#view, this.#at + ADMISSION_ROW.nonce);
  }

  get gasLimit(): bigint {
    return this.#view.getBigUint64(this.#at + ADMISSION_ROW.gasLimit, true);
  }

  /** Exact below 2^53. */
  get gasLimitNumber(): number {
    return readU64Number(this.#view, this.#at + ADMISSION_ROW.gasLimit);
  }

  get intrinsicGas(): number {
    return readU64Number(this.#view, this.#at + ADMISSION_ROW.intrinsicGas);
  }

  get chainId(): bigint {
    return this.#view.getBigUint64(this.#at + ADMISSION_ROW.chainId, true);
  }

  get senderNonce(): number {
    return readU64Number(this.#view, this.#at + ADMISSION_ROW.senderNonce);
  }

  get senderBalance(): bigint {
    return readU256Fast(this.#view, this.#at + ADMISSION_ROW.senderBalance);
  }

  get gasPrice(): bigint {
    this.#gasPrice ??= readU256Fast(this.#view, this.#at + ADMISSION_ROW.gasPrice);
    return this.#gasPrice;
  }

  get value(): bigint {
    return readU256Fast(this.#view, this.#at + ADMISSION_ROW.value);
  }

  /** gas * price + value. */
  get costWei(): bigint {
    this.#costWei ??= this.gasPrice * this.gasLimit + this.value;
    return this.#costWei;
  }

  get hash(): string {
    this.#hash ??= hexAt(this.#bytes, this.#at + ADMISSION_ROW.hash, 32);
    return this.#hash;
  }

  get sender(): string {
    this.#sender ??= hexAt(this.#bytes, this.#at + ADMISSION_ROW.sender, 20);
    return this.#sender;
  }

  /** Recipient; null for a contract creation. */
  get to(): string | null {
    return this.has('create') ? null : hexAt(this.#bytes, this.#at + ADMISSION_ROW.to, 20);
  }

  get preGasUsed(): number {
    return readU64Number(this.#view, this.#at + ADMISSION_ROW.preGasUsed);
  }

  get preCounters(): readonly number[] {
    this.#preCounters ??= readCounters(this.#view, this.#at + ADMISSION_ROW.preCounters);
    return this.#preCounters;
  }

  /** What should be reserved for them: at least what was used. */
  get preReserved(): readonly number[] {
    this.#preReserved ??= readCounters(this.#view, this.#at + ADMISSION_ROW.preReserved);
    return this.#preReserved;
  }

  get preStatus(): number {
    return this.#view.getUint8(this.#at + ADMISSION_ROW.preStatus);
  }

  get preCounter(): number {
    return this.#view.getUint8(this.#at + ADMISSION_ROW.preCounter);
  }
}
