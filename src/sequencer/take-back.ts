/**
 * Taking the chain back to the end of a closed batch in a running node. Nothing is executed, admitted or verified meanwhile; then everything
 * that was made of removed blocks is read again, as after a start: books, pool, explanations, verification. Whoever was told of removed
 * blocks is told that they are gone.
 */
import { errorCode } from '../common/errors.js';
import type { NativeEngine } from '../native/engine.js';
import type { RollbackReport } from '../native/maintenance.js';
import type { Pool } from '../pool/pool.js';
import type { Committer } from './committer.js';
import type { EngineExplanations, StoredExplanation } from './explain-store.js';
import type { Finalizer } from './finalizer.js';
import type { Publisher } from './publisher.js';
import type { SliceRunner } from './slice-runner.js';
import type { Verification } from './verification.js';

/** What else has to stop, and to be read again; a node that has none of it is not taken back. */
export interface TakeBackModules {
  readonly engine: Pick<NativeEngine, 'rollback' | 'discardBlock' | 'batchJson' | 'blockNumberByHash'>;
  readonly verification: Pick<Verification, 'suspend' | 'continue' | 'wentBack'>;
  readonly explanations: Pick<EngineExplanations, 'close' | 'reload'>;
}

/** Parts of the sequencer that look at the chain. */
export interface TakeBackParts {
  readonly pool: Pool;
  readonly finalizer: Finalizer;
  readonly slices: SliceRunner;
  readonly committer: Committer;
  readonly publisher: Publisher;
}

/** How it ended. The chain may have moved although it failed. */
export interface TakenBack {
  /** Null where nothing was removed. */
  readonly explanations: readonly StoredExplanation[] | null;
  readonly report: RollbackReport | null;
  readonly error: unknown;
}

/** Refusals: nothing was tried. */
const REFUSALS: ReadonlySet<string> = new Set(['ROLLBACK_REFUSED', 'ENGINE_BUSY']);

/** Whether a failure only says that it may not be. */
export function isRefusal(error: unknown): boolean {
  return REFUSALS.has(errorCode(error) ?? '');
}

/** Takes the chain back. Admission refuses until `run` resolves, and nothing is waiting to be committed. */
export class TakeBack {
  readonly #modules: TakeBackModules;
  readonly #parts: TakeBackParts;

  constructor(modules: TakeBackModules, parts: TakeBackParts) {
    this.#modules = modules;
    this.#parts = parts;
  }

  async run(toBatch: number): Promise<TakenBack> {
    const { verification, explanations } = this.#modules;
    await this.#dropOpenBlock();
    await verification.suspend();
    await explanations.close();
    await this.#parts.pool.settled();
    const outcome = await this.#rollback(toBatch);
    if (isRefusal(outcome.error)) {
      verification.continue();
      return { ...outcome, explanations: null };
    }
    await this.#parts.pool.reload();
    verification.wentBack();
    return { ...outcome, explanations: await explanations.reload() };
  }

  /** Its transactions wait again. */
  async #dropOpenBlock(): Promise<void> {
    const { finalizer, slices, pool } = this.#parts;
    slices.abandon();
    // After a halt the engine may have one that the books do not, or the other way round.
    await this.#modules.engine.discardBlock().catch(() => undefined);
    const block = finalizer.abandon();
    if (block !== null) pool.restore(block.entries, block.touched);
    slices.blockEnded();
  }

  async #rollback(toBatch: number): Promise<{ report: RollbackReport | null; error: unknown }> {
    const { finalizer, committer, slices, publisher } = this.#parts;
    const newest = this.#lastBlockOf(toBatch);
    const tell = newest === null ? () => undefined : publisher.takesBack(newest);
    try {
      const report = JSON.parse(await this.#modules.engine.rollback(toBatch)) as RollbackReport;
      return { report, error: null };
    } catch (error) {
      return { report: null, error };
    } finally {
      // The books follow the engine, wherever it stopped.
      finalizer.abandon();
      committer.movedTo(finalizer.headBlock);
      slices.batchOpened();
      tell(finalizer.headBlock);
    }
  }

  /** The newest L2 block at the end of a closed batch; null where there is no such batch, which the engine then says. */
  #lastBlockOf(number: number): number | null {
    const { engine } = this.#modules;
    // A forced batch may have no block. The genesis has one.
    for (let batch = number; batch >= 0; batch--) {
      const json = engine.batchJson(batch, false);
      if (json === null) return null;
      const { closed, blocks } = JSON.parse(json) as { closed: boolean; blocks: string[] };
      if (!closed) return null;
      const last = blocks.at(-1);
      if (last !== undefined) return engine.blockNumberByHash(Buffer.from(last.slice(2), 'hex'));
    }
    return null;
  }
}
