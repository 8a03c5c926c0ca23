/** Settings of the verification of batches: defaults and ranges as plain constants. */
import type { NumberRule } from '../pool/config.js';

/** Settings of the verification. */
export interface VerificationConfig {
  /** Execute closed batches again and compare. */
  readonly enabled: boolean;
  /** Closed batches that may wait for verification; with more the sequencer is throttled. */
  readonly lagBatchesMax: number;
  /** Every so many batches the state root is computed from the tree before the batch; 0 = never. */
  readonly rootInterval: number;
  /** Priority of the thread, 0 (usual) to 19 (lowest), while the lag is below half its bound. */
  readonly niceness: number;
}

/** Defaults of the verification. */
export const VERIFICATION_DEFAULTS: VerificationConfig = { enabled: true, lagBatchesMax: 20, rootInterval: 256, niceness: 10 };

/** Ranges of the numeric settings by name. */
export const VERIFICATION_RULES = {
  lagBatchesMax: {
    min: 1,
    max: 100_000,
    unit: 'batches',
    help: 'Closed batches that may wait for verification; with more the sequencer is throttled.',
  },
  rootInterval: {
    min: 0,
    max: 1_000_000_000,
    unit: 'batches',
    help: 'Every so many batches the state root is also computed from the tree before the batch; 0 = never.',
  },
  niceness: { min: 0, max: 19, unit: 'nice', help: 'Priority of the verifying thread, 19 is the lowest; while it does not lag.' },
} as const satisfies Partial<Record<keyof VerificationConfig, NumberRule>>;
