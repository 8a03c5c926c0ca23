/** zkevm: what the node is doing, and why a transaction is where it is. */
import { toHex, toQuantity } from '../../../common/bytes.js';
import { type MethodTable, method } from '../../method.js';
import type { PoolTransactionState } from '../../modules.js';
import { hashParam } from '../../params.js';
import type { RpcServices } from '../../services.js';

export function statusMethods(services: RpcServices): MethodTable {
  return {
    zkevm_status: method(0, 0, () => statusJson(services)),
    zkevm_getPoolTransaction: method(1, 1, (params) => {
      const state = services.pool.state(toHex(hashParam(params, 0)));
      return state === null ? 'null' : poolTransactionJson(state);
    }),
  };
}

/** `zkevm_status`, and the body of `GET /status`. */
export function statusJson(services: RpcServices): string {
  const { engine, finality, pool } = services;
  const status = services.sequencer.status();
  const head = engine.head();
  const txs = pool.counts();
  return JSON.stringify({
    role: 'sequencer',
    mode: status.mode,
    halted: status.mode === 'halted',
    haltReason: status.haltReason,
    chainId: toQuantity(head.chainId),
    forkId: toQuantity(head.forkId),
    lastBlock: toQuantity(head.blockNumber),
    lastBlockTimestamp: toQuantity(head.blockTimestamp),
    stateRoot: head.stateRoot,
    lastBatch: toQuantity(head.closedBatch),
    openBatch: toQuantity(head.openBatch),
    lastVirtual: toQuantity(finality.virtualBatch()),
    lastVerified: toQuantity(finality.verifiedBatch()),
    wip: status.wip,
    pool: txs,
  });
}

function poolTransactionJson(state: PoolTransactionState): string {
  const { status, reason, receivedAtMs, attempts, usedCounters, ready, missingNonce, missingFundsWei, position, replacedBy } = state;
  // Absent fields are left out by JSON.stringify.
  return JSON.stringify({
    status,
    reason,
    receivedAt: receivedAtMs === null ? null : new Date(receivedAtMs).toISOString(),
    attempts,
    usedCounters,
    ready,
    missingNonce: missingNonce === undefined ? undefined : toQuantity(missingNonce),
    missingFundsWei: missingFundsWei === undefined ? undefined : toQuantity(missingFundsWei),
    position,
    replacedBy,
  });
}
