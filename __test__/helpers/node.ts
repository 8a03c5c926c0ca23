/** A real node as its own process, on a free port: what the end-to-end tests talk to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { MAIN, type Teardown, temporaryFolder } from './paths.js';
import { rpc } from './rpc.js';

const START_MS = 60_000;
const STOP_MS = 30_000;

export interface NodeOptions {
  /** A new temporary folder where not given. */
  readonly dataDir?: string;
  readonly port?: number;
  readonly args?: readonly string[];
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class TestNode {
  readonly url: string;
  readonly wsUrl: string;
  readonly exited: Promise<Exit>;
  private text = '';

  constructor(
    readonly process: ChildProcess,
    readonly port: number,
    readonly dataDir: string,
  ) {
    this.url = `http://127.0.0.1:${port}`;
    this.wsUrl = `ws://127.0.0.1:${port}`;
    const collect = (chunk: Buffer) => {
      this.text += chunk.toString();
    };
    process.stdout?.on('data', collect);
    process.stderr?.on('data', collect);
    this.exited = new Promise((done) => {
      process.once('close', (code, signal) => done({ code, signal }));
    });
  }

  /** Everything that it printed so far. */
  get output(): string {
    return this.text;
  }

  get running(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Asks it to stop, as an operator does. */
  async stop(): Promise<Exit> {
    return this.end('SIGTERM');
  }

  /** Ends it without a chance to say anything. */
  async kill(): Promise<Exit> {
    return this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<Exit> {
    if (this.running) this.process.kill(signal);
    return within(this.exited, STOP_MS, () => `the node did not end after ${signal}:\n${this.text}`);
  }
}

/** Starts a node and waits until it answers. It is killed with the test. */
export async function startNode(t: Teardown, options: NodeOptions = {}): Promise<TestNode> {
  const node = await spawnNode(t, options);
  const deadline = Date.now() + START_MS;
  for (;;) {
    const answer = await rpc(node.url, 'eth_blockNumber').catch(() => null);
    if (answer !== null && answer.error === undefined) return node;
    if (!node.running) throw new Error(`the node ended while it started:\n${node.output}`);
    if (Date.now() > deadline) throw new Error(`the node did not listen within ${START_MS} ms:\n${node.output}`);
    await sleep(25);
  }
}

/** Starts a node that is expected to refuse; answers how it ended and what it said. */
export async function startFailing(t: Teardown, options: NodeOptions = {}): Promise<Exit & { output: string }> {
  const node = await spawnNode(t, options);
  const exit = await within(node.exited, START_MS, () => `the node runs although it should refuse:\n${node.output}`);
  return { ...exit, output: node.output };
}

async function spawnNode(t: Teardown, options: NodeOptions): Promise<TestNode> {
  const port = options.port ?? (await freePort());
  const dataDir = options.dataDir ?? (await temporaryFolder(t));
  const args = [MAIN, 'start', '--data-dir', dataDir, '--port', String(port), ...(options.args ?? [])];
  const node = new TestNode(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }), port, dataDir);
  t.teardown(async () => {
    await node.kill();
  });
  return node;
}

export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? done(address.port) : fail(new Error('no port'))));
    });
  });
}

export function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/** Polls until `condition` answers something other than null. */
export async function until<T>(what: string, ms: number, condition: () => Promise<T | null>): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value !== null) return value;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(50);
  }
}

async function within<T>(promise: Promise<T>, ms: number, message: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(message())), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
