/**
 * A pool under attack: phases of honest load alone and of the same load beside hostile transactions, in turn, at the most that the node
 * takes. Nothing acknowledged is lost or included twice, nonces are in order, no batch is over a limit, every fate is the expected
 * one and explained, and honest transactions keep their throughput.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { getCreateAddress } from 'ethers';
import { checkedBatch } from '../helpers/certificate.js';
import { sleep, startNode } from '../helpers/node.js';
import { type Teardown, temporaryFolder } from '../helpers/paths.js';
import { result } from '../helpers/rpc.js';
import { Seeded } from '../helpers/seeded.js';
import { Cast, type CrowdSize } from './actors.js';
import { Load } from './load.js';
import type { Course } from './packets.js';
import { median, type Phase, PhaseMeter } from './phases.js';
import { Findings, judgeAll } from './verdicts.js';
import { BATCH_ITEMS, PoolWorld } from './world.js';

const ARGS = [
  ...['--block-interval-ms', '250', '--batch-max-age-ms', '5000', '--pool-queued-lifetime-ms', '86400000'],
  ...['--rpc-batch-items-max', String(BATCH_ITEMS)],
];
/** A valid, paid transaction is in a block within this after the load ends. */
const SETTLE_MS = 120_000;
/** One faulty verdict tells as much as thousands. */
const FAULTS_SHOWN = 10;

/** What a run is made of. */
export interface PoolPlan {
  readonly pairs: number;
  /** A phase ends after so long, or when what was prepared is sent. */
  readonly aloneSeconds: number;
  readonly attackedSeconds: number;
  /** Honest transactions prepared for a phase. */
  readonly aloneTxs: number;
  readonly attackedTxs: number;
  readonly crowd: CrowdSize;
}

export interface PoolReport {
  readonly seed: number;
  readonly alone: readonly Phase[];
  readonly attacked: readonly Phase[];
  /** Median throughput of the attacked phases over the median of the others. */
  readonly kept: number;
  readonly findings: Findings;
  readonly batches: number;
}

/** Runs phases, `pairs` of each kind. Throws where something does not hold; throughput is only reported. */
export async function attackPool(t: Teardown, plan: PoolPlan, seed: number, log: (line: string) => void): Promise<PoolReport> {
  log(`ZKEVM_SEED=${seed}`);
  const { pairs, crowd } = plan;
  const cast = new Cast(new Seeded(seed), crowd);
  const attack = await Attack.start(t, cast);
  const alone: Phase[] = [];
  const attacked: Phase[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    alone.push(await attack.phase(plan.aloneSeconds, plan.aloneTxs, false));
    log(`alone    ${alone.at(-1)}`);
    attacked.push(await attack.phase(plan.attackedSeconds, plan.attackedTxs, true));
    log(`attacked ${attacked.at(-1)}`);
  }
  const batches = await attack.end();
  const kept = median(attacked.map(({ perSecond }) => perSecond)) / median(alone.map(({ perSecond }) => perSecond));
  attack.summarize(log);
  return { seed, alone, attacked, kept, findings: attack.findings, batches };
}

class Attack {
  readonly findings = new Findings();
  readonly #world: PoolWorld;
  readonly #load: Load;
  readonly #watching: Promise<void>;

  private constructor(world: PoolWorld, load: Load, watching: Promise<void>) {
    this.#world = world;
    this.#load = load;
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
    t.teardown(() => world.stop());
    const deployments = cast.deployments();
    await world.send(await world.pack(deployments));
    const [steps, bait] = deployments.map(({ wallet, fields }) => getCreateAddress({ from: wallet.address, nonce: fields.nonce })) as [
      string,
      string,
    ];
    const attack = new Attack(world, new Load(world, cast, { steps, bait }), watching);
    await attack.#settle(false);
    return attack;
  }

  /** One phase, to the end of everything that it sent. */
  async phase(seconds: number, transactions: number, isAttacked: boolean): Promise<Phase> {
    await this.#load.prepare(transactions, isAttacked);
    const meter = await PhaseMeter.start(this.#world);
    const untilMs = Date.now() + seconds * 1000;
    const sending = this.#load.send(untilMs, isAttacked);
    // Until the clock ends, not until the last answer: what hangs then has not been included either.
    // The clock of a phase that ends before keeps no process alive.
    const clock = meter.leadIn(untilMs).then(() => after(untilMs - Date.now(), undefined, { ref: false }));
    await Promise.race([sending.then(() => sleep(0)), clock, this.#watching]);
    const phase = await meter.read();
    await sending;
    await this.#load.answered();
    await this.#settle(false);
    return phase;
  }

  /** Waits until everything that was accepted is where it has to be, and explained so. */
  async #settle(last: boolean): Promise<void> {
    const untilMs = Date.now() + SETTLE_MS;
    let wrong: ReadonlyMap<Course, string>;
    do {
      // What waits for a block or two is not wrong yet.
      while (this.#world.honestOpen > 0 && Date.now() < untilMs) await Promise.race([sleep(10), this.#watching]);
      wrong = await judgeAll(this.#world, this.findings, last);
      if (wrong.size > 0) await Promise.race([sleep(200), this.#watching]);
    } while (wrong.size > 0 && Date.now() < untilMs);
    if (wrong.size === 0) return;
    const shown = [...wrong.values()].slice(0, FAULTS_SHOWN).join('\n');
    throw new Error(`${wrong.size} transactions are not as expected within ${SETTLE_MS} ms:\n${shown}`);
  }

  /** After the load: what waits for ever waits, and every batch holds to its limits. Answers how many there are. */
  async end(): Promise<number> {
    const { node } = this.#world;
    await this.#settle(true);
    await this.#world.stop();
    await this.#watching;
    const { mode, openBatch } = await result(node.url, 'zkevm_status');
    if (mode !== 'sequencing') throw new Error(`the sequencer is ${mode}:\n${node.output.slice(-2_000)}`);
    const batches = Number(openBatch) - 1;
    for (let number = 1; number <= batches; number++) await checkedBatch(node.url, number);
    return batches;
  }

  summarize(log: (line: string) => void): void {
    const { honest, burning, playing } = this.#load.attack;
    const percent = (count: number): string => `${((100 * count) / Math.max(1, honest + burning + playing)).toFixed(1)} %`;
    log(`sent under attack: ${percent(honest)} honest, ${percent(burning)} out of counters, ${percent(playing)} hostile otherwise`);
    const { fates, explained, unexplained } = this.findings;
    for (const [what, count] of [...fates].sort()) log(`  ${what}: ${count}`);
    log(`${explained} explanations are right, ${unexplained} transactions need none`);
  }
}
