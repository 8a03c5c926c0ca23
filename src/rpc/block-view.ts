/**
 * What belongs to a block, for every method that answers a block or a part of one. The engine answers stored blocks only and takes
 * `BLOCK_PENDING` for the newest of them: asked for `pending`, a client would get the latest block a second time, its hash included.
 * Here it gets the block that comes next.
 *
 * That block is shown without transactions, also while it is open: what it holds may still be given up (the block is built again after a
 * failure), and the state root after it is not known before it is sealed. State reads and nonces do see the open block; its
 * transactions are found by hash.
 */
import { toQuantity } from '../common/bytes.js';
import { BLOCK_LATEST, BLOCK_PENDING } from '../native/engine.js';
import type { RpcServices } from './services.js';

/** Merkle Patricia root of nothing: no transactions, no receipts. */
const EMPTY_TRIE_ROOT = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421';
const MS_PER_SECOND = 1000;

type Source = Pick<RpcServices, 'engine' | 'clock'>;

/** JSON text of a block by the number that `BlockResolver.find` answered; null when there is none. */
export function blockText(source: Source, number: number | null, full: boolean, extra: boolean): string | null {
  if (number === null) return null;
  return number === BLOCK_PENDING ? pendingText(source, extra) : source.engine.blockJson(number, full, extra);
}

/** JSON text of the receipts of a block; null when there is no such block. */
export function receiptsText({ engine }: Source, number: number | null): string | null {
  if (number === null) return null;
  return number === BLOCK_PENDING ? '[]' : engine.blockReceiptsJson(number);
}

/** JSON text of a transaction by its place; null when there is none. */
export function transactionText({ engine }: Source, number: number | null, index: number): string | null {
  return number === null || number === BLOCK_PENDING ? null : engine.transactionByIndexJson(number, index);
}

/** The successor of the latest block; what only sealing decides is null. */
function pendingText({ engine, clock }: Source, extra: boolean): string | null {
  const json = engine.blockJson(BLOCK_LATEST, false, extra);
  if (json === null) return null;
  const latest = JSON.parse(json) as { number: string; hash: string; timestamp: string };
  const now = Math.floor(clock.nowMs() / MS_PER_SECOND);
  return JSON.stringify({
    ...latest,
    number: toQuantity(BigInt(latest.number) + 1n),
    parentHash: latest.hash,
    // As the engine opens it: time never runs backwards.
    timestamp: toQuantity(Math.max(now, Number(latest.timestamp))),
    hash: null,
    nonce: null,
    logsBloom: null,
    miner: null,
    size: null,
    gasUsed: '0x0',
    transactionsRoot: EMPTY_TRIE_ROOT,
    receiptsRoot: EMPTY_TRIE_ROOT,
    transactions: [],
    ...(extra ? { globalExitRoot: null, blockInfoRoot: null } : {}),
  });
}
