/**
 * The operator's JSON-RPC: a server of its own on a port of its own, so that no mistake in the public one reaches it. Requests of browser
 * pages are refused (a page could otherwise talk to a port on loopback), and where a token is set, requests without it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import { MetricsRegistry } from '../common/metrics.js';
import type { AdminConfig } from './admin-config.js';
import type { AdminModules } from './admin-modules.js';
import type { RpcConfig } from './config.js';
import { Dispatcher } from './dispatch.js';
import { adminMethods } from './namespaces/admin.js';
import { type Refusal, RpcServer } from './server.js';
import { loadUws, type Uws, type UwsRequest } from './transport/uws.js';

export interface AdminPartModules extends AdminModules {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Loaded from the installed packages where absent. */
  readonly uws?: Uws;
}

/** The operator's part. */
export class AdminRpc {
  readonly #server: RpcServer;

  private constructor(server: RpcServer) {
    this.#server = server;
  }

  /** Listens; limits that are not about operators are those of the public server. Throws RPC_PORT_IN_USE or RPC_LISTEN_FAILED. */
  static async open(config: AdminConfig, limits: RpcConfig, modules: AdminPartModules): Promise<AdminRpc> {
    const { logger, clock } = modules;
    // Operators are few: their requests stay out of the public metrics.
    const metrics = new MetricsRegistry();
    const dispatcher = new Dispatcher(limits, { methods: adminMethods(modules, logger), logger, metrics, clock });
    const uws = modules.uws ?? (await loadUws());
    const own = { ...limits, host: config.host, port: config.port, corsOrigins: [] };
    const guard = guardOf(config.token);
    const server = await RpcServer.listen(own, { uws, dispatcher, pages: {}, logger, metrics, clock, guard });
    logger.info('operator port is open', { host: config.host, port: server.port, token: config.token !== null });
    return new AdminRpc(server);
  }

  /** The port that is listened on. */
  get port(): number {
    return this.#server.port;
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

/** Tells why a request is refused; null where it is let in. */
export function guardOf(token: string | null): (request: UwsRequest) => Refusal | null {
  const expected = token === null ? null : digest(`Bearer ${token}`);
  return (request) => {
    if (request.getHeader('origin') !== '') return { status: '403 Forbidden', message: 'browser pages are refused' };
    if (expected === null) return null;
    // Digests are of one length, so that the comparison tells nothing about the token.
    const given = digest(request.getHeader('authorization'));
    return timingSafeEqual(given, expected) ? null : { status: '401 Unauthorized', message: 'the bearer token is missing or wrong' };
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
