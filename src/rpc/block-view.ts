/**
 * What belongs to a block, for every method that answers a block or a part of one. The engine answers stored blocks only and takes
 * `BLOCK_PENDING` for the newest of them: asked for `pending`, a client would get the latest block a second time, its hash included.
 * Here it gets the block that comes next (`pending-block.ts`).
 */
import { BLOCK_PENDING } from '../native/engine.js';
import { type PendingSource, pendingBlockText, pendingTransactionAt } from './pending-block.js';

/** JSON text of a block by the number that `BlockResolver.find` answered; null when there is none. */
export function blockText(source: PendingSource, number: number | null, full: boolean, extra: boolean): string | null {
  if (number === null) return null;
  return number === BLOCK_PENDING ? pendingBlockText(source, full, extra) : source.engine.blockJson(number, full, extra);
}

/** JSON text of the receipts of a block; null when there is no such block. The open block has none yet. */
export function receiptsText({ engine }: PendingSource, number: number | null): string | null {
  if (number === null) return null;
  return number === BLOCK_PENDING ? '[]' : engine.blockReceiptsJson(number);
}

/** JSON text of a transaction by its place; null when there is none. */
export function transactionText(source: PendingSource, number: number | null, index: number): string | null {
  if (number === null) return null;
  return number === BLOCK_PENDING ? pendingTransactionAt(source, index) : source.engine.transactionByIndexJson(number, index);
}
