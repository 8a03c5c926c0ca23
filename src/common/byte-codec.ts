/** Growing writer and bounds-checked reader of compact records: varints, byte strings, text. */

const INITIAL_BYTES = 4_096;
const SEVEN_BITS = 128;
const WORD_BITS = 64n;
const WORD_BYTES = 8;
const NO_DIGIT = 16;
/** Value of a hex digit by its character code. */
const DIGITS = Uint8Array.from({ length: 128 }, (_unused, code) => {
  const value = Number.parseInt(String.fromCharCode(code), NO_DIGIT);
  return Number.isNaN(value) ? NO_DIGIT : value;
});
/** More digits than this are handed to the native decoder: for fewer the call costs more than the work. */
const SHORT_DIGITS = 128;

/** A byte string under construction. */
export class ByteWriter {
  #bytes: Buffer;
  #view: DataView;
  #length = 0;

  /** With room for so many bytes; it grows where they do not suffice. */
  constructor(capacity = INITIAL_BYTES) {
    this.#bytes = Buffer.allocUnsafe(capacity);
    this.#view = viewOver(this.#bytes);
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  /** A whole number from 0 to 2^53 - 1, seven bits a byte, low bits first. */
  number(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no whole number of at least 0`);
    this.#reserve(8);
    let rest = value;
    while (rest >= SEVEN_BITS) {
      this.#bytes[this.#length++] = (rest % SEVEN_BITS) + SEVEN_BITS;
      rest = Math.floor(rest / SEVEN_BITS);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** A whole number of either sign. */
  signed(value: number): this {
    return this.number(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** Bytes without their length. */
  raw(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** Bytes behind their length. */
  bytes(value: Uint8Array): this {
    return this.number(value.length).raw(value);
  }

  /** Hex digits, two a byte, from an index on, as bytes without their length. */
  hex(digits: string, from = 0): this {
    const bytes = (digits.length - from) / 2;
    this.#reserve(bytes);
    if (digits.length <= SHORT_DIGITS) return this.#shortHex(digits, from);
    if (this.#bytes.write(from === 0 ? digits : digits.slice(from), this.#length, 'hex') !== bytes) throw new RangeError('not hex digits');
    this.#length += bytes;
    return this;
  }

  /** A whole number of any size, big-endian without leading zeros, behind its length. */
  bigint(value: bigint): this {
    if (value >> (2n * WORD_BITS) !== 0n) return this.#largeBigint(value);
    this.#reserve(1 + 2 * WORD_BYTES);
    // Behind the place of the length, then moved over its leading zeros.
    const at = this.#length + 1;
    this.#view.setBigUint64(at, value >> WORD_BITS);
    this.#view.setBigUint64(at + WORD_BYTES, BigInt.asUintN(64, value));
    const end = at + 2 * WORD_BYTES;
    let first = at;
    // Zero is one byte.
    while (first < end - 1 && this.#bytes[first] === 0) first++;
    this.#bytes[this.#length] = end - first;
    let to = at;
    // Byte by byte: the call of `copyWithin` costs more than so few of them.
    while (first < end) this.#bytes[to++] = this.#bytes[first++] ?? 0;
    this.#length = to;
    return this;
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value, 'utf8'));
  }

  /** A view of what was written; valid until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.view());
  }

  clear(): void {
    this.#length = 0;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.view());
    this.#bytes = grown;
    this.#view = viewOver(grown);
  }

  #shortHex(digits: string, from: number): this {
    const bytes = this.#bytes;
    let at = this.#length;
    if ((digits.length - from) % 2 !== 0) throw new RangeError('not hex digits');
    for (let i = from; i < digits.length; i += 2) {
      const high = DIGITS[digits.charCodeAt(i)] ?? NO_DIGIT;
      const low = DIGITS[digits.charCodeAt(i + 1)] ?? NO_DIGIT;
      if ((high | low) >= NO_DIGIT) throw new RangeError('not hex digits');
      bytes[at++] = (high << 4) | low;
    }
    this.#length = at;
    return this;
  }

  #largeBigint(value: bigint): this {
    const digits = value.toString(16);
    const even = digits.length % 2 === 0 ? digits : `0${digits}`;
    return this.number(even.length / 2).hex(even);
  }
}

function viewOver(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Reads what a ByteWriter wrote. Throws RangeError past the end. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new RangeError('the record ends within a value');
    return value;
  }

  number(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte % SEVEN_BITS) * scale;
      if (!Number.isSafeInteger(value)) throw new RangeError('a number of the record is out of range');
      if (byte < SEVEN_BITS) return value;
      scale *= SEVEN_BITS;
    }
  }

  signed(): number {
    const value = this.number();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  raw(length: number): Buffer {
    if (length > this.remaining) throw new RangeError('the record ends within a value');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  bytes(): Buffer {
    return this.raw(this.number());
  }

  text(): string {
    return this.bytes().toString('utf8');
  }
}
