/** The disk of the fake engine: what survives a kill. Each change happens at once, as a synced write of the database does. */
import { ADMISSION_ROW, POOL_ITEM, POOL_OP, POOL_STATUS, RESOURCE_COUNT } from '../../src/native/layouts.js';
import { admissionRow, parseRaw } from './fake-transaction.js';

export interface FakeAccount {
  nonce: number;
  balanceWei: bigint;
}

interface PoolRecord {
  readonly raw: Buffer;
  readonly arrival: number;
  readonly receivedAtMs: number;
}

export interface FakeEnd {
  readonly status: string;
  readonly reason: string;
  readonly at: number;
  readonly related: string | null;
}

export interface FakeBatch {
  readonly number: number;
  used: number[];
  high: number[];
  txHashes: string[];
  blockCount: number;
  openedAtMs: number;
  reason: string | null;
  detailJson: string | null;
}

export interface FakeBlock {
  readonly number: number;
  readonly batch: number;
  readonly txHashes: string[];
  readonly timestamp: number;
  /** Depends on everything in the block and on the block before. */
  readonly hash: string;
}

/** A sealed block, as the disk will have it. */
export interface FakeSealed {
  readonly overlay: ReadonlyMap<string, FakeAccount>;
  readonly stored: FakeBlock;
  /** Its batch after it. */
  readonly batch: FakeBatch;
}

/** A pool operation: kind, hash, then by kind. */
const OPERATION = { receivedAt: 61, arrival: 69, raw: 77, endAt: 34, related: 42, reason: 74 } as const;

/** What survives a kill. */
export class FakeDisk {
  readonly accounts = new Map<string, FakeAccount>();
  readonly pool = new Map<string, PoolRecord>();
  readonly ends = new Map<string, FakeEnd>();
  readonly blocks: FakeBlock[] = [];
  readonly included = new Map<string, number>();
  readonly closed: FakeBatch[] = [];
  /** Forced batches by number, each with the batch that it is. */
  readonly forced = new Map<number, number>();
  open: FakeBatch = emptyBatch(1);

  fund(address: string, balanceWei: bigint): void {
    this.accounts.set(address, { nonce: 0, balanceWei });
  }

  account(address: string): FakeAccount {
    return this.accounts.get(address) ?? { nonce: 0, balanceWei: 0n };
  }

  applyPool(operation: Buffer): void {
    const hash = `0x${operation.subarray(1, 33).toString('hex')}`;
    if (operation.readUInt8(0) === POOL_OP.put) {
      this.pool.set(hash, {
        raw: Buffer.from(operation.subarray(OPERATION.raw)),
        receivedAtMs: Number(operation.readBigUInt64LE(OPERATION.receivedAt)),
        arrival: Number(operation.readBigUInt64LE(OPERATION.arrival)),
      });
      this.ends.delete(hash);
      return;
    }
    const related = operation.subarray(OPERATION.related, OPERATION.reason);
    this.pool.delete(hash);
    this.ends.set(hash, {
      status: POOL_STATUS[operation.readUInt8(33)] ?? 'unknown',
      at: Number(operation.readBigUInt64LE(OPERATION.endAt)),
      related: related.some((byte) => byte !== 0) ? `0x${related.toString('hex')}` : null,
      reason: operation.subarray(OPERATION.reason).toString(),
    });
  }

  /** A pending record as `poolLoad` answers it. */
  poolItem(hash: string): Buffer {
    const record = this.pool.get(hash);
    if (record === undefined) throw new Error(`no pool record ${hash}`);
    const head = Buffer.alloc(POOL_ITEM.row);
    head.writeBigUInt64LE(BigInt(record.receivedAtMs), POOL_ITEM.receivedAtMs);
    head.writeBigUInt64LE(BigInt(record.arrival), POOL_ITEM.arrival);
    const row = admissionRow(record.raw, this.account(parseRaw(record.raw).sender), true);
    if (row.length !== ADMISSION_ROW.bytes) throw new Error('admission row has the wrong size');
    return Buffer.concat([head, row, record.raw]);
  }

  /** Block, accounts, batch, and the pool's records of what is included. */
  commit({ overlay, stored, batch }: FakeSealed): void {
    for (const [address, account] of overlay) this.accounts.set(address, account);
    for (const hash of stored.txHashes) {
      this.pool.delete(hash);
      this.included.set(hash, stored.number);
    }
    this.blocks.push(stored);
    this.open = batch;
    if (batch.reason !== null) this.close(batch.reason, batch.detailJson);
  }

  close(reason: string, detailJson: string | null): void {
    const { open } = this;
    open.reason = reason;
    open.detailJson = detailJson;
    this.closed.push(open);
    this.open = emptyBatch(open.number + 1);
  }
}

export function emptyBatch(number: number): FakeBatch {
  const zero = () => new Array<number>(RESOURCE_COUNT).fill(0);
  return { number, used: zero(), high: zero(), txHashes: [], blockCount: 0, openedAtMs: 0, reason: null, detailJson: null };
}
