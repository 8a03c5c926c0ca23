/** The rule of the effective gas price and the gas expected of each transaction, as `execute` takes them. */
import { REPRICING, writeU256 } from '../native/layouts.js';
import type { EffectiveGasPriceConfig } from './effective-gas-price.js';

/** Prices sampled once for a slice. */
export interface SlicePrices {
  readonly l1GasPriceWei: bigint;
  readonly l2GasPriceWei: bigint;
}

const GAS_BYTES = 8;

/** Packs the layout REPRICING. */
export function packRepricing(config: EffectiveGasPriceConfig, prices: SlicePrices, gas: readonly number[]): Buffer {
  const bytes = Buffer.alloc(REPRICING.gas + GAS_BYTES * gas.length);
  writeU256(bytes, REPRICING.l1GasPrice, prices.l1GasPriceWei);
  writeU256(bytes, REPRICING.l2GasPrice, prices.l2GasPriceWei);
  writeU256(bytes, REPRICING.ethTransferGasPrice, config.ethTransferGasPriceWei);
  bytes.writeBigUInt64LE(config.l1GasPriceFactorPpm, REPRICING.l1GasPriceFactorPpm);
  bytes.writeBigUInt64LE(config.byteGasCost, REPRICING.byteGasCost);
  bytes.writeBigUInt64LE(config.zeroByteGasCost, REPRICING.zeroByteGasCost);
  bytes.writeBigUInt64LE(config.netProfitPpm, REPRICING.netProfitPpm);
  bytes.writeBigUInt64LE(config.ethTransferL1GasPriceFactorPpm, REPRICING.ethTransferL1GasPriceFactorPpm);
  bytes.writeBigUInt64LE(config.finalDeviationPpm, REPRICING.finalDeviationPpm);
  for (const [i, used] of gas.entries()) bytes.writeBigUInt64LE(BigInt(used), REPRICING.gas + GAS_BYTES * i);
  return bytes;
}
