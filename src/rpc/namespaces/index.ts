/** The method table: the namespaces that the configuration switches on. */
import type { NAMESPACES } from '../config.js';
import type { MethodTable } from '../method.js';
import type { RpcServices } from '../services.js';
import { debugMethods } from './debug/index.js';
import { ethMethods } from './eth/index.js';
import { netMethods } from './net.js';
import { traceMethods } from './trace.js';
import { txpoolMethods } from './txpool.js';
import { web3Methods } from './web3.js';
import { zkevmMethods } from './zkevm/index.js';

const BUILDERS: Readonly<Record<(typeof NAMESPACES)[number], (services: RpcServices) => MethodTable>> = {
  eth: ethMethods,
  net: netMethods,
  web3: web3Methods,
  txpool: txpoolMethods,
  zkevm: zkevmMethods,
  debug: debugMethods,
  trace: traceMethods,
};

/** Methods of the namespaces that are switched on. */
export function buildMethods(services: RpcServices): MethodTable {
  const methods: Record<string, MethodTable[string]> = {};
  for (const [namespace, build] of Object.entries(BUILDERS)) {
    if (services.config.namespaces.includes(namespace)) Object.assign(methods, build(services));
  }
  return methods;
}
