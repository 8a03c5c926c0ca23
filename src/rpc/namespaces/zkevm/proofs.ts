/**
 * zkevm: proofs of what accounts hold, and witnesses of batches and blocks. Older trees are rebuilt for them: one at a time, and as one of
 * the calls that take turns, so that a crowd of them can neither fill memory nor hold up sequencing.
 */

import { parseBatch } from '../../batch-ref.js';
import { CallGate } from '../../call-gate.js';
import { invalidArgument, rpcError } from '../../errors.js';
import { type MethodTable, method, type Params } from '../../method.js';
import { addressParam, slotValue } from '../../params.js';
import type { RpcServices } from '../../services.js';

/** Slots of one zkevm_getProof. */
const SLOTS_MAX = 1024;
/** Modes of cdk-erigon that mean what is served: nodes and codes that the batch touches. */
const MODES = ['none', 'trimmed'] as const;

export function proofMethods(services: RpcServices): MethodTable {
  const { engine, blocks, config, finality } = services;
  const oneByOne = new CallGate({ ...config, callsRunningMax: 1 }, services.clock);
  const run = (work: () => Promise<string>) => oneByOne.run(() => services.gate.run(work));
  const max = config.proofChangesMax;
  const batchWitness = (params: Params, asVector: boolean) => {
    const batch = parseBatch(params, 0, engine, finality);
    checkMode(params, 1);
    if (batch === null) throw rpcError('BATCH_NOT_CLOSED', 'there is no such batch yet');
    return run(() => engine.batchWitness(batch, asVector, max));
  };
  const blockNumber = (params: Params, index: number) => blocks.concrete(blocks.state(params, index));
  return {
    zkevm_getProof: method(1, 3, (params) => {
      const address = addressParam(params, 0);
      const slots = slotList(params);
      const block = blocks.state(params, 2);
      return run(() => engine.proofJson(address, slots, block, max));
    }),
    zkevm_getBatchWitness: method(1, 3, (params) => batchWitness(params, false)),
    zkevm_getProverInput: method(1, 3, (params) => batchWitness(params, true)),
    zkevm_getWitness: method(1, 3, (params) => {
      const block = blockNumber(params, 0);
      checkMode(params, 1);
      return run(() => engine.blockRangeWitness(block, block, max));
    }),
    zkevm_getBlockRangeWitness: method(2, 4, (params) => {
      const [first, last] = [blockNumber(params, 0), blockNumber(params, 1)];
      checkMode(params, 2);
      return run(() => engine.blockRangeWitness(first, last, max));
    }),
  };
}

function slotList(params: Params): Buffer {
  const slots = params[1] ?? [];
  if (!Array.isArray(slots) || slots.length > SLOTS_MAX) {
    throw invalidArgument(1, `slots must be an array of at most ${SLOTS_MAX} storage slots`);
  }
  return Buffer.concat(slots.map((slot) => slotValue(slot, 1)));
}

function checkMode(params: Params, index: number): void {
  const mode = params[index] ?? 'trimmed';
  if (!(MODES as readonly unknown[]).includes(mode)) {
    throw invalidArgument(index, `mode must be one of ${MODES.join(', ')}: a witness of the whole state is not served`);
  }
}
