/** zkevm: what a transaction will cost, the sequencer's effective percentage included. */
import { Transaction } from 'ethers';
import { bigIntFromBytes, toHex, toQuantity } from '../../../common/bytes.js';
import type { CallRequest } from '../../../native/engine.js';
import { parseCall } from '../../call.js';
import { type MethodTable, method, type Params } from '../../method.js';
import type { RpcServices } from '../../services.js';
import { estimateGas, TX_GAS_MAX } from '../eth/state.js';

/** r, s and v follow the fields of a transaction in batchL2Data, then the effective percentage. */
const SIGNATURE_BYTES = 65;
const PERCENTAGE_BYTES = 1;

export function feeMethods(services: RpcServices): MethodTable {
  return {
    zkevm_estimateGasPrice: method(1, 2, async (params) => `"${toQuantity((await effectivePrice(services, params)).priceWei)}"`),
    zkevm_estimateFee: method(1, 2, async (params) => {
      const { priceWei, gasUsed } = await effectivePrice(services, params);
      return `"${toQuantity(priceWei * BigInt(gasUsed))}"`;
    }),
  };
}

/** Gas of the transaction, and the price that will be charged for it. */
async function effectivePrice(services: RpcServices, params: Params): Promise<{ priceWei: bigint; gasUsed: number }> {
  const { engine, config, gasPrice, pricing } = services;
  const gasUsed = await estimateGas(services, params);
  const { chainId } = engine.head();
  const request = parseCall(params, 0, { gasCap: TX_GAS_MAX, timeoutMs: config.callTimeoutMs, chainId });
  const signedWei = request.gasPrice === undefined ? gasPrice.suggestedWei() : bigIntFromBytes(request.gasPrice);
  const fields = batchFields(request, signedWei, gasUsed, chainId);
  const percentage = pricing.percentage({
    gasPrice: signedWei,
    batchBytes: fields.length + SIGNATURE_BYTES + PERCENTAGE_BYTES,
    zeroBytes: fields.reduce((zeros, byte) => (byte === 0 ? zeros + 1 : zeros), 0),
    to: request.to === undefined ? null : toHex(request.to),
    raw: fields,
    need: { gasUsed },
  });
  return { priceWei: (signedWei * BigInt(percentage + 1)) / 256n, gasUsed };
}

/** The transaction's fields as they stand in batchL2Data before the signature. */
function batchFields(request: CallRequest, gasPrice: bigint, gasLimit: number, chainId: number): Buffer {
  const transaction = Transaction.from({
    type: 0,
    chainId,
    nonce: request.nonce ?? 0,
    gasPrice,
    gasLimit,
    to: request.to === undefined ? null : toHex(request.to),
    value: request.value === undefined ? 0n : bigIntFromBytes(request.value),
    data: toHex(request.data ?? Buffer.alloc(0)),
  });
  return Buffer.from(transaction.unsignedSerialized.slice(2), 'hex');
}
