/**
 * A fake of the native engine for tests of pool and sequencer: state in maps, transactions from `fake-transaction.ts`, the disk apart from
 * the process, so that a test can kill it at any moment. Each call takes virtual time, applies its effect at once at the end of it, and
 * never applies it after the kill.
 */
import { createHash } from 'node:crypto';
import type { CommittedBlocks, EngineHead, ExecuteRequest, OpenBlockRequest, SealedBlock, SealRequest } from '../../src/native/engine.js';
import {
  ADMISSION_ROW,
  COUNTER_COUNT,
  LAYOUT_VERSION,
  OUTCOME,
  OUTCOME_HEADER,
  OUTCOME_ROW,
  POOL_ITEM,
  POOL_OP,
  POOL_STATUS,
  packList,
  RESOURCE_BYTES,
  RESOURCE_COUNT,
  RESOURCE_GAS,
  TOUCHED_ROW,
  unpackList,
} from '../../src/native/layouts.js';
import type { PoolEngine } from '../../src/pool/pool.js';
import type { SequencingEngine } from '../../src/sequencer/finalizer.js';
import { readResources, writeResources } from '../../src/sequencer/resources.js';
import { admissionRow, FAKE_CHAIN_ID, type FakeTransaction, hashOf, parseRaw, writeU256 } from './fake-transaction.js';

export interface FakeAccount {
  nonce: number;
  balanceWei: bigint;
}

interface PoolRecord {
  readonly raw: Buffer;
  readonly arrival: number;
  readonly receivedAtMs: number;
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

/** Steps 7,570,538 and so on: the scheduling budget of fork 9, in the order of the counter vectors. */
export const FAKE_LIMITS = [7_570_538, 236_585, 473_170, 236_585, 2_145, 135_191, 252_357, 1_596, 120_000, 2 ** 50];
/** What the marker of an L2 block uses. */
export const MARKER_USED = [2_000, 10, 20, 2, 5, 3, 200, 0, 9, 0];

/** What survives a kill. */
export class FakeDisk {
  readonly accounts = new Map<string, FakeAccount>();
  readonly pool = new Map<string, PoolRecord>();
  readonly ends = new Map<string, { status: string; reason: string; at: number; related: string | null }>();
  readonly blocks: FakeBlock[] = [];
  readonly included = new Map<string, number>();
  readonly closed: FakeBatch[] = [];
  open: FakeBatch = emptyBatch(1);

  fund(address: string, balanceWei: bigint): void {
    this.accounts.set(address, { nonce: 0, balanceWei });
  }

  account(address: string): FakeAccount {
    return this.accounts.get(address) ?? { nonce: 0, balanceWei: 0n };
  }
}

function emptyBatch(number: number): FakeBatch {
  const zero = () => new Array<number>(RESOURCE_COUNT).fill(0);
  return { number, used: zero(), high: zero(), txHashes: [], blockCount: 0, openedAtMs: 0, reason: null, detailJson: null };
}

/** Failures to throw, by verb: called before the effect (`before`) or after it (`after`). */
export type FakeFaults = (verb: string, moment: 'before' | 'after') => void;

export interface FakeEngineOptions {
  readonly clock: { sleep(ms: number): Promise<void> };
  readonly limits?: readonly number[];
  /** Virtual milliseconds of a call. */
  readonly latencyMs?: (verb: string) => number;
  readonly faults?: FakeFaults;
}

interface OpenBlock {
  readonly number: number;
  readonly overlay: Map<string, FakeAccount>;
  readonly txHashes: string[];
  readonly used: number[];
  readonly high: number[];
  readonly openedAtMs: number;
  readonly timestamp: number;
  gasUsed: number;
}

/** A sealed block that is not on the disk. */
interface SealedAhead {
  readonly block: OpenBlock;
  /** As the disk will have it. */
  readonly stored: FakeBlock;
  /** Its batch after it. */
  readonly batch: FakeBatch;
}

export class FakeEngine implements PoolEngine, SequencingEngine {
  readonly calls: string[] = [];
  readonly groupSizes: number[] = [];
  readonly #disk: FakeDisk;
  readonly #options: FakeEngineOptions;
  #block: OpenBlock | null = null;
  #ahead: SealedAhead[] = [];
  #dead = false;

  constructor(disk: FakeDisk, options: FakeEngineOptions) {
    this.#disk = disk;
    this.#options = options;
  }

  /** kill -9: nothing under way takes effect any more, and nobody hears of it. */
  kill(): void {
    this.#dead = true;
  }

  head(): EngineHead {
    return this.#headOf(this.#disk.blocks.length, this.#durableHash, this.#disk.open);
  }

  sealedHead(): EngineHead {
    return this.#headOf(this.#disk.blocks.length + this.#ahead.length, this.#sealedHash, this.#wipBatch());
  }

  get #durableHash(): string {
    return this.#disk.blocks[this.#disk.blocks.length - 1]?.hash ?? '0x';
  }

  get #sealedHash(): string {
    return this.#ahead.at(-1)?.stored.hash ?? this.#durableHash;
  }

  #headOf(blockNumber: number, blockHash: string, open: FakeBatch): EngineHead {
    const limits = writeResources(this.#options.limits ?? FAKE_LIMITS);
    return {
      chainId: FAKE_CHAIN_ID,
      forkId: 9,
      genesisRoot: '0x',
      blockNumber,
      blockHash,
      blockTimestamp: 0,
      stateRoot: '0x',
      closedBatch: open.number - 1,
      openBatch: open.number,
      openBatchUsed: writeResources(open.used),
      openBatchHigh: writeResources(open.high),
      openBatchTxCount: open.txHashes.length,
      openBatchBlockCount: open.blockCount,
      openBatchOpenedAtMs: open.openedAtMs,
      hardLimits: limits,
      budgetLimits: limits,
      created: false,
    };
  }

  // --- pool ---------------------------------------------------------------------------------------------------------------------

  async admit(list: Buffer, preExecute: boolean): Promise<Buffer> {
    const raws = unpackList(list);
    this.groupSizes.push(raws.length);
    return this.#call('admit', () =>
      Buffer.concat(raws.map((raw) => admissionRow(raw, this.#pendingAccount(parseRaw(raw).sender), preExecute))),
    );
  }

  async poolWrite(list: Buffer): Promise<void> {
    const operations = unpackList(list);
    return this.#call('poolWrite', () => {
      for (const operation of operations) this.#applyPool(operation);
    });
  }

  async poolLoad(after: Buffer, max: number): Promise<Buffer> {
    return this.#call('poolLoad', () => {
      const from = after.toString('hex');
      const hashes = [...this.#disk.pool.keys()].sort().filter((hash) => hash.slice(2) > from || from === '');
      return packList(hashes.slice(0, max).map((hash) => this.#poolItem(hash)));
    });
  }

  poolStatus(hash: Buffer): string | null {
    const end = this.#disk.ends.get(`0x${hash.toString('hex')}`);
    return end === undefined ? null : JSON.stringify(end);
  }

  async poolPrune(beforeMs: number): Promise<number> {
    return this.#call('poolPrune', () => {
      const old = [...this.#disk.ends].filter(([, end]) => end.at < beforeMs);
      for (const [hash] of old) this.#disk.ends.delete(hash);
      return old.length;
    });
  }

  transactionJson(hash: Buffer): string | null {
    return this.#disk.included.has(`0x${hash.toString('hex')}`) ? '{}' : null;
  }

  account(address: Buffer, block: number): Buffer {
    const key = `0x${address.toString('hex')}`;
    const { nonce, balanceWei } = block === -2 ? this.#pendingAccount(key) : this.#disk.account(key);
    const bytes = Buffer.alloc(80);
    bytes.writeBigUInt64LE(BigInt(nonce), 0);
    writeU256(bytes, balanceWei, 8);
    return bytes;
  }

  // --- sequencing ---------------------------------------------------------------------------------------------------------------

  async openBlock(request: OpenBlockRequest): Promise<Buffer> {
    return this.#call('openBlock', () => {
      if (this.#block !== null) throw busy('a block is open');
      const { used, high } = this.#wipBatch();
      this.#block = {
        number: this.#disk.blocks.length + this.#ahead.length + 1,
        overlay: new Map(),
        txHashes: [],
        used: [...used],
        high: [...high],
        openedAtMs: request.nowMs,
        timestamp: request.timestamp,
        gasUsed: 0,
      };
      add(this.#block.used, MARKER_USED);
      const row = outcomeRow(OUTCOME.included, MARKER_USED, MARKER_USED, 255, 1);
      return Buffer.concat([header(1, 0), row]);
    });
  }

  async execute(request: ExecuteRequest): Promise<Buffer> {
    const items = unpackList(request.transactions);
    return this.#call('execute', () => this.#execute(items, request));
  }

  async finishBlock(request: SealRequest): Promise<SealedBlock> {
    return this.#call('finishBlock', () => {
      const block = this.#needBlock();
      const open = this.#wipBatch();
      const { closeBatch } = request;
      const batch: FakeBatch = {
        number: open.number,
        used: block.used,
        high: block.high,
        txHashes: [...open.txHashes, ...block.txHashes],
        blockCount: open.blockCount + 1,
        openedAtMs: open.openedAtMs === 0 ? block.openedAtMs : open.openedAtMs,
        reason: closeBatch?.reason ?? null,
        detailJson: closeBatch?.detailJson ?? null,
      };
      const { number, txHashes, timestamp } = block;
      const content = { number, batch: batch.number, txHashes, timestamp };
      const hash = sha256(JSON.stringify([this.#sealedHash === '0x' ? undefined : this.#sealedHash, content]));
      this.#ahead.push({ block, stored: { ...content, hash }, batch });
      this.#block = null;
      return sealedBlock(block, batch.number, hash);
    });
  }

  async commitBlocks(through = Number.POSITIVE_INFINITY): Promise<CommittedBlocks> {
    const taken = this.#ahead.filter(({ block }) => block.number <= through);
    return this.#call('commitBlocks', () => {
      for (const sealed of taken) this.#commit(sealed);
      this.#ahead = this.#ahead.slice(taken.length);
      return { blockNumber: this.#disk.blocks.length, blocks: taken.length, nanos: 0 };
    });
  }

  async discardSealed(): Promise<void> {
    return this.#call('discardSealed', () => {
      this.#ahead = [];
      this.#block = null;
    });
  }

  #commit({ block, stored, batch }: SealedAhead): void {
    for (const [address, account] of block.overlay) this.#disk.accounts.set(address, account);
    for (const hash of block.txHashes) {
      this.#disk.pool.delete(hash);
      this.#disk.included.set(hash, block.number);
    }
    this.#disk.blocks.push(stored);
    this.#disk.open = batch;
    if (batch.reason !== null) this.#close(batch.reason, batch.detailJson);
  }

  /** The batch that the next block belongs to. */
  #wipBatch(): FakeBatch {
    const newest = this.#ahead.at(-1)?.batch;
    if (newest === undefined) return this.#disk.open;
    return newest.reason === null ? newest : emptyBatch(newest.number + 1);
  }

  async discardBlock(): Promise<void> {
    return this.#call('discardBlock', () => {
      this.#needBlock();
      this.#block = null;
    });
  }

  async closeBatch(reason: string, detailJson: string): Promise<never> {
    return this.#call('closeBatch', () => {
      if (this.#block !== null) throw busy('a block is open');
      for (const sealed of this.#ahead.splice(0)) this.#commit(sealed);
      if (this.#disk.open.blockCount === 0) throw busy('the batch is empty');
      const { open } = this.#disk;
      this.#close(reason, detailJson);
      return { number: open.number } as never;
    });
  }

  // --- inside -------------------------------------------------------------------------------------------------------------------

  async #call<T>(verb: string, effect: () => T): Promise<T> {
    this.calls.push(verb);
    await this.#options.clock.sleep(this.#options.latencyMs?.(verb) ?? 0);
    if (this.#dead) await new Promise<never>(() => undefined);
    this.#options.faults?.(verb, 'before');
    const answer = effect();
    this.#options.faults?.(verb, 'after');
    return answer;
  }

  #close(reason: string, detailJson: string | null): void {
    const { open } = this.#disk;
    open.reason = reason;
    open.detailJson = detailJson;
    this.#disk.closed.push(open);
    this.#disk.open = emptyBatch(open.number + 1);
  }

  #needBlock(): OpenBlock {
    if (this.#block === null) throw busy('no block is open');
    return this.#block;
  }

  #pendingAccount(address: string): FakeAccount {
    const inBlock = this.#block?.overlay.get(address);
    if (inBlock !== undefined) return inBlock;
    for (const { block } of [...this.#ahead].reverse()) {
      const sealed = block.overlay.get(address);
      if (sealed !== undefined) return sealed;
    }
    return this.#disk.account(address);
  }

  #applyPool(operation: Buffer): void {
    const hash = `0x${operation.subarray(1, 33).toString('hex')}`;
    if (operation.readUInt8(0) === POOL_OP.put) {
      const raw = Buffer.from(operation.subarray(77));
      const record = { raw, receivedAtMs: Number(operation.readBigUInt64LE(61)), arrival: Number(operation.readBigUInt64LE(69)) };
      this.#disk.pool.set(hash, record);
      this.#disk.ends.delete(hash);
      return;
    }
    const related = operation.subarray(42, 74);
    this.#disk.pool.delete(hash);
    this.#disk.ends.set(hash, {
      status: POOL_STATUS[operation.readUInt8(33)] ?? 'unknown',
      at: Number(operation.readBigUInt64LE(34)),
      related: related.some((byte) => byte !== 0) ? `0x${related.toString('hex')}` : null,
      reason: operation.subarray(74).toString(),
    });
  }

  #poolItem(hash: string): Buffer {
    const record = this.#disk.pool.get(hash);
    if (record === undefined) throw new Error(`no pool record ${hash}`);
    const head = Buffer.alloc(POOL_ITEM.row);
    head.writeBigUInt64LE(BigInt(record.receivedAtMs), POOL_ITEM.receivedAtMs);
    head.writeBigUInt64LE(BigInt(record.arrival), POOL_ITEM.arrival);
    const row = admissionRow(record.raw, this.#disk.account(parseRaw(record.raw).sender), true);
    if (row.length !== ADMISSION_ROW.bytes) throw new Error('admission row has the wrong size');
    return Buffer.concat([head, row, record.raw]);
  }

  #execute(items: readonly Buffer[], request: ExecuteRequest): Buffer {
    const block = this.#needBlock();
    const remaining = readResources(request.remaining);
    const high = readResources(request.high);
    const rows: Buffer[] = [];
    const touched = new Set<string>();
    const blocked = new Set<string>();
    let misfits = 0;
    for (const item of items) {
      const raw = item.subarray(21);
      const transaction = parseRaw(raw);
      const { result, row } = this.#run(transaction, blocked, remaining, high);
      rows.push(row);
      if (result === OUTCOME.included) {
        this.#apply(block, transaction, hashOf(raw), touched);
        continue;
      }
      blocked.add(transaction.sender);
      if (result === OUTCOME.doesNotFit && ++misfits >= request.maxMisfits) break;
      if (request.budgetNanos > 0 && rows.length * 50_000 > request.budgetNanos) break;
    }
    const touchedRows = [...touched].map((address) => touchedRow(address, this.#pendingAccount(address)));
    return Buffer.concat([header(rows.length, touchedRows.length), ...rows, ...touchedRows]);
  }

  #run(transaction: FakeTransaction, blocked: ReadonlySet<string>, remaining: number[], high: number[]): { result: number; row: Buffer } {
    const plain = (result: number, romError: number) => ({ result, row: outcomeRow(result, [], [], 255, romError) });
    if (blocked.has(transaction.sender)) return plain(OUTCOME.notAttempted, 1);
    const sender = this.#pendingAccount(transaction.sender);
    if (sender.nonce !== transaction.nonce) return plain(OUTCOME.skipped, 22);
    if (costOf(transaction) > sender.balanceWei) return plain(OUTCOME.skipped, 24);
    if (transaction.panics) return plain(OUTCOME.internalError, 1);
    const used = vectorOf(transaction, transaction.used);
    const reserved = vectorOf(transaction, transaction.reserved);
    for (let i = 0; i < RESOURCE_COUNT; i++) {
      const slack = Math.max(high[i] ?? 0, (reserved[i] ?? 0) - (used[i] ?? 0));
      if ((used[i] ?? 0) + slack > (remaining[i] ?? 0)) {
        return { result: OUTCOME.doesNotFit, row: outcomeRow(OUTCOME.doesNotFit, used, reserved, i, 1) };
      }
    }
    for (let i = 0; i < RESOURCE_COUNT; i++) {
      remaining[i] = (remaining[i] ?? 0) - (used[i] ?? 0);
      high[i] = Math.max(high[i] ?? 0, (reserved[i] ?? 0) - (used[i] ?? 0));
    }
    return { result: OUTCOME.included, row: outcomeRow(OUTCOME.included, used, reserved, 255, transaction.reverts ? 7 : 1) };
  }

  #apply(block: OpenBlock, transaction: FakeTransaction, hash: string, touched: Set<string>): void {
    const used = vectorOf(transaction, transaction.used);
    const reserved = vectorOf(transaction, transaction.reserved);
    add(block.used, used);
    for (let i = 0; i < RESOURCE_COUNT; i++) block.high[i] = Math.max(block.high[i] ?? 0, (reserved[i] ?? 0) - (used[i] ?? 0));
    const sender = this.#pendingAccount(transaction.sender);
    const value = transaction.reverts ? 0n : BigInt(transaction.value);
    const fee = BigInt(transaction.gasPrice) * BigInt(transaction.gasUsed);
    block.overlay.set(transaction.sender, { nonce: sender.nonce + 1, balanceWei: sender.balanceWei - value - fee });
    touched.add(transaction.sender);
    if (transaction.to !== null && value > 0n) {
      const to = this.#pendingAccount(transaction.to);
      block.overlay.set(transaction.to, { nonce: to.nonce, balanceWei: to.balanceWei + value });
      touched.add(transaction.to);
    }
    block.txHashes.push(hash);
    block.gasUsed += transaction.gasUsed;
  }
}

function sha256(text: string): string {
  return `0x${createHash('sha256').update(text).digest('hex')}`;
}

export function costOf(transaction: FakeTransaction): bigint {
  return BigInt(transaction.gasPrice) * BigInt(transaction.gasLimit) + BigInt(transaction.value);
}

function busy(message: string): Error {
  return Object.assign(new Error(message), { code: 'ENGINE_BUSY' });
}

function add(target: number[], more: readonly number[]): void {
  for (let i = 0; i < RESOURCE_COUNT; i++) target[i] = (target[i] ?? 0) + (more[i] ?? 0);
}

function vectorOf(transaction: FakeTransaction, counters: readonly number[]): number[] {
  const vector = counters.slice(0, COUNTER_COUNT);
  vector[RESOURCE_BYTES] = transaction.bytes;
  vector[RESOURCE_GAS] = transaction.gasUsed;
  return vector;
}

function header(rows: number, touched: number): Buffer {
  const bytes = Buffer.alloc(OUTCOME_HEADER.bytes);
  bytes.writeUInt16LE(LAYOUT_VERSION, 0);
  bytes.writeUInt32LE(rows, OUTCOME_HEADER.rows);
  bytes.writeUInt32LE(touched, OUTCOME_HEADER.touched);
  return bytes;
}

function outcomeRow(result: number, used: readonly number[], reserved: readonly number[], resource: number, romError: number): Buffer {
  const row = Buffer.alloc(OUTCOME_ROW.bytes);
  row.writeUInt8(result, OUTCOME_ROW.result);
  row.writeUInt8(romError, OUTCOME_ROW.romError);
  row.writeUInt8(resource, OUTCOME_ROW.resource);
  row.writeUInt8(romError === 1 ? 1 : 0, OUTCOME_ROW.status);
  row.writeUInt32LE(used[RESOURCE_BYTES] ?? 0, OUTCOME_ROW.batchBytes);
  row.writeBigUInt64LE(BigInt(used[RESOURCE_GAS] ?? 0), OUTCOME_ROW.gasUsed);
  for (let i = 0; i < COUNTER_COUNT; i++) {
    row.writeUInt32LE(used[i] ?? 0, OUTCOME_ROW.used + 4 * i);
    row.writeUInt32LE(reserved[i] ?? 0, OUTCOME_ROW.reserved + 4 * i);
  }
  return row;
}

function touchedRow(address: string, account: FakeAccount): Buffer {
  const row = Buffer.alloc(TOUCHED_ROW.bytes);
  row.write(address.slice(2), TOUCHED_ROW.address, 'hex');
  row.writeBigUInt64LE(BigInt(account.nonce), TOUCHED_ROW.nonce);
  writeU256(row, account.balanceWei, TOUCHED_ROW.balance);
  return row;
}

function sealedBlock(block: OpenBlock, batchNumber: number, hash: string): SealedBlock {
  return {
    number: block.number,
    hash,
    stateRoot: '0x',
    timestamp: block.timestamp,
    txCount: block.txHashes.length,
    gasUsed: BigInt(block.gasUsed),
    batchNumber,
    headerJson: '{}',
    txHashes: Buffer.from(block.txHashes.map((hash) => hash.slice(2)).join(''), 'hex'),
    sealNanos: 0,
    treeNanos: 0,
    commitNanos: 0,
  };
}
