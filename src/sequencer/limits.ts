/** What one batch may hold of each resource: the scheduling budget of the fork, lowered where it is configured, never raised. */
import type { SequencerConfig } from './config.js';
import { RESOURCE_NAMES, type ResourceVector, readResources } from './resources.js';

/** Setting of each resource; 0 leaves the fork's limit. */
const SETTING_OF = {
  steps: 'batchStepsMax',
  arith: 'batchArithMax',
  binary: 'batchBinaryMax',
  memAlign: 'batchMemAlignMax',
  keccaks: 'batchKeccaksMax',
  padding: 'batchPaddingMax',
  poseidon: 'batchPoseidonMax',
  sha256: 'batchSha256Max',
  bytes: 'batchBytesMax',
  gas: 'batchGasMax',
} as const satisfies Record<string, keyof SequencerConfig>;

/** The settings that lower limits. */
export type BatchLimitConfig = Pick<SequencerConfig, (typeof SETTING_OF)[keyof typeof SETTING_OF]>;

/** Limits of a batch by resource; `budgetLimits` is the engine's vector. */
export function batchLimits(budgetLimits: Buffer, config: BatchLimitConfig): ResourceVector {
  return readResources(budgetLimits).map((limit, resource) => {
    const configured = config[SETTING_OF[RESOURCE_NAMES[resource] as keyof typeof SETTING_OF]];
    return configured > 0 ? Math.min(limit, configured) : limit;
  });
}
