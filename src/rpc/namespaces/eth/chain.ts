/** eth: chain, fees, accounts. */
import { toQuantity } from '../../../common/bytes.js';
import { constant, type MethodTable, method } from '../../method.js';
import type { RpcServices } from '../../services.js';
import { FeeHistory } from './fee-history.js';

export function chainMethods(services: RpcServices): MethodTable {
  const { engine, gasPrice, identity } = services;
  const suggested = () => `"${toQuantity(gasPrice.suggestedWei())}"`;
  const feeHistory = new FeeHistory(services);
  return {
    eth_chainId: constant(`"${toQuantity(engine.head().chainId)}"`),
    eth_blockNumber: method(0, 0, () => `"${toQuantity(engine.blockNumber())}"`),
    // This node makes the chain: there is nothing to catch up with.
    eth_syncing: constant('false'),
    eth_gasPrice: method(0, 0, suggested),
    // There is no base fee, so that the whole price is the tip.
    eth_maxPriorityFeePerGas: method(0, 0, suggested),
    eth_feeHistory: method(2, 3, (params) => feeHistory.answer(params)),
    eth_coinbase: constant(`"${identity.sequencerAddress}"`),
    // The node holds no keys.
    eth_accounts: constant('[]'),
    eth_mining: constant('false'),
    eth_hashrate: constant('"0x0"'),
    eth_protocolVersion: constant('"0x0"'),
  };
}
