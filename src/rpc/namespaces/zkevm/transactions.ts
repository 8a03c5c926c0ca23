/** zkevm: transactions and receipts by L2 hash, the identity under which the block info tree knows a transaction. */
import { type MethodTable, method, type Params } from '../../method.js';
import { hashParam } from '../../params.js';
import type { RpcServices } from '../../services.js';

export function l2HashMethods(services: RpcServices): MethodTable {
  const { engine } = services;
  /** What `read` answers for the transaction with the L2 hash of the parameters; null where there is none. */
  const byL2Hash = (params: Params, read: (hash: Buffer) => string | null): string => {
    const hash = engine.transactionHashByL2Hash(hashParam(params, 0));
    return (hash === null ? null : read(hash)) ?? 'null';
  };
  return {
    zkevm_getTransactionByL2Hash: method(1, 1, (params) => byL2Hash(params, (hash) => engine.transactionJson(hash))),
    zkevm_getTransactionReceiptByL2Hash: method(1, 1, (params) => byL2Hash(params, (hash) => engine.receiptJson(hash))),
  };
}
