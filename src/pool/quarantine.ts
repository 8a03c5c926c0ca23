/**
 * Transactions on which the executor failed twice (node.md 3.8), kept for whoever looks into it, across restarts. They are out of the pool, with
 * status `invalid` and reason `internal`; this list decides nothing. One that is sent again is tried again, and costs nobody anything but time.
 */
import type { Clock } from '../common/clock.js';
import { CodedError } from '../common/errors.js';
import type { Logger } from '../common/logger.js';
import type { MetricsRegistry } from '../common/metrics.js';
import type { NativeEngine } from '../native/engine.js';

/** Name of the stored setting. */
export const QUARANTINE_SETTING = 'quarantine';
const VERSION = 1;
/** Failures after which a transaction is listed. */
const FAILURES_MIN = 2;
/** Listed transactions; the oldest are forgotten first. */
const LISTED_MAX = 100;
/** Transactions with fewer failures that are remembered, in memory; the oldest are forgotten first. */
const SUSPECTS_MAX = 10_000;
/** Signed bytes of a larger one are not kept. */
const RAW_BYTES_MAX = 32_768;

/** A failure of the executor on a transaction. */
export interface CoreFailure {
  readonly hash: string;
  readonly sender: string;
  readonly nonce: number;
  readonly to: string | null;
  readonly raw: Buffer;
  readonly stage: 'admission' | 'sequencing';
  /** Failures that this stands for. */
  readonly failures: number;
}

/** A listed transaction. */
export interface QuarantinedTransaction {
  readonly hash: string;
  readonly sender: string;
  readonly nonce: number;
  /** Null for a contract creation. */
  readonly to: string | null;
  /** Where the executor failed last. */
  readonly stage: 'admission' | 'sequencing';
  readonly failures: number;
  /** Unix ms of the last failure. */
  readonly atMs: number;
  /** 0x hex of the signed bytes; null where they are too many. */
  readonly raw: string | null;
}

/** Where the list is kept. */
export type QuarantineDisk = Pick<NativeEngine, 'setting' | 'putSetting'>;

/** Parts of the list. */
export interface QuarantineModules {
  readonly disk: QuarantineDisk;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsRegistry;
}

/** The list. */
export class Quarantine {
  readonly #modules: QuarantineModules;
  /** By hash, the one that failed longest ago first. */
  readonly #listed: Map<string, QuarantinedTransaction>;
  /** Failures of those that are not listed, oldest first. */
  readonly #suspects = new Map<string, number>();
  #writing: Promise<void> = Promise.resolve();
  #isWriteWaiting = false;

  /** Reads the list back. Throws STATE_DB_CORRUPT where it is not one. */
  constructor(modules: QuarantineModules) {
    this.#modules = modules;
    this.#listed = new Map(stored(modules.disk).map((transaction) => [transaction.hash, transaction]));
    modules.metrics
      .gauge(
        'zknode_quarantined_transactions',
        'Transactions on which the executor failed twice, as admin_quarantinedTransactions lists them.',
      )
      .collect((gauge) => gauge.set(this.#listed.size));
  }

  /** Newest last. */
  list(): readonly QuarantinedTransaction[] {
    return [...this.#listed.values()];
  }

  /** Counts a failure, and lists the transaction from the second one on. */
  failed({ hash, sender, nonce, to, raw, stage, failures: more }: CoreFailure): void {
    const failures = (this.#listed.get(hash)?.failures ?? this.#suspects.get(hash) ?? 0) + more;
    this.#modules.log.error('the executor failed on a transaction', { hash, sender, nonce, to, stage, failures });
    this.#suspects.delete(hash);
    if (failures < FAILURES_MIN) {
      this.#suspects.set(hash, failures);
      dropOldest(this.#suspects, SUSPECTS_MAX);
      return;
    }
    const text = raw.length > RAW_BYTES_MAX ? null : `0x${raw.toString('hex')}`;
    this.#listed.delete(hash);
    this.#listed.set(hash, { hash, sender, nonce, to, stage, failures, atMs: this.#modules.clock.nowMs(), raw: text });
    dropOldest(this.#listed, LISTED_MAX);
    this.#write();
  }

  /** Resolves when what is listed is on disk, or could not be put there. */
  idle(): Promise<void> {
    return this.#writing;
  }

  /** One write at a time; the last one has all. */
  #write(): void {
    if (this.#isWriteWaiting) return;
    this.#isWriteWaiting = true;
    this.#writing = this.#writing.then(async () => {
      this.#isWriteWaiting = false;
      try {
        await this.#modules.disk.putSetting(QUARANTINE_SETTING, JSON.stringify({ version: VERSION, transactions: this.list() }));
      } catch (error) {
        // Nothing is decided by it, and the pool hears of a disk that fails by itself.
        this.#modules.log.error('the list of quarantined transactions could not be stored', { error });
      }
    });
  }
}

function dropOldest<T>(map: Map<string, T>, max: number): void {
  if (map.size <= max) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}

function stored(disk: Pick<QuarantineDisk, 'setting'>): QuarantinedTransaction[] {
  const text = disk.setting(QUARANTINE_SETTING);
  if (text === null) return [];
  const broken = (): CodedError =>
    new CodedError('the stored list of quarantined transactions is malformed', { code: 'STATE_DB_CORRUPT', setting: QUARANTINE_SETTING });
  let found: { version?: unknown; transactions?: unknown };
  try {
    found = JSON.parse(text) as typeof found;
  } catch {
    throw broken();
  }
  if (found.version !== VERSION || !Array.isArray(found.transactions)) throw broken();
  return found.transactions as QuarantinedTransaction[];
}
