/**
 * The sequencer's loop. It runs at its own pace: transactions, timers and operators only wake it.
 *
 *   turn:  closing rule?   -> seal the open L2 block and close the batch with it
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
import { judgeClosing } from './closing/index.js';
import type { ClosingContext, ClosingVerdict } from './closing/types.js';
import { Committer } from './committer.js';
import { Deadlines } from './deadlines.js';
import { ExplainLog } from './explain.js';
import type { StoredExplanation } from './explain-store.js';
import { type ClosedWipBatch, type Closing, Finalizer, type Sealing } from './finalizer.js';
import { InclusionEstimator } from './inclusion-estimate.js';
import { SequencerMetrics } from './metrics.js';
import { ModeMachine } from './mode.js';
import type { SequencerModules } from './modules.js';
import { goesBefore } from './ordering.js';
import { type BlockListener, Publisher, type RemovalListener } from './publisher.js';
import { type FailedCommit, Recovery } from './recovery.js';
import type { Shortfall } from './resource-ledger.js';
import { namedResources } from './resources.js';
import { RollbackRequests } from './rollback-requests.js';
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
  readonly #publisher: Publisher;
  readonly #wakeup: Wakeup;
  #explain: ExplainLog;
  readonly #estimator: InclusionEstimator;
  readonly #committer: Committer;
  readonly #recovery: Recovery;
  readonly #rollbacks: RollbackRequests;
  #durableBatch: number;
  #failedCommit: FailedCommit | null = null;
  #markerShortfall: Shortfall | null = null;
  #operatorRequested = false;
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
    this.#deadlines = new Deadlines(this.#finalizer, config, clock, modules.forcedDeadlineMs);
    this.#mode = new ModeMachine(clock, log);
    this.#wakeup = new Wakeup(clock);
    this.#metrics = new SequencerMetrics(metrics, {
      mode: () => this.#mode.mode,
      ledger: () => this.#finalizer.batch.ledger,
      blockNumber: () => this.#committer.durableBlock,
      openBatch: () => this.#finalizer.batch.number,
      closedBatch: () => this.#durableBatch,
      blockTxCount: () => this.#finalizer.block?.entries.length ?? 0,
      commitWaiting: () => this.#committer.waitingCount,
      ordering: () => config.ordering,
    });
    this.#durableBatch = this.#finalizer.batch.number - 1;
    this.#publisher = new Publisher(this.#finalizer.headBlock, log, () => this.#metrics.listenerErrors.inc());
    this.#slices = new SliceRunner({ pool, finalizer: this.#finalizer, config, clock, log, metrics: this.#metrics });
    const { store, stored } = modules.explanations ?? {};
    this.#explain = new ExplainLog(pool.index, config.explainedBatchesMax, store, stored);
    this.#estimator = new InclusionEstimator(pool.index, clock, config.blockIntervalMs, goesBefore(config));
    this.#committer = new Committer({
      engine,
      durableBlock: this.#finalizer.headBlock,
      onDurable: (sealing) => this.#publish(sealing),
      onCommitted: ({ blocks, nanos }) => {
        this.#metrics.commitBlocks.observe(blocks);
        this.#metrics.blockStage.observe(nanos / 1e9, { stage: 'commit' });
      },
      onFailure: (error, lost) => {
        this.#failedCommit = { error, lost };
        this.#wakeup.signal();
      },
    });
    this.#recovery = new Recovery({
      engine,
      pool,
      finalizer: this.#finalizer,
      slices: this.#slices,
      committer: this.#committer,
      mode: this.#mode,
      log,
      halt: (reason, isFinal) => this.#halt(reason, isFinal),
    });
    const parts = { pool, finalizer: this.#finalizer, slices: this.#slices, committer: this.#committer, publisher: this.#publisher };
    const takeBack = modules.takeBack === undefined ? null : new TakeBack(modules.takeBack, parts);
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
    const { config, log } = this.#modules;
    log.info('sequencer starts', { block: this.#finalizer.headBlock, openBatch: number, openBatchTxs: txCount });
    this.#mode.sequence();
    // Reached in an earlier run: another batch, or another block, would be one too many.
    const { stopAtBatch, stopAtBlock } = config;
    const { headBlock } = this.#finalizer;
    const isPast = stopAtBlock > 0 && (headBlock > stopAtBlock || (headBlock === stopAtBlock && this.#finalizer.isBatchFresh));
    if ((stopAtBatch > 0 && number > stopAtBatch) || isPast) this.#reachedEnd(number - 1);
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
    const batch = this.#holdsSomething ? this.#finalizer.batch.number : null;
    this.#command('closeBatch', null, () => {
      this.#operatorRequested = true;
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
      closedBatch: this.#durableBatch,
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
    return this.#publisher.subscribe(listener);
  }

  onRemoval(listener: RemovalListener): () => void {
    return this.#publisher.subscribeToRemovals(listener);
  }

  /** For every batch closed since its arrival, what became of a transaction; null where nothing is known about it. */
  explain(hash: string): Explanation | null {
    return this.#explain.explain(hash.toLowerCase());
  }

  /** When a transaction at this price would be in a durable L2 block. */
  estimateInclusion(gasPriceWei: bigint): InclusionEstimate {
    const { mode } = this.#mode;
    return this.#estimator.estimate(gasPriceWei, !this.#paused && (mode === 'sequencing' || mode === 'recovering'));
  }

  /** Something downstream lags: no new transactions are executed until it is called with null. */
  throttle(reason: string | null): void {
    this.#command('throttle', reason, () => {
      if (reason === null) this.#mode.unthrottle();
      else this.#mode.throttle(reason);
      this.#wakeup.signal();
    });
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
    const verdict = this.#closingVerdict(nowMs);
    if (verdict !== null) await this.#closeBatch(verdict, nowMs);
    else if (this.#deadlines.isBlockDue(nowMs)) await this.#endBlock(nowMs);
    else if (this.#mode.mode === 'draining') await this.#drain(nowMs);
    else if (this.#mayWork()) await this.#work(nowMs);
    else await this.#wakeup.until(this.#deadlines.nextMs());
  }

  #mayWork(): boolean {
    if (this.#paused || this.#mode.mode !== 'sequencing') return false;
    return this.#slices.hasReady || (this.#modules.config.emptyBlocks === 'interval' && this.#finalizer.block === null);
  }

  async #work(nowMs: number): Promise<void> {
    if (this.#finalizer.block === null) {
      this.#markerShortfall = await this.#finalizer.open(nowMs);
      if (this.#markerShortfall !== null) {
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

  /** The open batch has something that a close would seal. */
  get #holdsSomething(): boolean {
    const { batch, block } = this.#finalizer;
    return batch.blockCount > 0 || (block !== null && block.entries.length > 0);
  }

  #closingVerdict(nowMs: number): ClosingVerdict | null {
    if (!this.#holdsSomething) {
      this.#operatorRequested = false;
      return null;
    }
    return judgeClosing(this.#closingContext(nowMs));
  }

  #closingContext(nowMs: number): ClosingContext {
    const { batch } = this.#finalizer;
    return {
      config: this.#modules.config,
      nowMs,
      ledger: batch.ledger,
      txCount: batch.txCount,
      blockCount: batch.blockCount,
      openedAtMs: this.#deadlines.batchOpenedAtMs(nowMs),
      markerShortfall: this.#markerShortfall,
      nothingFits: this.#slices.nothingFits(this.#finalizer.block === null || this.#deadlines.isBlockDue(nowMs)),
      forcedDeadlineMs: this.#deadlines.forcedMs,
      operatorRequested: this.#operatorRequested,
      draining: this.#mode.mode === 'draining',
      isLastBlock: this.#isLastBlock(nowMs),
      forkChanges: this.#modules.forkChangesAfter?.(batch.number) ?? false,
    };
  }

  /** What would be closed now ends with the L2 block of `stopAtBlock`. An empty block is sealed by itself first, where it is to be sealed. */
  #isLastBlock(nowMs: number): boolean {
    const { stopAtBlock } = this.#modules.config;
    if (stopAtBlock === 0) return false;
    const { block, headBlock } = this.#finalizer;
    if (block === null) return headBlock === stopAtBlock;
    return block.number === stopAtBlock && block.entries.length > 0 && this.#deadlines.isBlockDue(nowMs);
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
      this.#batchDurable({ batch, closing });
    }
    this.#explain.batchClosed({ number: batch.number, reason: verdict.reason, closedAtMs: nowMs }, misfits, pool.index.drainChanged());
    this.#batchClosed(batch.number, certificate);
  }

  /** Seals the open block, as soon as few enough wait for the disk. */
  async #seal(nowMs: number, closing: Closing | null): Promise<void> {
    await this.#committer.room();
    if (this.#failedCommit !== null) throw this.#failedCommit.error;
    const sealing = await this.#finalizer.finish(nowMs, closing);
    const { sealed } = sealing;
    this.#metrics.blockStage.observe(sealed.sealNanos / 1e9, { stage: 'seal' });
    this.#metrics.blockStage.observe(sealed.treeNanos / 1e9, { stage: 'tree' });
    this.#committer.add(sealing);
  }

  /** The next batch is open; the closed one may have to wait for the disk yet. */
  #batchClosed(number: number, certificate: Certificate): void {
    const { config, log } = this.#modules;
    this.#markerShortfall = null;
    this.#operatorRequested = false;
    this.#slices.batchOpened();
    const { reason, binding, txCount, blockCount } = certificate;
    log.info('batch closed', { batch: number, reason, binding, txs: txCount, blocks: blockCount });
    const { stopAtBatch, stopAtBlock } = config;
    const isLastBlock = stopAtBlock > 0 && this.#finalizer.headBlock >= stopAtBlock;
    if ((stopAtBatch > 0 && number >= stopAtBatch) || isLastBlock) this.#reachedEnd(number);
  }

  #reachedEnd(batch: number): void {
    const { stopAtBatch, stopAtBlock } = this.#modules.config;
    this.#modules.log.info('last batch reached', { batch, block: this.#finalizer.headBlock, stopAtBatch, stopAtBlock });
    this.#mode.drain();
    this.#done = true;
  }

  #publish({ sealed, block, closed }: Sealing): void {
    const { pool, clock, log } = this.#modules;
    const startedMs = clock.monotonicMs();
    const nowMs = clock.nowMs();
    for (const entry of block.entries) {
      pool.index.seal(entry);
      this.#metrics.acceptToReceipt.observe((nowMs - entry.receivedAtMs) / 1000);
    }
    this.#explain.included(block.entries, sealed.batchNumber, sealed.number);
    this.#estimator.observe(sealed.txCount);
    log.debug('L2 block sealed', { block: sealed.number, batch: sealed.batchNumber, txs: sealed.txCount, stateRoot: sealed.stateRoot });
    if (closed !== null) this.#batchDurable(closed);
    this.#publisher.publish(sealed);
    this.#metrics.blockStage.observe((clock.monotonicMs() - startedMs) / 1000, { stage: 'publish' });
  }

  #batchDurable({ batch, closing }: ClosedWipBatch): void {
    this.#durableBatch = batch.number;
    this.#explain.durable(batch.number);
    this.#modules.verifier?.batchClosed(batch.number);
    this.#metrics.closed(closing.reason, batch.ledger);
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
    this.#markerShortfall = null;
  }

  async #commitFailed(failed: FailedCommit): Promise<void> {
    this.#failedCommit = null;
    await this.#recovery.commitFailed(failed);
    this.#markerShortfall = null;
  }

  async #resumeFromHalt(): Promise<void> {
    this.#resumeRequested = false;
    if (!this.#mode.resume()) {
      this.#modules.log.warn('only a new start ends this halt', { reason: this.#mode.haltReason });
      return;
    }
    this.#modules.verifier?.resumed();
    await this.#recovery.rebuild('resumed by the operator');
    this.#markerShortfall = null;
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
    const { pool, config } = this.#modules;
    this.#explain = new ExplainLog(pool.index, config.explainedBatchesMax, this.#modules.explanations?.store ?? null, explanations);
    this.#durableBatch = this.#finalizer.batch.number - 1;
    this.#markerShortfall = null;
    this.#operatorRequested = false;
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
