/**
 * A pool under attack: phases of honest load alone and of the same load beside as many hostile transactions, in turn, at the most that the
 * node takes. Nothing acknowledged is lost or included twice, nonces are in order, no batch is over a limit, every fate is the expected
 * one and explained, and honest transactions keep their throughput.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getCreateAddress } from 'ethers';
import { checkedBatch } from '../helpers/certificate.js';
import { sleep, startNode } from '../helpers/node.js';
import { type Teardown, temporaryFolder } from '../helpers/paths.js';
import { result } from '../helpers/rpc.js';
import { Seeded } from '../helpers/seeded.js';
import { Cast, type Contracts, type Game } from './actors.js';
import { judgeAll } from './verdicts.js';
import { PoolWorld, type Sent } from './world.js';

const ARGS = ['--block-interval-ms', '250', '--batch-max-age-ms', '5000', '--pool-queued-lifetime-ms', '86400000'];
const HONEST_CONNECTIONS = 8;
const HONEST_GROUP = 50;
/** Honest transactions that are on their way at most: the node always has enough to do. */
const HONEST_OPEN_MAX = 6_000;
const HOSTILE_CONNECTIONS = 48;
const PHASE_PLAN_PER_SECOND = 6_000;
/** A valid, paid transaction is in a block within this after the load ends. */
const SETTLE_MS = 120_000;
/** One faulty verdict tells as much as thousands. */
const FAULTS_SHOWN = 10;

export interface PoolReport {
  readonly seed: number;
  /** Honest transactions included per second, phase by phase. */
  readonly alone: readonly number[];
  readonly attacked: readonly number[];
  /** Median of the attacked phases over the median of the others. */
  readonly kept: number;
  readonly hostileShare: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly batches: number;
}

/** Runs phases of so many seconds, `pairs` of each kind. Throws where something does not hold; throughput is only reported. */
export async function attackPool(t: Teardown, pairs: number, phaseSeconds: number, log: (line: string) => void): Promise<PoolReport> {
  const seed = Number(process.env['ZKEVM_SEED'] ?? Date.now() % 0xffff_ffff) >>> 0;
  log(`ZKEVM_SEED=${seed}`);
  const cast = new Cast(new Seeded(seed), pairs * phaseSeconds * 6);
  const attack = await Attack.start(t, cast);
  const alone: number[] = [];
  const attacked: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    alone.push(await attack.phase(phaseSeconds, false));
    attacked.push(await attack.phase(phaseSeconds, true));
    log(`${alone.at(-1)?.toFixed(0)} honest transactions per second alone, ${attacked.at(-1)?.toFixed(0)} attacked`);
  }
  const { counts, batches } = await attack.settle();
  const kept = median(attacked) / median(alone);
  const report = { seed, alone, attacked, kept, hostileShare: attack.hostileShare, counts, batches };
  log(`honest throughput kept: ${(100 * kept).toFixed(1)} %, hostile share of what was sent: ${(100 * report.hostileShare).toFixed(1)} %`);
  for (const [what, count] of [...counts].sort()) log(`  ${what}: ${count}`);
  return report;
}

class Attack {
  readonly #world: PoolWorld;
  readonly #cast: Cast;
  readonly #contracts: Contracts;
  readonly #watching: Promise<void>;
  /** By connection: a sender keeps to one, so that no nonce overtakes another. */
  readonly #honest: Sent[][] = Array.from({ length: HONEST_CONNECTIONS }, () => []);
  #honestMade = 0;
  #games: Game[] = [];
  #honestSent = 0;
  #hostileSent = 0;
  #honestInAttack = 0;
  #failure: unknown = null;

  private constructor(world: PoolWorld, cast: Cast, contracts: Contracts, watching: Promise<void>) {
    this.#world = world;
    this.#cast = cast;
    this.#contracts = contracts;
    this.#watching = watching;
  }

  static async start(t: Teardown, cast: Cast): Promise<Attack> {
    const folder = await temporaryFolder(t);
    const genesis = cast.wallets.all.map(({ address, wei }) => ({ accountName: address, address, balance: wei.toString(), nonce: '0' }));
    await writeFile(join(folder, 'genesis.json'), JSON.stringify({ genesis }));
    const node = await startNode(t, { args: [...ARGS, '--genesis', join(folder, 'genesis.json')] });
    const world = new PoolWorld(node);
    const watching = world.watch();
    watching.catch(() => undefined);
    const deployments = cast.deployments(world);
    await world.send(deployments);
    const [steps, bait] = deployments.map(({ sender, nonce }) => getCreateAddress({ from: sender, nonce })) as [string, string];
    const attack = new Attack(world, cast, { steps, bait }, watching);
    await attack.#drained();
    return attack;
  }

  get hostileShare(): number {
    return this.#hostileSent / (this.#hostileSent + this.#honestInAttack);
  }

  /** One phase; answers the honest transactions included per second. What is sent is signed beforehand: that is no work of the node. */
  async phase(seconds: number, isAttacked: boolean): Promise<number> {
    const planned = seconds * PHASE_PLAN_PER_SECOND;
    while (this.#honestMade - this.#honestSent < planned) {
      // Senders take turns, and their number is a multiple of the connections'.
      this.#honest[this.#honestMade++ % HONEST_CONNECTIONS]?.push(this.#cast.honest(this.#world));
    }
    let hostile = this.#games.length;
    while (isAttacked && hostile++ < planned / 2) this.#games.push(this.#cast.game(this.#world, this.#contracts));
    const untilMs = Date.now() + seconds * 1000;
    const [includedBefore, sentBefore, startedMs] = [this.#world.honestIncluded, this.#honestSent, Date.now()];
    const hostileBefore = this.#hostileSent;
    const running = this.#honest.map((queue) => this.#sendHonest(queue, untilMs));
    if (isAttacked) {
      const paced = () => this.#hostileSent - hostileBefore < this.#honestSent - sentBefore;
      for (let i = 0; i < HOSTILE_CONNECTIONS; i++) running.push(this.#sendHostile(untilMs, paced));
    }
    // Until the clock ends, not until the last answer: what hangs then has not been included either.
    await Promise.race([sleep(untilMs - Date.now()), this.#watching, Promise.all(running).then(() => sleep(untilMs - Date.now()))]);
    const rate = (this.#world.honestIncluded - includedBefore) / ((Date.now() - startedMs) / 1000);
    await Promise.all([Promise.all(running), this.#drained()]);
    if (isAttacked) this.#honestInAttack += this.#honestSent - sentBefore;
    if (this.#failure !== null) throw this.#failure;
    return rate;
  }

  async #sendHonest(queue: Sent[], untilMs: number): Promise<void> {
    while (Date.now() < untilMs && this.#failure === null) {
      if (this.#world.honestOpen >= HONEST_OPEN_MAX) {
        await sleep(5);
        continue;
      }
      const group = queue.splice(0, HONEST_GROUP);
      if (group.length === 0) return;
      this.#honestSent += group.length;
      await this.#send(group);
    }
  }

  async #sendHostile(untilMs: number, paced: () => boolean): Promise<void> {
    while (Date.now() < untilMs && this.#failure === null) {
      if (!paced()) {
        await sleep(5);
        continue;
      }
      const game = this.#games.shift();
      if (game === undefined) return;
      // A game that has begun is played to its end: what becomes of its transactions depends on all of them.
      for (const group of game) {
        this.#hostileSent += group.length;
        await this.#send(group);
      }
    }
  }

  async #send(group: readonly Sent[]): Promise<void> {
    try {
      await this.#world.send(group);
    } catch (error) {
      this.#failure ??= error;
    }
  }

  /** Waits until every honest transaction that was accepted is in a block. */
  async #drained(): Promise<void> {
    const untilMs = Date.now() + SETTLE_MS;
    while (this.#world.honestOpen > 0 && this.#failure === null) {
      if (Date.now() > untilMs) throw new Error(`${this.#world.honestOpen} honest transactions are not included within ${SETTLE_MS} ms`);
      await Promise.race([sleep(10), this.#watching]);
    }
  }

  /** After the load: every fate, every explanation, every batch. */
  async settle(): Promise<{ counts: Map<string, number>; batches: number }> {
    const { node } = this.#world;
    const untilMs = Date.now() + SETTLE_MS;
    let wrong = await judgeAll(this.#world, [...this.#world.sent.values()]);
    // What waits for a block or two is not wrong yet.
    while (wrong.size > 0 && Date.now() < untilMs) {
      await Promise.race([sleep(1_000), this.#watching]);
      wrong = await judgeAll(this.#world, [...wrong.keys()]);
    }
    this.#world.stop();
    await this.#watching;
    if (wrong.size > 0) {
      const shown = [...wrong.values()].slice(0, FAULTS_SHOWN).join('\n');
      throw new Error(`${wrong.size} transactions are not as expected:\n${shown}`);
    }
    const counts = new Map<string, number>();
    await judgeAll(this.#world, [...this.#world.sent.values()], counts);
    const { mode, openBatch } = await result(node.url, 'zkevm_status');
    if (mode !== 'sequencing') throw new Error(`the sequencer is ${mode}:\n${node.output.slice(-2_000)}`);
    const batches = Number(openBatch) - 1;
    for (let number = 1; number <= batches; number++) await checkedBatch(node.url, number);
    return { counts, batches };
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
