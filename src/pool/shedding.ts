/**
 * Load shedding: what is not even looked at while the pool is flooded with transactions that fit no batch.
 *
 * A refused transaction costs what recovering its sender costs, and a flood of them costs honest ones their throughput. So the outcomes of
 * pre-execution are kept by recipient: a contract of which the last so many calls all ran out of counters is shed while the queue for such
 * transactions is full. Calls of it are answered as any that find the queue full, but before their sender is known.
 *
 *   - One call in eight is looked at as usual. The first one that does fit a batch ends the shedding for everybody, so a contract that is
 *     used in earnest is never shed for long, whoever floods it.
 *   - What was sent to an address says nothing of it where its bytes alone are too many for a batch.
 *   - Deployments are never shed.
 *
 * Decided from the arrivals, the clock and the answers of the engine alone, so that a replay decides the same.
 */
import type { Clock } from '../common/clock.js';

/** Calls in a row that ran out of counters before a contract is shed. */
const STREAK_MIN = 32;
/** Of the calls of a shed contract, one in so many is looked at. */
const SAMPLE_EVERY = 8;
/** A streak is forgotten so long after its last call: as long as its senders are remembered. */
const STREAK_MS = 600_000;
/** Contracts with a streak; the one that was called longest ago is forgotten first. */
const CONTRACTS_MAX = 1_024;
/** Calldata up to which a transaction cannot run out of counters by its bytes. */
const DATA_BYTES_MAX = 8_192;

const LIST_LONG = 0xf7;
const LIST = 0xc0;
const STRING_LONG = 0xb7;
const STRING = 0x80;
const ADDRESS_BYTES = 20;
const FIELDS_BEFORE_RECIPIENT = 3;

interface Streak {
  calls: number;
  untilMs: number;
  /** Calls that came while it was shed. */
  shed: number;
}

/** A transaction that was pre-executed. */
export interface Judged {
  readonly raw: Uint8Array;
  readonly dataBytes: number;
}

/** The ledger of contracts whose calls are in vain. */
export class Shedding {
  readonly #clock: Clock;
  /** By recipient, the one called longest ago first. */
  readonly #streaks = new Map<string, Streak>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Contracts that are remembered. */
  get size(): number {
    return this.#streaks.size;
  }

  /** A transaction ran out of counters when it was pre-executed. */
  ranOut({ raw, dataBytes }: Judged): void {
    const recipient = recipientOf(raw);
    if (recipient === null || dataBytes > DATA_BYTES_MAX) return;
    const streak = this.#live(recipient) ?? { calls: 0, untilMs: 0, shed: 0 };
    streak.calls++;
    streak.untilMs = this.#clock.nowMs() + STREAK_MS;
    this.#streaks.delete(recipient);
    this.#streaks.set(recipient, streak);
    if (this.#streaks.size <= CONTRACTS_MAX) return;
    const oldest = this.#streaks.keys().next();
    if (oldest.done !== true) this.#streaks.delete(oldest.value);
  }

  /** A transaction was pre-executed and fits a batch. */
  fitted({ raw }: Judged): void {
    if (this.#streaks.size === 0) return;
    const recipient = recipientOf(raw);
    if (recipient !== null) this.#streaks.delete(recipient);
  }

  /** Whether an arrival in a flood is refused without a look at it. */
  sheds(raw: Uint8Array): boolean {
    if (this.#streaks.size === 0) return false;
    const recipient = recipientOf(raw);
    const streak = recipient === null ? undefined : this.#live(recipient);
    if (streak === undefined || streak.calls < STREAK_MIN) return false;
    return streak.shed++ % SAMPLE_EVERY !== 0;
  }

  #live(recipient: string): Streak | undefined {
    const streak = this.#streaks.get(recipient);
    if (streak === undefined || streak.untilMs > this.#clock.nowMs()) return streak;
    this.#streaks.delete(recipient);
    return undefined;
  }
}

/**
 * The recipient that signed bytes name, one character a byte, before anything of them is checked: null for a deployment, and for what is no
 * transaction.
 */
export function recipientOf(raw: Uint8Array): string | null {
  const head = raw[0] ?? 0;
  if (head < LIST) return null;
  let at = 1 + (head > LIST_LONG ? head - LIST_LONG : 0);
  for (let field = 0; field < FIELDS_BEFORE_RECIPIENT; field++) {
    const first = raw[at] ?? 0;
    // Numbers: none of them is long.
    if (first > STRING_LONG) return null;
    at += first < STRING ? 1 : 1 + first - STRING;
  }
  if (raw[at] !== STRING + ADDRESS_BYTES || at + ADDRESS_BYTES >= raw.length) return null;
  return Buffer.from(raw.buffer, raw.byteOffset + at + 1, ADDRESS_BYTES).toString('latin1');
}
