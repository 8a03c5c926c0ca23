/** What a phase of load has brought, and what it has cost: the node, its client, and what everybody else took of the machine. */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { cpuSeconds, metrics } from '../../bench/sequencer/servers.js';
import { sleep } from '../helpers/node.js';
import type { PoolWorld } from './world.js';

/** The load is not at its height before. */
const LEAD_IN_MS = 1_000;
/** USER_HZ, the unit of /proc/stat. */
const TICKS_PER_SECOND = 100;
const US_PER_SECOND = 1e6;
const STAGE_CPU = /^zknode_stage_cpu_seconds_total\{stage="(.+)"\}$/;

interface Reading {
  readonly atMs: number;
  readonly honest: number;
  readonly included: number;
  readonly nodeSeconds: number;
  readonly mainSeconds: number;
  readonly clientSeconds: number;
  readonly busySeconds: number;
}

/** CPU seconds by native stage of the node. */
type Stages = ReadonlyMap<string, number>;

/** A measured phase. */
export class Phase {
  readonly #from: Reading;
  readonly #to: Reading;
  readonly #stages: Stages;

  constructor(from: Reading, to: Reading, stages: Stages) {
    this.#from = from;
    this.#to = to;
    this.#stages = stages;
  }

  /** Honest transactions included per second. */
  get perSecond(): number {
    return this.#delta('honest') / this.#seconds;
  }

  /** CPU time of the node for one honest transaction: it knows nothing of what others did to the machine. */
  get nodeCpuUs(): number {
    return this.#each(this.#delta('nodeSeconds'));
  }

  toString(): string {
    const share = (seconds: number, of: number): string => `${Math.round((100 * seconds) / of)} %`;
    const cores = cpus().length * this.#seconds;
    const [node, client] = [this.#delta('nodeSeconds'), this.#delta('clientSeconds')];
    return (
      `${this.perSecond.toFixed(0)} honest/s, ${(this.#delta('included') / this.#seconds).toFixed(0)} in all, ` +
      `${this.nodeCpuUs.toFixed(0)} us of the node each; of the machine: node ${share(node, cores)}, client ${share(client, cores)}, ` +
      `others ${share(Math.max(0, this.#delta('busySeconds') - node - client), cores)}; ` +
      `event loops: node ${share(this.#delta('mainSeconds'), this.#seconds)}, client ${share(client, this.#seconds)}; ` +
      `us by stage: ${[...this.#stages].map(([stage, seconds]) => `${stage} ${this.#each(seconds)}`).join(', ')}`
    );
  }

  /** Microseconds for one honest transaction. */
  #each(seconds: number): number {
    return Math.round((US_PER_SECOND * seconds) / Math.max(1, this.#delta('honest')));
  }

  get #seconds(): number {
    return Math.max(1, this.#delta('atMs')) / 1000;
  }

  #delta(what: keyof Reading): number {
    return this.#to[what] - this.#from[what];
  }
}

/** Reads the clocks at both ends of a phase. */
export class PhaseMeter {
  readonly #world: PoolWorld;
  #from: Reading;
  #stagesFrom: Stages;

  private constructor(world: PoolWorld, stages: Stages) {
    this.#world = world;
    this.#from = this.#now();
    this.#stagesFrom = stages;
  }

  static async start(world: PoolWorld): Promise<PhaseMeter> {
    return new PhaseMeter(world, await stageCpu(world));
  }

  /** The phase is measured from its height on, if it reaches that. */
  async leadIn(untilMs: number): Promise<void> {
    await sleep(Math.min(LEAD_IN_MS, (untilMs - Date.now()) / 2));
    this.#stagesFrom = await stageCpu(this.#world);
    this.#from = this.#now();
  }

  async read(): Promise<Phase> {
    const now = this.#now();
    const stages = await stageCpu(this.#world);
    return new Phase(this.#from, now, new Map([...stages].map(([stage, cpu]) => [stage, cpu - (this.#stagesFrom.get(stage) ?? 0)])));
  }

  #now(): Reading {
    const { honestIncluded, included, node } = this.#world;
    const { all, main } = cpuSeconds(node.process.pid ?? 0);
    const { user, system } = process.cpuUsage();
    return {
      atMs: Date.now(),
      honest: honestIncluded,
      included,
      nodeSeconds: all,
      mainSeconds: main,
      clientSeconds: (user + system) / US_PER_SECOND,
      busySeconds: busySeconds(),
    };
  }
}

async function stageCpu({ node }: PoolWorld): Promise<Stages> {
  const samples = await metrics(node.port);
  return new Map(
    [...samples].flatMap(
      ([name, value]) =>
        STAGE_CPU.exec(name)
          ?.slice(1)
          .map((stage) => [stage, value] as const) ?? [],
    ),
  );
}

/** Seconds that all cores together were not idle. */
function busySeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '')
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
