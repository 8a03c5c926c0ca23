/** Changes a value in RocksDB's write-ahead log, checksum included: how a test makes a data directory that a newer version has written. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const BLOCK_BYTES = 32 * 1024;
/** Checksum u32, length u16, type u8; recyclable records add the log's number, u32. */
const HEADER_BYTES = 7;
const RECYCLABLE_FROM = 5;
const RECYCLABLE_EXTRA_BYTES = 4;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f6_3b78 : value >>> 1;
  return value >>> 0;
});

function maskedCrc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0;
}

/** Replaces `from` by `to`, of the same length, in every record that holds it; answers in how many. */
export async function patchWriteAheadLog(dataDir: string, from: Buffer, to: Buffer): Promise<number> {
  if (from.length !== to.length) throw new RangeError('a patch keeps the length');
  let patched = 0;
  const entries = await readdir(dataDir, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter(({ name }) => /^\d+\.log$/.test(name))) {
    const file = join(entry.parentPath, entry.name);
    const log = await readFile(file);
    patched += patchLog(log, from, to);
    await writeFile(file, log);
  }
  return patched;
}

function patchLog(log: Buffer, from: Buffer, to: Buffer): number {
  let patched = 0;
  for (let at = 0; at + HEADER_BYTES <= log.length; ) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    const length = log.readUInt16LE(at + 4);
    const type = log.readUInt8(at + 6);
    if (left < HEADER_BYTES || type === 0) {
      at += left;
      continue;
    }
    const body = at + HEADER_BYTES + (type >= RECYCLABLE_FROM ? RECYCLABLE_EXTRA_BYTES : 0);
    const end = body + length;
    const found = log.subarray(body, end).indexOf(from);
    if (found >= 0) {
      to.copy(log, body + found);
      log.writeUInt32LE(maskedCrc32c(log.subarray(at + 6, end)), at);
      patched += 1;
    }
    at = end;
  }
  return patched;
}
