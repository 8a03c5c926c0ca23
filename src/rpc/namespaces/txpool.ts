/** The txpool namespace: contiguous transactions of an account are pending, those behind a gap are queued. */
import { toHex, toQuantity } from '../../common/bytes.js';
import { type MethodTable, method } from '../method.js';
import type { PoolTransaction } from '../modules.js';
import { addressParam } from '../params.js';
import type { RpcServices } from '../services.js';

export function txpoolMethods(services: RpcServices): MethodTable {
  const { pool } = services;
  const object = (transaction: PoolTransaction) =>
    services.engine.pendingTransactionJson(transaction.raw, Buffer.from(transaction.sender.slice(2), 'hex'));
  return {
    txpool_status: method(0, 0, () => {
      const { pending, queued } = pool.counts();
      return `{"pending":"${toQuantity(pending)}","queued":"${toQuantity(queued)}"}`;
    }),
    txpool_content: method(0, 0, () => {
      const { pending, queued } = pool.content();
      return `{"pending":${byAddress(pending, object)},"queued":${byAddress(queued, object)}}`;
    }),
    txpool_contentFrom: method(1, 1, (params) => {
      const { pending, queued } = pool.contentFrom(toHex(addressParam(params, 0)));
      return `{"pending":${byNonce(pending, object)},"queued":${byNonce(queued, object)}}`;
    }),
    txpool_inspect: method(0, 0, () => {
      const { pending, queued } = pool.content();
      return `{"pending":${byAddress(pending, summary)},"queued":${byAddress(queued, summary)}}`;
    }),
  };
}

type Write = (transaction: PoolTransaction) => string;

function byAddress(accounts: ReadonlyMap<string, readonly PoolTransaction[]>, write: Write): string {
  const entries: string[] = [];
  for (const [address, transactions] of accounts) {
    if (transactions.length > 0) entries.push(`"${address}":${byNonce(transactions, write)}`);
  }
  return `{${entries.join(',')}}`;
}

function byNonce(transactions: readonly PoolTransaction[], write: Write): string {
  return `{${transactions.map((transaction) => `"${transaction.nonce}":${write(transaction)}`).join(',')}}`;
}

function summary(transaction: PoolTransaction): string {
  const { to, value, gasLimit, gasPrice } = transaction;
  return JSON.stringify(`${to ?? 'contract creation'}: ${value} wei + ${gasLimit} gas × ${gasPrice} wei`);
}
