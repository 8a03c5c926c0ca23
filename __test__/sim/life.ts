/** One short life of pool and sequencer, the same each time but for one incident at one call of the engine. */
import { packList } from '../../src/native/layouts.js';
import { FakeDisk } from '../helpers/fake-disk.js';
import { FAKE_LIMITS, type FakeMoment } from '../helpers/fake-engine.js';
import { addressOf, type FakeTransaction, fakeTransaction, GWEI } from '../helpers/fake-transaction.js';
import { forcedBatch } from '../helpers/forced-source.js';
import { SimClock } from '../helpers/sim-clock.js';
import { type SimNode, startSim } from '../helpers/sim-node.js';
import { SessionBooks, type SessionRecord } from './books.js';

/** What happens, at which call (counted over all lives of the node), and what somebody does about it. */
export interface Incident {
  readonly call: number;
  readonly moment: FakeMoment;
  readonly what: 'kill' | 'error';
  readonly remedy: 'resume' | 'restart';
}

const RICH = 10n ** 20n;
const TRANSFER_WEI = 21_000n * GWEI;
const [ANNA, BERT, POOR, HEAVY, HEAVIER, GAP, NEVER, CHEAP, FORCER] = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => addressOf(0xa0 + i)) as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
];
/** Time after which everything that can happen has happened. */
const SETTLE_MS = 1_500;

/** Plays it; `calls` are the verbs in their order. */
export async function playLife(incident: Incident | null): Promise<{ record: SessionRecord; calls: readonly string[] }> {
  return new Life(incident).play();
}

class Life {
  readonly #incident: Incident | null;
  readonly #clock = new SimClock();
  readonly #disk = new FakeDisk();
  readonly #books = new SessionBooks(this.#disk);
  readonly #calls: string[] = [];
  readonly #limits = FAKE_LIMITS.map((limit, i) => (i < 8 ? Math.max(Math.floor(limit / 10), 600) : limit));
  #node: SimNode | null = null;
  #killed = false;

  constructor(incident: Incident | null) {
    this.#incident = incident;
  }

  async play(): Promise<{ record: SessionRecord; calls: readonly string[] }> {
    for (const address of [ANNA, BERT, HEAVY, HEAVIER, GAP, NEVER, CHEAP, FORCER]) this.#books.fund(address, RICH);
    this.#books.fund(POOR, (TRANSFER_WEI * 3n) / 2n);
    await this.#start();
    for (const [waitMs, act] of this.#script()) {
      await this.#clock.run(waitMs);
      await this.#tend();
      act();
    }
    await this.#clock.run(SETTLE_MS);
    await this.#tend();
    // Clients that were not answered, or were refused, send again; and again, where the incident met just that.
    for (let round = 0; round < 2; round++) {
      for (const transaction of this.#books.unanswered) this.#send(transaction);
      await this.#clock.run(SETTLE_MS);
      await this.#tend();
    }
    await this.#clock.run(SETTLE_MS);
    return { record: this.#record(), calls: this.#calls };
  }

  /** Pairs of a wait and what is done after it. */
  #script(): [number, () => void][] {
    const send = (changes: Partial<FakeTransaction>) => (): void => this.#send(fakeTransaction(changes));
    const heavy = { used: this.#share(0.6), reserved: this.#share(0.7) };
    return [
      [1, send({ sender: ANNA })],
      [0, send({ sender: ANNA, nonce: 1 })],
      [0, send({ sender: BERT })],
      [0, send({ sender: POOR })],
      [0, send({ sender: POOR, nonce: 1, value: '5' })],
      [3, send({ sender: BERT, gasPrice: String(2n * GWEI) })],
      [1, send({ sender: HEAVY, ...heavy })],
      [0, send({ sender: HEAVIER, ...heavy })],
      [15, send({ sender: GAP, nonce: 1 })],
      [0, send({ sender: NEVER, used: this.#share(1.5), reserved: this.#share(1.5) })],
      [30, send({ sender: GAP, gasPrice: String(3n * GWEI) })],
      [60, () => void this.#node?.sequencer.requestBatchClose()],
      [10, send({ sender: CHEAP, nonce: 2 })],
      [0, send({ sender: CHEAP, nonce: 3 })],
      [0, send({ sender: CHEAP, nonce: 4 })],
      [20, send({ sender: ANNA, nonce: 2, gasPrice: String(3n * GWEI) })],
      [0, send({ sender: BERT, nonce: 1, gasPrice: String(4n * GWEI) })],
      [0, send({ sender: BERT, nonce: 2, gasPrice: String(4n * GWEI) })],
      [2, send({ sender: ANNA, nonce: 3, panics: true, gasPrice: String(3n * GWEI) })],
      [60, send({ sender: FORCER })],
      [0, () => this.#force()],
    ];
  }

  /** One forced batch with transactions, of which the pool knows another one with the same nonce, and one without effect. */
  #force(): void {
    const raws = [fakeTransaction({ sender: FORCER, salt: 1 }), fakeTransaction({ sender: FORCER, nonce: 1 })].map((tx) =>
      this.#books.forces(tx),
    );
    const nowMs = this.#clock.nowMs();
    this.#books.source.add(
      forcedBatch(1, packList(raws), { deadlineMs: nowMs + 1 }),
      forcedBatch(2, Buffer.from([1, 2, 3]), { deadlineMs: nowMs + 60_000 }),
    );
  }

  /** So much of a batch, of the steps. */
  #share(share: number): number[] {
    return [Math.floor((this.#limits[0] ?? 0) * share), 10, 20, 1, 1, 1, 40, 0];
  }

  #send(transaction: FakeTransaction): void {
    if (this.#node !== null) this.#books.send(this.#node, transaction);
  }

  async #start(): Promise<void> {
    const base = this.#calls.length;
    this.#node = await startSim({
      clock: this.#clock,
      disk: this.#disk,
      limits: this.#limits,
      sequencer: { blockIntervalMs: 20, batchMaxAgeMs: 400, lookAhead: 2 },
      pool: { txsMax: 5 },
      forcedBatches: this.#books.source,
      latencyMs: () => 2,
      answerMs: () => 2,
      faults: (verb, moment, call) => this.#maybe(verb, moment, base + call),
      log: this.#books.log,
    }).catch(() => null);
    if (this.#node === null) return this.#start();
    this.#books.begin(this.#node);
  }

  #maybe(verb: string, moment: FakeMoment, id: number): 'kill' | undefined {
    this.#calls[id] = verb;
    const { call, moment: when, what } = this.#incident ?? {};
    if (id !== call || moment !== when) return undefined;
    if (what === 'error') throw new Error(`${verb} failed ${moment} its effect`);
    this.#killed = true;
    return 'kill';
  }

  /** Starts a killed node again, and helps a halted one. */
  async #tend(): Promise<void> {
    const { mode, isHaltFinal } = this.#node?.sequencer.status() ?? {};
    if (!this.#killed && mode !== 'halted') return;
    if (mode === 'halted' && isHaltFinal === false && this.#incident?.remedy === 'resume') {
      this.#node?.sequencer.resume();
      return;
    }
    this.#node?.engine.kill();
    this.#killed = false;
    this.#books.killed();
    await this.#start();
  }

  #record(): SessionRecord {
    if (this.#node === null) throw new Error('the node did not start');
    const setting = { seed: 0, disk: this.#disk, limits: this.#limits, sequencer: {}, node: this.#node };
    return this.#books.close(setting, this.#incident?.what === 'error');
  }
}
