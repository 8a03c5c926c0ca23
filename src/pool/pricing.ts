/** Effective price of pool transactions: binds the formula to the current prices and to pool entries. */
import type { PricedTransaction } from '../rpc/modules.js';
import {
  breakEvenGasPrice,
  type EffectiveGasPriceConfig,
  type EffectiveGasPriceInput,
  effectiveGasPrice,
  FULL_PERCENTAGE,
  isBelowBreakEven,
  percentageFor,
  type TransactionCategory,
} from './effective-gas-price.js';
import { packRepricing } from './repricing.js';

/** Prices sampled once for a transaction. */
export interface PriceSource {
  readonly l1Wei: bigint;
  suggestedWei(): bigint;
}

/** Selector of `transfer(address,uint256)`, as it stands in the data of an ERC-20 transfer of 68 bytes: RLP head 0xb844, then the selector. */
const ERC20_TRANSFER = Buffer.from('b844a9059cbb', 'hex');
/** Gas of a plain transfer. */
const TRANSFER_GAS = 21_000;

/** Category of a transaction for fixed percentages. */
export function categoryOf(transaction: PricedTransaction): TransactionCategory {
  if (transaction.to === null) return 'deployment';
  if (transaction.need.gasUsed === TRANSFER_GAS) return 'transfer';
  return transaction.raw.includes(ERC20_TRANSFER) ? 'erc20Transfer' : 'contractCall';
}

/** Break-even judgement and percentage bytes. */
export class Pricing {
  readonly #config: EffectiveGasPriceConfig;
  readonly #prices: PriceSource;

  constructor(config: EffectiveGasPriceConfig, prices: PriceSource) {
    this.#config = config;
    this.#prices = prices;
  }

  /** True where transactions are refused for their break-even price. */
  get judgesBreakEven(): boolean {
    return this.#config.mode === 'breakEven';
  }

  /** Break-even price at the prices of now; null where prices do not follow it, or what it depends on is not known. */
  breakEven(transaction: PricedTransaction): bigint | null {
    const input = this.#judged(transaction);
    return input === null ? null : breakEvenGasPrice(input, this.#config);
  }

  /** Break-even price where the transaction has to be refused for it; null where it is taken. */
  refusal(transaction: PricedTransaction): bigint | null {
    const input = this.#judged(transaction);
    if (input === null) return null;
    const breakEven = breakEvenGasPrice(input, this.#config);
    return isBelowBreakEven(input, breakEven, this.#config) ? breakEven : null;
  }

  /** Percentage byte to execute the transaction with. */
  percentage(transaction: PricedTransaction): number {
    const { mode, categoryPercentage } = this.#config;
    if (mode === 'off') return FULL_PERCENTAGE;
    if (mode === 'category') return categoryPercentage[categoryOf(transaction)];
    const input = this.#input(transaction);
    if (input === null) return FULL_PERCENTAGE;
    return percentageFor(effectiveGasPrice(input, this.#config), transaction.gasPrice);
  }

  /**
   * How the same transactions are priced again once their gas is known, at the prices of now: for `execute`, with the percentages asked
   * just before. Null where every one keeps its percentage.
   */
  repricing(transactions: readonly PricedTransaction[]): Buffer | null {
    const l1GasPriceWei = this.#prices.l1Wei;
    if (this.#config.mode !== 'breakEven' || l1GasPriceWei === 0n) return null;
    const prices = { l1GasPriceWei, l2GasPriceWei: this.#prices.suggestedWei() };
    const gas = transactions.map(({ need }) => need.gasUsed);
    return packRepricing(this.#config, prices, gas);
  }

  #judged(transaction: PricedTransaction): EffectiveGasPriceInput | null {
    const input = this.judgesBreakEven ? this.#input(transaction) : null;
    return input === null || input.gasUsed === 0n ? null : input;
  }

  /** Null while no L1 price is known: that is never held against a user. */
  #input(transaction: PricedTransaction): EffectiveGasPriceInput | null {
    const l1GasPriceWei = this.#prices.l1Wei;
    if (l1GasPriceWei === 0n) return null;
    // The percentage byte is counted by the formula itself.
    const nonZeroBytes = Math.max(0, transaction.batchBytes - transaction.zeroBytes - 1);
    return {
      l1GasPriceWei,
      l2GasPriceWei: this.#prices.suggestedWei(),
      signedGasPriceWei: transaction.gasPrice,
      gasUsed: BigInt(transaction.need.gasUsed),
      nonZeroBytes,
      zeroBytes: transaction.zeroBytes,
    };
  }
}
