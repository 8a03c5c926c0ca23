/** zkevm: what the node is doing, why a transaction is where it is, and when a new one would be included. */
import { toHex, toQuantity } from '../../../common/bytes.js';
import { type MethodTable, method, type Params } from '../../method.js';
import type { Explanation, PoolTransactionState } from '../../modules.js';
import { hashParam, quantityValue } from '../../params.js';
import type { RpcServices } from '../../services.js';
import { versionHistory } from '../../version-history.js';

export function statusMethods(services: RpcServices): MethodTable {
  return {
    zkevm_status: method(0, 0, () => statusJson(services)),
    zkevm_getVersionHistory: method(0, 0, () => JSON.stringify(versionHistory(services.engine))),
    zkevm_getPoolTransaction: method(1, 1, (params) => {
      const state = services.pool.state(toHex(hashParam(params, 0)));
      return state === null ? 'null' : poolTransactionJson(state);
    }),
    zkevm_explainTransaction: method(1, 1, (params) => {
      const explanation = services.sequencer.explain(toHex(hashParam(params, 0)));
      return explanation === null ? 'null' : explanationJson(explanation);
    }),
    zkevm_estimateInclusion: method(0, 1, (params) => inclusionJson(services, params)),
  };
}

/** `zkevm_status`, and the body of `GET /status`. */
export function statusJson(services: RpcServices): string {
  const { engine, finality, pool } = services;
  const status = services.sequencer.status();
  const { verification } = status;
  const head = engine.head();
  const txs = pool.counts();
  return JSON.stringify({
    role: 'sequencer',
    mode: status.mode,
    halted: status.mode === 'halted',
    haltReason: status.haltReason,
    isHaltFinal: status.isHaltFinal,
    paused: status.paused,
    throttleReason: status.throttleReason,
    chainId: toQuantity(head.chainId),
    forkId: toQuantity(head.forkId),
    lastBlock: toQuantity(head.blockNumber),
    lastBlockTimestamp: toQuantity(head.blockTimestamp),
    stateRoot: head.stateRoot,
    lastBatch: toQuantity(head.closedBatch),
    openBatch: toQuantity(head.openBatch),
    lastVirtual: toQuantity(finality.virtualBatch()),
    lastChecked: verification === null ? null : toQuantity(verification.checkedBatch),
    lastVerified: toQuantity(finality.verifiedBatch()),
    verification: verification === null ? null : { ...verification, checkedBatch: undefined },
    forcedBatches: status.forcedBatches,
    wip: status.wip,
    pool: txs,
  });
}

function explanationJson({ hash, batches }: Explanation): string {
  return JSON.stringify({ hash, batches: batches.map(({ batch, verdict, detail }) => ({ batch: toQuantity(batch), verdict, detail })) });
}

/** At the given price, or at the one that `eth_gasPrice` suggests now; the price is part of the answer. */
function inclusionJson({ sequencer, gasPrice }: RpcServices, params: Params): string {
  const given = params[0] ?? null;
  const priceWei = given === null ? gasPrice.suggestedWei() : quantityValue(given, 0, 'gas price');
  const { ahead, perSecond, expectedMs } = sequencer.estimateInclusion(priceWei);
  return JSON.stringify({ gasPrice: toQuantity(priceWei), ahead, perSecond, expectedMs });
}

function poolTransactionJson(state: PoolTransactionState): string {
  const { status, reason, receivedAtMs, attempts, usedCounters, reservedCounters, ready, position, replacedBy } = state;
  const { missingNonce, missingFundsWei, breakEvenGasPriceWei } = state;
  // Absent fields are left out by JSON.stringify.
  return JSON.stringify({
    status,
    reason,
    receivedAt: receivedAtMs === null ? null : new Date(receivedAtMs).toISOString(),
    attempts,
    usedCounters,
    reservedCounters,
    breakEvenGasPrice: breakEvenGasPriceWei === undefined ? undefined : toQuantity(breakEvenGasPriceWei),
    ready,
    missingNonce: missingNonce === undefined ? undefined : toQuantity(missingNonce),
    missingFundsWei: missingFundsWei === undefined ? undefined : toQuantity(missingFundsWei),
    position,
    replacedBy,
  });
}
