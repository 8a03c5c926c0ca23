/**
 * The JSON-RPC server: HTTP POST and WebSocket on one port, and the pages for people and probes. It owns sockets and nothing else; what is
 * answered comes from the dispatcher and the page functions.
 */
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import type { CounterValue, MetricsRegistry } from '../common/metrics.js';
import type { RpcConfig } from './config.js';
import type { Dispatcher } from './dispatch.js';
import type { Allowance, CallContext } from './method.js';
import { Cors, handleOptions, handlePage, handlePost, notServed, type Page, refuse } from './transport/http.js';
import { listenFault, unknownFault } from './transport/listen-fault.js';
import { RateLimiter } from './transport/rate-limit.js';
import type { Uws, UwsApp, UwsHandler, UwsRequest, UwsResponse } from './transport/uws.js';
import { Connection } from './transport/websocket.js';

/** Seconds without a sign of life after which a WebSocket is closed; uWS pings at half of it. */
const WS_IDLE_SECONDS = 60;
/** The queue of the connection holds messages back long before; this only bounds one huge answer. */
const WS_BACKPRESSURE_MAX_BYTES = 256 * 1024 * 1024;
/** How often a close looks whether requests are still in flight. */
const CLOSE_POLL_MS = 10;

/** What uWS keeps with a socket: it copies the fields, so that the connection is one of them. */
interface Session {
  readonly connection: Connection;
  readonly allowance: Allowance | null;
}

/** Pages by path. */
export type Pages = Readonly<Record<string, () => Page>>;

/** Why a request is refused before it is looked at. */
export interface Refusal {
  readonly status: string;
  readonly message: string;
}

export interface ServerModules {
  readonly uws: Uws;
  readonly dispatcher: Dispatcher;
  readonly pages: Pages;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
  /** Lets requests and connections in (null) or refuses them; all are let in where absent. */
  readonly guard?: (request: UwsRequest) => Refusal | null;
}

export class RpcServer {
  readonly #config: RpcConfig;
  readonly #modules: ServerModules;
  readonly #app: UwsApp;
  readonly #connections = new Set<Connection>();
  readonly #limiter: RateLimiter;
  readonly #isUnlimited: boolean;
  readonly #accepted: { http: CounterValue; ws: CounterValue };
  #httpInFlight = 0;
  #listenSocket: unknown = null;
  #closing = false;

  private constructor(config: RpcConfig, modules: ServerModules) {
    this.#config = config;
    this.#modules = modules;
    const accepted = modules.metrics.counter('jsonrpc_request_connection', 'Requests over HTTP, connections over WebSocket.', ['type']);
    this.#accepted = { http: accepted.with({ type: 'HTTP' }), ws: accepted.with({ type: 'WS' }) };
    modules.metrics
      .gauge('zknode_rpc_ws_connections', 'WebSocket connections that are open.')
      .collect((gauge) => gauge.set(this.#connections.size));
    this.#limiter = new RateLimiter(config, modules.clock);
    this.#isUnlimited = this.#limiter.limitsNobodyOn(config.host);
    modules.metrics
      .gauge('zknode_rpc_clients', 'Client addresses that rate limits know.')
      .collect((gauge) => gauge.set(this.#limiter.size));
    this.#app = modules.uws.App();
    this.#route();
  }

  /** Builds the server and listens. Throws RPC_PORT_IN_USE or RPC_LISTEN_FAILED. */
  static async listen(config: RpcConfig, modules: ServerModules): Promise<RpcServer> {
    const server = new RpcServer(config, modules);
    await server.#listen();
    return server;
  }

  /** The port that is listened on. */
  get port(): number {
    return this.#listenSocket === null ? 0 : this.#modules.uws.us_socket_local_port(this.#listenSocket);
  }

  /** Listens no more, lets requests in flight finish for a while, then closes every connection. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#listenSocket !== null) this.#modules.uws.us_listen_socket_close(this.#listenSocket);
    this.#listenSocket = null;
    const { clock, logger } = this.#modules;
    const untilMs = clock.monotonicMs() + this.#config.closeTimeoutMs;
    while (this.#inFlight() > 0 && clock.monotonicMs() < untilMs) {
      await new Promise<void>((resolve) => setTimeout(resolve, CLOSE_POLL_MS));
    }
    const left = this.#inFlight();
    if (left > 0) logger.warn('requests were cut off by the stop', { left });
    for (const connection of this.#connections) connection.end();
    this.#app.close();
  }

  #inFlight(): number {
    let inFlight = this.#httpInFlight;
    for (const connection of this.#connections) inFlight += connection.inFlight;
    return inFlight;
  }

  #route(): void {
    const cors = new Cors(this.#config.corsOrigins);
    this.#routeWebSocket(cors);
    for (const [path, page] of Object.entries(this.#modules.pages)) {
      this.#app.get(path, (response, request) => handlePage(response, request, cors, page));
    }
    this.#app.options('/*', (response, request) => handleOptions(response, request, cors));
    this.#app.post('/*', this.#post(cors));
    this.#app.any('/*', (response, request) => handlePage(response, request, cors, () => notServed(request)));
  }

  #post(cors: Cors): UwsHandler {
    const unlimited: CallContext = { sink: null };
    const { dispatcher, guard } = this.#modules;
    return (response, request) => {
      this.#accepted.http.inc();
      const refusal = guard?.(request) ?? null;
      if (refusal !== null) {
        refuse(response, refusal.status, refusal.message);
        return;
      }
      const allowance = this.#allowance(response, request);
      const context = allowance === null ? unlimited : { sink: null, allowance };
      handlePost(response, request, this.#config.bodyLimitBytes, cors, (body, reply) => {
        this.#httpInFlight++;
        dispatcher.handle(body, context, (answer, retryAfterMs) => {
          this.#httpInFlight--;
          reply(answer, retryAfterMs);
        });
      });
    };
  }

  #allowance(response: UwsResponse, request: UwsRequest): Allowance | null {
    // The address is asked of the system, request by request.
    if (this.#isUnlimited) return null;
    return this.#limiter.allowance(response.getRemoteAddress(), () => request.getHeader('x-forwarded-for'));
  }

  #routeWebSocket(cors: Cors): void {
    const { dispatcher, uws, guard } = this.#modules;
    const { wsFrameLimitBytes, wsQueueMessagesMax, wsInFlightMax } = this.#config;
    this.#app.ws<Session>('/*', {
      maxPayloadLength: wsFrameLimitBytes,
      maxBackpressure: WS_BACKPRESSURE_MAX_BYTES,
      closeOnBackpressureLimit: false,
      idleTimeout: WS_IDLE_SECONDS,
      sendPingsAutomatically: true,
      compression: uws.SHARED_COMPRESSOR,
      upgrade: (response, request, context) => {
        if (this.#closing || !cors.admits(request)) {
          response.writeStatus('403 Forbidden').end();
          return;
        }
        const refusal = guard?.(request) ?? null;
        if (refusal !== null) {
          refuse(response, refusal.status, refusal.message);
          return;
        }
        const allowance = this.#allowance(response, request);
        const connection = new Connection({ queueMessagesMax: wsQueueMessagesMax, inFlightMax: wsInFlightMax });
        response.upgrade(
          { connection, allowance },
          request.getHeader('sec-websocket-key'),
          request.getHeader('sec-websocket-protocol'),
          request.getHeader('sec-websocket-extensions'),
          context,
        );
      },
      open: (socket) => {
        const { connection } = socket.getUserData();
        connection.opened(socket);
        this.#connections.add(connection);
        this.#accepted.ws.inc();
      },
      message: (socket, message) => {
        const { connection, allowance } = socket.getUserData();
        const text = Buffer.from(message).toString('utf8');
        connection.request(text, (body, reply) => dispatcher.handle(body, { sink: connection, allowance }, reply));
      },
      drain: (socket) => socket.getUserData().connection.drained(),
      close: (socket) => {
        const { connection } = socket.getUserData();
        this.#connections.delete(connection);
        connection.closed();
      },
    });
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#config;
    const { uws } = this.#modules;
    const socket = await new Promise<unknown>((resolve) => {
      this.#app.listen(host, port, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, resolve);
    });
    // uWS does not say why it cannot listen: the system does, when asked the same.
    if (!socket) throw (await listenFault(host, port)) ?? unknownFault(host, port);
    this.#listenSocket = socket;
  }
}
