/** The books of a simulated session: what was sent, answered, published and logged, over all lives of the node. They are judged at the end. */
import { errorMessage } from '../../src/common/errors.js';
import { type Logger, silentLogger } from '../../src/common/logger.js';
import type { SequencerConfig } from '../../src/sequencer/config.js';
import type { WaitingForcedBatch } from '../../src/sequencer/forced-batches.js';
import type { FakeDisk } from '../helpers/fake-disk.js';
import { type FakeTransaction, hashOf, rawOf } from '../helpers/fake-transaction.js';
import { ForcedSource } from '../helpers/forced-source.js';
import type { SimNode } from '../helpers/sim-node.js';

/** How the session was set up, and what of it is there at the end. */
export interface SessionSetting {
  readonly seed: number;
  readonly disk: FakeDisk;
  readonly limits: readonly number[];
  readonly sequencer: Partial<SequencerConfig>;
  readonly node: SimNode;
}

/** What a session leaves behind to be judged. */
export interface SessionRecord extends SessionSetting {
  /** Balances at the beginning. */
  readonly funds: ReadonlyMap<string, bigint>;
  readonly sent: ReadonlyMap<string, FakeTransaction>;
  readonly acknowledged: ReadonlySet<string>;
  /** Messages of the last refusal. */
  readonly refused: ReadonlyMap<string, string>;
  /** Block numbers heard by listeners, by life of the node. */
  readonly published: readonly (readonly number[])[];
  /** First block that each life could publish. */
  readonly firstBlocks: readonly number[];
  /** What was forced through L1. */
  readonly forced: readonly WaitingForcedBatch[];
  /** Transactions that were forced, as far as they are any. */
  readonly forcedHashes: ReadonlySet<string>;
  /** Errors logged by a session without injected faults. */
  readonly errors: readonly string[];
  readonly kills: number;
}

/** Keeps the books. */
export class SessionBooks {
  /** Forced batches, over all lives. */
  readonly source = new ForcedSource();
  readonly #disk: FakeDisk;
  readonly #funds = new Map<string, bigint>();
  readonly #sent = new Map<string, FakeTransaction>();
  readonly #acknowledged = new Set<string>();
  readonly #refused = new Map<string, string>();
  readonly #published: number[][] = [];
  readonly #firstBlocks: number[] = [];
  readonly #errors: string[] = [];
  readonly #forcedHashes = new Set<string>();
  #kills = 0;

  constructor(disk: FakeDisk) {
    this.#disk = disk;
  }

  /** The log of every life: errors are kept, but for those that a forced batch is shown late. */
  get log(): Logger {
    const error: Logger['error'] = (message, facts) => {
      if (!message.startsWith('a forced batch is missing')) this.#errors.push(`${message}: ${errorMessage(facts?.['error'])}`);
    };
    return { ...silentLogger, error };
  }

  /** All that was sent or forced. */
  get sent(): ReadonlyMap<string, FakeTransaction> {
    return this.#sent;
  }

  /** What was sent and never taken. */
  get unanswered(): FakeTransaction[] {
    return [...this.#sent]
      .filter(([hash]) => !this.#acknowledged.has(hash) && !this.#forcedHashes.has(hash))
      .map(([, transaction]) => transaction);
  }

  /** A sender has this much at the beginning. */
  fund(address: string, balanceWei: bigint): void {
    this.#disk.fund(address, balanceWei);
    this.#funds.set(address, balanceWei);
  }

  /** A life of the node begins: its blocks are listened to. */
  begin(node: SimNode): void {
    const heard: number[] = [];
    this.#published.push(heard);
    this.#firstBlocks.push(this.#disk.blocks.length + 1);
    node.sequencer.onBlock((block) => heard.push(block.number));
  }

  /** A life was ended by force. */
  killed(): void {
    this.#kills++;
  }

  /** Sends, and keeps the answer when it comes; answers what was sent. */
  send({ pool }: SimNode, transaction: FakeTransaction): Buffer {
    const raw = rawOf(transaction);
    const hash = hashOf(raw);
    this.#sent.set(hash, transaction);
    pool.add(raw).then(
      () => this.#answered(hash, null),
      // Known already: it was taken, and the answer did not come through.
      (error: Error) => this.#answered(hash, error.message === 'already known' ? null : error.message),
    );
    return raw;
  }

  /** A transaction in a forced batch; answers its bytes. */
  forces(transaction: FakeTransaction): Buffer {
    const raw = rawOf(transaction);
    this.#sent.set(hashOf(raw), transaction);
    this.#forcedHashes.add(hashOf(raw));
    return raw;
  }

  #answered(hash: string, refusal: string | null): void {
    this.#refused.delete(hash);
    if (refusal === null) this.#acknowledged.add(hash);
    else this.#refused.set(hash, refusal);
  }

  /** The books at the end. Where faults were injected (`hadFaults`), errors in the log prove nothing. */
  close(setting: SessionSetting, hadFaults: boolean): SessionRecord {
    return {
      ...setting,
      funds: this.#funds,
      sent: this.#sent,
      acknowledged: this.#acknowledged,
      refused: this.#refused,
      published: this.#published,
      firstBlocks: this.#firstBlocks,
      forced: this.source.waiting(),
      forcedHashes: this.#forcedHashes,
      errors: hadFaults ? [] : this.#errors,
      kills: this.#kills,
    };
  }
}
