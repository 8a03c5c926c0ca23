/** What the fake engine makes of transactions on its open block: the rules of the real one, as far as pool and sequencer can tell. */
import type { ExecuteRequest } from '../../src/native/engine.js';
import { OUTCOME, RESOURCE_COUNT, unpackList } from '../../src/native/layouts.js';
import { readResources } from '../../src/sequencer/resources.js';
import type { FakeAccount } from './fake-disk.js';
import { add, executionAnswer, outcomeRow, touchedRow, vectorOf } from './fake-rows.js';
import { type FakeTransaction, hashOf, parseRaw } from './fake-transaction.js';

/** Bytes of an execution item before the raw transaction: sender and percentage. */
const ITEM_HEAD_BYTES = 21;
/** Execution time of a transaction. */
const NANOS_EACH = 50_000;
const ROM = { ok: 1, revert: 7, nonce: 22, balance: 24, senderCode: 26 } as const;
const NO_RESOURCE = 255;

export interface OpenBlock {
  readonly number: number;
  readonly overlay: Map<string, FakeAccount>;
  readonly txHashes: string[];
  readonly used: number[];
  readonly high: number[];
  readonly openedAtMs: number;
  readonly timestamp: number;
  gasUsed: number;
}

export function costOf(transaction: FakeTransaction): bigint {
  return BigInt(transaction.gasPrice) * BigInt(transaction.gasLimit) + BigInt(transaction.value);
}

/** One slice on the open block; `pending` reads an account with the open block's changes. */
export class FakeExecution {
  readonly #block: OpenBlock;
  readonly #pending: (address: string) => FakeAccount;
  readonly #remaining: number[];
  readonly #high: number[];
  readonly #request: ExecuteRequest;

  constructor(block: OpenBlock, request: ExecuteRequest, pending: (address: string) => FakeAccount) {
    this.#block = block;
    this.#request = request;
    this.#pending = pending;
    this.#remaining = readResources(request.remaining);
    this.#high = readResources(request.high);
  }

  run(): Buffer {
    const { maxMisfits, budgetNanos } = this.#request;
    const rows: Buffer[] = [];
    const touched = new Set<string>();
    const blocked = new Set<string>();
    let misfits = 0;
    for (const [i, item] of unpackList(this.#request.transactions).entries()) {
      const raw = item.subarray(ITEM_HEAD_BYTES);
      const transaction = parseRaw(raw);
      const { result, row } = this.#outcome(transaction, blocked, (this.#request.mustSucceed?.[i] ?? 0) !== 0);
      rows.push(row);
      if (result === OUTCOME.included) {
        this.#apply(transaction, hashOf(raw), touched);
        continue;
      }
      blocked.add(transaction.sender);
      if (result === OUTCOME.doesNotFit && ++misfits >= maxMisfits) break;
      if (budgetNanos > 0 && rows.length * NANOS_EACH > budgetNanos) break;
    }
    return executionAnswer(
      rows,
      [...touched].map((address) => touchedRow(address, this.#pending(address))),
    );
  }

  #outcome(transaction: FakeTransaction, blocked: ReadonlySet<string>, mustSucceed: boolean): { result: number; row: Buffer } {
    const plain = (result: number, romError: number) => ({ result, row: outcomeRow(result, [], [], NO_RESOURCE, romError) });
    if (blocked.has(transaction.sender)) return plain(OUTCOME.notAttempted, ROM.ok);
    const sender = this.#pending(transaction.sender);
    if (sender.nonce !== transaction.nonce) return plain(OUTCOME.skipped, ROM.nonce);
    if (costOf(transaction) > sender.balanceWei) return plain(OUTCOME.skipped, ROM.balance);
    if (transaction.getsCode) return plain(OUTCOME.skipped, ROM.senderCode);
    if (transaction.panics) return plain(OUTCOME.internalError, ROM.ok);
    if (mustSucceed && transaction.reverts) return plain(OUTCOME.hadToSucceed, ROM.revert);
    const used = vectorOf(transaction, transaction.used);
    const reserved = vectorOf(transaction, transaction.reserved);
    const short = this.#shortOf(used, reserved);
    if (short !== null) return { result: OUTCOME.doesNotFit, row: outcomeRow(OUTCOME.doesNotFit, used, reserved, short, ROM.ok) };
    const romError = transaction.reverts ? ROM.revert : ROM.ok;
    return { result: OUTCOME.included, row: outcomeRow(OUTCOME.included, used, reserved, NO_RESOURCE, romError) };
  }

  /** The fit rule; books what fits. */
  #shortOf(used: readonly number[], reserved: readonly number[]): number | null {
    const reserve = (i: number): number => Math.max(this.#high[i] ?? 0, (reserved[i] ?? 0) - (used[i] ?? 0));
    for (let i = 0; i < RESOURCE_COUNT; i++) if ((used[i] ?? 0) + reserve(i) > (this.#remaining[i] ?? 0)) return i;
    for (let i = 0; i < RESOURCE_COUNT; i++) {
      this.#high[i] = reserve(i);
      this.#remaining[i] = (this.#remaining[i] ?? 0) - (used[i] ?? 0);
    }
    return null;
  }

  #apply(transaction: FakeTransaction, hash: string, touched: Set<string>): void {
    const block = this.#block;
    const used = vectorOf(transaction, transaction.used);
    const reserved = vectorOf(transaction, transaction.reserved);
    add(block.used, used);
    for (let i = 0; i < RESOURCE_COUNT; i++) block.high[i] = Math.max(block.high[i] ?? 0, (reserved[i] ?? 0) - (used[i] ?? 0));
    const sender = this.#pending(transaction.sender);
    const value = transaction.reverts ? 0n : BigInt(transaction.value);
    const fee = BigInt(transaction.gasPrice) * BigInt(transaction.gasUsed);
    block.overlay.set(transaction.sender, { nonce: sender.nonce + 1, balanceWei: sender.balanceWei - value - fee });
    touched.add(transaction.sender);
    if (transaction.to !== null && value > 0n) {
      const to = this.#pending(transaction.to);
      block.overlay.set(transaction.to, { nonce: to.nonce, balanceWei: to.balanceWei + value });
      touched.add(transaction.to);
    }
    block.txHashes.push(hash);
    block.gasUsed += transaction.gasUsed;
  }
}
