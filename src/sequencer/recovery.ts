/**
 * What becomes of the work in progress when a promise of the engine is broken: the open block is dropped and built again from the pool, a few
 * times; a commit that failed takes everything with it that is not durable; what cannot be gone on with halts. The loop decides when.
 */
import type { Clock } from '../common/clock.js';
import { errorCode, errorMessage } from '../common/errors.js';
import type { Logger } from '../common/logger.js';
import type { Pool } from '../pool/pool.js';
import type { Committer } from './committer.js';
import type { Finalizer, Sealing, SequencingEngine } from './finalizer.js';
import type { ModeMachine } from './mode.js';
import type { SliceRunner } from './slice-runner.js';

/** Failures of the engine after which nothing may go on: its state is not to be trusted, or gone. */
const FATAL_CODES: ReadonlySet<string> = new Set([
  'INTERNAL_PANIC',
  'STATE_DB_POISONED',
  'STATE_DB_CORRUPT',
  'ENGINE_CLOSED',
  'LAYOUT_INVALID',
]);

/** How long a recovery waits before it begins, by how many there were in the window: what passes by itself gets the time for it. */
const BACK_OFF_MS: readonly number[] = [0, 250, 1_000];

/** A commit that failed, and the sealed blocks that went with it. */
export interface FailedCommit {
  readonly error: unknown;
  readonly lost: readonly Sealing[];
}

/** Parts that recovering takes. */
export interface RecoveryParts {
  readonly engine: Pick<SequencingEngine, 'discardBlock' | 'discardSealed'>;
  readonly pool: Pool;
  readonly finalizer: Finalizer;
  readonly slices: SliceRunner;
  readonly committer: Committer;
  readonly mode: ModeMachine;
  readonly clock: Clock;
  readonly log: Logger;
  /** `isFinal`: until a new start. */
  readonly halt: (reason: string, isFinal: boolean) => void;
}

/** Recovers, or halts. */
export class Recovery {
  readonly #parts: RecoveryParts;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  /** Drops the open block and goes on from the newest sealed one; halts where that cannot be right, or was too often. */
  async recover(error: unknown): Promise<void> {
    const { mode, clock, log, halt } = this.#parts;
    const reason = errorMessage(error);
    log.error('sequencing failed', { error });
    const code = errorCode(error);
    const isFatal = code !== undefined && FATAL_CODES.has(code);
    if (isFatal || !mode.recover(reason)) {
      halt(reason, isFatal);
      return;
    }
    const backOffMs = BACK_OFF_MS[mode.recoveryCount - 1] ?? 0;
    if (backOffMs > 0) await new Promise<void>((resolve) => void clock.schedule(backOffMs, resolve));
    await this.rebuild(reason);
  }

  /**
   * Nothing after the last durable block is to be: its transactions wait again, as `pending` shows. A database that failed to write takes no
   * more, so only a new start goes on; it also finds what the disk has although the answer says otherwise.
   */
  async commitFailed({ error, lost }: FailedCommit): Promise<void> {
    const { engine, pool, finalizer, log, halt } = this.#parts;
    const { durableBlock } = this.#parts.committer;
    log.error('a commit failed', { error, durableBlock, lostBlocks: lost.length });
    halt(`L2 block ${durableBlock + 1} could not be committed: ${errorMessage(error)}`, true);
    const dropped = await engine.discardSealed().then(
      () => true,
      (cause: unknown) => {
        log.error('the sealed blocks could not be dropped', { error: cause });
        return false;
      },
    );
    if (!dropped) return;
    await this.rebuild(errorMessage(error));
    // The write may have taken effect although its answer says otherwise: such a block is not undone, only not told of.
    const undone = lost.filter(({ sealed }) => sealed.number > finalizer.headBlock);
    // Newest first, as the open block before them: an account goes back one block at a time.
    for (const { block } of undone.reverse()) pool.restore(block.entries, block.touched);
  }

  /** Drops the open block and takes its transactions back into the pool. */
  async rebuild(reason: string): Promise<void> {
    const { engine, pool, finalizer, slices, mode, log, halt } = this.#parts;
    try {
      slices.abandon();
      // The engine may have no open block any more: then there is nothing to drop.
      await engine.discardBlock().catch((cause: unknown) => log.debug('nothing to discard', { error: cause }));
      const block = finalizer.abandon();
      if (block !== null && finalizer.headBlock >= block.number) {
        halt(`L2 block ${block.number} is sealed but was not published: ${reason}`, true);
        return;
      }
      if (block !== null) pool.restore(block.entries, block.touched);
      mode.sequence();
    } catch (cause) {
      halt(`recovery failed: ${errorMessage(cause)}`, true);
    }
  }
}
