/** A page of pending records as it is recorded: what the engine read from disk at the start of a session. */

import type { ByteReader, ByteWriter } from '../common/byte-codec.js';
import { ADMISSION_ROW, POOL_ITEM, packList, unpackList } from '../native/layouts.js';
import { applyRowFacts, packRowFacts } from './admission-facts.js';

/** Decodes signed transactions into admission rows. */
export type Decode = (transactions: Buffer) => Promise<Buffer>;

const TWO_32 = 0x1_0000_0000;

/** Appends a page. */
export function packPage(out: ByteWriter, page: Buffer): void {
  const items = unpackList(page);
  out.number(items.length);
  for (const item of items) {
    out.number(u64(item, POOL_ITEM.receivedAtMs)).number(u64(item, POOL_ITEM.arrival)).bytes(item.subarray(POOL_ITEM.raw));
    packRowFacts(out, item, POOL_ITEM.row);
  }
}

/** Makes a page again. */
export async function unpackPage(facts: ByteReader, decode: Decode): Promise<Buffer> {
  const items: Buffer[] = [];
  const count = facts.number();
  for (let i = 0; i < count; i++) {
    const [receivedAtMs, arrival, raw] = [facts.number(), facts.number(), facts.bytes()];
    const item = Buffer.alloc(POOL_ITEM.raw + raw.length);
    item.writeBigUInt64LE(BigInt(receivedAtMs), POOL_ITEM.receivedAtMs);
    item.writeBigUInt64LE(BigInt(arrival), POOL_ITEM.arrival);
    const row = await decode(packList([raw]));
    if (row.length !== ADMISSION_ROW.bytes) throw new RangeError('a stored transaction has no row');
    item.set(row, POOL_ITEM.row);
    applyRowFacts(item, POOL_ITEM.row, facts);
    item.set(raw, POOL_ITEM.raw);
    items.push(item);
  }
  return packList(items);
}

function u64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * TWO_32;
}
