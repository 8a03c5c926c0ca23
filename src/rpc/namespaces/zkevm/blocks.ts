/** zkevm: L2 blocks: how far they are, and with their receipts. */
import { toQuantity } from '../../../common/bytes.js';
import { blockNumberValue } from '../../block-ref.js';
import { blockText, receiptsText } from '../../block-view.js';
import { rpcError } from '../../errors.js';
import { type MethodTable, method } from '../../method.js';
import { booleanParam, hashParam, objectParam } from '../../params.js';
import type { RpcServices } from '../../services.js';

export function blockMethods(services: RpcServices): MethodTable {
  const { engine, finality, blocks } = services;
  const reached = (batchOf: () => number) =>
    method(1, 1, (params) => {
      const batch = engine.batchNumberByBlock(blockNumberValue(params[0], 0));
      return String(batch !== null && batch <= batchOf());
    });
  return {
    zkevm_consolidatedBlockNumber: method(0, 0, () => `"${toQuantity(finality.verifiedBlock())}"`),
    zkevm_isBlockVirtualized: reached(() => finality.virtualBatch()),
    zkevm_isBlockConsolidated: reached(() => finality.verifiedBatch()),
    zkevm_getFullBlockByNumber: method(0, 2, (params) => fullBlock(services, blocks.find(params, 0), booleanParam(params, 1))),
    zkevm_getNativeBlockHashesInRange: method(1, 1, (params) => nativeHashes(services, objectParam(params, 0))),
    zkevm_getFullBlockByHash: method(1, 2, (params) =>
      fullBlock(services, engine.blockNumberByHash(hashParam(params, 0)), booleanParam(params, 1)),
    ),
  };
}

/** The chain's own identity of its blocks: their state roots, which BLOCKHASH gives. */
async function nativeHashes(services: RpcServices, { fromBlock, toBlock }: Record<string, unknown>): Promise<string> {
  const { blocks, config, engine, gate } = services;
  const first = blocks.concrete(blocks.state([fromBlock], 0));
  const last = Math.min(blocks.concrete(blocks.state([toBlock], 0)), engine.head().blockNumber);
  if (first > last) throw rpcError('RPC_INVALID_PARAMS', 'invalid block range');
  if (last - first >= config.nativeBlockHashesRangeMax) {
    throw rpcError('RPC_INVALID_PARAMS', `native block hashes are limited to a ${config.nativeBlockHashesRangeMax} block range`);
  }
  return gate.run(() => engine.stateRootsJson(first, last));
}

/** The block with its transactions as objects, each with its receipt; only hashes where `full` is off. */
function fullBlock(services: RpcServices, number: number | null, full: boolean): string {
  const json = blockText(services, number, full, true);
  if (json === null || !full) return json ?? 'null';
  const block = JSON.parse(json) as { transactions: Record<string, unknown>[] };
  const receipts = JSON.parse(receiptsText(services, number) ?? '[]') as unknown[];
  block.transactions = block.transactions.map((transaction, i) => ({ ...transaction, receipt: receipts[i] ?? null }));
  return JSON.stringify(block);
}
