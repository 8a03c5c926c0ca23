/** The records from which explanations are made, as bytes: one for each closed batch, one for each L2 block with transactions that waited. */
import { ByteReader, ByteWriter } from '../common/byte-codec.js';
import type { Shortfall } from './resource-ledger.js';

/** Version byte of every record. */
const VERSION = 1;
const HASH_BYTES = 32;
const ADDRESS_BYTES = 20;
/** Where the digits of a 0x text begin. */
const HEX_FROM = 2;
/** Room for the head of a record of included transactions, and for one of them: hash, sender and three numbers of the usual size. */
const INCLUDED_HEAD_BYTES = 16;
const INCLUDED_BYTES = HASH_BYTES + ADDRESS_BYTES + 32;

/** A closed batch, as far as explanations need it. */
export interface ClosedBatchRecord {
  readonly number: number;
  readonly reason: string;
  readonly closedAtMs: number;
  /** What had entered the pool in this run when it was closed; not known of a batch of an earlier run. */
  readonly joined?: number;
  /** What did not fit, by hash. */
  readonly misfits: ReadonlyMap<string, Shortfall>;
}

/** A sender at the close of a batch. */
export interface Moment {
  readonly batch: number;
  readonly nonce: number;
  readonly missingNonce: number;
  readonly balanceWei: bigint;
}

/** Moments of different senders. */
export type Moments = readonly (readonly [sender: string, moment: Moment])[];

/** What a verdict about a transaction depends on. */
export interface Subject {
  readonly hash: string;
  readonly sender: string;
  readonly nonceNumber: number;
  readonly costWei: bigint;
  readonly receivedAtMs: number;
  /** Rank of entering the pool in this run; not known of what was included in an earlier run. */
  readonly joined?: number;
}

/** A transaction that met a closed batch before it was included. */
export interface IncludedSubject extends Subject {
  readonly batch: number;
}

/**
 * Transactions of one L2 block that met a closed batch before they were included: as the record has them, since most are never asked about.
 */
export interface IncludedRecord {
  readonly batch: number;
  readonly count: number;
  readonly bytes: Buffer;
  /** `joined` of each; not known of what was included in an earlier run. */
  readonly joined: Float64Array | null;
}

/** The record of a closed batch, with the senders that changed since the one before. */
export function encodeBatch(batch: ClosedBatchRecord, moments: Moments): Buffer {
  const out = new ByteWriter().byte(VERSION).text(batch.reason).number(batch.closedAtMs).number(batch.misfits.size);
  for (const [hash, { resource, needed, remaining }] of batch.misfits) {
    out.hex(hash, HEX_FROM).byte(resource).number(needed).number(remaining);
  }
  out.number(moments.length);
  for (const [address, { nonce, missingNonce, balanceWei }] of moments) {
    out.hex(address, HEX_FROM).number(nonce).number(missingNonce).bigint(balanceWei);
  }
  return out.copy();
}

/** Reads `encodeBatch`. */
export function decodeBatch(number: number, bytes: Buffer): { batch: ClosedBatchRecord; moments: Moments } {
  const reader = versioned(bytes);
  const [reason, closedAtMs] = [reader.text(), reader.number()];
  const misfits = new Map<string, Shortfall>();
  for (let count = reader.number(); count > 0; count--) {
    const hash = hex(reader.raw(HASH_BYTES));
    misfits.set(hash, { resource: reader.byte(), needed: reader.number(), remaining: reader.number() });
  }
  const moments: [string, Moment][] = [];
  for (let count = reader.number(); count > 0; count--) {
    const address = hex(reader.raw(ADDRESS_BYTES));
    const [nonce, missingNonce] = [reader.number(), reader.number()];
    moments.push([address, { batch: number, nonce, missingNonce, balanceWei: BigInt(`0x0${reader.bytes().toString('hex')}`) }]);
  }
  return { batch: { number, reason, closedAtMs, misfits }, moments };
}

/** The record of transactions that one L2 block included after they had waited. */
export function encodeIncluded(subjects: readonly Subject[]): Buffer {
  const out = new ByteWriter(INCLUDED_HEAD_BYTES + INCLUDED_BYTES * subjects.length).byte(VERSION).number(subjects.length);
  for (const subject of subjects) {
    out.hex(subject.hash, HEX_FROM).hex(subject.sender, HEX_FROM).number(subject.nonceNumber).number(subject.receivedAtMs);
    out.bigint(subject.costWei);
  }
  return out.copy();
}

/** A record in which transactions are looked for. Most blocks are never asked about: the first question makes the index. */
export class IncludedBlock {
  readonly #record: IncludedRecord;
  #places: ReadonlyMap<string, Place> | null = null;

  constructor(record: IncludedRecord) {
    this.#record = record;
  }

  get count(): number {
    return this.#record.count;
  }

  find(hash: string): IncludedSubject | undefined {
    const { batch, bytes, joined } = this.#record;
    this.#places ??= placesIn(bytes);
    const place = this.#places.get(hash);
    if (place === undefined) return undefined;
    const subject = decodeSubject(new ByteReader(bytes.subarray(place.from)), batch);
    const rank = joined?.[place.index];
    return rank === undefined ? subject : { ...subject, joined: rank };
  }
}

/** Where a transaction is in a record. */
interface Place {
  readonly index: number;
  readonly from: number;
}

/** By hash. Of the rest only the lengths are read. */
function placesIn(bytes: Buffer): Map<string, Place> {
  const reader = versioned(bytes);
  const places = new Map<string, Place>();
  for (let count = reader.number(), index = 0; index < count; index++) {
    const from = bytes.length - reader.remaining;
    places.set(hex(reader.raw(HASH_BYTES)), { index, from });
    reader.raw(ADDRESS_BYTES);
    reader.number();
    reader.number();
    reader.bytes();
  }
  return places;
}

/** Reads `encodeIncluded`. */
export function decodeIncluded(batch: number, bytes: Buffer): IncludedSubject[] {
  const reader = versioned(bytes);
  return Array.from({ length: reader.number() }, () => decodeSubject(reader, batch));
}

function decodeSubject(reader: ByteReader, batch: number): IncludedSubject {
  const [hash, sender] = [hex(reader.raw(HASH_BYTES)), hex(reader.raw(ADDRESS_BYTES))];
  const [nonceNumber, receivedAtMs] = [reader.number(), reader.number()];
  return { hash, sender, nonceNumber, receivedAtMs, costWei: BigInt(`0x0${reader.bytes().toString('hex')}`), batch };
}

function versioned(bytes: Buffer): ByteReader {
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version !== VERSION) throw new RangeError(`a record of explanations has version ${version}, this program reads ${VERSION}`);
  return reader;
}

function hex(bytes: Buffer): string {
  return `0x${bytes.toString('hex')}`;
}
