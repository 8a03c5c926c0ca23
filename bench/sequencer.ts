/**
 * The sequencer from end to end: pre-signed transactions through JSON-RPC over HTTP from a client process of its own to a node that was
 * started as a user starts it (dist/cli, every commit and pool write synced), and to anvil beside it.
 *
 *   --runs N        runs of each server, interleaved (default 3)
 *   --only WORDS    comma-separated parts of stage names
 *   --scale S       share of the transactions (default 1)
 *   --no-anvil      the node alone
 *   --no-latency    throughput alone
 *   --node-args "…" options for the node, e.g. to profile a setting
 *
 * A run: a fresh server, contracts and balances, then the stages in turn. Medians are over runs.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Job, JobResult } from './sequencer/client.js';
import { makePlan, type Plan, type Signed, type Stage, type Workload } from './sequencer/plan.js';
import { cpuSeconds, installAnvil, metrics, type Server, startAnvil, startNode } from './sequencer/servers.js';
import { quantile, round, type Summary, summary } from './sequencer/statistics.js';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');
/** With single requests many clients wait for the disk at a time; with batches few requests carry as much. */
const SINGLES = { connections: 256, batch: 1 } as const;
const BATCHES = { connections: 8, batch: 100 } as const;
const LATENCY_BLOCKS = ['--block-interval-ms', '100'];
const LATENCY_SECONDS = 4;
const QUIET_PER_SECOND = 50;
const STAGE_CPU = /^zknode_stage_cpu_seconds_total\{stage="(.+)"\}$/;
/** On the event loop and without waiting, so its time is its CPU time. */
const PUBLICATION = 'zknode_block_stage_seconds_sum{stage="publish"}';

interface FloodStage extends Stage {
  readonly name: string;
  readonly connections: number;
  readonly batch: number;
}

interface Options {
  readonly runs: number;
  readonly scale: number;
  readonly only: readonly string[];
  readonly anvil: boolean;
  readonly latency: boolean;
  readonly nodeArgs: readonly string[];
}

/** One stage of one run. */
interface Measured {
  readonly server: string;
  readonly stage: string;
  readonly result: JobResult;
  readonly cpu: { readonly all: number; readonly main: number };
  /** CPU seconds by stage of the node. */
  readonly stages: ReadonlyMap<string, number>;
}

const FLOOD: readonly FloodStage[] = [
  { name: 'transfers, single requests', workload: 'transfer', count: 24_000, ...SINGLES },
  { name: 'transfers, batches of 100', workload: 'transfer', count: 24_000, ...BATCHES },
  { name: 'ERC-20 transfers, single requests', workload: 'erc20', count: 16_000, ...SINGLES },
  { name: 'swaps, single requests', workload: 'swap', count: 6_000, ...SINGLES },
];

export async function runBench(args: readonly string[]): Promise<unknown> {
  const options = readOptions(args);
  const stages = FLOOD.filter(({ name }) => options.only.length === 0 || options.only.some((word) => name.includes(word))).map((stage) => ({
    ...stage,
    count: Math.max(100, Math.round(stage.count * options.scale)),
  }));
  const plan = makePlan(ROOT, stages, join(ROOT, 'build/bench/plans'));
  const folder = mkdtempSync(join(tmpdir(), 'zkevm-sequencer-anvil-'));
  const client = new Client();
  try {
    const anvil = options.anvil ? installAnvil(folder) : { binary: null, reason: 'not asked for' };
    const measured = await measureAll(options, plan, stages, anvil.binary, client);
    const capacity = median(measured, 'node', 'transfers, single requests');
    const latency = options.latency ? await measureLatency(options, capacity, client) : [];
    return {
      anvil: anvil.binary === null ? `left out: ${anvil.reason}` : '@foundry-rs/anvil 1.7.1, --block-time 1, in memory',
      cores: cpus().length,
      throughput: stages.map(({ name }) => report(name, measured)),
      latency,
    };
  } finally {
    client.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

function readOptions(args: readonly string[]): Options {
  const value = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  return {
    runs: Number(value('--runs') ?? 3),
    scale: Number(value('--scale') ?? 1),
    only: value('--only')?.split(',') ?? [],
    anvil: !args.includes('--no-anvil'),
    latency: !args.includes('--no-latency'),
    nodeArgs: value('--node-args')?.split(' ') ?? [],
  };
}

async function measureAll(
  options: Options,
  plan: Plan,
  stages: readonly FloodStage[],
  anvil: string | null,
  client: Client,
): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (let run = 0; run < options.runs; run++) {
    const servers = [() => startNode(ROOT, plan.senders, options.nodeArgs), ...(anvil === null ? [] : [() => startAnvil(anvil)])];
    for (const start of servers) {
      const server = await start();
      try {
        await setUp(server, plan.setup, client);
        for (const [i, stage] of stages.entries()) measured.push(await measure(server, stage, plan.stages[i], client));
      } finally {
        await server.stop();
      }
    }
  }
  return measured;
}

async function setUp(server: Server, setup: Signed, client: Client): Promise<void> {
  const { errors } = await client.run({ kind: 'flood', port: server.port, ...pick(setup), connections: 1, batch: 100 });
  if (errors.length > 0) throw new Error(`${server.name} refuses the setting up: ${errors[0]}`);
}

async function measure(server: Server, stage: FloodStage, signed: Signed | undefined, client: Client): Promise<Measured> {
  if (signed === undefined) throw new RangeError(`no transactions for ${stage.name}`);
  const { connections, batch } = stage;
  const stagesBefore = await stageCpu(server);
  const before = cpuSeconds(server.pid);
  const result = await client.run({ kind: 'flood', port: server.port, ...pick(signed), connections, batch });
  const after = cpuSeconds(server.pid);
  const stagesAfter = await stageCpu(server);
  if (result.inclusionMs.length < result.transactions) {
    const missing = result.transactions - result.inclusionMs.length;
    throw new Error(`${server.name}, ${stage.name}: ${missing} transactions are in no block: ${result.errors[0] ?? 'no error'}`);
  }
  return {
    server: server.name,
    stage: stage.name,
    result,
    cpu: { all: after.all - before.all, main: after.main - before.main },
    stages: new Map([...stagesAfter].map(([name, seconds]) => [name, seconds - (stagesBefore.get(name) ?? 0)])),
  };
}

async function stageCpu(server: Server): Promise<ReadonlyMap<string, number>> {
  if (server.name !== 'node') return new Map();
  const stages = new Map<string, number>();
  for (const [name, value] of await metrics(server.port)) {
    const stage = STAGE_CPU.exec(name)?.[1];
    if (stage !== undefined) stages.set(stage, value);
    if (name === PUBLICATION) stages.set('publication', value);
  }
  return stages;
}

const pick = ({ raw, hashes }: Signed): Signed => ({ raw, hashes });

// --- latency -----------------------------------------------------------------------------------------------------------------------

/** Inclusion at shares of the maximum, and at a quiet rate; always with short blocks. */
async function measureLatency(options: Options, capacity: number, client: Client): Promise<unknown[]> {
  const rates = [
    { load: `${QUIET_PER_SECOND} transactions a second`, perSecond: QUIET_PER_SECOND },
    ...(Number.isFinite(capacity) ? [0.1, 0.5, 0.9] : []).map((share) => ({
      load: `${share * 100} % of the maximum`,
      perSecond: Math.floor(capacity * share),
    })),
  ];
  // The same plan for every capacity: it is cached, and as large as the largest rate needs.
  const workload: Workload = 'transfer';
  const counts = rates.map(({ perSecond }) => Math.ceil((perSecond * LATENCY_SECONDS) / 1_000) * 1_000);
  const plan = makePlan(ROOT, [{ workload, count: counts.reduce((a, b) => a + b, 0) }], join(ROOT, 'build/bench/plans'));
  const signed = plan.stages[0];
  if (signed === undefined) throw new RangeError('no transactions to measure latency with');
  const server = await startNode(ROOT, plan.senders, [...LATENCY_BLOCKS, ...options.nodeArgs]);
  const rows: unknown[] = [];
  try {
    await setUp(server, plan.setup, client);
    let at = 0;
    for (const { load, perSecond } of rates) {
      const count = perSecond * LATENCY_SECONDS;
      const part = { raw: signed.raw.slice(at, at + count), hashes: signed.hashes.slice(at, at + count) };
      at += count;
      const { inclusionMs, errors } = await client.run({ kind: 'rate', port: server.port, ...part, perSecond });
      const sorted = [...inclusionMs].sort((a, b) => a - b);
      rows.push({
        load,
        perSecond,
        blockIntervalMs: 100,
        inclusionMs: { p50: round(quantile(sorted, 0.5), 1), p99: round(quantile(sorted, 0.99), 1), max: round(sorted.at(-1) ?? 0, 1) },
        errors,
      });
    }
  } finally {
    await server.stop();
  }
  return rows;
}

// --- report ------------------------------------------------------------------------------------------------------------------------

const of = (measured: readonly Measured[], server: string, stage: string): readonly Measured[] =>
  measured.filter((one) => one.server === server && one.stage === stage);

const sealedPerSecond = ({ result }: Measured): number => result.transactions / result.sealedSeconds;
const cpuMicros = ({ result, cpu }: Measured): number => (cpu.all / result.transactions) * 1e6;

function median(measured: readonly Measured[], server: string, stage: string): number {
  return summary(of(measured, server, stage).map(sealedPerSecond)).median;
}

function report(stage: string, measured: readonly Measured[]): unknown {
  const rows = [...new Set(measured.map(({ server }) => server))].map((server) => reportServer(server, of(measured, server, stage)));
  const [node, anvil] = rows;
  if (node === undefined || anvil === undefined) return { stage, servers: rows };
  return {
    stage,
    servers: rows,
    ratio: {
      sealed: round(node.sealedPerSecond.median / anvil.sealedPerSecond.median, 2),
      sealedSteady: round(node.sealedSteadyPerSecond.median / anvil.sealedSteadyPerSecond.median, 2),
      cpu: round(node.cpuMicrosPerTx.median / anvil.cpuMicrosPerTx.median, 2),
    },
  };
}

interface ServerReport {
  readonly server: string;
  readonly acceptedPerSecond: Summary;
  readonly sealedPerSecond: Summary;
  readonly sealedSteadyPerSecond: Summary;
  readonly cpuMicrosPerTx: Summary;
  readonly clientCpuMicrosPerTx: Summary;
  readonly blocks: Summary;
  readonly cpuMicrosByStage?: Readonly<Record<string, number>>;
}

function reportServer(server: string, runs: readonly Measured[]): ServerReport {
  const each = (value: (one: Measured) => number) => summary(runs.map(value));
  return {
    server,
    acceptedPerSecond: each(({ result }) => result.transactions / result.acceptedSeconds),
    sealedPerSecond: each(sealedPerSecond),
    sealedSteadyPerSecond: each(({ result }) => result.steadyPerSecond),
    cpuMicrosPerTx: each(cpuMicros),
    clientCpuMicrosPerTx: each(({ result }) => (result.clientCpuSeconds / result.transactions) * 1e6),
    blocks: each(({ result }) => result.blocks),
    ...(server === 'node' ? { cpuMicrosByStage: byStage(runs) } : {}),
  };
}

/**
 * Where the CPU time of the node goes, per transaction. The native stages and publication measure themselves; the event loop is the rest of
 * the main thread (JSON-RPC, pool, selection); the rest is what runs behind: RocksDB's own threads, garbage collection. Idle is what the cores did not
 * spend on the node or the client.
 */
function byStage(runs: readonly Measured[]): Readonly<Record<string, number>> {
  const perTx = (value: (one: Measured) => number) =>
    summary(
      runs.map((one) => (value(one) / one.result.transactions) * 1e6),
      1,
    ).median;
  const names = [...new Set(runs.flatMap(({ stages }) => [...stages.keys()]))];
  const native = Object.fromEntries(names.map((name) => [name, perTx(({ stages }) => stages.get(name) ?? 0)]));
  const published = ({ stages }: Measured) => stages.get('publication') ?? 0;
  const sum = (one: Measured) => [...one.stages.values()].reduce((a, b) => a + b, 0) - published(one);
  return {
    ...native,
    eventLoop: perTx((one) => Math.max(0, one.cpu.main - published(one))),
    rest: perTx((one) => Math.max(0, one.cpu.all - one.cpu.main - sum(one))),
    idle: perTx(({ result, cpu }) => Math.max(0, result.sealedSeconds * cpus().length - cpu.all - result.clientCpuSeconds)),
  };
}

/** The client process. */
class Client {
  readonly #process: ChildProcess;

  constructor() {
    this.#process = fork(fileURLToPath(new URL('./sequencer/client.js', import.meta.url)), { serialization: 'advanced' });
  }

  run(job: Job): Promise<JobResult> {
    return new Promise((done, fail) => {
      this.#process.once('message', (message: { result?: JobResult; error?: string }) => {
        if (message.result === undefined) fail(new Error(message.error ?? 'the client failed'));
        else done(message.result);
      });
      this.#process.send(job);
    });
  }

  end(): void {
    this.#process.disconnect();
  }
}
