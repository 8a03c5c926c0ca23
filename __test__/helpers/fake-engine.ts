/**
 * A fake of the native engine for tests of pool and sequencer: state in maps, transactions from `fake-transaction.ts`, the disk apart from
 * the process, so that a test can kill it at any moment. Each call takes virtual time before its effect, which happens at once, and after it:
 * a kill comes before the effect, or between the effect and the answer.
 */
import type {
  CommittedBlocks,
  EngineHead,
  ExecuteRequest,
  ForcedBatchOutcome,
  ForcedBatchRequest,
  OpenBlockRequest,
  SealedBlock,
  SealRequest,
} from '../../src/native/engine.js';
import { OUTCOME, packList, unpackList } from '../../src/native/layouts.js';
import type { PoolEngine } from '../../src/pool/pool.js';
import type { SequencingEngine } from '../../src/sequencer/finalizer.js';
import { writeResources } from '../../src/sequencer/resources.js';
import { emptyBatch, type FakeAccount, type FakeBatch, type FakeDisk, type FakeSealed } from './fake-disk.js';
import { FakeExecution, type OpenBlock } from './fake-execution.js';
import { forceBatch } from './fake-forced.js';
import { add, executionAnswer, outcomeRow, sealedBlock, sha256 } from './fake-rows.js';
import { admissionRow, FAKE_CHAIN_ID, parseRaw, writeU256 } from './fake-transaction.js';

/** Steps 7,570,538 and so on: the scheduling budget of fork 9, in the order of the counter vectors. */
export const FAKE_LIMITS = [7_570_538, 236_585, 473_170, 236_585, 2_145, 135_191, 252_357, 1_596, 120_000, 2 ** 50];
/** What the marker of an L2 block uses. */
export const MARKER_USED = [2_000, 10, 20, 2, 5, 3, 200, 0, 9, 0];
/** Hash before the first block. */
const NO_HASH = '0x';
const BLOCK_PENDING = -2;

/** When a call is looked at: before its effect or after it. */
export type FakeMoment = 'before' | 'after';

/**
 * Asked at each moment of each call (numbered as it was made): throws a failure, or answers `kill`. `after`: the effect took place, and the
 * answer says otherwise, or nobody hears it.
 */
export type FakeFaults = (verb: string, moment: FakeMoment, call: number) => unknown;

export interface FakeEngineOptions {
  readonly clock: { sleep(ms: number): Promise<void> };
  readonly limits?: readonly number[];
  /** Virtual milliseconds of a call before its effect. */
  readonly latencyMs?: (verb: string) => number;
  /** Virtual milliseconds from the effect of a call to its answer. */
  readonly answerMs?: (verb: string) => number;
  readonly faults?: FakeFaults;
}

/** A sealed block that is not on the disk. */
interface SealedAhead extends FakeSealed {
  readonly block: OpenBlock;
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
    return this.#disk.blocks[this.#disk.blocks.length - 1]?.hash ?? NO_HASH;
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
      nextForcedBatch: this.#disk.forced.size + 1,
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
      for (const operation of operations) this.#disk.applyPool(operation);
    });
  }

  async poolLoad(after: Buffer, max: number): Promise<Buffer> {
    return this.#call('poolLoad', () => {
      const from = after.toString('hex');
      const hashes = [...this.#disk.pool.keys()].sort().filter((hash) => hash.slice(2) > from || from === '');
      return packList(hashes.slice(0, max).map((hash) => this.#disk.poolItem(hash)));
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
    const { nonce, balanceWei } = block === BLOCK_PENDING ? this.#pendingAccount(key) : this.#disk.account(key);
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
        // As the real one: never before the block before it.
        timestamp: Math.max(request.timestamp, this.#sealedTimestamp),
        gasUsed: 0,
      };
      add(this.#block.used, MARKER_USED);
      return executionAnswer([outcomeRow(OUTCOME.included, MARKER_USED, MARKER_USED, 255, 1)], []);
    });
  }

  get #sealedTimestamp(): number {
    return this.#ahead.at(-1)?.stored.timestamp ?? this.#disk.blocks.at(-1)?.timestamp ?? 0;
  }

  async execute(request: ExecuteRequest): Promise<Buffer> {
    return this.#call('execute', () => new FakeExecution(this.#needBlock(), request, (address) => this.#pendingAccount(address)).run());
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
      const { number, txHashes, timestamp, overlay } = block;
      const content = { number, batch: batch.number, txHashes, timestamp };
      const hash = sha256(JSON.stringify([this.#sealedHash === NO_HASH ? undefined : this.#sealedHash, content]));
      this.#ahead.push({ block, overlay, stored: { ...content, hash }, batch });
      this.#block = null;
      return sealedBlock(block, batch.number, hash);
    });
  }

  async commitBlocks(through = Number.POSITIVE_INFINITY): Promise<CommittedBlocks> {
    const taken = this.#ahead.filter(({ block }) => block.number <= through);
    return this.#call('commitBlocks', () => {
      for (const sealed of taken) this.#disk.commit(sealed);
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

  async discardBlock(): Promise<void> {
    return this.#call('discardBlock', () => {
      this.#needBlock();
      this.#block = null;
    });
  }

  async closeBatch(reason: string, detailJson: string): Promise<never> {
    return this.#call('closeBatch', () => {
      if (this.#block !== null) throw busy('a block is open');
      for (const sealed of this.#ahead.splice(0)) this.#disk.commit(sealed);
      const { open } = this.#disk;
      if (open.blockCount === 0) throw busy('the batch is empty');
      this.#disk.close(reason, detailJson);
      return { number: open.number } as never;
    });
  }

  /** Data are a packed list of raw transactions; what is none makes a batch without effect. */
  async executeForcedBatch(request: ForcedBatchRequest): Promise<ForcedBatchOutcome> {
    return this.#call('executeForcedBatch', () => {
      const { open } = this.#disk;
      if (this.#block !== null || this.#ahead.length > 0 || open.blockCount > 0) throw busy('the open batch holds something');
      if (request.number !== this.#disk.forced.size + 1) throw busy(`forced batch ${request.number} is not the next one`);
      const timestamp = Math.max(request.timestamp, this.#sealedTimestamp);
      const number = this.#disk.blocks.length + 1;
      const pending = (address: string): FakeAccount => this.#pendingAccount(address);
      return forceBatch({ disk: this.#disk, request, number, timestamp, parentHash: this.#durableHash, pending });
    });
  }

  // --- inside -------------------------------------------------------------------------------------------------------------------

  async #call<T>(verb: string, effect: () => T): Promise<T> {
    const { clock, latencyMs, answerMs, faults } = this.#options;
    const call = this.calls.push(verb) - 1;
    const look = (moment: FakeMoment): void => {
      if (faults?.(verb, moment, call) === 'kill') this.kill();
    };
    await clock.sleep(latencyMs?.(verb) ?? 0);
    await this.#untilKilled();
    look('before');
    await this.#untilKilled();
    const answer = effect();
    if (answerMs !== undefined) await clock.sleep(answerMs(verb));
    look('after');
    await this.#untilKilled();
    return answer;
  }

  /** Who is dead does nothing and hears nothing. */
  async #untilKilled(): Promise<void> {
    if (this.#dead) await new Promise<never>(() => undefined);
  }

  /** The batch that the next block belongs to. */
  #wipBatch(): FakeBatch {
    const newest = this.#ahead.at(-1)?.batch;
    if (newest === undefined) return this.#disk.open;
    return newest.reason === null ? newest : emptyBatch(newest.number + 1);
  }

  #needBlock(): OpenBlock {
    if (this.#block === null) throw busy('no block is open');
    return this.#block;
  }

  #pendingAccount(address: string): FakeAccount {
    const inBlock = this.#block?.overlay.get(address);
    if (inBlock !== undefined) return inBlock;
    for (const { overlay } of [...this.#ahead].reverse()) {
      const sealed = overlay.get(address);
      if (sealed !== undefined) return sealed;
    }
    return this.#disk.account(address);
  }
}

function busy(message: string): Error {
  return Object.assign(new Error(message), { code: 'ENGINE_BUSY' });
}
