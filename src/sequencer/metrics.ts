/** Metrics of the sequencer. */
import type { Counter, CounterValue, Gauge, Histogram, MetricsRegistry } from '../common/metrics.js';
import type { CommittedBlocks, SealedBlock } from '../native/engine.js';
import type { ForcedBatchStatus } from '../rpc/modules.js';
import type { OrderingPolicy } from './config.js';
import { MODES, type Mode } from './mode.js';
import type { ResourceLedger } from './resource-ledger.js';
import { RESOURCE_NAMES } from './resources.js';

const RATIO_BUCKETS: readonly number[] = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1];
const COMMIT_BUCKETS: readonly number[] = [1, 2, 3, 4, 8];
const SLICE_BUCKETS: readonly number[] = [1, 4, 16, 64, 256, 1024, 4096];

/** What the sequencer reports at scrape time. */
export interface SequencerGauges {
  mode(): Mode;
  ledger(): ResourceLedger;
  blockNumber(): number;
  openBatch(): number;
  closedBatch(): number;
  blockTxCount(): number;
  /** L2 blocks that are sealed and not durable. */
  commitWaiting(): number;
  /** Order of ready transactions. */
  ordering(): OrderingPolicy;
  /** Null where nothing tells of forced batches. */
  forcedBatches(): ForcedBatchStatus | null;
  /** Unix ms. */
  nowMs(): number;
}

/** Metrics of the sequencer. */
export class SequencerMetrics {
  readonly txOk: CounterValue;
  readonly txReverted: CounterValue;
  readonly txs: Counter;
  readonly repriced: Counter;
  readonly underReserved: Counter;
  readonly batchClosed: Counter;
  readonly batchUsedRatio: Histogram;
  readonly blockStage: Histogram;
  readonly blockCloseLag: Histogram;
  readonly acceptToInclude: Histogram;
  readonly acceptToReceipt: Histogram;
  readonly sliceTxs: Histogram;
  readonly commitBlocks: Histogram;
  readonly listenerErrors: Counter;
  readonly forcedBatches: Counter;

  constructor(registry: MetricsRegistry, gauges: SequencerGauges) {
    this.txs = registry.counter('zknode_tx_total', 'Transactions that the executor decided about, by result.', ['result']);
    this.txOk = this.txs.with({ result: 'ok' });
    this.txReverted = this.txs.with({ result: 'reverted' });
    this.repriced = registry.counter(
      'zknode_tx_repriced_total',
      'Transactions charged another effective price than expected, because of the gas they used.',
      ['how'],
    );
    this.underReserved = registry.counter(
      'zknode_tx_under_reserved_total',
      'Transactions for which fewer counters were reserved than used; what was used counted.',
    );
    this.batchClosed = registry.counter('zknode_batch_closed_total', 'Closed batches by reason.', ['reason']);
    this.batchUsedRatio = registry.histogram(
      'zknode_batch_resource_used_ratio',
      'Used share of each resource when a batch is closed.',
      RATIO_BUCKETS,
      ['resource'],
    );
    this.blockStage = registry.histogram('zknode_block_stage_seconds', 'Time of an L2 block by stage.', undefined, ['stage']);
    this.blockCloseLag = registry.histogram('zknode_block_close_lag_seconds', 'From the deadline of an L2 block to its sealing.');
    this.acceptToInclude = registry.histogram('zknode_tx_accept_to_include_seconds', 'From arrival to execution in the open L2 block.');
    this.acceptToReceipt = registry.histogram('zknode_tx_accept_to_receipt_seconds', 'From arrival to the durable L2 block.');
    this.sliceTxs = registry.histogram('zknode_slice_txs', 'Transactions handed to one native execution.', SLICE_BUCKETS);
    this.commitBlocks = registry.histogram('zknode_commit_blocks', 'L2 blocks made durable by one write.', COMMIT_BUCKETS);
    this.listenerErrors = registry.counter('zknode_block_listener_errors_total', 'Failures of listeners of published L2 blocks.');
    this.forcedBatches = registry.counter(
      'zknode_forced_batches_total',
      'Forced batches processed, by result: one with an L2 block, an empty one, one without effect.',
      ['result'],
    );
    collectGauges(registry, gauges);
    collectForcedBatches(registry, gauges);
  }

  /** Books a sealed L2 block. */
  sealed({ sealNanos, treeNanos }: Pick<SealedBlock, 'sealNanos' | 'treeNanos'>): void {
    this.blockStage.observe(sealNanos / 1e9, { stage: 'seal' });
    this.blockStage.observe(treeNanos / 1e9, { stage: 'tree' });
  }

  /** Books a write that made L2 blocks durable. */
  committed({ blocks, nanos }: Pick<CommittedBlocks, 'blocks' | 'nanos'>): void {
    this.commitBlocks.observe(blocks);
    this.blockStage.observe(nanos / 1e9, { stage: 'commit' });
  }

  /** Books a closed batch. */
  closed(reason: string, ledger: ResourceLedger): void {
    this.batchClosed.inc(1, { reason });
    for (const [i, resource] of RESOURCE_NAMES.entries()) this.batchUsedRatio.observe(ledger.fill(i), { resource });
  }
}

function collectForcedBatches(registry: MetricsRegistry, { forcedBatches, nowMs }: SequencerGauges): void {
  registry
    .gauge('zknode_forced_batches_pending', 'Forced batches that wait: ready to be processed, or blocked by one that is missing.', [
      'state',
    ])
    .collect((gauge) => {
      const status = forcedBatches();
      gauge.set(status?.pending ?? 0, { state: 'ready' });
      gauge.set(status?.blocked ?? 0, { state: 'blocked' });
    });
  registry
    .gauge(
      'zknode_forced_batch_deadline_seconds',
      'Time until the next forced batch has to be processed, negative when it is late; 0 without one.',
    )
    .collect((gauge) => {
      const deadlineMs = forcedBatches()?.deadlineMs ?? null;
      gauge.set(deadlineMs === null ? 0 : (deadlineMs - nowMs()) / 1000);
    });
}

function collectGauges(registry: MetricsRegistry, gauges: SequencerGauges): void {
  registry.gauge('zknode_mode', 'Mode of the node: 1 for the mode that it is in.', ['mode']).collect((gauge: Gauge) => {
    for (const mode of MODES) gauge.set(gauges.mode() === mode ? 1 : 0, { mode });
  });
  registry.gauge('zknode_ordering', 'Order of ready transactions: 1 for the policy in force.', ['policy']).collect((gauge) => {
    gauge.set(1, { policy: gauges.ordering() });
  });
  registry.gauge('zknode_halted', '1 while the sequencer is halted.').collect((gauge) => gauge.set(gauges.mode() === 'halted' ? 1 : 0));
  registry
    .gauge('zknode_block_number', 'Newest L2 block by tag.', ['tag'])
    .collect((gauge) => gauge.set(gauges.blockNumber(), { tag: 'latest' }));
  registry.gauge('zknode_batch_number', 'Batches by state.', ['state']).collect((gauge) => {
    gauge.set(gauges.openBatch(), { state: 'open' });
    gauge.set(gauges.closedBatch(), { state: 'closed' });
  });
  registry
    .gauge('zknode_commit_waiting_blocks', 'L2 blocks that are sealed and wait for the disk.')
    .collect((gauge) => gauge.set(gauges.commitWaiting()));
  registry.gauge('zknode_wip_block_txs', 'Transactions in the open L2 block.').collect((gauge) => gauge.set(gauges.blockTxCount()));
  registry.gauge('zknode_wip_batch_fill', 'Used share of each resource of the open batch.', ['resource']).collect((gauge) => {
    const ledger = gauges.ledger();
    for (const [i, resource] of RESOURCE_NAMES.entries()) gauge.set(ledger.fill(i), { resource });
  });
}
