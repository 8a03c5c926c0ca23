/**
 * Durable pool records: packs operations and groups them, one native write at a time. Whoever writes while a write is under way joins
 * the next one, so the disk is synced once for everybody (group commit).
 */
import type { NativeEngine } from '../native/engine.js';
import { POOL_OP, POOL_STATUS, type PoolStatus, packList } from '../native/layouts.js';
import type { PoolEntry } from './entry.js';

/** What ended, why, and what took its place. */
export interface EndState {
  readonly hash: string;
  readonly status: Exclude<PoolStatus, 'pending'>;
  readonly reason: string;
  readonly atMs: number;
  /** Hash of the replacing transaction. */
  readonly related?: string;
}

const PUT_HEAD_BYTES = 1 + 32 + 20 + 8 + 8 + 8;
const END_HEAD_BYTES = 1 + 32 + 1 + 8 + 32;

const TWO_32 = 0x1_0000_0000;

/** Two halves instead of a bigint: this runs for every transaction. */
function writeU64(target: Buffer, value: number, at: number): void {
  target.writeUInt32LE(value % TWO_32, at);
  target.writeUInt32LE(Math.floor(value / TWO_32), at + 4);
}

/** Operation that stores a pending transaction. */
export function packPut(entry: PoolEntry): Buffer {
  const op = Buffer.allocUnsafe(PUT_HEAD_BYTES + entry.raw.length);
  op.writeUInt8(POOL_OP.put, 0);
  op.write(entry.hash.slice(2), 1, 'hex');
  op.set(entry.account.addressBytes, 33);
  writeU64(op, entry.nonceNumber, 53);
  writeU64(op, entry.receivedAtMs, 61);
  writeU64(op, entry.arrival, 69);
  op.set(entry.raw, PUT_HEAD_BYTES);
  return op;
}

/** Operation that moves a transaction to an end state. */
export function packEnd(end: EndState): Buffer {
  const reason = Buffer.from(end.reason, 'utf8');
  const op = Buffer.alloc(END_HEAD_BYTES + reason.length);
  op.writeUInt8(POOL_OP.end, 0);
  op.write(end.hash.slice(2), 1, 'hex');
  op.writeUInt8(POOL_STATUS.indexOf(end.status), 33);
  writeU64(op, end.atMs, 34);
  if (end.related !== undefined) op.write(end.related.slice(2), 42, 'hex');
  op.set(reason, END_HEAD_BYTES);
  return op;
}

/** Joins writes into one native call at a time. */
export class PoolWriter {
  readonly #engine: Pick<NativeEngine, 'poolWrite'>;
  #waiting: Buffer[] = [];
  #next: Promise<void> | null = null;
  #running: Promise<void> = Promise.resolve();
  /** End states that are not on disk yet: still readable. */
  readonly #ending = new Map<string, EndState>();

  constructor(engine: Pick<NativeEngine, 'poolWrite'>) {
    this.#engine = engine;
  }

  /** Resolves when the operations are on disk; rejects when the write they were part of failed. */
  write(puts: readonly PoolEntry[], ends: readonly EndState[]): Promise<void> {
    for (const entry of puts) this.#waiting.push(packPut(entry));
    for (const end of ends) {
      this.#waiting.push(packEnd(end));
      this.#ending.set(end.hash, end);
    }
    this.#next ??= this.#scheduleNext();
    const write = this.#next;
    return ends.length === 0 ? write : write.finally(() => this.#forget(ends));
  }

  /** An end state that is still on its way to the disk. */
  ending(hash: string): EndState | undefined {
    return this.#ending.get(hash);
  }

  /** Resolves when everything handed in so far is settled. */
  async idle(): Promise<void> {
    const last = this.#next ?? this.#running;
    await last.catch(() => undefined);
  }

  #scheduleNext(): Promise<void> {
    // After the running write, whatever came of it: its own callers hear of a failure.
    const write = this.#running.then(
      () => this.#flush(),
      () => this.#flush(),
    );
    return write;
  }

  #flush(): Promise<void> {
    const operations = this.#waiting;
    this.#waiting = [];
    this.#running = this.#engine.poolWrite(packList(operations));
    this.#next = null;
    return this.#running;
  }

  #forget(ends: readonly EndState[]): void {
    for (const end of ends) if (this.#ending.get(end.hash) === end) this.#ending.delete(end.hash);
  }
}
