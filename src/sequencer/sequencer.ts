/**
 * The sequencer's loop. It runs at its own pace: transactions, timers and operators only wake it.
 *
 *   turn:  closing rule?   -> seal the open L2 block and close the batch with it
 *          forced batch?   -> execute it as a batch of its own
 *          block due?      -> seal it
 *          ready?          -> open a block if none is open, run one slice
 *          nothing to do   -> sleep until a signal or the next deadline
 *
 * An L2 block is opened when its first transaction is ready; its timestamp is fixed then. A sealed block is handed to the committer, and the
 * next one executes while it is written (committer.ts). Nothing is published before it is durable; a failed commit takes every block after it
 * with it and halts.
 * Failures of a single transaction are outcomes (classify.ts); an exception is a broken promise of the engine: the open block is dropped
 * and built again from the pool, a few times, then the sequencer halts and says why.
 */
import { errorMessage } from '../common/errors.js';
import type { RollbackReport } from '../native/maintenance.js';
import type { Explanation, InclusionEstimate, PendingBlock, RpcSequencer, SequencerStatus } from '../rpc/modules.js';
import type { Certificate } from './certificate.js';
import { certify } from './certify.js';
import { ClosingJudge } from './closing/judge.js';
import type { ClosingVerdict } from './closing/types.js';
import { Committer } from './committer.js';
import { Deadlines } from './deadlines.js';
import type { StoredExplanation } from './explain-store.js';
import { type Closing, Finalizer } from './finalizer.js';
import { type DueForcedBatch, ForcedBatches } from './forced-batches.js';
import { ForcedRunner } from './forced-runner.js';
import { SequencerMetrics } from './metrics.js';
import { ModeMachine } from './mode.js';
import type { SequencerModules } from './modules.js';
import { Publication } from './publication.js';
import type { BlockListener, RemovalListener } from './publisher.js';
import { type FailedCommit, Recovery } from './recovery.js';
import { namedResources } from './resources.js';
import { RollbackRequests } from './rollback-requests.js';
import { RunEnd } from './run-end.js';
import { SliceRunner } from './slice-runner.js';
import { TakeBack } from './take-back.js';
import { Wakeup } from './wakeup.js';

/** The sequencer. */
export class Sequencer implements RpcSequencer {
  readonly #modules: SequencerModules;
  readonly #finalizer: Finalizer;
  readonly #slices: SliceRunner;
  readonly #deadlines: Deadlines;
  readonly #mode: ModeMachine;
  readonly #metrics: SequencerMetrics;
  readonly #judge: ClosingJudge;
  readonly #runEnd: RunEnd;
  readonly #publication: Publication;
  readonly #wakeup: Wakeup;
  readonly #committer: Committer;
  readonly #recovery: Recovery;
  readonly #rollbacks: RollbackRequests;
  readonly #forced: ForcedBatches;
  readonly #forcedRunner: ForcedRunner;
  #unsubscribe: () => void = () => undefined;
  #failedCommit: FailedCommit | null = null;
  #paused = false;
  #resumeRequested = false;
  #loop: Promise<void> | null = null;
  #done = false;
  readonly #stopped: Promise<void>;
  #resolveStopped: () => void = () => undefined;

  constructor(modules: SequencerModules) {
    const { engine, pool, config, clock, log, metrics } = modules;
    this.#modules = modules;
    this.#finalizer = new Finalizer(engine, config);
    this.#forced = new ForcedBatches(modules.forcedBatches, () => this.#finalizer.nextForcedBatch, log);
    // What may not be processed now is no reason to close a batch.
    this.#deadlines = new Deadlines(this.#finalizer, config, clock, () => (this.#mayForce ? this.#forced.deadlineMs : null));
    this.#mode = new ModeMachine(clock, log);
    this.#wakeup = new Wakeup(clock);
    this.#metrics = new SequencerMetrics(metrics, {
      mode: () => this.#mode.mode,
      ledger: () => this.#finalizer.batch.ledger,
      blockNumber: () => this.#committer.durableBlock,
      openBatch: () => this.#finalizer.batch.number,
      closedBatch: () => this.#publication.durableBatch,
      blockTxCount: () => this.#finalizer.block?.entries.length ?? 0,
      commitWaiting: () => this.#committer.waitingCount,
      ordering: () => config.ordering,
      forcedBatches: () => this.#forced.status(),
      nowMs: () => clock.nowMs(),
    });
    const common = { finalizer: this.#finalizer, metrics: this.#metrics, config, clock, log };
    this.#slices = new SliceRunner({ ...common, pool });
    this.#runEnd = new RunEnd(config, this.#finalizer);
    this.#judge = new ClosingJudge({
      finalizer: this.#finalizer,
      slices: this.#slices,
      deadlines: this.#deadlines,
      mode: this.#mode,
      runEnd: this.#runEnd,
      config,
      forkChangesAfter: modules.forkChangesAfter ?? (() => false),
    });
    const { explanations, verifier } = modules;
    this.#publication = new Publication({ ...common, index: pool.index, explanations, verifier });
    this.#committer = new Committer({
      engine,
      durableBlock: this.#finalizer.headBlock,
      onDurable: (sealing) => this.#publication.blockDurable(sealing),
      onCommitted: (committed) => this.#metrics.committed(committed),
      onFailure: (error, lost) => {
        this.#failedCommit = { error, lost };
        this.#wakeup.signal();
      },
    });
    const parts = { pool, finalizer: this.#finalizer, slices: this.#slices, committer: this.#committer };
    const halt = (reason: string, isFinal: boolean): void => this.#halt(reason, isFinal);
    this.#forcedRunner = new ForcedRunner({ ...parts, publication: this.#publication, metrics: this.#metrics, log, halt });
    this.#recovery = new Recovery({ ...parts, engine, mode: this.#mode, clock, log, halt });
    const { publisher } = this.#publication;
    const takeBack = modules.takeBack === undefined ? null : new TakeBack(modules.takeBack, { ...parts, publisher });
    this.#rollbacks = new RollbackRequests(takeBack, this.#mode, log);
    this.#stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
    pool.attachSequencer({
      onReady: () => this.#wakeup.signal(),
      onFailure: (error) => this.#halt(`the pool could not be written: ${errorMessage(error)}`, true),
      haltReason: () => this.#refusal(),
    });
  }

  /** Starts the loop; the open batch of the last run goes on. */
  start(): void {
    if (this.#loop !== null) throw new Error('the sequencer runs already');
    this.#command('start', null, () => this.#start());
  }

  #start(): void {
    const { number, txCount } = this.#finalizer.batch;
    this.#modules.log.info('sequencer starts', { block: this.#finalizer.headBlock, openBatch: number, openBatchTxs: txCount });
    this.#mode.sequence();
    this.#endIfReached();
    this.#unsubscribe = this.#modules.forcedBatches?.onChange(() => this.forcedBatchesChanged()) ?? this.#unsubscribe;
    this.#loop = this.#run();
  }

  /** Graceful stop: what is executed becomes durable, the batch is closed where configured; the rest stays in the pool. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.#command('stop', null, () => void this.#stop().then(resolve, reject)));
  }

  async #stop(): Promise<void> {
    this.#mode.drain();
    this.#paused = false;
    this.#done ||= this.#mode.mode === 'halted';
    this.#wakeup.signal();
    await this.#loop;
  }

  /** Resolves when the loop has ended: after `stop`, or after the batch of `stopAtBatch` or `stopAtBlock`. */
  get stopped(): Promise<void> {
    return this.#stopped;
  }

  /** Asks for the open batch to be closed; answers its number, or null where it holds nothing. */
  requestBatchClose(): number | null {
    const batch = this.#judge.holdsSomething ? this.#finalizer.batch.number : null;
    this.#command('closeBatch', null, () => {
      this.#judge.request();
      this.#wakeup.signal();
    });
    return batch;
  }

  /** Makes no more blocks until `resume`; transactions are still admitted. */
  pause(): void {
    this.#command('pause', null, () => {
      this.#paused = true;
    });
  }

  /** Ends a pause, or a halt that an operator has looked into, unless only a new start ends it. */
  resume(): void {
    this.#command('resume', null, () => {
      this.#paused = false;
      if (this.#mode.mode === 'halted') this.#resumeRequested = true;
      this.#wakeup.signal();
    });
  }

  /**
   * Takes the chain back to the end of a closed batch, while paused or halted: a halt ends with it, a pause goes on. Rejects with
   * ADMIN_NOT_POSSIBLE where the mode does not allow it, and with what the engine says.
   */
  rollback(toBatch: number): Promise<RollbackReport> {
    const answer = this.#rollbacks.ask(toBatch, this.#paused);
    this.#wakeup.signal();
    return answer;
  }

  status(): SequencerStatus {
    const { batch, block } = this.#finalizer;
    return {
      mode: this.#mode.mode,
      haltReason: this.#mode.haltReason,
      isHaltFinal: this.#mode.isHaltFinal,
      paused: this.#paused,
      throttleReason: this.#mode.throttleReason,
      verification: this.#modules.verifier?.status() ?? null,
      blockNumber: this.#committer.durableBlock,
      openBatch: batch.number,
      closedBatch: this.#publication.durableBatch,
      forcedBatches: this.#forced.status(),
      wip: {
        blockTxCount: block?.entries.length ?? 0,
        batchTxCount: batch.txCount,
        used: namedResources(batch.ledger.used),
      },
    };
  }

  pendingBlock(): PendingBlock | null {
    const { block } = this.#finalizer;
    if (block === null) return null;
    const { number, openedAtMs, gasUsed, entries } = block;
    return { number, openedAtMs, gasUsed, transactions: entries };
  }

  onBlock(listener: BlockListener): () => void {
    return this.#publication.publisher.subscribe(listener);
  }

  onRemoval(listener: RemovalListener): () => void {
    return this.#publication.publisher.subscribeToRemovals(listener);
  }

  /** For every batch closed since its arrival, what became of a transaction; null where nothing is known about it. */
  explain(hash: string): Explanation | null {
    return this.#publication.explanations.explain(hash.toLowerCase());
  }

  /** When a transaction at this price would be in a durable L2 block. */
  estimateInclusion(gasPriceWei: bigint): InclusionEstimate {
    const { mode } = this.#mode;
    return this.#publication.estimator.estimate(gasPriceWei, !this.#paused && (mode === 'sequencing' || mode === 'recovering'));
  }

  /** Something downstream lags: no new transactions are executed until it is called with null. */
  throttle(reason: string | null): void {
    this.#command('throttle', reason, () => {
      if (reason === null) this.#mode.unthrottle();
      else this.#mode.throttle(reason);
      this.#wakeup.signal();
    });
  }

  /** More forced batches wait, or others: the loop looks at them. */
  forcedBatchesChanged(): void {
    this.#command('forcedBatches', null, () => this.#wakeup.signal());
  }

  /** An invariant is broken outside of the loop: nothing is executed or admitted until an operator resumes. */
  halt(reason: string): void {
    this.#command('halt', reason, () => this.#halt(reason));
  }

  /** Commands enter in an order that a recording can keep. */
  #command(name: string, argument: string | null, run: () => void): void {
    const { commands } = this.#modules;
    if (commands === undefined) run();
    else commands(name, argument, run);
  }

  // --- loop ----------------------------------------------------------------------------------------------------------------------

  async #run(): Promise<void> {
    while (!this.#done) {
      try {
        await this.#turn();
      } catch (error) {
        await this.#recover(error);
      }
    }
    await this.#committer.idle();
    if (this.#failedCommit !== null) await this.#commitFailed(this.#failedCommit);
    this.#unsubscribe();
    this.#rollbacks.drop();
    this.#resolveStopped();
  }

  async #turn(): Promise<void> {
    if (this.#failedCommit !== null) {
      await this.#commitFailed(this.#failedCommit);
      return;
    }
    if (this.#rollbacks.isPending) {
      await this.#serveRollback();
      return;
    }
    if (this.#mode.mode === 'halted') {
      if (this.#resumeRequested) await this.#resumeFromHalt();
      else await this.#wakeup.until(null);
      return;
    }
    const nowMs = this.#modules.clock.nowMs();
    const verdict = this.#judge.verdict(nowMs);
    const forced = verdict === null && this.#mayForce ? this.#forced.due(nowMs) : null;
    if (verdict !== null) await this.#closeBatch(verdict, nowMs);
    else if (forced !== null) await this.#runForced(forced, nowMs);
    else if (this.#deadlines.isBlockDue(nowMs)) await this.#endBlock(nowMs);
    else if (this.#mode.mode === 'draining') await this.#drain(nowMs);
    else if (this.#mayWork()) await this.#work(nowMs);
    else await this.#wakeup.until(this.#deadlines.nextMs());
  }

  /** Also while something downstream lags: L1 leaves limited time for them, and there are few. */
  get #mayForce(): boolean {
    const { mode } = this.#mode;
    return !this.#paused && (mode === 'sequencing' || mode === 'throttled');
  }

  /** The open batch holds nothing; an open L2 block without transactions makes room. */
  async #runForced(forced: DueForcedBatch, nowMs: number): Promise<void> {
    if (this.#finalizer.block !== null) await this.#finalizer.discard();
    await this.#committer.idle();
    if (this.#failedCommit !== null) throw this.#failedCommit.error;
    await this.#forcedRunner.run(forced, nowMs);
    this.#batchOpened();
  }

  #mayWork(): boolean {
    if (this.#paused || this.#mode.mode !== 'sequencing') return false;
    return this.#slices.hasReady || (this.#modules.config.emptyBlocks === 'interval' && this.#finalizer.block === null);
  }

  async #work(nowMs: number): Promise<void> {
    if (this.#finalizer.block === null) {
      const markerShortfall = await this.#finalizer.open(nowMs);
      this.#judge.blockOpened(markerShortfall);
      if (markerShortfall !== null) {
        this.#assertRoomForMarker();
        return;
      }
    }
    const { block } = this.#finalizer;
    if (block !== null && this.#slices.hasReady) await this.#slices.runNext(this.#deadlines.blockMs(block.openedAtMs));
  }

  /** A fresh batch that cannot even take the marker of a block would be closed for ever. */
  #assertRoomForMarker(): void {
    if (this.#finalizer.isBatchFresh) this.#halt('the batch limits leave no room for an L2 block');
  }

  /** The open block is due. Without transactions it is sealed only where empty blocks are wanted. */
  async #endBlock(nowMs: number): Promise<void> {
    const { block } = this.#finalizer;
    if (block === null) return;
    this.#metrics.blockCloseLag.observe(Math.max(0, nowMs - this.#deadlines.blockMs(block.openedAtMs)) / 1000);
    if (block.entries.length === 0 && this.#modules.config.emptyBlocks === 'never') await this.#finalizer.discard();
    else await this.#seal(nowMs, null);
    this.#slices.blockEnded();
  }

  async #closeBatch(verdict: ClosingVerdict, nowMs: number): Promise<void> {
    const { batch, block } = this.#finalizer;
    const { pool, config } = this.#modules;
    const certificate = certify(verdict, nowMs, { finalizer: this.#finalizer, index: pool.index, misfits: this.#slices.misfits, config });
    const closing = { reason: verdict.reason, detailJson: JSON.stringify(certificate) };
    const misfits = this.#slices.misfits;
    if (block !== null && block.entries.length > 0) {
      await this.#seal(nowMs, closing);
    } else {
      if (block !== null) await this.#finalizer.discard();
      // Its write is one of its own: what was sealed before is published before.
      await this.#committer.idle();
      if (this.#failedCommit !== null) throw this.#failedCommit.error;
      await this.#finalizer.close(nowMs, closing);
      this.#publication.batchDurable({ batch, closing });
    }
    this.#publication.batchClosed(certificate, misfits);
    this.#batchClosed(certificate);
  }

  /** Seals the open block, as soon as few enough wait for the disk. */
  async #seal(nowMs: number, closing: Closing | null): Promise<void> {
    await this.#committer.room();
    if (this.#failedCommit !== null) throw this.#failedCommit.error;
    const sealing = await this.#finalizer.finish(nowMs, closing);
    this.#metrics.sealed(sealing.sealed);
    this.#committer.add(sealing);
  }

  /** The next batch is open; the closed one may have to wait for the disk yet. */
  #batchClosed({ batch, reason, binding, txCount, blockCount }: Certificate): void {
    this.#modules.log.info('batch closed', { batch, reason, binding, txs: txCount, blocks: blockCount });
    this.#batchOpened();
  }

  #batchOpened(): void {
    this.#judge.batchOpened();
    this.#slices.batchOpened();
    this.#endIfReached();
  }

  /** Also at the start: the end may have been reached in an earlier run. */
  #endIfReached(): void {
    if (!this.#runEnd.isReached) return;
    const { batch, headBlock } = this.#finalizer;
    const { stopAtBatch, stopAtBlock } = this.#modules.config;
    this.#modules.log.info('last batch reached', { batch: batch.number - 1, block: headBlock, stopAtBatch, stopAtBlock });
    this.#mode.drain();
    this.#done = true;
  }

  /** What is executed becomes durable, then the loop ends. */
  async #drain(nowMs: number): Promise<void> {
    const { block } = this.#finalizer;
    if (block !== null && block.entries.length > 0) await this.#seal(nowMs, null);
    else if (block !== null) await this.#finalizer.discard();
    this.#done = true;
  }

  // --- failures ------------------------------------------------------------------------------------------------------------------

  /** Whatever comes of it: the marker that did not fit was one of the block that is gone. */
  async #recover(error: unknown): Promise<void> {
    // The engine refuses what was under way because of it.
    if (this.#failedCommit !== null) return;
    await this.#recovery.recover(error);
    this.#judge.blockDropped();
  }

  async #commitFailed(failed: FailedCommit): Promise<void> {
    this.#failedCommit = null;
    await this.#recovery.commitFailed(failed);
    this.#judge.blockDropped();
  }

  async #resumeFromHalt(): Promise<void> {
    this.#resumeRequested = false;
    if (!this.#mode.resume()) {
      this.#modules.log.warn('only a new start ends this halt', { reason: this.#mode.haltReason });
      return;
    }
    this.#modules.verifier?.resumed();
    await this.#recovery.rebuild('resumed by the operator');
    this.#judge.blockDropped();
  }

  async #serveRollback(): Promise<void> {
    await this.#committer.idle();
    // A commit that failed comes first.
    if (this.#failedCommit !== null) return;
    await this.#rollbacks.serve({
      taken: (explanations) => this.#wentBack(explanations),
      failed: (reason) => this.#halt(reason, true),
    });
  }

  /** Blocks were taken back: what the loop knows of the chain is that of a start. */
  #wentBack(explanations: readonly StoredExplanation[]): void {
    this.#publication.wentBack(explanations);
    this.#judge.batchOpened();
    this.#resumeRequested = false;
  }

  /** `isFinal`: until a new start. */
  #halt(reason: string, isFinal = false): void {
    // Asked to stop already: a halted loop would wait for an operator who will not come.
    if (this.#mode.mode === 'draining') this.#done = true;
    this.#mode.halt(reason, isFinal);
    this.#wakeup.signal();
  }

  /** Why nothing is admitted now. */
  #refusal(): string | null {
    if (this.#rollbacks.isPending) return 'the chain is being taken back';
    if (this.#mode.mode === 'halted') return this.#mode.haltReason;
    return this.#mode.mode === 'draining' ? 'the node is stopping' : null;
  }
}
