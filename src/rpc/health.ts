/** `GET /health`, `/ready`: is the process alive, and does it do its work. */
import type { RpcServices } from './services.js';
import type { Page } from './transport/http.js';

/** Modes in which transactions are taken and included. */
const WORKING_MODES: readonly string[] = ['sequencing', 'throttled'];
/** A block may be this many intervals late. */
const LATE_INTERVALS = 3;

/** Tells whether transactions that wait are being included. */
export class Health {
  readonly #services: RpcServices;
  #blockAtMs: number;
  #waitingSinceMs: number | null = null;
  readonly #stop: () => void;

  constructor(services: RpcServices) {
    this.#services = services;
    this.#blockAtMs = services.clock.nowMs();
    this.#stop = services.sequencer.onBlock(() => {
      this.#blockAtMs = services.clock.nowMs();
    });
  }

  /** Why the node is not ready; empty when it is. */
  reasons(): string[] {
    const { sequencer, pool, clock, identity, config } = this.#services;
    const reasons: string[] = [];
    const { mode, haltReason } = sequencer.status();
    if (!WORKING_MODES.includes(mode)) reasons.push(haltReason === null ? `mode is ${mode}` : `mode is ${mode}: ${haltReason}`);
    const nowMs = clock.nowMs();
    // An empty chain makes no blocks: only waiting transactions make the last block stale.
    if (pool.counts().pending === 0) this.#waitingSinceMs = null;
    else this.#waitingSinceMs ??= nowMs;
    const staleMs = LATE_INTERVALS * identity.blockIntervalMs + config.readyStaleMs;
    const sinceMs = Math.max(this.#blockAtMs, this.#waitingSinceMs ?? nowMs);
    if (nowMs - sinceMs > staleMs)
      reasons.push(`transactions wait, and the last block is ${Math.round((nowMs - this.#blockAtMs) / 1000)} s old`);
    return reasons;
  }

  ready(): Page {
    const reasons = this.reasons();
    if (reasons.length === 0) return { body: '{"ready":true,"reasons":[]}' };
    return { status: '503 Service Unavailable', body: JSON.stringify({ ready: false, reasons }) };
  }

  close(): void {
    this.#stop();
  }
}
