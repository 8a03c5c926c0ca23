/**
 * The node: builds every part in the order in which a transaction meets them, backwards (what is needed first is built first), and closes
 * them in the reverse order. The tour through the code starts here.
 *
 *   engine <- [recording] <- gas price <- pool <- verification <- sequencer <- JSON-RPC
 *
 * One AbortSignal ends everything. A part that fails to start takes down those that already run, and the failure says why.
 */
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Clock, systemClock } from './common/clock.js';
import type { Logger } from './common/logger.js';
import { MetricsRegistry } from './common/metrics.js';
import type { NodeConfig } from './config/config.js';
import { bridgeOf, type GenesisSource, loadGenesis } from './config/genesis.js';
import { l1GasPriceSource } from './l1/gas-price-source.js';
import type { NativeEngine } from './native/engine.js';
import { openEngine } from './native/index.js';
import { AccessStore, storedAccessPolicy } from './pool/access-store.js';
import { GasPrice } from './pool/gas-price.js';
import { Pool } from './pool/pool.js';
import { Quarantine } from './pool/quarantine.js';
import { ensureBase } from './recording/base.js';
import { forcedThrough, recordInto, type SessionPorts, unrecorded } from './recording/recording.js';
import { AdminRpc } from './rpc/admin.js';
import { Rpc } from './rpc/rpc.js';
import { listenFault } from './rpc/transport/listen-fault.js';
import { loadUws, type Uws } from './rpc/transport/uws.js';
import { noteVersion } from './rpc/version-history.js';
import { EngineExplanations } from './sequencer/explain-store.js';
import type { ForcedBatchSource } from './sequencer/forced-batches.js';
import { batchLimits } from './sequencer/limits.js';
import { orderOf } from './sequencer/ordering.js';
import { Sequencer } from './sequencer/sequencer.js';
import { Verification } from './sequencer/verification.js';
import { CLIENT_VERSION, VERSION } from './version.js';

/** What the node is started with. */
export interface NodeModules {
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Ends the node. */
  readonly signal?: AbortSignal;
  /** Tells of forced batches; without it there are none. */
  readonly forcedBatches?: ForcedBatchSource;
}

/** A part that runs, and how it is ended. */
interface Running {
  readonly name: string;
  readonly close: () => void | Promise<void>;
}

/** Resolution of the event loop delay, in milliseconds. */
const LOOP_RESOLUTION_MS = 10;
/** Folder in the data directory for bundles of batches that differ when they are executed again. */
const BUNDLE_FOLDER = 'verification';
const NANOS_PER_SECOND = 1e9;

/** A running node. */
export class SequencerNode {
  readonly engine: NativeEngine;
  readonly pool: Pool;
  readonly sequencer: Sequencer;
  readonly rpc: Rpc;
  readonly genesis: GenesisSource;
  readonly #verification: Verification;
  readonly #closing: Closing;
  #endProblem: string | null = null;

  private constructor(parts: Parts, closing: Closing) {
    this.engine = parts.engine;
    this.pool = parts.pool;
    this.sequencer = parts.sequencer;
    this.rpc = parts.rpc;
    this.genesis = parts.genesis;
    this.#verification = parts.verification;
    this.#closing = closing;
  }

  /** Builds and starts every part. Rejects with a coded error; nothing is left running then. */
  static async init(config: NodeConfig, modules: NodeModules): Promise<SequencerNode> {
    const { logger, signal } = modules;
    const closing = new Closing(logger);
    try {
      const node = await build(config, modules, closing, (parts) => new SequencerNode(parts, closing));
      signal?.throwIfAborted();
      signal?.addEventListener('abort', () => void node.close(), { once: true });
      void node.sequencer.stopped.then(() => node.#sequencerStopped(logger));
      return node;
    } catch (error) {
      await closing.run();
      throw error;
    }
  }

  /** Resolves when the node has ended, whoever asked for it. */
  get closed(): Promise<void> {
    return this.#closing.done;
  }

  /** Why what the node was to end with is not sound; null where it is, or where the node was told to end. */
  get endProblem(): string | null {
    return this.#endProblem;
  }

  /**
   * The loop ends with the node, or by itself after the batch of `stopAtBatch` or `stopAtBlock`: when that is verified nothing is left to do
   * here, and the node ends too.
   */
  async #sequencerStopped(logger: Logger): Promise<void> {
    if (this.#closing.started) return;
    const problem = await this.#verification.caughtUp();
    if (this.#closing.started) return;
    this.#endProblem = problem;
    const facts = { batch: this.sequencer.status().closedBatch };
    if (problem === null) logger.info('the node ends: the sequencer has closed the last batch', facts);
    else logger.error('the node ends: the sequencer has closed the last batch, and verification failed', { ...facts, problem });
    void this.close();
  }

  /** Stops taking requests, makes durable what is executed, and releases the data directory. */
  close(): Promise<void> {
    return this.#closing.run();
  }
}

/** What a node is made of, as far as it answers for it. */
type Parts = Pick<SequencerNode, 'engine' | 'pool' | 'sequencer' | 'rpc' | 'genesis'> & { readonly verification: Verification };
type Finish = (parts: Parts) => SequencerNode;

async function build(config: NodeConfig, modules: NodeModules, closing: Closing, finish: Finish): Promise<SequencerNode> {
  const { logger } = modules;
  const clock = modules.clock ?? systemClock;
  const metrics = new MetricsRegistry();
  // A missing server binary and a used port are known before the database is touched.
  const uws = await loadUws();
  const { rpc: publicAddress, admin } = config;
  for (const { host, port } of admin.port === 0 ? [publicAddress] : [publicAddress, admin]) {
    const fault = await listenFault(host, port);
    if (fault !== null) throw fault;
  }
  const genesis = loadGenesis(config.chain);
  const bridgeAddress = bridgeOf(config.pool.bridgeAddress, genesis, config.pool.freeClaims);
  warnAboutGuess(genesis, logger);
  closing.add('process metrics', processMetrics(metrics));

  const engine = await openEngine(engineOptions(config, genesis));
  closing.add('engine', () => engine.close());
  metrics.addText(() => engine.metricsText());

  await noteVersion(engine, VERSION, clock.nowMs());
  const stored = storedAccessPolicy(engine);
  const access = stored ?? config.access;
  if (stored !== null) logger.warn('the access policy was changed at run time: the configured one is not in force', { access });
  const explanations = await EngineExplanations.open(
    engine,
    config.sequencer.explainedBatchesMax,
    logger.child({ component: 'explanations' }),
  );
  closing.add('explanations', () => explanations.store.close());

  const inForce = { ...config, access, pool: { ...config.pool, bridgeAddress } };
  const ports = await openSession(inForce, engine, genesis, clock, logger);
  const quarantine = new Quarantine({ disk: engine, clock, log: logger.child({ component: 'quarantine' }), metrics });
  closing.add('quarantine', () => quarantine.idle());
  const { gasPrice, opening } = openPool(inForce, ports, quarantine, metrics, logger);
  closing.add('gas price', () => gasPrice.stop());

  const pool = await opening;
  closing.add('pool', () => pool.close());
  // After the sequencer has stopped: what the pool still answers then decides nothing.
  closing.add('recording', () => ports.end());

  const verification = new Verification({
    engine,
    config: config.verification,
    bundleDirectory: join(config.data.directory, BUNDLE_FOLDER),
    clock,
    log: logger.child({ component: 'verification' }),
    metrics,
  });
  closing.add('verification', () => verification.close());

  const sequencer = new Sequencer({
    engine: ports.engine,
    pool,
    config: config.sequencer,
    clock: ports.clock,
    log: logger.child({ component: 'sequencer' }),
    metrics,
    verifier: verification,
    explanations,
    ...(config.data.recordFile === null && { takeBack: { engine, verification, explanations: explanations.store } }),
    ...(ports.commands && { commands: ports.commands }),
    ...(modules.forcedBatches && { forcedBatches: forcedThrough(ports, modules.forcedBatches) }),
  });
  closing.add('sequencer', () => sequencer.stop());

  const rpc = await Rpc.open(config.rpc, {
    engine,
    pool,
    sequencer,
    gasPrice,
    pricing: pool.pricing,
    identity: {
      clientVersion: CLIENT_VERSION,
      sequencerAddress: genesis.sequencerAddress,
      blockIntervalMs: config.sequencer.blockIntervalMs,
      batchLimits: batchLimits(engine.head().budgetLimits, config.sequencer),
    },
    logger: logger.child({ component: 'rpc' }),
    metrics,
    clock,
    uws,
  });
  closing.add('rpc', () => rpc.close());
  await openAdmin(config, { ports, engine, pool, sequencer, quarantine, logger, clock, uws, isStored: stored !== null }, closing);
  // Last: a node that cannot be talked to makes no blocks.
  sequencer.start();
  verification.start(sequencer);
  return finish({ engine, pool, sequencer, rpc, genesis, verification });
}

interface AdminParts {
  readonly ports: SessionPorts;
  readonly engine: NativeEngine;
  readonly pool: Pool;
  readonly sequencer: Sequencer;
  readonly quarantine: Quarantine;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly uws: Uws;
  readonly isStored: boolean;
}

/** The operator's port, where one is configured. */
async function openAdmin(config: NodeConfig, parts: AdminParts, closing: Closing): Promise<void> {
  if (config.admin.port === 0) return;
  const { ports, engine, pool, sequencer, quarantine, logger, clock, uws, isStored } = parts;
  const { commands } = ports;
  const log = logger.child({ component: 'admin' });
  const access = new AccessStore(
    { disk: engine, list: pool.access, configured: config.access, log, ...(commands && { commands }) },
    isStored,
  );
  // After the answer: the stop waits for requests in flight.
  const stop = (): void => void setImmediate(() => void closing.run());
  const snapshots = { directory: config.data.snapshotDirectory, engine };
  const modules = { sequencer, quarantine, access, snapshots, log: logger, stop, logger: log, clock, uws };
  const admin = await AdminRpc.open(config.admin, config.rpc, modules);
  closing.add('admin', () => admin.close());
}

/** The ways in and out of pool and sequencer: recorded where that is configured. */
async function openSession(
  config: NodeConfig,
  engine: NativeEngine,
  genesis: GenesisSource,
  clock: Clock,
  logger: Logger,
): Promise<SessionPorts> {
  const { recordFile } = config.data;
  if (recordFile === null) return unrecorded(engine, clock);
  const { chain, pool, sequencer, access } = config;
  const { json: genesisJson, sequencerAddress } = genesis;
  const setup = {
    chain: { chainId: chain.chainId, forkId: chain.forkId, genesisJson, sequencerAddress },
    pool,
    sequencer,
    access,
    readsL1GasPrice: config.l1RpcUrl !== null,
  };
  const log = logger.child({ component: 'recording' });
  const base = await ensureBase(recordFile, engine);
  if (base !== null) log.info('the state that the recording starts from is kept beside it', { folder: base });
  log.info('the session is recorded', { file: recordFile, block: engine.head().blockNumber });
  return recordInto(recordFile, { engine, clock, log, setup, version: VERSION });
}

/** Gas price and pool, the first parts that a recording follows. */
function openPool(
  config: NodeConfig,
  ports: SessionPorts,
  quarantine: Quarantine,
  metrics: MetricsRegistry,
  logger: Logger,
): { gasPrice: GasPrice; opening: Promise<Pool> } {
  const { engine, clock } = ports;
  return ports.begin(() => {
    const gasPrice = new GasPrice(config.pool.gasPrice, {
      clock,
      log: logger.child({ component: 'gas-price' }),
      effectiveGasPrice: config.pool.effectiveGasPrice,
      metrics,
      ...(config.l1RpcUrl === null ? {} : { l1GasPrice: ports.l1GasPrice(l1GasPriceSource(config.l1RpcUrl)) }),
    });
    gasPrice.start();
    const opening = Pool.open({
      engine,
      config: config.pool,
      clock,
      log: logger.child({ component: 'pool' }),
      metrics,
      gasPrice,
      order: orderOf(config.sequencer),
      accessPolicy: config.access,
      batchLimits: batchLimits(engine.head().budgetLimits, config.sequencer),
      ...(ports.atTurnEnd && { atTurnEnd: ports.atTurnEnd }),
      ...(ports.arrive && { arrive: ports.arrive }),
      onCoreFailure: (failure) => quarantine.failed(failure),
    });
    return { gasPrice, opening };
  });
}

/** How the engine is opened for a configuration. */
export function engineOptions(config: NodeConfig, genesis: GenesisSource): Parameters<typeof openEngine>[0] {
  return {
    path: config.data.directory,
    chainId: config.chain.chainId,
    forkId: config.chain.forkId,
    genesisJson: genesis.json,
    sequencerAddress: Buffer.from(genesis.sequencerAddress.slice(2), 'hex'),
    cacheBytes: config.data.cacheBytes,
    syncWrites: config.data.syncWrites,
    ...(config.data.history === null ? {} : { historyBlocks: config.data.history }),
    preExecutionBytes: config.data.preExecutionBytes,
  };
}

function warnAboutGuess(genesis: GenesisSource, logger: Logger): void {
  if (!genesis.sequencerAddressIsGuess) return;
  logger.warn('fees go to a development account whose key is public: set --sequencer-address', { address: genesis.sequencerAddress });
}

function processMetrics(metrics: MetricsRegistry): () => void {
  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  delay.enable();
  metrics.gauge('zknode_event_loop_lag_seconds', 'Event loop delay since the last scrape, by statistic.', ['stat']).collect((gauge) => {
    gauge.set(delay.mean / NANOS_PER_SECOND || 0, { stat: 'mean' });
    gauge.set(delay.percentile(99) / NANOS_PER_SECOND, { stat: 'p99' });
    gauge.set(delay.max / NANOS_PER_SECOND, { stat: 'max' });
    delay.reset();
  });
  metrics.gauge('zknode_process_memory_bytes', 'Memory of the process, by kind.', ['kind']).collect((gauge) => {
    const { rss, heapUsed, external } = process.memoryUsage();
    gauge.set(rss, { kind: 'rss' });
    gauge.set(heapUsed, { kind: 'heap' });
    gauge.set(external, { kind: 'external' });
  });
  return () => delay.disable();
}

/** Parts in building order, ended in the reverse one, once. */
class Closing {
  readonly done: Promise<void>;
  readonly #logger: Logger;
  readonly #parts: Running[] = [];
  #running: Promise<void> | null = null;
  #resolveDone: () => void = () => undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.done = new Promise((resolve) => {
      this.#resolveDone = resolve;
    });
  }

  add(name: string, close: Running['close']): void {
    this.#parts.push({ name, close });
  }

  /** True once the parts are being ended. */
  get started(): boolean {
    return this.#running !== null;
  }

  run(): Promise<void> {
    this.#running ??= this.#closeAll();
    return this.#running;
  }

  async #closeAll(): Promise<void> {
    for (const part of this.#parts.reverse()) {
      try {
        await part.close();
      } catch (error) {
        // The other parts still have to be closed, the database above all.
        this.#logger.error('a part did not close cleanly', { part: part.name, error });
      }
    }
    this.#resolveDone();
  }
}
