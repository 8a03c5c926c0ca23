/**
 * The client process: sends what it is told to and watches the chain. Jobs come and results go as messages of the parent process, so that
 * nothing of the parent runs while something is measured.
 */
import { Connection, post } from './http.js';
import { Watcher } from './watcher.js';

/** As fast as the server takes them: so many connections, each with one request of so many transactions in flight. */
export interface FloodJob {
  readonly kind: 'flood';
  readonly port: number;
  readonly raw: readonly string[];
  readonly hashes: readonly string[];
  readonly connections: number;
  readonly batch: number;
}

/** At a fixed rate, whatever the server does. */
export interface RateJob {
  readonly kind: 'rate';
  readonly port: number;
  readonly raw: readonly string[];
  readonly hashes: readonly string[];
  readonly perSecond: number;
}

export type Job = FloodJob | RateJob;

/** Times in seconds from the first send. */
export interface JobResult {
  readonly transactions: number;
  readonly errors: readonly string[];
  readonly acceptedSeconds: number;
  readonly sealedSeconds: number;
  readonly blocks: number;
  /** Transactions per second between the first and the last block: a server with slow blocks is not charged for the first of them. */
  readonly steadyPerSecond: number;
  /** From sending to seeing the block, milliseconds, one for each transaction. */
  readonly inclusionMs: readonly number[];
  /** CPU time of the client. */
  readonly clientCpuSeconds: number;
}

const HOST = '127.0.0.1';
const ERRORS_SHOWN = 3;
/** A rate job never has more requests in flight than this; the latency would tell. */
const RATE_CONNECTIONS = 256;

process.on('message', (job: Job) => {
  run(job).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});

async function run(job: Job): Promise<JobResult> {
  const count = job.kind === 'flood' ? job.connections : RATE_CONNECTIONS;
  const connections = await Promise.all(Array.from({ length: count }, () => Connection.open(HOST, job.port)));
  const watcher = await Watcher.start(HOST, job.port, job.hashes);
  const sender = new Sender(job, connections);
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  watcher.watch();
  await (job.kind === 'flood' ? sender.flood(job.batch) : sender.atRate(job.perSecond));
  const acceptedMs = performance.now();
  const seen = await watcher.done(sender.errorCount);
  const cpu = process.cpuUsage(cpuBefore);
  for (const connection of connections) connection.close();
  return {
    transactions: job.raw.length,
    errors: sender.errors,
    acceptedSeconds: (acceptedMs - startedMs) / 1000,
    sealedSeconds: (seen.lastMs - startedMs) / 1000,
    blocks: seen.blocks,
    steadyPerSecond: seen.steadyPerSecond,
    inclusionMs: sender.sentMs.flatMap((sent, i) => {
      const at = seen.seenMs[i];
      return at === undefined || Number.isNaN(at) ? [] : [at - sent];
    }),
    clientCpuSeconds: (cpu.user + cpu.system) / 1e6,
  };
}

class Sender {
  readonly sentMs: number[];
  readonly errors: string[] = [];
  errorCount = 0;
  readonly #requests: Buffer[] = [];
  readonly #raw: readonly string[];
  readonly #free: Connection[];
  readonly #host: string;

  constructor(job: Job, connections: readonly Connection[]) {
    this.#raw = job.raw;
    this.#free = [...connections];
    this.#host = `${HOST}:${job.port}`;
    this.sentMs = new Array<number>(job.raw.length).fill(Number.NaN);
  }

  async flood(batch: number): Promise<void> {
    this.#prepare(batch);
    let next = 0;
    await Promise.all(
      this.#free.map(async (connection) => {
        while (next < this.#requests.length) {
          const request = next++;
          await this.#send(connection, request, request * batch, batch);
        }
      }),
    );
  }

  async atRate(perSecond: number): Promise<void> {
    this.#prepare(1);
    const startedMs = performance.now();
    const flying: Promise<void>[] = [];
    let next = 0;
    while (next < this.#requests.length) {
      const due = Math.min(this.#requests.length, Math.floor(((performance.now() - startedMs) / 1000) * perSecond) + 1);
      while (next < due) {
        const connection = this.#free.pop();
        if (connection === undefined) break;
        const request = next++;
        flying.push(this.#send(connection, request, request, 1).then(() => void this.#free.push(connection)));
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(flying);
  }

  #prepare(batch: number): void {
    const call = (i: number) => `{"jsonrpc":"2.0","id":${i},"method":"eth_sendRawTransaction","params":["${this.#raw[i]}"]}`;
    for (let at = 0; at < this.#raw.length; at += batch) {
      const items = Array.from({ length: Math.min(batch, this.#raw.length - at) }, (_unused, i) => call(at + i));
      this.#requests.push(post(this.#host, batch === 1 ? (items[0] ?? '') : `[${items.join(',')}]`));
    }
  }

  async #send(connection: Connection, request: number, first: number, count: number): Promise<void> {
    const bytes = this.#requests[request];
    if (bytes === undefined) throw new RangeError('no such request');
    this.sentMs.fill(performance.now(), first, first + count);
    const body = await connection.send(bytes);
    const errors = body.split('"error"').length - 1;
    if (errors === 0) return;
    this.errorCount += errors;
    if (this.errors.length < ERRORS_SHOWN) this.errors.push(body.slice(0, 300));
  }
}
