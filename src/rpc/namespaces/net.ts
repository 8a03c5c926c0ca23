/** The net namespace. */
import { constant, type MethodTable } from '../method.js';
import type { RpcServices } from '../services.js';

export function netMethods(services: RpcServices): MethodTable {
  return {
    net_version: constant(`"${services.engine.head().chainId}"`),
    net_listening: constant('true'),
    net_peerCount: constant('"0x0"'),
  };
}
