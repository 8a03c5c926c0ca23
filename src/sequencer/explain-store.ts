/**
 * Explanations on disk: small records, joined into one write at a time that nothing waits for. What a kill takes is a record or two, never
 * more; a write that fails costs explanations, not blocks.
 */
import type { Logger } from '../common/logger.js';
import type { NativeEngine } from '../native/engine.js';
import { packList, unpackList } from '../native/layouts.js';
import { type ClosedBatchRecord, decodeBatch, decodeIncluded, encodeBatch, type IncludedRecord, type Moments } from './explain-records.js';

/** Transactions in records of included ones that are kept on disk. */
const INCLUDED_MAX = 20_000;
const PUT = 0;
const REMOVE = 1;
/** Kind, batch, part. */
const HEAD_BYTES = 17;

/** What explanations are read from after a start, oldest first. */
export type StoredExplanation = { readonly batch: ClosedBatchRecord; readonly moments: Moments } | { readonly included: IncludedRecord };

/** Where explanations are kept. */
export interface ExplanationStore {
  batch(record: ClosedBatchRecord, moments: Moments): void;
  included(block: number, record: IncludedRecord): void;
}

/** A record on disk. */
interface Part {
  readonly batch: number;
  /** 0 for the batch, else the L2 block. */
  readonly part: number;
  readonly count: number;
}

/** Explanations in the node's database. */
export class EngineExplanations implements ExplanationStore {
  readonly #engine: Pick<NativeEngine, 'explainWrite' | 'explainLoad'>;
  readonly #log: Logger;
  readonly #batchesMax: number;
  readonly #batches: Part[] = [];
  readonly #blocks: Part[] = [];
  #includedCount = 0;
  #waiting: Buffer[] = [];
  #writing: Promise<void> | null = null;

  private constructor(engine: Pick<NativeEngine, 'explainWrite' | 'explainLoad'>, batchesMax: number, log: Logger) {
    this.#engine = engine;
    this.#batchesMax = batchesMax;
    this.#log = log;
  }

  /** Reads what is there. */
  static async open(
    engine: Pick<NativeEngine, 'explainWrite' | 'explainLoad'>,
    batchesMax: number,
    log: Logger,
  ): Promise<{ store: EngineExplanations; stored: StoredExplanation[] }> {
    const store = new EngineExplanations(engine, batchesMax, log);
    return { store, stored: await store.reload() };
  }

  /** Reads again what is there, after it was changed by others; to be called when everything is written. */
  async reload(): Promise<StoredExplanation[]> {
    this.#batches.length = 0;
    this.#blocks.length = 0;
    this.#includedCount = 0;
    const stored: StoredExplanation[] = [];
    for (const item of unpackList(await this.#engine.explainLoad())) {
      const [batch, part] = [Number(item.readBigUInt64LE(0)), Number(item.readBigUInt64LE(8))];
      const bytes = item.subarray(HEAD_BYTES - 1);
      const found: StoredExplanation = part === 0 ? decodeBatch(batch, bytes) : { included: readIncluded(batch, bytes) };
      this.#remember({ batch, part, count: 'included' in found ? found.included.count : 0 });
      stored.push(found);
    }
    return stored;
  }

  batch(record: ClosedBatchRecord, moments: Moments): void {
    this.#put({ batch: record.number, part: 0, count: 0 }, encodeBatch(record, moments));
  }

  included(block: number, { batch, count, bytes }: IncludedRecord): void {
    this.#put({ batch, part: block, count }, bytes);
  }

  /** Resolves when everything so far is written. */
  async close(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  #put(part: Part, bytes: Buffer): void {
    this.#waiting.push(Buffer.concat([operation(PUT, part), bytes]));
    for (const old of this.#remember(part)) this.#waiting.push(operation(REMOVE, old));
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    // What this turn has to say yet goes into the same write: a block that closes a batch has two records.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const operations = this.#waiting;
      this.#waiting = [];
      try {
        await this.#engine.explainWrite(packList(operations));
      } catch (error) {
        this.#log.warn('explanations could not be written', { error, records: operations.length });
      }
    }
    this.#writing = null;
  }

  /** Answers what is too old now. */
  #remember(part: Part): Part[] {
    const old: Part[] = [];
    if (part.part === 0) {
      this.#batches.push(part);
      if (this.#batches.length > this.#batchesMax) old.push(...this.#batches.splice(0, this.#batches.length - this.#batchesMax));
      return old;
    }
    this.#blocks.push(part);
    this.#includedCount += part.count;
    while (this.#includedCount > INCLUDED_MAX && this.#blocks.length > 1) {
      const oldest = this.#blocks.shift();
      if (oldest === undefined) break;
      this.#includedCount -= oldest.count;
      old.push(oldest);
    }
    return old;
  }
}

/** A record of included transactions, checked. The bytes are copied: they are part of all that was read. */
function readIncluded(batch: number, bytes: Buffer): IncludedRecord {
  return { batch, count: decodeIncluded(batch, bytes).length, bytes: Buffer.from(bytes), joined: null };
}

function operation(kind: number, { batch, part }: Part): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt8(kind, 0);
  head.writeBigUInt64LE(BigInt(batch), 1);
  head.writeBigUInt64LE(BigInt(part), 9);
  return head;
}
