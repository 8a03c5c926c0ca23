/**
 * `pending` as a block: the open L2 block with the transactions that it has executed so far, over the newest sealed block, which may still
 * be on its way to the disk; without an open one, the empty block that comes next. Its transactions may still be given up (the block is
 * built again after a failure), so that nothing about it is promised; what only sealing decides is null: hash, bloom, size. `stateRoot` is
 * the one that it starts from. State reads and nonces see the same transactions, and those of the sealed blocks.
 */
import { toQuantity } from '../common/bytes.js';
import { BLOCK_LATEST } from '../native/engine.js';
import type { PoolTransaction } from './modules.js';
import type { RpcServices } from './services.js';

/** Merkle Patricia root of nothing: no receipts are known, and no root of transactions that may still change. */
const EMPTY_TRIE_ROOT = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421';
const MS_PER_SECOND = 1000;

export type PendingSource = Pick<RpcServices, 'engine' | 'clock' | 'sequencer'>;

/** What the pending block is built on. */
interface Parent {
  readonly hash: string | null;
  readonly stateRoot: string | null;
  /** Unix seconds. */
  readonly timestamp: number;
}

interface Pending {
  readonly number: number;
  readonly parent: Parent;
  /** Unix ms. */
  readonly openedAtMs: number;
  readonly gasUsed: number;
  readonly transactions: readonly PoolTransaction[];
}

/** JSON text of the pending block, with the hashes of its transactions or their objects. */
export function pendingBlockText(source: PendingSource, full: boolean, extra: boolean): string | null {
  const json = source.engine.blockJson(BLOCK_LATEST, false, extra);
  if (json === null) return null;
  const { number, parent, openedAtMs, gasUsed, transactions } = pendingBlock(source);
  const head = JSON.stringify({
    // What is the same in all blocks.
    ...(JSON.parse(json) as object),
    number: toQuantity(number),
    parentHash: parent.hash,
    stateRoot: parent.stateRoot,
    // As the engine opens it: time never runs backwards.
    timestamp: toQuantity(Math.max(Math.floor(openedAtMs / MS_PER_SECOND), parent.timestamp)),
    hash: null,
    nonce: null,
    logsBloom: null,
    miner: null,
    size: null,
    gasUsed: toQuantity(gasUsed),
    transactionsRoot: EMPTY_TRIE_ROOT,
    receiptsRoot: EMPTY_TRIE_ROOT,
    transactions: undefined,
    ...(extra ? { globalExitRoot: null, blockInfoRoot: null } : {}),
  });
  const items = transactions.map((transaction, index) =>
    full ? pendingTransactionText(source, transaction, number, index) : JSON.stringify(transaction.hash),
  );
  return `${head.slice(0, -1)},"transactions":[${items.join(',')}]}`;
}

/** How many transactions the open block holds. */
export function pendingTransactionCount(source: PendingSource): number {
  return pendingBlock(source).transactions.length;
}

/** JSON text of one transaction of the open block by its place; null where there is none. */
export function pendingTransactionAt(source: PendingSource, index: number): string | null {
  const { number, transactions } = pendingBlock(source);
  const transaction = transactions[index];
  return transaction === undefined ? null : pendingTransactionText(source, transaction, number, index);
}

/**
 * The engine knows the newest sealed block, the sequencer what is open. The news of a block reach the sequencer a moment later: what it
 * takes for open may be sealed already, or be gone with the blocks before it after a failed commit.
 */
function pendingBlock({ engine, clock, sequencer }: PendingSource): Pending {
  const { blockNumber, blockHash, stateRoot, blockTimestamp } = engine.sealedHead();
  const sealed: Parent = { hash: blockHash, stateRoot, timestamp: blockTimestamp };
  const open = sequencer.pendingBlock();
  if (open === null || open.number <= blockNumber) {
    return { number: blockNumber + 1, parent: sealed, openedAtMs: clock.nowMs(), gasUsed: 0, transactions: [] };
  }
  const isOnSealed = open.number === blockNumber + 1;
  return { ...open, parent: isOnSealed ? sealed : { hash: null, stateRoot: null, timestamp: blockTimestamp } };
}

/** As in the pool, with the place that it has for now. */
function pendingTransactionText({ engine }: PendingSource, transaction: PoolTransaction, number: number, index: number): string {
  const json = engine.pendingTransactionJson(transaction.raw, Buffer.from(transaction.sender.slice(2), 'hex'));
  const place = { blockNumber: toQuantity(number), transactionIndex: toQuantity(index) };
  return JSON.stringify({ ...(JSON.parse(json) as object), ...place });
}
