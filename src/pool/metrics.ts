/** Metrics of the pool. */
import type { Counter, Histogram, MetricsRegistry } from '../common/metrics.js';

const GROUP_SIZE_BUCKETS: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** What the pool reports at scrape time. */
export interface PoolGauges {
  counts(): { pending: number; queued: number };
  memoryBytes(): number;
  oldestReadySeconds(): number;
}

/** Metrics of the pool. */
export class PoolMetrics {
  readonly accepted: Counter;
  readonly rejected: Counter;
  readonly ended: Counter;
  readonly evicted: Counter;
  readonly groupSize: Histogram;
  readonly admissionSeconds: Histogram;

  constructor(registry: MetricsRegistry, gauges: PoolGauges) {
    this.accepted = registry.counter('zknode_pool_accepted_total', 'Transactions admitted to the pool.');
    this.rejected = registry.counter('zknode_pool_rejected_total', 'Transactions refused by the pool, by reason.', ['reason']);
    this.ended = registry.counter('zknode_pool_ended_total', 'Transactions that left the pool without being included, by status.', [
      'status',
    ]);
    this.evicted = registry.counter('zknode_pool_evicted_total', 'Transactions that a full pool gave up for better ones.');
    this.groupSize = registry.histogram('zknode_pool_admission_group_size', 'Transactions in one admission.', GROUP_SIZE_BUCKETS);
    this.admissionSeconds = registry.histogram('zknode_pool_admission_seconds', 'From the arrival of a transaction to its durable answer.');
    registry.gauge('zknode_pool_txs', 'Transactions in the pool, by state.', ['state']).collect((gauge) => {
      const { pending, queued } = gauges.counts();
      gauge.set(pending, { state: 'pending' });
      gauge.set(queued, { state: 'queued' });
    });
    registry.gauge('zknode_pool_bytes', 'Memory of the transactions in the pool.').collect((gauge) => gauge.set(gauges.memoryBytes()));
    registry
      .gauge('zknode_pool_oldest_ready_seconds', 'Age of the oldest transaction that could run now.')
      .collect((gauge) => gauge.set(gauges.oldestReadySeconds()));
  }
}
