/** debug: blocks, receipts and transactions as Ethereum encodes them. */
import { toHex } from '../../../common/bytes.js';
import { BLOCK_PENDING, RAW_PART } from '../../../native/engine.js';
import { rpcError } from '../../errors.js';
import { type MethodTable, method } from '../../method.js';
import { hashParam } from '../../params.js';
import type { RpcServices } from '../../services.js';

export function rawMethods(services: RpcServices): MethodTable {
  const { engine, pool, blocks } = services;
  const part = (which: number) =>
    method(0, 1, (params) => {
      const number = blocks.find(params, 0, true);
      const json = number === null || number === BLOCK_PENDING ? null : engine.rawBlockJson(number, which);
      if (json === null) throw rpcError('RPC_HEADER_NOT_FOUND', 'header not found');
      return json;
    });
  return {
    debug_getRawHeader: part(RAW_PART.header),
    debug_getRawBlock: part(RAW_PART.block),
    debug_getRawReceipts: part(RAW_PART.receipts),
    debug_getRawTransaction: method(1, 1, (params) => {
      const hash = hashParam(params, 0);
      const raw = engine.rawTransaction(hash) ?? pool.get(toHex(hash))?.raw;
      return raw === undefined ? '"0x"' : `"${toHex(raw)}"`;
    }),
  };
}
