/**
 * JSON-RPC as one part of the node: builds what the namespaces share, the method table, the dispatcher and the server, in this order, and
 * closes them in the reverse one.
 */
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import type { MetricsRegistry } from '../common/metrics.js';
import { BlockResolver } from './block-ref.js';
import { CallGate } from './call-gate.js';
import type { RpcConfig } from './config.js';
import { Dispatcher } from './dispatch.js';
import { Filters } from './filters.js';
import { type Finality, trustedOnly } from './finality.js';
import { Health } from './health.js';
import type { RpcModules } from './modules.js';
import { buildMethods } from './namespaces/index.js';
import { statusJson } from './namespaces/zkevm/status.js';
import { ReceiptWaiter } from './receipt-waiter.js';
import { type Pages, RpcServer } from './server.js';
import type { NodeIdentity, RpcServices } from './services.js';
import { Subscriptions } from './subscriptions.js';
import { loadUws, type Uws } from './transport/uws.js';

export interface RpcPartModules extends RpcModules {
  readonly identity: NodeIdentity;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
  /** Loaded from the installed packages where absent. */
  readonly uws?: Uws;
  /** A chain without L1 where absent. */
  readonly finality?: Finality;
}

const TEXT = 'text/plain; charset=utf-8';
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

/** The JSON-RPC part. */
export class Rpc {
  readonly #server: RpcServer;
  readonly #services: RpcServices;
  readonly #health: Health;

  private constructor(server: RpcServer, services: RpcServices, health: Health) {
    this.#server = server;
    this.#services = services;
    this.#health = health;
  }

  /** Builds the part and listens. */
  static async open(config: RpcConfig, modules: RpcPartModules): Promise<Rpc> {
    const uws = modules.uws ?? (await loadUws());
    const services = buildServices(config, modules);
    const health = new Health(services);
    const { logger, metrics, clock } = modules;
    const dispatcher = new Dispatcher(config, { methods: buildMethods(services), logger, metrics, clock });
    reportGauges(metrics, services);
    try {
      const server = await RpcServer.listen(config, { uws, dispatcher, pages: pagesOf(services, health, metrics), logger, metrics, clock });
      return new Rpc(server, services, health);
    } catch (error) {
      closeServices(services, health);
      throw error;
    }
  }

  /** The port that is listened on. */
  get port(): number {
    return this.#server.port;
  }

  async close(): Promise<void> {
    await this.#server.close();
    closeServices(this.#services, this.#health);
  }
}

function buildServices(config: RpcConfig, modules: RpcPartModules): RpcServices {
  const { engine, pool, sequencer, gasPrice, pricing, identity, clock, logger } = modules;
  const finality = modules.finality ?? trustedOnly;
  const blocks = new BlockResolver(engine, finality);
  const gate = new CallGate(config, clock);
  const traceGate = new CallGate(
    { callsRunningMax: config.tracesRunningMax, callsWaitingMax: config.tracesWaitingMax, callTimeoutMs: config.traceTimeoutMs },
    clock,
  );
  return {
    engine,
    pool,
    sequencer,
    gasPrice,
    pricing,
    config,
    identity,
    clock,
    logger,
    finality,
    blocks,
    gate,
    traceGate,
    filters: new Filters(config, { engine, pool, sequencer, blocks, clock, gate }),
    subscriptions: new Subscriptions(config.subscriptionsMax, { engine, pool, sequencer }),
    receipts: new ReceiptWaiter({ engine, sequencer, clock }),
  };
}

function closeServices(services: RpcServices, health: Health): void {
  services.receipts.close();
  services.subscriptions.close();
  services.filters.close();
  health.close();
}

function reportGauges(metrics: MetricsRegistry, services: RpcServices): void {
  metrics.gauge('zknode_rpc_calls', 'Calls, estimates and log queries, by state.', ['state']).collect((gauge) => {
    gauge.set(services.gate.running, { state: 'running' });
    gauge.set(services.gate.waiting, { state: 'waiting' });
  });
  metrics.gauge('zknode_rpc_traces', 'Traces, by state.', ['state']).collect((gauge) => {
    gauge.set(services.traceGate.running, { state: 'running' });
    gauge.set(services.traceGate.waiting, { state: 'waiting' });
  });
  metrics.gauge('zknode_rpc_filters', 'Filters that exist.').collect((gauge) => gauge.set(services.filters.count));
  metrics.gauge('zknode_rpc_subscriptions', 'Subscriptions that exist.').collect((gauge) => gauge.set(services.subscriptions.count));
}

function pagesOf(services: RpcServices, health: Health, metrics: MetricsRegistry): Pages {
  const { clientVersion } = services.identity;
  return {
    '/': () => ({ type: TEXT, body: `${clientVersion}: POST JSON-RPC to this address, or connect a WebSocket.\n` }),
    '/health': () => ({ body: '{"status":"ok"}' }),
    '/ready': () => health.ready(),
    '/status': () => ({ body: statusJson(services) }),
    '/metrics': () => ({ type: PROMETHEUS, body: metrics.text() }),
  };
}
