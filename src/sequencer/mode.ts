/** The mode of the sequencer and the transitions between modes; shown by `zkevm_status`, metric and log. */
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import type { SequencerStatus } from '../rpc/modules.js';

/** Modes of node.md 3.9. */
export type Mode = SequencerStatus['mode'];

/** Every mode. */
export const MODES: readonly Mode[] = ['syncing', 'sequencing', 'throttled', 'recovering', 'halted', 'draining'];

/** Recoveries within the window after which the fault is not a passing one. */
export const RECOVERIES_MAX = 3;
/** Window of `RECOVERIES_MAX`. */
export const RECOVERY_WINDOW_MS = 600_000;

/** Mode with its reason. Terminal modes stay: only an operator leaves `halted`, nobody leaves `draining`. */
export class ModeMachine {
  readonly #clock: Clock;
  readonly #log: Logger;
  #recoveries: number[] = [];
  #mode: Mode = 'syncing';
  #reason: string | null = null;
  /** The halt lasts until the process ends. */
  #isFinal = false;
  /** Something downstream lags; it may do so in any mode. */
  #lag: string | null = null;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  get mode(): Mode {
    return this.#mode;
  }

  /** Why the sequencer halted; null in every other mode. */
  get haltReason(): string | null {
    return this.#mode === 'halted' ? this.#reason : null;
  }

  /** True where the sequencer halted for something that no operator can mend while the process runs: only a new start ends it. */
  get isHaltFinal(): boolean {
    return this.#mode === 'halted' && this.#isFinal;
  }

  /** Why nothing new is executed; null while nothing lags. */
  get throttleReason(): string | null {
    return this.#lag;
  }

  /** Normal operation, as far as nothing lags; also the end of a recovery. */
  sequence(): void {
    if (this.#mode !== 'halted' && this.#mode !== 'draining') this.#set(this.#lag === null ? 'sequencing' : 'throttled', this.#lag);
  }

  /** Something downstream lags: nothing new is opened. */
  throttle(reason: string): void {
    this.#lag = reason;
    if (this.#mode === 'sequencing') this.#set('throttled', reason);
  }

  /** It caught up. */
  unthrottle(): void {
    this.#lag = null;
    if (this.#mode === 'throttled') this.#set('sequencing', null);
  }

  /** Recoveries within the window. */
  get recoveryCount(): number {
    return this.#recoveries.length;
  }

  /** Starts a recovery; false where there were too many, the caller halts then. */
  recover(reason: string): boolean {
    if (this.#mode === 'halted') return false;
    const nowMs = this.#clock.nowMs();
    // What lies ahead was before a clock that was set back: how long ago, nobody knows.
    this.#recoveries = this.#recoveries.filter((atMs) => atMs <= nowMs && nowMs - atMs <= RECOVERY_WINDOW_MS);
    this.#recoveries.push(nowMs);
    if (this.#recoveries.length > RECOVERIES_MAX) return false;
    if (this.#mode !== 'draining') this.#set('recovering', reason);
    return true;
  }

  /** An invariant is broken; the first reason stays. `isFinal`: memory or database cannot be gone on with. */
  halt(reason: string, isFinal = false): void {
    this.#isFinal ||= isFinal;
    if (this.#mode !== 'halted') this.#set('halted', reason);
  }

  /** An operator looked into it. False where there is nothing to resume, or only a new start helps. */
  resume(): boolean {
    if (this.#mode !== 'halted' || this.#isFinal) return false;
    this.#recoveries = [];
    this.#set(this.#lag === null ? 'sequencing' : 'throttled', this.#lag);
    return true;
  }

  /** The node stops. */
  drain(): void {
    if (this.#mode !== 'halted') this.#set('draining', null);
  }

  #set(mode: Mode, reason: string | null): void {
    if (this.#mode === mode) return;
    const facts = { from: this.#mode, to: mode, ...(reason === null ? {} : { reason }) };
    this.#mode = mode;
    this.#reason = reason;
    if (mode === 'halted') this.#log.error('sequencer halted', facts);
    else if (mode === 'recovering') this.#log.warn('sequencer recovers', facts);
    else this.#log.info('sequencer mode', facts);
  }
}
