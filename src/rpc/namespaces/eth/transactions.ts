/** eth: transactions and receipts. */
import { toHex } from '../../../common/bytes.js';
import { type MethodTable, method } from '../../method.js';
import { countValue, dataValue, hashParam } from '../../params.js';
import type { RpcServices } from '../../services.js';

export function transactionMethods(services: RpcServices): MethodTable {
  const { engine, pool } = services;
  return {
    eth_sendRawTransaction: method(1, 1, (params) => {
      const raw = dataValue(params[0], 0, 'transaction');
      return pool.add(raw).then(quote);
    }),
    eth_sendRawTransactionSync: method(1, 2, async (params) => {
      const raw = dataValue(params[0], 0, 'transaction');
      const { receiptTimeoutMs } = services.config;
      const askedMs = params[1] === undefined || params[1] === null ? receiptTimeoutMs : countValue(params[1], 1, 'timeout');
      return services.receipts.wait(await pool.add(raw), Math.min(askedMs, receiptTimeoutMs));
    }),
    eth_getTransactionByHash: method(1, 2, (params) => {
      const hash = hashParam(params, 0);
      return engine.transactionJson(hash) ?? pendingJson(services, hash) ?? 'null';
    }),
    eth_getTransactionReceipt: method(1, 1, (params) => engine.receiptJson(hashParam(params, 0)) ?? 'null'),
    eth_getRawTransactionByHash: method(1, 1, (params) => {
      const hash = hashParam(params, 0);
      const raw = engine.rawTransaction(hash) ?? pool.get(toHex(hash))?.raw;
      return raw === undefined ? 'null' : `"${toHex(raw)}"`;
    }),
  };
}

function quote(hash: string): string {
  return `"${hash}"`;
}

/** A transaction that waits in the pool: block fields are null. */
export function pendingJson(services: RpcServices, hash: Buffer): string | null {
  const transaction = services.pool.get(toHex(hash));
  if (transaction === undefined || transaction.status !== 'pending') return null;
  return services.engine.pendingTransactionJson(transaction.raw, Buffer.from(transaction.sender.slice(2), 'hex'));
}
