/** An operator's wish to take the chain back: whether it may be, until the loop gets to it, and what is answered. */
import { CodedError, errorMessage } from '../common/errors.js';
import type { Logger } from '../common/logger.js';
import type { RollbackReport } from '../native/maintenance.js';
import type { StoredExplanation } from './explain-store.js';
import type { ModeMachine } from './mode.js';
import { isRefusal, type TakeBack } from './take-back.js';

const STOPPING = 'the node is stopping';

interface Pending {
  readonly toBatch: number;
  readonly resolve: (report: RollbackReport) => void;
  readonly reject: (error: unknown) => void;
}

/** What the loop does about the outcome. */
export interface RollbackOutcome {
  /** Blocks are gone, or would be if it had not failed on the way. */
  taken(explanations: readonly StoredExplanation[]): void;
  /** It failed on the way: nothing may go on. */
  failed(reason: string): void;
}

/** At most one request at a time. */
export class RollbackRequests {
  readonly #takeBack: TakeBack | null;
  readonly #mode: ModeMachine;
  readonly #log: Logger;
  #pending: Pending | null = null;
  #isOver = false;

  /** `takeBack` is null where the chain only goes forward. */
  constructor(takeBack: TakeBack | null, mode: ModeMachine, log: Logger) {
    this.#takeBack = takeBack;
    this.#mode = mode;
    this.#log = log;
  }

  /** From the request to its end; nothing is admitted meanwhile. */
  get isPending(): boolean {
    return this.#pending !== null;
  }

  /** Rejects with ADMIN_NOT_POSSIBLE where the mode does not allow it. */
  ask(toBatch: number, isPaused: boolean): Promise<RollbackReport> {
    const refusal = this.#refusal(isPaused);
    if (refusal !== null) return Promise.reject(notPossible(refusal));
    return new Promise((resolve, reject) => {
      this.#pending = { toBatch, resolve, reject };
    });
  }

  #refusal(isPaused: boolean): string | null {
    const { mode, isHaltFinal } = this.#mode;
    if (this.#takeBack === null) return 'a session that is recorded only goes forward: start without --record';
    if (this.#isOver) return STOPPING;
    if (this.isPending) return 'the chain is being taken back already';
    if (isHaltFinal) return 'only a new start ends this halt: take the chain back with db rollback';
    return mode === 'draining' || (mode !== 'halted' && !isPaused) ? `pause first: the mode is ${mode}` : null;
  }

  /** The loop ends. */
  drop(): void {
    this.#isOver = true;
    this.#pending?.reject(notPossible(STOPPING));
    this.#pending = null;
  }

  /** Does what was asked for. A halt ends with it. */
  async serve(outcome: RollbackOutcome): Promise<void> {
    if (this.#pending === null || this.#takeBack === null) return;
    const { toBatch, resolve, reject } = this.#pending;
    try {
      const { report, error, explanations } = await this.#takeBack.run(toBatch);
      if (explanations !== null) outcome.taken(explanations);
      if (report === null) throw error;
      this.#log.warn('the chain was taken back', { ...report });
      this.#mode.resume();
      resolve(report);
    } catch (error) {
      this.#log.error('the chain was not taken back', { toBatch, error });
      if (!isRefusal(error)) outcome.failed(`the chain could not be taken back: ${errorMessage(error)}`);
      reject(error);
    } finally {
      this.#pending = null;
    }
  }
}

function notPossible(why: string): CodedError {
  return new CodedError(why, { code: 'ADMIN_NOT_POSSIBLE' });
}
