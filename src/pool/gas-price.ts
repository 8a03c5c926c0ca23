/**
 * Suggested and minimum gas price. The suggestion is fixed, or follows the L1 price, as a share of it or as what an ERC-20 transfer costs at
 * it; the minimum is the lowest suggestion of the grace window, so that a price that was suggested a moment ago is still taken.
 */
import type { Cancel, Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import type { MetricsRegistry } from '../common/metrics.js';
import type { GasPriceOracle } from '../rpc/modules.js';
import type { GasPriceConfig } from './config.js';
import { breakEvenGasPrice, type EffectiveGasPriceConfig, PPM } from './effective-gas-price.js';

/** Reads the L1 gas price in wei. */
export type L1GasPriceSource = () => Promise<bigint>;

/** The suggestion may at most double or halve in this time, so that one odd reading cannot shut everybody out. */
const CHANGE_WINDOW_MS = 60_000;
/** Significant decimal digits of a following suggestion. */
const SIGNIFICANT_DIGITS = 3;

/**
 * The transactions that suggestions are measured by: a plain transfer, and an ERC-20 transfer to an account that holds the token already (to a
 * new one it uses more gas, and costs less for each). Bytes of the batch encoding without the percentage byte.
 */
const PLAIN_TRANSFER = { gasUsed: 21_000n, nonZeroBytes: 104, zeroBytes: 6 };
const ERC20_TRANSFER = { gasUsed: 35_000n, nonZeroBytes: 136, zeroBytes: 42 };

interface Suggestion {
  readonly atMs: number;
  readonly wei: bigint;
}

/** Keeps the leading decimal digits and zeroes the rest: 123,456 becomes 123,000. */
export function truncateDigits(wei: bigint, digits: number): bigint {
  const surplus = wei.toString().length - digits;
  if (surplus <= 0) return wei;
  const scale = 10n ** BigInt(surplus);
  return (wei / scale) * scale;
}

/** What the suggestion works with. */
export interface GasPriceModules {
  readonly clock: Clock;
  readonly log: Logger;
  readonly effectiveGasPrice: EffectiveGasPriceConfig;
  /** Absent where no L1 node is configured. */
  readonly l1GasPrice?: L1GasPriceSource;
  readonly metrics?: MetricsRegistry;
}

/** Gas price suggestion and admission minimum. */
export class GasPrice implements GasPriceOracle {
  readonly #config: GasPriceConfig;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #source: L1GasPriceSource | null;
  readonly #effective: EffectiveGasPriceConfig;
  /** Oldest first; the newest one is the suggestion now. */
  #history: Suggestion[];
  #l1Wei = 0n;
  #l1AtMs: number | null = null;
  #suggestsLoss = false;
  #cancel: Cancel | null = null;
  #stopped = false;

  constructor(config: GasPriceConfig, modules: GasPriceModules) {
    this.#config = config;
    this.#clock = modules.clock;
    this.#log = modules.log;
    this.#source = modules.l1GasPrice ?? null;
    this.#effective = modules.effectiveGasPrice;
    this.#history = [{ atMs: modules.clock.nowMs(), wei: config.defaultWei }];
    if (modules.metrics !== undefined) this.#report(modules.metrics);
  }

  /** Starts reading the L1 price where there is a source of it. */
  start(): void {
    if (this.#source !== null) void this.#refresh(this.#source);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Last known L1 price; 0 before the first reading. */
  get l1Wei(): bigint {
    return this.#l1Wei;
  }

  suggestedWei(): bigint {
    return this.#history[this.#history.length - 1]?.wei ?? this.#config.defaultWei;
  }

  minimumWei(): bigint {
    let lowest = this.suggestedWei();
    for (const suggested of this.#inForce(this.#config.graceMs)) if (suggested < lowest) lowest = suggested;
    if (lowest < this.#config.floorWei) lowest = this.#config.floorWei;
    return lowest;
  }

  /** Takes a reading of the L1 price. */
  observe(l1Wei: bigint): void {
    this.#l1Wei = l1Wei;
    this.#l1AtMs = this.#clock.nowMs();
    const { mode, defaultWei, maxWei } = this.#config;
    if (mode !== 'fixed') {
      let wei = this.#followed(l1Wei);
      if (wei < defaultWei) wei = defaultWei;
      if (maxWei > 0n && wei > maxWei) wei = maxWei;
      this.#push(this.#damped(truncateDigits(wei, SIGNIFICANT_DIGITS)));
    }
    this.#watchLoss();
  }

  /** The suggestion that the L1 price asks for. */
  #followed(l1Wei: bigint): bigint {
    const { mode, l1FactorPpm } = this.#config;
    if (mode === 'follower') return (l1Wei * l1FactorPpm) / PPM;
    // With the factor of admission: at this price a transfer is taken whatever the suggestion becomes.
    return (this.#breakEven(ERC20_TRANSFER) * this.#effective.breakEvenFactorPpm) / PPM;
  }

  /** Break-even price of a transaction at the L1 price of now. */
  #breakEven(transaction: typeof PLAIN_TRANSFER): bigint {
    const prices = { l1GasPriceWei: this.#l1Wei, l2GasPriceWei: 0n, signedGasPriceWei: 0n };
    return breakEvenGasPrice({ ...prices, ...transaction }, this.#effective);
  }

  /** Says so where plain transfers at the suggested price are taken at a loss (node.md 2.5), and where that is over. */
  #watchLoss(): void {
    if (this.#effective.mode !== 'breakEven') return;
    const [suggestedWei, breakEvenWei] = [this.suggestedWei(), this.#breakEven(PLAIN_TRANSFER)];
    const suggestsLoss = suggestedWei < breakEvenWei;
    if (suggestsLoss === this.#suggestsLoss) return;
    this.#suggestsLoss = suggestsLoss;
    const facts = { suggestedWei, breakEvenWei, l1Wei: this.#l1Wei };
    if (suggestsLoss)
      this.#log.warn('the suggested gas price is below the break-even price of a plain transfer: it is taken at a loss', facts);
    else this.#log.info('the suggested gas price covers a plain transfer again', facts);
  }

  #report(metrics: MetricsRegistry): void {
    metrics.gauge('zknode_gas_price_wei', 'Gas prices: suggested, least admitted, of L1.', ['kind']).collect((gauge) => {
      gauge.set(Number(this.suggestedWei()), { kind: 'suggested' });
      gauge.set(Number(this.minimumWei()), { kind: 'minimum' });
      gauge.set(Number(this.#l1Wei), { kind: 'l1' });
    });
    if (this.#source === null) return;
    const startedAtMs = this.#clock.nowMs();
    metrics
      .gauge('zknode_l1_gas_price_age_seconds', 'Time since the L1 gas price was read; a stale one stays in use.')
      .collect((gauge) => gauge.set(Math.max(0, this.#clock.nowMs() - (this.#l1AtMs ?? startedAtMs)) / 1000));
  }

  async #refresh(source: L1GasPriceSource): Promise<void> {
    try {
      this.observe(await source());
    } catch (error) {
      // A stale price is better than none: the last suggestion stays in force.
      this.#log.warn('L1 gas price is not available', { error });
    }
    if (this.#stopped) return;
    this.#cancel = this.#clock.schedule(this.#config.refreshMs, () => void this.#refresh(source));
  }

  /** What was suggested at any time of the last so many milliseconds. */
  #inForce(windowMs: number): bigint[] {
    const sinceMs = this.#clock.nowMs() - windowMs;
    return this.#history.filter((_suggestion, i) => (this.#history[i + 1]?.atMs ?? sinceMs) >= sinceMs).map(({ wei }) => wei);
  }

  /** Keeps within twice of all that was suggested in the last minute, also of what was in force when it began. */
  #damped(wei: bigint): bigint {
    let lowest = this.suggestedWei();
    let highest = lowest;
    for (const suggested of this.#inForce(CHANGE_WINDOW_MS)) {
      if (suggested < lowest) lowest = suggested;
      if (suggested > highest) highest = suggested;
    }
    if (wei > lowest * 2n) return lowest * 2n;
    return wei * 2n < highest ? (highest + 1n) / 2n : wei;
  }

  #push(wei: bigint): void {
    this.#history.push({ atMs: this.#clock.nowMs(), wei });
    this.#forgetOld();
  }

  /** Drops what was superseded before the grace window and the last minute began; the newest always stays. */
  #forgetOld(): void {
    const sinceMs = this.#clock.nowMs() - Math.max(this.#config.graceMs, CHANGE_WINDOW_MS);
    let drop = 0;
    while (drop + 1 < this.#history.length && (this.#history[drop + 1]?.atMs ?? sinceMs) < sinceMs) drop++;
    if (drop > 0) this.#history.splice(0, drop);
  }
}
