/** Everything that the namespaces are built from. */
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import type { BlockResolver } from './block-ref.js';
import type { CallGate } from './call-gate.js';
import type { RpcConfig } from './config.js';
import type { Filters } from './filters.js';
import type { Finality } from './finality.js';
import type { RpcModules } from './modules.js';
import type { ReceiptWaiter } from './receipt-waiter.js';
import type { Subscriptions } from './subscriptions.js';

/** Facts about this node that methods answer. */
export interface NodeIdentity {
  /** `web3_clientVersion`. */
  readonly clientVersion: string;
  /** Fee address of sequenced batches, `eth_coinbase`. */
  readonly sequencerAddress: string;
  /** Interval of L2 blocks: what eth_feeHistory calls a full block depends on it. */
  readonly blockIntervalMs: number;
  /** What the sequencer plans one batch with, by resource. */
  readonly batchLimits: readonly number[];
}

export interface RpcServices extends RpcModules {
  readonly config: RpcConfig;
  readonly identity: NodeIdentity;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly finality: Finality;
  readonly blocks: BlockResolver;
  readonly gate: CallGate;
  /** Traces run longer than calls and must not hold their places. */
  readonly traceGate: CallGate;
  readonly filters: Filters;
  readonly subscriptions: Subscriptions;
  readonly receipts: ReceiptWaiter;
}
