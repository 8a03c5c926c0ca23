/** Pool and sequencer over the fake engine on virtual time: what unit tests and simulations start. */

import { type Logger, silentLogger } from '../../src/common/logger.js';
import { MetricsRegistry } from '../../src/common/metrics.js';
import type { SealedBlock } from '../../src/native/engine.js';
import { POOL_DEFAULTS, type PoolConfig } from '../../src/pool/config.js';
import { GasPrice } from '../../src/pool/gas-price.js';
import { Pool } from '../../src/pool/pool.js';
import type { CoreFailure } from '../../src/pool/quarantine.js';
import type { RecordSink } from '../../src/recording/frames.js';
import type { Recorder } from '../../src/recording/recorder.js';
import { forcedThrough, recorded, type SessionPorts, unrecorded } from '../../src/recording/recording.js';
import type { SessionSetup } from '../../src/recording/session.js';
import { SEQUENCER_DEFAULTS, type SequencerConfig } from '../../src/sequencer/config.js';
import type { ForcedBatchSource } from '../../src/sequencer/forced-batches.js';
import { batchLimits } from '../../src/sequencer/limits.js';
import type { BatchVerifier, SequencerModules } from '../../src/sequencer/modules.js';
import { orderOf } from '../../src/sequencer/ordering.js';
import { Sequencer } from '../../src/sequencer/sequencer.js';
import { FakeDisk } from './fake-disk.js';
import { FakeEngine, type FakeFaults } from './fake-engine.js';
import { type FakeTransaction, fakeTransaction, rawOf } from './fake-transaction.js';
import { SimClock } from './sim-clock.js';

export interface SimOptions {
  readonly clock?: SimClock;
  readonly disk?: FakeDisk;
  readonly pool?: Partial<PoolConfig>;
  readonly sequencer?: Partial<SequencerConfig>;
  readonly limits?: readonly number[];
  readonly latencyMs?: (verb: string) => number;
  readonly answerMs?: (verb: string) => number;
  readonly faults?: FakeFaults;
  readonly forcedBatches?: ForcedBatchSource;
  readonly forkChangesAfter?: (batch: number) => boolean;
  readonly log?: Logger;
  /** False: pool only. */
  readonly sequence?: boolean;
  readonly verifier?: BatchVerifier;
  readonly explanations?: NonNullable<SequencerModules['explanations']>;
  readonly takeBack?: NonNullable<SequencerModules['takeBack']>;
  readonly onCoreFailure?: (failure: CoreFailure) => void;
  /** Records the session. */
  readonly record?: RecordSink;
}

export interface SimNode {
  readonly clock: SimClock;
  readonly disk: FakeDisk;
  readonly engine: FakeEngine;
  readonly pool: Pool;
  readonly sequencer: Sequencer;
  readonly metrics: MetricsRegistry;
  readonly recorder: Recorder | null;
  readonly published: SealedBlock[];
  /** Sends a fake transaction and runs virtual time until it is answered. */
  send(changes?: Partial<FakeTransaction>): Promise<string>;
}

export async function startSim(options: SimOptions = {}): Promise<SimNode> {
  const clock = options.clock ?? new SimClock();
  const disk = options.disk ?? new FakeDisk();
  const engine = new FakeEngine(disk, { clock, ...pick(options, ['limits', 'latencyMs', 'answerMs', 'faults']) });
  const metrics = new MetricsRegistry();
  const log = options.log ?? silentLogger;
  const config = { ...POOL_DEFAULTS, ...options.pool };
  const sequencing = { ...SEQUENCER_DEFAULTS, ...options.sequencer };
  const recording =
    options.record === undefined
      ? null
      : recorded({ engine, clock, log, sink: options.record, setup: setupOf(config, sequencing), version: '' });
  const ports: SessionPorts = recording ?? unrecorded(engine, clock);
  const opening = ports.begin(() => {
    const gasPrice = new GasPrice(config.gasPrice, { clock: ports.clock, log, effectiveGasPrice: config.effectiveGasPrice });
    gasPrice.start();
    return Pool.open({
      ...pick(ports, ['arrive']),
      ...pick(options, ['onCoreFailure']),
      engine: ports.engine,
      config,
      clock: ports.clock,
      log,
      metrics,
      gasPrice,
      order: orderOf(sequencing),
      batchLimits: batchLimits(engine.head().budgetLimits, sequencing),
      atTurnEnd: (task) => void ports.clock.schedule(0, task),
    });
  });
  const pool = await clock.runUntil(opening);
  const { forcedBatches, forkChangesAfter } = options;
  const sequencer = new Sequencer({
    engine: ports.engine,
    pool,
    config: sequencing,
    clock: ports.clock,
    log,
    metrics,
    ...pick(ports, ['commands']),
    ...pick(options, ['verifier', 'explanations', 'takeBack']),
    ...(forcedBatches && { forcedBatches: forcedThrough(ports, forcedBatches) }),
    ...(forkChangesAfter && { forkChangesAfter: (batch) => ports.input(`forkChangesAfter ${batch}`, () => forkChangesAfter(batch)) }),
  });
  const published: SealedBlock[] = [];
  sequencer.onBlock((block) => published.push(block));
  if (options.sequence !== false) sequencer.start();
  const send = (changes: Partial<FakeTransaction> = {}) => clock.runUntil(pool.add(rawOf(fakeTransaction(changes))));
  return { clock, disk, engine, pool, sequencer, metrics, recorder: recording?.recorder ?? null, published, send };
}

/** What a recording of a simulation starts with. */
function setupOf(pool: PoolConfig, sequencer: SequencerConfig): SessionSetup {
  return { chain: { chainId: 1001, forkId: 9, genesisJson: '{}', sequencerAddress: '0x' }, pool, sequencer, access: null };
}

/** The given properties, without those that are undefined. */
function pick<T extends object, K extends keyof T>(source: T, keys: readonly K[]): { [P in K]: Exclude<T[P], undefined> } {
  const picked: Partial<T> = {};
  for (const key of keys) if (source[key] !== undefined) picked[key] = source[key];
  return picked as { [P in K]: Exclude<T[P], undefined> };
}
