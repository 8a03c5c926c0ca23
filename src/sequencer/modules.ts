/** What the sequencer is made of. */
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import type { MetricsRegistry } from '../common/metrics.js';
import type { Pool } from '../pool/pool.js';
import type { CommandGate } from '../recording/recording.js';
import type { VerificationStatus } from '../rpc/modules.js';
import type { SequencerConfig } from './config.js';
import type { ExplanationStore, StoredExplanation } from './explain-store.js';
import type { SequencingEngine } from './finalizer.js';
import type { ForcedBatchSource } from './forced-batches.js';
import type { TakeBackModules } from './take-back.js';

/** Parts that the sequencer works with. */
export interface SequencerModules {
  readonly engine: SequencingEngine;
  readonly pool: Pool;
  readonly config: SequencerConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
  /** Forced batches; none where absent. */
  readonly forcedBatches?: ForcedBatchSource;
  /** True when the batch after this one belongs to another fork. */
  readonly forkChangesAfter?: (batch: number) => boolean;
  /** Where explanations are kept, and what is there; in memory only where absent. */
  readonly explanations?: { readonly store: ExplanationStore; readonly stored: readonly StoredExplanation[] };
  /** Told of closed batches; asked for its state. */
  readonly verifier?: BatchVerifier;
  /** What taking the chain back takes; it is refused where absent. */
  readonly takeBack?: TakeBackModules;
  /** Lets commands in, also `start` and `stop`; at once where absent. */
  readonly commands?: CommandGate;
}

/** Verifies closed batches in the background. */
export interface BatchVerifier {
  batchClosed(number: number): void;
  /** A halt was ended by the operator. */
  resumed(): void;
  status(): VerificationStatus;
}
