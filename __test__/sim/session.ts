/**
 * One simulated session of pool and sequencer from one seed: random settings, latencies, arrivals (honest and hostile), passing faults
 * and kills. Time is virtual, the disk survives, everything else is lost at a kill.
 */
import { PRE_STATUS, packList } from '../../src/native/layouts.js';
import type { PoolConfig } from '../../src/pool/config.js';
import type { RecordSink } from '../../src/recording/frames.js';
import type { SequencerConfig } from '../../src/sequencer/config.js';
import type { WaitingForcedBatch } from '../../src/sequencer/forced-batches.js';
import { FakeDisk } from '../helpers/fake-disk.js';
import { FAKE_LIMITS, type FakeFaults, type FakeMoment } from '../helpers/fake-engine.js';
import { addressOf, type FakeTransaction, fakeTransaction, GWEI } from '../helpers/fake-transaction.js';
import { forcedBatch } from '../helpers/forced-source.js';
import { Seeded } from '../helpers/seeded.js';
import { SimClock } from '../helpers/sim-clock.js';
import { type SimNode, startSim } from '../helpers/sim-node.js';
import { SessionBooks, type SessionRecord } from './books.js';

/** A sender with what its wallet believes. */
interface Wallet {
  readonly address: string;
  nonce: number;
}

/** What is forced has random numbers of its own. */
const FORCED_SEED = 1_000_003;
const SETTLE_MS = 20_000;
/** Longer than a block and its way to the disk. */
const QUIET_MS = 1_000;
/** By how much somebody sets the clock. */
const JUMPS_MS = [-7_200_000, -5_000, -300, 300, 5_000, 3_600_000];

/** Plays one session; `record` makes the sink of each life of the node. */
export async function playSession(seed: number, record?: () => RecordSink): Promise<SessionRecord> {
  const session = new Session(seed, record);
  return session.play();
}

class Session {
  readonly #random: Seeded;
  readonly #clock = new SimClock();
  readonly #disk = new FakeDisk();
  readonly #books = new SessionBooks(this.#disk);
  readonly #limits: number[];
  readonly #sequencer: Partial<SequencerConfig>;
  readonly #pool: Partial<PoolConfig>;
  readonly #wallets: Wallet[] = [];
  readonly #forcedRandom: Seeded;
  readonly #forcedRate: number;
  /** Numbers that L1 has given out, and the batches among them that it has not shown yet. */
  #forcedCount = 0;
  #unseen: WaitingForcedBatch[] = [];
  readonly #latencyMax: number;
  readonly #answerMax: number;
  readonly #faultRate: number;
  readonly #jumpRate: number;
  #faultsLeft = 2;
  #salt = 0;

  constructor(
    readonly seed: number,
    readonly record?: () => RecordSink,
  ) {
    const random = new Seeded(seed);
    this.#random = random;
    this.#forcedRandom = new Seeded(seed + FORCED_SEED);
    this.#forcedRate = this.#forcedRandom.pick([0, 0.05, 0.3]);
    const shrink = random.pick([1, 1, 10, 50]);
    this.#limits = FAKE_LIMITS.map((limit, i) => (i === 9 ? limit : Math.max(Math.floor(limit / shrink), 6_000 / (i === 0 ? 1 : 10))));
    this.#sequencer = {
      blockIntervalMs: random.pick([20, 100, 500]),
      batchMaxAgeMs: random.pick([300, 2_000, 60_000]),
      batchTxsMax: random.pick([0, 0, 5, 30]),
      sliceTxsMax: random.pick([1, 4, 256]),
      lookAhead: random.pick([1, 4, 64]),
      emptyBlocks: random.pick(['never', 'never', 'interval'] as const),
      ordering: random.pick(['price', 'price+time', 'fcfs'] as const),
      resourceMarginPercent: random.pick([10, 1, 0]),
      maxWaitMs: random.pick([500, 5_000, 60_000]),
      closeBatchOnShutdown: random.chance(0.5),
    };
    this.#pool = { txsMax: random.pick([20, 1_000, 50_000]), admissionGroupMax: random.pick([1, 8, 512]) };
    this.#latencyMax = random.pick([0, 5, 40]);
    this.#answerMax = random.pick([0, 0, 5, 20]);
    this.#faultRate = random.pick([0, 0, 0.01]);
    this.#jumpRate = random.pick([0, 0, 0.05]);
    for (let i = 0; i < random.between(2, 10); i++) {
      const address = addressOf(0xa1 + i);
      const rich = random.chance(0.7);
      const balanceWei = rich ? 10n ** 20n : BigInt(random.between(1, 30)) * 21_000n * GWEI;
      this.#books.fund(address, balanceWei);
      this.#wallets.push({ address, nonce: 0 });
    }
  }

  async play(): Promise<SessionRecord> {
    let node = await this.#start();
    const turns = this.#random.between(5, 60);
    for (let turn = 0; turn < turns; turn++) {
      for (let i = 0; i < this.#random.between(0, 8); i++) this.#send(node);
      await this.#clock.run(this.#random.between(0, 200));
      if (this.#random.chance(0.03)) node = await this.#kill(node);
      for (const wallet of this.#wallets) if (this.#random.chance(0.2)) wallet.nonce = Number(node.pool.pendingNonce(wallet.address));
      if (this.#random.chance(0.02)) node.sequencer.requestBatchClose();
      if (this.#random.chance(this.#jumpRate)) this.#clock.jump(this.#random.pick(JUMPS_MS));
      this.#force();
      this.#help(node);
    }
    this.#faultsLeft = 0;
    if (node.sequencer.status().mode === 'halted') node = await this.#kill(node);
    await this.#clock.run(SETTLE_MS);
    // Nothing is under way when it is looked at: what a call has done, its answer has told.
    node.sequencer.pause();
    await this.#clock.run(QUIET_MS);
    const setting = { seed: this.seed, disk: this.#disk, limits: this.#limits, sequencer: this.#sequencer, node };
    return this.#books.close(setting, this.#faultRate > 0);
  }

  async #start(): Promise<SimNode> {
    const faults: FakeFaults = (verb, moment) => {
      if (!this.#isFallible(verb, moment) || this.#faultsLeft === 0 || !this.#random.chance(this.#faultRate)) return;
      this.#faultsLeft--;
      throw new Error(`${verb} failed ${moment} its effect`);
    };
    const node = await startSim({
      clock: this.#clock,
      disk: this.#disk,
      limits: this.#limits,
      sequencer: this.#sequencer,
      pool: this.#pool,
      latencyMs: () => this.#random.between(0, this.#latencyMax),
      answerMs: () => this.#random.between(0, this.#answerMax),
      faults,
      forcedBatches: this.#books.source,
      ...(this.record && { record: this.record() }),
      log: this.#books.log,
    });
    this.#books.begin(node);
    return node;
  }

  /** A recording says that a call failed, not whether it took effect all the same: then only what a replay can tell apart fails. */
  #isFallible(verb: string, moment: FakeMoment): boolean {
    if (verb === 'execute' || verb === 'openBlock') return true;
    if (this.record !== undefined) return moment === 'before' && /^(finishBlock|commitBlocks|executeForcedBatch)$/.test(verb);
    return /^(admit|poolWrite|poolPrune|finishBlock|commitBlocks|closeBatch|executeForcedBatch)$/.test(verb);
  }

  /** An operator resumes what is halted, or sees to it later. */
  #help(node: SimNode): void {
    const { mode, isHaltFinal } = node.sequencer.status();
    if (mode === 'halted' && !isHaltFinal && this.#random.chance(0.2)) node.sequencer.resume();
  }

  /** kill -9 and start again on the same disk; wallets ask the chain for their nonces. */
  async #kill(node: SimNode): Promise<SimNode> {
    node.engine.kill();
    node.recorder?.abandon();
    this.#books.killed();
    const next = await this.#start();
    for (const wallet of this.#wallets) wallet.nonce = Number(next.pool.pendingNonce(wallet.address));
    return next;
  }

  /** Somebody forces a batch; L1 shows some of them late, so that those after them have to wait. */
  #force(): void {
    const random = this.#forcedRandom;
    if (random.chance(this.#forcedRate)) {
      const nowMs = this.#clock.nowMs();
      const times = { forcedAt: Math.floor(nowMs / 1000) - random.between(-2, 5), deadlineMs: nowMs + random.between(0, 2_000) };
      this.#unseen.push(forcedBatch(++this.#forcedCount, this.#forcedData(), times));
    }
    const isShown = (): boolean => random.chance(0.7);
    const shown = this.#unseen.filter(isShown);
    this.#unseen = this.#unseen.filter((batch) => !shown.includes(batch));
    if (shown.length > 0) this.#books.source.add(...shown);
  }

  /** Garbage, nothing, or transactions: new ones, and such as are in the pool already. */
  #forcedData(): Buffer {
    const random = this.#forcedRandom;
    const kind = random.next();
    if (kind < 0.1) return Buffer.from([1, 2, 3]);
    if (kind < 0.2) return Buffer.alloc(0);
    const raws: Buffer[] = [];
    for (let i = 0; i < random.between(1, 4); i++) {
      const wallet = random.pick(this.#wallets);
      const isNear = ({ sender, nonce }: FakeTransaction): boolean => sender === wallet.address && nonce >= wallet.nonce - 2;
      const known = [...this.#books.sent.values()].filter(isNear);
      const nonce = Math.max(0, wallet.nonce + random.between(-2, 1));
      const fresh = { sender: wallet.address, nonce, to: random.pick(this.#wallets).address, salt: FORCED_SEED + this.#salt++ };
      const again = known.length > 0 && random.chance(0.5);
      raws.push(this.#books.forces(again ? random.pick(known) : fakeTransaction(fresh)));
    }
    return packList(raws);
  }

  #send(node: SimNode): void {
    const raw = this.#books.send(node, this.#transaction());
    // A client that did not hear an answer sends again.
    if (this.#random.chance(0.05)) node.pool.add(raw).catch(() => undefined);
  }

  #transaction(): FakeTransaction {
    const random = this.#random;
    const wallet = random.pick(this.#wallets);
    const base = {
      sender: wallet.address,
      nonce: wallet.nonce,
      to: random.pick(this.#wallets).address,
      gasPrice: String(BigInt(random.between(10, 40)) * (GWEI / 10n)),
      value: String(BigInt(random.between(0, 5)) * 21_000n * GWEI),
      salt: this.#salt++,
    };
    const kind = random.next();
    if (kind < 0.05) return fakeTransaction({ ...base, nonce: wallet.nonce + random.between(1, 3) });
    if (kind < 0.12 && wallet.nonce > 0) return fakeTransaction({ ...base, nonce: wallet.nonce - 1, gasPrice: String(6n * GWEI) });
    if (kind < 0.15) return fakeTransaction({ ...base, gasPrice: '1' });
    wallet.nonce++;
    if (kind < 0.18) return fakeTransaction({ ...base, panics: true });
    if (kind < 0.25) return this.#heavy(base, 1.2);
    if (kind < 0.4) return this.#heavy(base, random.next() * 0.9);
    if (kind < 0.45) return fakeTransaction({ ...base, reverts: true });
    return fakeTransaction(base);
  }

  /** Uses that share of a batch of one counter; above 1 it never fits. */
  #heavy(base: Partial<FakeTransaction>, share: number): FakeTransaction {
    const counter = this.#random.between(0, 7);
    const used = [400, 10, 20, 1, 1, 1, 40, 0];
    used[counter] = Math.max(1, Math.floor((this.#limits[counter] ?? 0) * share));
    const reserved = used.map((value) => value + Math.floor(value * share * 0.3 * this.#random.next()));
    // Half of them are pre-executed at admission.
    const preStatus = this.#random.pick([PRE_STATUS.notRun, PRE_STATUS.success]);
    return fakeTransaction({ ...base, used, reserved, preStatus });
  }
}
