/** One session of a replay: pool, gas price and sequencer as the node builds them, on the clock, the calls and the inputs of the recording. */

import { ByteReader } from '../common/byte-codec.js';
import type { Cancel, Clock } from '../common/clock.js';
import { type Logger, silentLogger } from '../common/logger.js';
import { MetricsRegistry } from '../common/metrics.js';
import type { AccessPolicy } from '../pool/access-list.js';
import { ACCESS_COMMAND } from '../pool/access-store.js';
import { GasPrice } from '../pool/gas-price.js';
import { Pool } from '../pool/pool.js';
import type { WaitingForcedBatch } from '../sequencer/forced-batches.js';
import { batchLimits } from '../sequencer/limits.js';
import { orderOf } from '../sequencer/ordering.js';
import { Sequencer } from '../sequencer/sequencer.js';
import { EVENT, type RecordedEvent } from './events.js';
import type { DecisionEngine } from './recorded-engine.js';
import { FORCED_BATCHES } from './recording.js';
import { Divergence, PendingCalls, RecordedReads, ReplayedEngine } from './replayed-engine.js';
import type { HeadMark, SessionStart } from './session.js';
import { headMark } from './session.js';

const NONE: readonly WaitingForcedBatch[] = [];

/** Plays the events of one session. */
export class ReplayedSession {
  readonly calls = new PendingCalls();
  readonly #start: SessionStart;
  readonly #engine: DecisionEngine;
  readonly #log: Logger;
  readonly #metrics = new MetricsRegistry();
  readonly #reads = new RecordedReads();
  readonly #inputs = new Map<string, unknown>();
  readonly #tasks = new Map<number, () => void>();
  readonly #clock: Clock;
  readonly #replayed: ReplayedEngine;
  #scheduled = 0;
  #nowMs: number;
  #opening: Promise<Pool> | null = null;
  #pool: Pool | null = null;
  #sequencer: Sequencer | null = null;

  constructor(start: SessionStart, atMs: number, engine: DecisionEngine, log: Logger = silentLogger) {
    this.#start = start;
    this.#engine = engine;
    this.#log = log;
    this.#nowMs = atMs;
    this.#replayed = new ReplayedEngine(engine, this.calls, this.#reads);
    this.#clock = {
      nowMs: () => this.#nowMs,
      monotonicMs: () => this.#nowMs,
      schedule: (_delayMs, task) => this.#schedule(task),
    };
  }

  /** What the node does first. */
  open(): void {
    const { pool, sequencer, access } = this.#start;
    const [clock, log] = [this.#clock, this.#log];
    const l1GasPrice = (): Promise<bigint> => this.calls.call('l1GasPrice', async (facts) => BigInt(facts.text()));
    const gasPrice = new GasPrice(pool.gasPrice, {
      clock,
      log,
      effectiveGasPrice: pool.effectiveGasPrice,
      ...(readsL1(this.#start) && { l1GasPrice }),
    });
    gasPrice.start();
    this.#opening = Pool.open({
      engine: this.#replayed,
      config: pool,
      clock,
      log,
      metrics: this.#metrics,
      gasPrice,
      order: orderOf(sequencer),
      batchLimits: batchLimits(this.#engine.head().budgetLimits, sequencer),
      atTurnEnd: (task) => void this.#schedule(task),
      ...(access === null ? {} : { accessPolicy: access }),
    });
    // A failure ends the replay where the recording expects the pool to be open.
    this.#opening.catch(() => undefined);
  }

  /** Where the chain stands. */
  head(): HeadMark {
    return headMark(this.#engine.head());
  }

  /** The recorded process is gone: what was not on disk went with it. */
  dropSealed(): Promise<void> {
    return this.#engine.discardSealed();
  }

  /** Plays an event to its end. Throws Divergence. */
  async play(event: RecordedEvent): Promise<void> {
    this.#nowMs = event.atMs;
    this.#takeNotes(event);
    const body = new ByteReader(event.body);
    switch (event.kind) {
      case EVENT.arrivals:
        this.#arrive(body);
        break;
      case EVENT.answered:
        await this.calls.answer(body);
        break;
      case EVENT.failed:
        this.calls.fail(body);
        break;
      case EVENT.timer:
        this.#fire(body.number());
        break;
      case EVENT.command:
        await this.#command(body.text(), JSON.parse(body.text()) as string | null);
        break;
      case EVENT.end:
        this.#compareEnd(event.body);
        break;
      default:
        throw new RangeError(`the recording has an event of unknown kind ${event.kind}`);
    }
    await settled();
  }

  #takeNotes({ notes }: RecordedEvent): void {
    const reads: { key: Buffer; value: Buffer }[] = [];
    for (const { kind, body } of notes) {
      const reader = new ByteReader(body);
      if (kind === EVENT.read) reads.push({ key: reader.bytes(), value: reader.bytes() });
      else if (kind === EVENT.input) this.#inputs.set(reader.text(), JSON.parse(reader.text()));
      else throw new RangeError(`the recording has a note of unknown kind ${kind}`);
    }
    this.#reads.set(reads);
  }

  #arrive(body: ByteReader): void {
    const pool = this.#pool;
    if (pool === null) throw new Divergence('transactions arrive before the sequencer starts');
    const count = body.number();
    for (let i = 0; i < count; i++) {
      // Refusals are answers to clients, who are not here. A copy: the pool keeps what it admits.
      pool.add(Buffer.from(body.bytes())).catch(() => undefined);
    }
  }

  #schedule(task: () => void): Cancel {
    const id = this.#scheduled++;
    this.#tasks.set(id, task);
    return () => this.#tasks.delete(id);
  }

  #fire(id: number): void {
    const task = this.#tasks.get(id);
    if (task === undefined) throw new Divergence(`the recording runs scheduled task ${id}, which the replay does not have`);
    this.#tasks.delete(id);
    task();
  }

  async #command(name: string, argument: string | null): Promise<void> {
    if (name === 'start') {
      await this.#startSequencer();
      return;
    }
    const sequencer = this.#sequencer;
    if (sequencer === null) throw new Divergence(`command ${name} comes before the sequencer starts`);
    switch (name) {
      case 'stop':
        void sequencer.stop();
        return;
      case 'closeBatch':
        sequencer.requestBatchClose();
        return;
      case 'pause':
        sequencer.pause();
        return;
      case 'resume':
        sequencer.resume();
        return;
      case ACCESS_COMMAND:
        this.#pool?.access.set(JSON.parse(argument ?? '') as AccessPolicy);
        return;
      case 'halt':
        sequencer.halt(argument ?? '');
        return;
      case 'forcedBatches':
        sequencer.forcedBatchesChanged();
        return;
      case 'throttle':
        sequencer.throttle(argument);
        return;
      default:
        throw new RangeError(`the recording has an unknown command ${name}`);
    }
  }

  async #startSequencer(): Promise<void> {
    const { sequencer: config } = this.#start;
    const pool = await within(this.#opening, 'the pool is open in the recording, but not in the replay');
    this.#pool = pool;
    this.#sequencer = new Sequencer({
      engine: this.#replayed,
      pool,
      config,
      clock: this.#clock,
      log: this.#log,
      metrics: this.#metrics,
      forcedBatches: {
        waiting: () => (this.#inputs.get(FORCED_BATCHES) as WaitingForcedBatch[] | undefined) ?? NONE,
        onChange: () => () => undefined,
      },
      forkChangesAfter: (batch) => this.#inputs.get(`forkChangesAfter ${batch}`) === true,
    });
    this.#sequencer.start();
  }

  #compareEnd(body: Buffer): void {
    const [recorded, replayed] = [body.toString(), JSON.stringify(this.head())];
    if (recorded !== replayed) throw new Divergence(`the recording ends at ${recorded}, the replay at ${replayed}`);
  }
}

/** Whether the recorded node read an L1 price. A recording that does not say so yet is of a node that did so to follow it. */
function readsL1({ readsL1GasPrice, pool }: SessionStart): boolean {
  return readsL1GasPrice ?? pool.gasPrice.mode === 'follower';
}

/** The value of a promise that is settled already. */
async function within<T>(promise: Promise<T> | null, otherwise: string): Promise<T> {
  const late = Symbol('late');
  const value = await Promise.race([promise ?? late, settled().then(() => late as typeof late)]);
  if (value === late) throw new Divergence(otherwise);
  return value as T;
}

/** Lets everything run that is resolved already. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
