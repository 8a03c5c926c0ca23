/**
 * Durable pool records: packs operations and groups them, one native write at a time. Whoever writes while a write is under way joins
 * the next one, so the disk is synced once for everybody (group commit).
 */
import type { NativeEngine } from '../native/engine.js';
import { POOL_OP, POOL_STATUS, type PoolStatus, packListOf } from '../native/layouts.js';
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

/** What is written of an operation: an entry is stored as pending, an end state moves a transaction to it. */
type Operation = PoolEntry | EndState;

function operationBytes(operation: Operation): number {
  if ('raw' in operation) return PUT_HEAD_BYTES + operation.raw.length;
  return END_HEAD_BYTES + Buffer.byteLength(operation.reason, 'utf8');
}

function writeOperation(operation: Operation, out: Buffer, at: number): void {
  if ('raw' in operation) writePut(operation, out, at);
  else writeEnd(operation, out, at);
}

function writePut(entry: PoolEntry, out: Buffer, at: number): void {
  out[at] = POOL_OP.put;
  out.write(entry.hash.slice(2), at + 1, 'hex');
  out.set(entry.account.addressBytes, at + 33);
  writeU64(out, entry.nonceNumber, at + 53);
  writeU64(out, entry.receivedAtMs, at + 61);
  writeU64(out, entry.arrival, at + 69);
  out.set(entry.raw, at + PUT_HEAD_BYTES);
}

function writeEnd(end: EndState, out: Buffer, at: number): void {
  out.fill(0, at, at + END_HEAD_BYTES);
  out[at] = POOL_OP.end;
  out.write(end.hash.slice(2), at + 1, 'hex');
  out[at + 33] = POOL_STATUS.indexOf(end.status);
  writeU64(out, end.atMs, at + 34);
  if (end.related !== undefined) out.write(end.related.slice(2), at + 42, 'hex');
  out.write(end.reason, at + END_HEAD_BYTES, 'utf8');
}

/** Joins writes into one native call at a time. */
export class PoolWriter {
  readonly #engine: Pick<NativeEngine, 'poolWrite'>;
  #waiting: Operation[] = [];
  #next: Promise<void> | null = null;
  #running: Promise<void> = Promise.resolve();
  /** End states that are not on disk yet: still readable. */
  readonly #ending = new Map<string, EndState>();

  constructor(engine: Pick<NativeEngine, 'poolWrite'>) {
    this.#engine = engine;
  }

  /** Resolves when the operations are on disk; rejects when the write they were part of failed. */
  write(puts: readonly PoolEntry[], ends: readonly EndState[]): Promise<void> {
    for (const entry of puts) this.#waiting.push(entry);
    for (const end of ends) {
      this.#waiting.push(end);
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
    this.#running = this.#engine.poolWrite(packListOf(operations, operationBytes, writeOperation));
    this.#next = null;
    return this.#running;
  }

  #forget(ends: readonly EndState[]): void {
    for (const end of ends) if (this.#ending.get(end.hash) === end) this.#ending.delete(end.hash);
  }
}
