/**
 * Effective gas price (EGP): what fraction of the signed price the sequencer charges, as one byte in the batch data. Integers only;
 * factors are parts per million, so the same inputs give the same byte on every machine. Admission and sequencing share this code, and
 * both count the bytes of the batch encoding. What the gas used makes of the price is computed where it becomes known, by the same formula
 * in `native/engine/src/effective_gas_price.rs`; `__test__/vectors/effective-gas-price.json` holds both to the specification.
 */

/** Fixed-point scale of every factor. */
export const PPM = 1_000_000n;
/** Percentage byte that charges the full signed price. */
export const FULL_PERCENTAGE = 255;
/** Gas of a plain transfer. */
const TRANSFER_GAS = 21_000n;

/** How the percentage byte is chosen. */
export type EffectiveGasPriceMode = 'off' | 'category' | 'breakEven';

/** Kind of a transaction for the `category` mode. */
export type TransactionCategory = 'transfer' | 'erc20Transfer' | 'contractCall' | 'deployment';

/** Settings of the effective gas price; all factors in parts per million. */
export interface EffectiveGasPriceConfig {
  readonly mode: EffectiveGasPriceMode;
  /** minL2 = L1 price * this (default 0.25). */
  readonly l1GasPriceFactorPpm: bigint;
  /** Gas charged for a non-zero byte of batch data (default 16). */
  readonly byteGasCost: bigint;
  /** Gas charged for a zero byte of batch data (default 4). */
  readonly zeroByteGasCost: bigint;
  /** Profit factor on the break-even price (default 1). */
  readonly netProfitPpm: bigint;
  /** Admission refuses below break-even * this (default 1.1). */
  readonly breakEvenFactorPpm: bigint;
  /** Fixed break-even price in wei of a transaction that uses exactly 21,000 gas; 0 = none. */
  readonly ethTransferGasPriceWei: bigint;
  /** Break-even of a plain transfer as a fraction of the L1 price; 0 = none. */
  readonly ethTransferL1GasPriceFactorPpm: bigint;
  /** The price by the gas used may be off the price that a transaction was executed at by this share of it (default 0.1). */
  readonly finalDeviationPpm: bigint;
  /** Percentage byte for each category. */
  readonly categoryPercentage: Readonly<Record<TransactionCategory, number>>;
}

/** Defaults of the specification. */
export const EFFECTIVE_GAS_PRICE_DEFAULTS: EffectiveGasPriceConfig = {
  mode: 'off',
  l1GasPriceFactorPpm: 250_000n,
  byteGasCost: 16n,
  zeroByteGasCost: 4n,
  netProfitPpm: PPM,
  breakEvenFactorPpm: 1_100_000n,
  ethTransferGasPriceWei: 0n,
  ethTransferL1GasPriceFactorPpm: 0n,
  finalDeviationPpm: 100_000n,
  categoryPercentage: { transfer: 255, erc20Transfer: 255, contractCall: 255, deployment: 255 },
};

/** What the price of one transaction depends on. */
export interface EffectiveGasPriceInput {
  readonly l1GasPriceWei: bigint;
  readonly l2GasPriceWei: bigint;
  readonly signedGasPriceWei: bigint;
  readonly gasUsed: bigint;
  /** Bytes of the batch encoding without the percentage byte. */
  readonly nonZeroBytes: number;
  readonly zeroBytes: number;
}

/** `ceil(a / b)` of non-negative integers, `b` > 0. */
function ceilDiv(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

function atLeastOne(price: bigint): bigint {
  return price > 1n ? price : 1n;
}

/** Price at which executing and publishing the transaction costs nothing. With no gas used it is the signed price. */
export function breakEvenGasPrice(input: EffectiveGasPriceInput, config: EffectiveGasPriceConfig): bigint {
  const { gasUsed, l1GasPriceWei } = input;
  if (gasUsed === 0n) return input.signedGasPriceWei;
  if (gasUsed === TRANSFER_GAS && config.ethTransferGasPriceWei !== 0n) return config.ethTransferGasPriceWei;
  if (gasUsed === TRANSFER_GAS && config.ethTransferL1GasPriceFactorPpm !== 0n) {
    return atLeastOne((l1GasPriceWei * config.ethTransferL1GasPriceFactorPpm) / PPM);
  }
  // The percentage byte itself is data as well, hence the + 1.
  const dataGas = BigInt(input.nonZeroBytes + 1) * config.byteGasCost + BigInt(input.zeroBytes) * config.zeroByteGasCost;
  // Multiply before dividing: minL2 keeps its fraction of a wei until the one division at the end.
  const totalPpm = gasUsed * l1GasPriceWei * config.l1GasPriceFactorPpm + dataGas * l1GasPriceWei * PPM;
  return atLeastOne(((totalPpm / (gasUsed * PPM)) * config.netProfitPpm) / PPM);
}

/** Price to charge: break-even, raised in proportion when the sender pays more than the suggested price. */
export function effectiveGasPrice(input: EffectiveGasPriceInput, config: EffectiveGasPriceConfig): bigint {
  const breakEven = breakEvenGasPrice(input, config);
  const { l2GasPriceWei, signedGasPriceWei } = input;
  if (l2GasPriceWei === 0n || signedGasPriceWei <= l2GasPriceWei) return breakEven;
  return (breakEven * signedGasPriceWei) / l2GasPriceWei;
}

/** Percentage byte for a price: the smallest one whose charge is not below it, 255 from the signed price on. */
export function percentageFor(effectivePriceWei: bigint, signedGasPriceWei: bigint): number {
  if (effectivePriceWei >= signedGasPriceWei) return FULL_PERCENTAGE;
  const percentage = ceilDiv(effectivePriceWei * 256n, signedGasPriceWei) - 1n;
  return percentage < 0n ? 0 : Number(percentage);
}

/** Price charged for a signed price and a percentage byte. */
export function chargedGasPrice(signedGasPriceWei: bigint, percentage: number): bigint {
  return (signedGasPriceWei * BigInt(percentage + 1)) / 256n;
}

/** True when admission has to refuse: below break-even with its factor, and below the suggested price as well. */
export function isBelowBreakEven(input: EffectiveGasPriceInput, breakEven: bigint, config: EffectiveGasPriceConfig): boolean {
  const belowBreakEven = breakEven * config.breakEvenFactorPpm > input.signedGasPriceWei * PPM;
  return belowBreakEven && input.signedGasPriceWei < input.l2GasPriceWei;
}
