/**
 * Stage D of the pipeline: what is told of L2 blocks and batches once they are durable, and to whom. The pool, the explanations, the
 * estimates and the verification learn of it here, and whoever listens to L2 blocks.
 */
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import type { PoolEntry } from '../pool/entry.js';
import type { PoolIndex } from '../pool/pool-index.js';
import type { Certificate } from './certificate.js';
import type { SequencerConfig } from './config.js';
import { ExplainLog } from './explain.js';
import type { StoredExplanation } from './explain-store.js';
import type { ClosedWipBatch, Finalizer, Sealing } from './finalizer.js';
import { InclusionEstimator } from './inclusion-estimate.js';
import type { SequencerMetrics } from './metrics.js';
import type { SequencerModules } from './modules.js';
import { goesBefore } from './ordering.js';
import { Publisher } from './publisher.js';
import type { Shortfall } from './resource-ledger.js';

/** Parts that publication takes. */
export interface PublicationParts {
  readonly index: PoolIndex;
  readonly finalizer: Finalizer;
  readonly metrics: SequencerMetrics;
  readonly config: SequencerConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly explanations: SequencerModules['explanations'];
  readonly verifier: SequencerModules['verifier'];
}

/** A durable L2 block with the pool entries in it, and the batch that it closed. */
export type DurableBlock = Pick<Sealing, 'sealed' | 'closed'> & { readonly block: { readonly entries: readonly PoolEntry[] } };

/** Publishes what is durable. */
export class Publication {
  readonly publisher: Publisher;
  readonly estimator: InclusionEstimator;
  readonly #parts: PublicationParts;
  #explain: ExplainLog;
  #durableBatch: number;

  constructor(parts: PublicationParts) {
    const { index, finalizer, metrics, config, clock, log, explanations } = parts;
    this.#parts = parts;
    this.publisher = new Publisher(finalizer.headBlock, log, () => metrics.listenerErrors.inc());
    this.estimator = new InclusionEstimator(index, clock, config.blockIntervalMs, goesBefore(config));
    this.#explain = this.#explainLog(explanations?.stored);
    this.#durableBatch = finalizer.batch.number - 1;
  }

  /** Newest closed batch that is durable. */
  get durableBatch(): number {
    return this.#durableBatch;
  }

  /** What became of transactions. */
  get explanations(): Pick<ExplainLog, 'explain'> {
    return this.#explain;
  }

  /** A batch is closed and may have to wait for the disk; what did not fit it is kept with it. */
  batchClosed(
    { batch, reason, closedAtMs }: Pick<Certificate, 'batch' | 'reason' | 'closedAtMs'>,
    misfits: ReadonlyMap<PoolEntry, Shortfall>,
  ): void {
    this.#explain.batchClosed({ number: batch, reason, closedAtMs }, misfits, this.#parts.index.drainChanged());
  }

  /** An L2 block is durable, and the batch that it closed. */
  blockDurable({ sealed, block, closed }: DurableBlock): void {
    const { index, metrics, clock, log } = this.#parts;
    const startedMs = clock.monotonicMs();
    const nowMs = clock.nowMs();
    for (const entry of block.entries) {
      index.seal(entry);
      metrics.acceptToReceipt.observe((nowMs - entry.receivedAtMs) / 1000);
    }
    this.#explain.included(block.entries, sealed.batchNumber, sealed.number);
    this.estimator.observe(sealed.txCount);
    log.debug('L2 block sealed', { block: sealed.number, batch: sealed.batchNumber, txs: sealed.txCount, stateRoot: sealed.stateRoot });
    if (closed !== null) this.batchDurable(closed);
    this.publisher.publish(sealed);
    metrics.blockStage.observe((clock.monotonicMs() - startedMs) / 1000, { stage: 'publish' });
  }

  /** A closed batch is durable. */
  batchDurable({ batch, closing }: ClosedWipBatch): void {
    this.#durableBatch = batch.number;
    this.#explain.durable(batch.number);
    this.#parts.verifier?.batchClosed(batch.number);
    this.#parts.metrics.closed(closing.reason, batch.ledger);
  }

  /** Blocks were taken back: explanations and the newest batch are those of a start. */
  wentBack(explanations: readonly StoredExplanation[]): void {
    this.#explain = this.#explainLog(explanations);
    this.#durableBatch = this.#parts.finalizer.batch.number - 1;
  }

  #explainLog(stored: readonly StoredExplanation[] | undefined): ExplainLog {
    const { index, config, explanations } = this.#parts;
    return new ExplainLog(index, config.explainedBatchesMax, explanations?.store ?? null, stored);
  }
}
