/** The web3 namespace. */
import { keccak256 } from 'ethers';
import { constant, type MethodTable, method } from '../method.js';
import { dataValue } from '../params.js';
import type { RpcServices } from '../services.js';

export function web3Methods(services: RpcServices): MethodTable {
  return {
    web3_clientVersion: constant(JSON.stringify(services.identity.clientVersion)),
    web3_sha3: method(1, 1, (params) => `"${keccak256(dataValue(params[0], 0))}"`),
  };
}
