/** zkevm: batches and how far they are. */
import { toHex, toQuantity } from '../../../common/bytes.js';
import { batchNumberValue, parseBatch, trustedBatch } from '../../batch-ref.js';
import { blockNumberValue } from '../../block-ref.js';
import { invalidArgument, rpcError } from '../../errors.js';
import { type MethodTable, method, type Params } from '../../method.js';
import { booleanParam, objectParam } from '../../params.js';
import type { RpcServices } from '../../services.js';

/** Batches of one zkevm_getBatchDataByNumbers: as many as one sequence carries. */
const BATCH_DATA_MAX = 1000;
/** Batch data in one answer. */
const BATCH_DATA_BYTES_MAX = 16 * 1024 * 1024;

export function batchMethods(services: RpcServices): MethodTable {
  const { engine, finality } = services;
  return {
    zkevm_batchNumber: method(0, 0, () => quantity(trustedBatch(engine))),
    zkevm_virtualBatchNumber: method(0, 0, () => quantity(finality.virtualBatch())),
    zkevm_verifiedBatchNumber: method(0, 0, () => quantity(finality.verifiedBatch())),
    zkevm_batchNumberByBlockNumber: method(1, 1, (params) => {
      const batch = engine.batchNumberByBlock(blockNumberValue(params[0], 0));
      return batch === null ? 'null' : quantity(batch);
    }),
    zkevm_getBatchByNumber: method(0, 2, (params) => {
      const full = booleanParam(params, 1);
      const batch = parseBatch(params, 0, engine, finality);
      return (batch === null ? null : engine.batchJson(batch, full)) ?? 'null';
    }),
    zkevm_getBatchDataByNumbers: method(1, 1, (params) => batchData(services, params)),
  };
}

function quantity(value: number): string {
  return `"${toQuantity(value)}"`;
}

function batchData(services: RpcServices, params: Params): string {
  const { numbers } = objectParam(params, 0);
  if (!Array.isArray(numbers) || numbers.length > BATCH_DATA_MAX) {
    throw invalidArgument(0, `numbers must be an array of at most ${BATCH_DATA_MAX} batch numbers`);
  }
  let bytes = 0;
  const data = numbers.map((value: unknown) => {
    const number = batchNumberValue(value, 0);
    const batchL2Data = services.engine.batchData(number);
    bytes += batchL2Data?.length ?? 0;
    if (bytes > BATCH_DATA_BYTES_MAX) throw rpcError('RPC_LIMIT_EXCEEDED', `batch data of more than ${BATCH_DATA_BYTES_MAX} bytes`);
    return { number: toQuantity(number), empty: batchL2Data === null, batchL2Data: toHex(batchL2Data ?? Buffer.alloc(0)) };
  });
  return JSON.stringify({ data });
}
