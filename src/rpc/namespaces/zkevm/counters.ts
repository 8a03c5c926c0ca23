/** zkevm: zk-counters of calls and batches. Limits are those that the sequencer plans a batch with. */
import { toHex, toQuantity } from '../../../common/bytes.js';
import { COUNTER_COUNT, readCounters } from '../../../native/layouts.js';
import { batchNumberValue } from '../../batch-ref.js';
import { outOfCountersMessage, revertError, romErrorName } from '../../call.js';
import { type MethodTable, method, type Params } from '../../method.js';
import type { RpcServices } from '../../services.js';
import { runCall, TX_GAS_MAX } from '../eth/state.js';

/** Public names in the order of a counter vector. */
const NAMES = [
  'Steps',
  'Arithmetics',
  'Binaries',
  'MemAligns',
  'KeccakHashes',
  'PoseidonPaddings',
  'PoseidonHashes',
  'SHA256Hashes',
] as const;

export function counterMethods(services: RpcServices): MethodTable {
  return {
    zkevm_estimateCounters: method(1, 4, (params) => estimateCounters(services, params)),
    zkevm_getBatchCountersByNumber: method(1, 1, (params) => batchCounters(services, batchNumberValue(params[0], 0))),
  };
}

async function estimateCounters(services: RpcServices, params: Params): Promise<string> {
  const outcome = await runCall(services, params, TX_GAS_MAX);
  const { batchLimits } = services.identity;
  const countersUsed: Record<string, string> = { gasUsed: toQuantity(outcome.gasUsed) };
  const countersLimit: Record<string, string> = { maxGasUsed: toQuantity(TX_GAS_MAX) };
  const used = readCounters(new DataView(outcome.counters.buffer, outcome.counters.byteOffset, outcome.counters.length), 0);
  for (let i = 0; i < COUNTER_COUNT; i++) {
    countersUsed[`used${NAMES[i] ?? ''}`] = toQuantity(used[i] ?? 0);
    countersLimit[`max${NAMES[i] ?? ''}`] = toQuantity(batchLimits[i] ?? 0);
  }
  const oocError = outOfCountersMessage(outcome);
  const reverted = romErrorName(outcome) === 'EXECUTION_REVERTED';
  return JSON.stringify({
    countersUsed,
    countersLimit,
    ...(reverted ? { revert: { message: revertError(outcome).message, data: toHex(outcome.output) } } : {}),
    ...(oocError === null ? {} : { oocError }),
  });
}

/** What the engine's batch object says about resources. */
interface BatchResources {
  readonly blocks: readonly string[];
  readonly countersUsed: Readonly<Record<string, string>>;
  readonly countersLimit: Readonly<Record<string, string>>;
}

function batchCounters(services: RpcServices, number: number): string {
  const { engine } = services;
  const json = engine.batchJson(number, false);
  if (json === null) return 'null';
  const batch = JSON.parse(json) as BatchResources;
  const blockOf = (hash: string | undefined) => (hash === undefined ? null : engine.blockNumberByHash(Buffer.from(hash.slice(2), 'hex')));
  return JSON.stringify({
    batchNumber: number,
    blockFrom: blockOf(batch.blocks[0]),
    blockTo: blockOf(batch.blocks.at(-1)),
    countersUsed: numbers(batch.countersUsed),
    countersLimits: numbers(batch.countersLimit),
  });
}

function numbers(quantities: Readonly<Record<string, string>>): Record<string, number> {
  return Object.fromEntries(Object.entries(quantities).map(([name, quantity]) => [name, Number(quantity)]));
}
