/**
 * Processes a forced batch: has it executed and made durable as a batch of its own, and tells everybody of it as of any other. What the
 * user forced is not judged here: access lists, prices and limits of the pool do not apply, and a batch without effect is one all the same.
 */
import { errorMessage } from '../common/errors.js';
import type { Logger } from '../common/logger.js';
import type { PoolEntry } from '../pool/entry.js';
import type { Pool } from '../pool/pool.js';
import type { Committer } from './committer.js';
import type { Finalizer, ForcedBatchDone } from './finalizer.js';
import type { DueForcedBatch } from './forced-batches.js';
import type { SequencerMetrics } from './metrics.js';
import type { Publication } from './publication.js';
import type { SliceRunner } from './slice-runner.js';

/** Parts that it takes. */
export interface ForcedRunnerParts {
  readonly pool: Pool;
  readonly finalizer: Finalizer;
  readonly slices: SliceRunner;
  readonly committer: Committer;
  readonly publication: Publication;
  readonly metrics: SequencerMetrics;
  readonly log: Logger;
  /** `isFinal`: until a new start. */
  readonly halt: (reason: string, isFinal: boolean) => void;
}

/** Processes forced batches, one at a time. */
export class ForcedRunner {
  readonly #parts: ForcedRunnerParts;

  constructor(parts: ForcedRunnerParts) {
    this.#parts = parts;
  }

  /** Nothing is sealed that is not durable, no L2 block is open, and the open batch holds nothing. Rejected, nothing of it is in the chain. */
  async run(due: DueForcedBatch, nowMs: number): Promise<void> {
    const { finalizer, publication, slices, metrics, log } = this.#parts;
    const done = await finalizer.force(due, nowMs).catch((error: unknown) => this.#failed(due, error));
    const { batchNumber: batch, block, romError, skipped } = done.outcome;
    const included = this.#settlePool(done);
    this.#publish(done, included);
    publication.batchClosed({ batch, reason: done.closed.closing.reason, closedAtMs: nowMs }, slices.misfits);
    metrics.forcedBatches.inc(1, { result: resultOf(done) });
    const facts = { forcedBatch: due.batch.number, batch, block: block?.number ?? null, txs: block?.txCount ?? 0, skipped };
    log.info('forced batch processed', romError === '' ? facts : { ...facts, romError });
  }

  /** Nothing of it is in the chain, as far as the engine says so; else only a new start tells everybody of what is there. */
  #failed({ batch }: DueForcedBatch, error: unknown): never {
    const { finalizer, halt } = this.#parts;
    finalizer.abandon();
    if (finalizer.nextForcedBatch > batch.number) {
      halt(`forced batch ${batch.number} is in the chain but was not published: ${errorMessage(error)}`, true);
    }
    throw error;
  }

  #publish({ outcome, closed }: ForcedBatchDone, entries: readonly PoolEntry[]): void {
    const { publication, committer } = this.#parts;
    const { block: sealed } = outcome;
    if (sealed === undefined) {
      publication.batchDurable(closed);
      return;
    }
    committer.movedTo(sealed.number);
    publication.blockDurable({ sealed, block: { entries }, closed });
  }

  /** What is in the block leaves the pool as included, and what its senders' nonces have passed as failed. Answers the former. */
  #settlePool({ outcome, touched }: ForcedBatchDone): PoolEntry[] {
    const { pool } = this.#parts;
    const { index } = pool;
    const included = entriesOf(outcome.block?.txHashes ?? Buffer.alloc(0), (hash) => index.get(hash));
    for (const entry of included) index.includeElsewhere(entry);
    for (const account of touched) index.applyState(account.address, account);
    for (const { address } of touched) {
      const account = index.account(address);
      if (account === undefined) continue;
      pool.endStale(account);
      index.refresh(account);
    }
    return included;
  }
}

function resultOf({ outcome }: ForcedBatchDone): 'block' | 'empty' | 'no_effect' {
  if (outcome.block !== undefined) return 'block';
  return outcome.romError === '' ? 'empty' : 'no_effect';
}

const HASH_BYTES = 32;

/** The pool's entries among the transactions of a block. One whose record is not on disk yet is looked at when it is. */
function entriesOf(hashes: Buffer, find: (hash: string) => PoolEntry | undefined): PoolEntry[] {
  const found: PoolEntry[] = [];
  for (let at = 0; at < hashes.length; at += HASH_BYTES) {
    const entry = find(`0x${hashes.toString('hex', at, at + HASH_BYTES)}`);
    if (entry?.phase === 'waiting') found.push(entry);
  }
  return found;
}
