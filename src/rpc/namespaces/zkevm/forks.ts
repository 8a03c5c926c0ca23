/** zkevm: fork ids. One fork from the first batch on: fork upgrades come from L1, which this node does not follow yet. */
import { MAX_U64, toQuantity } from '../../../common/bytes.js';
import { batchNumberValue } from '../../batch-ref.js';
import { type MethodTable, method } from '../../method.js';
import { countValue } from '../../params.js';
import type { RpcServices } from '../../services.js';

export function forkMethods(services: RpcServices): MethodTable {
  const { forkId } = services.engine.head();
  const id = `"${toQuantity(forkId)}"`;
  const interval = JSON.stringify({
    forkId: toQuantity(forkId),
    fromBatchNumber: '0x1',
    toBatchNumber: toQuantity(MAX_U64),
    version: '',
    blockNumber: '0x0',
  });
  return {
    zkevm_getForkId: method(0, 0, () => id),
    zkevm_getForkById: method(1, 1, (params) => (countValue(params[0], 0, 'fork id') === forkId ? interval : 'null')),
    zkevm_getForkIdByBatchNumber: method(1, 1, (params) => {
      batchNumberValue(params[0], 0);
      return id;
    }),
    zkevm_getForks: method(0, 0, () => `[${interval}]`),
  };
}
