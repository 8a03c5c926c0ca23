/**
 * The block after the latest, as `pending` shows it: with the transactions that the open L2 block has executed so far. They may still be
 * given up (the block is built again after a failure), so that nothing about it is promised; what only sealing decides is null: hash,
 * bloom, size. `stateRoot` is the one that it starts from. State reads and nonces see the same transactions.
 */
import { toQuantity } from '../common/bytes.js';
import { BLOCK_LATEST } from '../native/engine.js';
import type { PendingBlock, PoolTransaction } from './modules.js';
import type { RpcServices } from './services.js';

/** Merkle Patricia root of nothing: no receipts are known, and no root of transactions that may still change. */
const EMPTY_TRIE_ROOT = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421';
const MS_PER_SECOND = 1000;

export type PendingSource = Pick<RpcServices, 'engine' | 'clock' | 'sequencer'>;

interface Latest {
  readonly number: string;
  readonly hash: string;
  readonly timestamp: string;
}

/** JSON text of the pending block, with the hashes of its transactions or their objects. */
export function pendingBlockText(source: PendingSource, full: boolean, extra: boolean): string | null {
  const json = source.engine.blockJson(BLOCK_LATEST, false, extra);
  if (json === null) return null;
  const latest = JSON.parse(json) as Latest;
  const open = openBlock(source, Number(latest.number));
  const next = Number(latest.number) + 1;
  const number = open?.number ?? next;
  const openedAtMs = open?.openedAtMs ?? source.clock.nowMs();
  const transactions = open?.transactions ?? [];
  const head = JSON.stringify({
    ...latest,
    number: toQuantity(number),
    // The block before it may be on its way to the disk: its hash is not known then.
    parentHash: number === next ? latest.hash : null,
    // As the engine opens it: time never runs backwards.
    timestamp: toQuantity(Math.max(Math.floor(openedAtMs / MS_PER_SECOND), Number(latest.timestamp))),
    hash: null,
    nonce: null,
    logsBloom: null,
    miner: null,
    size: null,
    gasUsed: toQuantity(open?.gasUsed ?? 0),
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
  return openBlock(source, source.engine.blockNumber())?.transactions.length ?? 0;
}

/** JSON text of one transaction of the open block by its place; null where there is none. */
export function pendingTransactionAt(source: PendingSource, index: number): string | null {
  const open = openBlock(source, source.engine.blockNumber());
  const transaction = open?.transactions[index];
  return open === null || transaction === undefined ? null : pendingTransactionText(source, transaction, open.number, index);
}

/** The open block. Between its commit and the news of it, what it held is in the latest block already. */
function openBlock({ sequencer }: PendingSource, latest: number): PendingBlock | null {
  const open = sequencer.pendingBlock();
  return open === null || open.number <= latest ? null : open;
}

/** As in the pool, with the place that it has for now. */
function pendingTransactionText({ engine }: PendingSource, transaction: PoolTransaction, number: number, index: number): string {
  const json = engine.pendingTransactionJson(transaction.raw, Buffer.from(transaction.sender.slice(2), 'hex'));
  const place = { blockNumber: toQuantity(number), transactionIndex: toQuantity(index) };
  return JSON.stringify({ ...(JSON.parse(json) as object), ...place });
}
