/** eth: blocks, and what belongs to a block. The engine answers the objects as JSON text. */
import { toHex, toQuantity } from '../../../common/bytes.js';
import { BLOCK_PENDING } from '../../../native/engine.js';
import { blockText, receiptsText, transactionText } from '../../block-view.js';
import { type MethodTable, method, type Params } from '../../method.js';
import { booleanParam, countValue, hashParam } from '../../params.js';
import { pendingTransactionCount } from '../../pending-block.js';
import type { RpcServices } from '../../services.js';

export function blockMethods(services: RpcServices): MethodTable {
  const { engine, blocks } = services;
  const byNumber = (params: Params) => blocks.find(params, 0);
  const byHash = (params: Params) => engine.blockNumberByHash(hashParam(params, 0));
  type Find = typeof byNumber;

  const block = (find: Find) =>
    method(1, 3, (params) => {
      const full = booleanParam(params, 1);
      const extra = booleanParam(params, 2);
      return blockText(services, find(params), full, extra) ?? 'null';
    });
  const count = (find: Find) => method(1, 1, (params) => transactionCount(services, find(params)));
  const transaction = (find: Find) =>
    method(2, 2, (params) => {
      const index = countValue(params[1], 1, 'transaction index');
      return transactionText(services, find(params), index) ?? 'null';
    });
  const rawTransaction = (find: Find) =>
    method(2, 2, (params) => {
      const text = transactionText(services, find(params), countValue(params[1], 1, 'transaction index'));
      if (text === null) return 'null';
      const { hash } = JSON.parse(text) as { hash: string };
      const raw = engine.rawTransaction(Buffer.from(hash.slice(2), 'hex'));
      return raw === null ? 'null' : `"${toHex(raw)}"`;
    });
  const uncleCount = (find: Find) =>
    method(1, 1, (params) => (blockText(services, find(params), false, false) === null ? 'null' : '"0x0"'));

  return {
    eth_getBlockByNumber: { ...block(byNumber), required: 0 },
    eth_getBlockByHash: block(byHash),
    eth_getBlockTransactionCountByNumber: { ...count(byNumber), required: 0 },
    eth_getBlockTransactionCountByHash: count(byHash),
    eth_getTransactionByBlockNumberAndIndex: transaction(byNumber),
    eth_getTransactionByBlockHashAndIndex: transaction(byHash),
    eth_getRawTransactionByBlockNumberAndIndex: rawTransaction(byNumber),
    eth_getRawTransactionByBlockHashAndIndex: rawTransaction(byHash),
    eth_getBlockReceipts: method(0, 1, (params) => receiptsText(services, blocks.find(params, 0, true)) ?? 'null'),
    // There are no uncles on this chain.
    eth_getUncleCountByBlockNumber: { ...uncleCount(byNumber), required: 0 },
    eth_getUncleCountByBlockHash: uncleCount(byHash),
    eth_getUncleByBlockNumberAndIndex: method(2, 2, () => 'null'),
    eth_getUncleByBlockHashAndIndex: method(2, 2, () => 'null'),
  };
}

function transactionCount(services: RpcServices, number: number | null): string {
  if (number === BLOCK_PENDING) return `"${toQuantity(pendingTransactionCount(services))}"`;
  const json = blockText(services, number, false, false);
  if (json === null) return 'null';
  return `"${toQuantity((JSON.parse(json) as { transactions: unknown[] }).transactions.length)}"`;
}
