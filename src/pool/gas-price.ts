/**
 * Suggested and minimum gas price. The suggestion is fixed, or follows the L1 price; the minimum is the lowest suggestion of the grace
 * window, so that a price that was suggested a moment ago is still taken.
 */
import type { Cancel, Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import type { GasPriceOracle } from '../rpc/modules.js';
import type { GasPriceConfig } from './config.js';
import { PPM } from './effective-gas-price.js';

/** Reads the L1 gas price in wei. */
export type L1GasPriceSource = () => Promise<bigint>;

/** The suggestion may at most double or halve in this time, so that one odd reading cannot shut everybody out. */
const CHANGE_WINDOW_MS = 60_000;
/** Significant decimal digits of a following suggestion. */
const SIGNIFICANT_DIGITS = 3;

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

/** Gas price suggestion and admission minimum. */
export class GasPrice implements GasPriceOracle {
  readonly #config: GasPriceConfig;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #source: L1GasPriceSource | null;
  /** Oldest first; the newest one is the suggestion now. */
  #history: Suggestion[];
  #l1Wei = 0n;
  #cancel: Cancel | null = null;
  #stopped = false;

  constructor(config: GasPriceConfig, modules: { clock: Clock; log: Logger; l1GasPrice?: L1GasPriceSource }) {
    this.#config = config;
    this.#clock = modules.clock;
    this.#log = modules.log;
    this.#source = config.mode === 'follower' ? (modules.l1GasPrice ?? null) : null;
    this.#history = [{ atMs: modules.clock.nowMs(), wei: config.defaultWei }];
  }

  /** Starts following the L1 price where that is configured. */
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
    this.#forgetOld();
    let lowest = this.suggestedWei();
    for (const { wei } of this.#history) if (wei < lowest) lowest = wei;
    if (lowest < this.#config.floorWei) lowest = this.#config.floorWei;
    return lowest;
  }

  /** Takes a reading of the L1 price. */
  observe(l1Wei: bigint): void {
    this.#l1Wei = l1Wei;
    const { defaultWei, maxWei, l1FactorPpm } = this.#config;
    let wei = (l1Wei * l1FactorPpm) / PPM;
    if (wei < defaultWei) wei = defaultWei;
    if (maxWei > 0n && wei > maxWei) wei = maxWei;
    this.#push(this.#damped(truncateDigits(wei, SIGNIFICANT_DIGITS)));
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

  /** Bounds the change against the suggestion of a minute ago. */
  #damped(wei: bigint): bigint {
    const sinceMs = this.#clock.nowMs() - CHANGE_WINDOW_MS;
    const base = this.#history.find((suggestion) => suggestion.atMs >= sinceMs)?.wei ?? this.suggestedWei();
    if (wei > base * 2n) return base * 2n;
    return wei * 2n < base ? base / 2n : wei;
  }

  #push(wei: bigint): void {
    this.#history.push({ atMs: this.#clock.nowMs(), wei });
    this.#forgetOld();
  }

  /** Drops what was superseded before the grace window began; the newest always stays. */
  #forgetOld(): void {
    const sinceMs = this.#clock.nowMs() - this.#config.graceMs;
    let drop = 0;
    while (drop + 1 < this.#history.length && (this.#history[drop + 1]?.atMs ?? sinceMs) < sinceMs) drop++;
    if (drop > 0) this.#history.splice(0, drop);
  }
}
