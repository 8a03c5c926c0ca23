/**
 * Stages C and D of the pipeline: makes finished L2 blocks durable while the next ones execute, and hands them on for publication, in order
 * and only then. One commit runs at a time and takes every block finished before it began, so a slow disk makes commits larger, not the
 * line longer; how many blocks may wait is limited all the same, and whoever finishes the next one waits for room.
 *
 * After a failed commit nothing more is written or handed on: the database takes no more writes.
 */
import type { CommittedBlocks, NativeEngine } from '../native/engine.js';
import type { Sealing } from './finalizer.js';

/**
 * Finished blocks that may wait for the disk, the one being written included. Two keep execution busy; more only help over a stall of the
 * disk, and everything in them is lost work when the commit fails. `zknode_commit_waiting_blocks` at this number shows a disk that is too slow.
 */
export const COMMIT_WAITING_MAX = 4;

/** Parts that commits take. */
export interface CommitterModules {
  readonly engine: Pick<NativeEngine, 'commitBlocks'>;
  /** Newest durable L2 block at the start. */
  readonly durableBlock: number;
  /** Takes a durable block; called in block order. */
  readonly onDurable: (sealing: Sealing) => void;
  /** A commit is done. */
  readonly onCommitted: (committed: CommittedBlocks) => void;
  /** A commit failed, or a durable block could not be handed on; `lost` are the blocks that will not become durable, oldest first. */
  readonly onFailure: (error: unknown, lost: readonly Sealing[]) => void;
}

/** Commits finished blocks. */
export class Committer {
  readonly #modules: CommitterModules;
  #waiting: Sealing[] = [];
  #durableBlock: number;
  #running = false;
  #failed = false;
  #waiters: { readonly below: number; readonly resolve: () => void }[] = [];

  constructor(modules: CommitterModules) {
    this.#modules = modules;
    this.#durableBlock = modules.durableBlock;
  }

  /** Newest durable L2 block. */
  get durableBlock(): number {
    return this.#durableBlock;
  }

  /** Finished blocks that are not durable. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Takes the block that the engine has just finished. */
  add(sealing: Sealing): void {
    this.#waiting.push(sealing);
    if (!this.#running && !this.#failed) void this.#run();
  }

  /** Resolves when one more block may be finished; also after a failure, which the caller looks for itself. */
  room(): Promise<void> {
    return this.#below(COMMIT_WAITING_MAX);
  }

  /** Resolves when nothing waits any more. */
  idle(): Promise<void> {
    return this.#below(1);
  }

  /** The durable chain ends with this block by another way: it was taken back, or a forced batch brought its own. Nothing waits. */
  movedTo(durableBlock: number): void {
    this.#durableBlock = durableBlock;
  }

  #below(limit: number): Promise<void> {
    if (this.#waiting.length < limit) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ below: limit, resolve }));
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#waiting.length > 0) {
        const committed = await this.#modules.engine.commitBlocks();
        this.#modules.onCommitted(committed);
        this.#handOn(committed.blockNumber);
        this.#wake();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#running = false;
    }
  }

  #handOn(durableBlock: number): void {
    for (let next = this.#waiting[0]; next !== undefined && next.sealed.number <= durableBlock; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#durableBlock = next.sealed.number;
      this.#modules.onDurable(next);
    }
  }

  #fail(error: unknown): void {
    this.#failed = true;
    const lost = this.#waiting;
    this.#waiting = [];
    this.#modules.onFailure(error, lost);
    this.#wake();
  }

  #wake(): void {
    const ready = this.#waiters.filter(({ below }) => this.#waiting.length < below);
    this.#waiters = this.#waiters.filter(({ below }) => this.#waiting.length >= below);
    for (const { resolve } of ready) resolve();
  }
}
