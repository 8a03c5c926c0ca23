/** Batch parameters: a quantity or a tag. `latest` is the last closed batch, `pending` the last one with the open batch included. */
import type { NativeEngine } from '../native/engine.js';
import { invalidArgument } from './errors.js';
import type { Finality } from './finality.js';
import type { Params } from './method.js';

const NUMBER = /^(?:0x[0-9a-fA-F]{1,16}|\d{1,19})$/;

/** Newest batch that has at least one L2 block, the open one included. */
export function trustedBatch(engine: NativeEngine): number {
  const head = engine.head();
  return head.openBatchBlockCount > 0 ? head.openBatch : head.closedBatch;
}

/** Reads the batch at `index`, `latest` when missing; null where a tag resolves to nothing yet. */
export function parseBatch(params: Params, index: number, engine: NativeEngine, finality: Finality): number | null {
  const value = params[index] ?? 'latest';
  switch (value) {
    case 'earliest':
      return 0;
    case 'latest':
      return engine.head().closedBatch;
    case 'pending':
    case 'trusted':
      return trustedBatch(engine);
    case 'virtual':
      return finality.virtualBatch();
    case 'verified':
      return finality.verifiedBatch();
    case 'safe':
    case 'finalized':
      // What the tag means is a block; its batch is the batch of the tag.
      return batchOfTag(value === 'safe' ? finality.safeBlock() : finality.finalizedBlock(), engine);
    default:
      return batchNumberValue(value, index);
  }
}

/** A batch number as hex, decimal text or JSON number. */
export function batchNumberValue(value: unknown, index: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  if (typeof value !== 'string' || !NUMBER.test(value)) {
    throw invalidArgument(index, 'batch must be a number or one of earliest, latest, pending, safe, finalized, trusted, virtual, verified');
  }
  const number = BigInt(value);
  return number > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(number);
}

function batchOfTag(block: number | null, engine: NativeEngine): number | null {
  return block === null ? null : engine.batchNumberByBlock(block);
}
