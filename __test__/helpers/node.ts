/**
 * A real node as its own process, on a port that the system gives it: what the end-to-end tests talk to. Bounds on waiting are only there to
 * end a test that hangs: no machine, however busy, is to reach them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { MAIN, type Teardown, temporaryFolder } from './paths.js';
import { result } from './rpc.js';

const WAIT_MS = 120_000;
/** Ports for operators: below those that the system gives to whoever asks for any. */
const ADMIN_PORTS = { first: 20_000, count: 10_000 };
const ADMIN_PORT_ATTEMPTS = 20;

export interface NodeOptions {
  /** A new temporary folder where not given. */
  readonly dataDir?: string;
  /** Any free one where not given. */
  readonly port?: number;
  /** With the operator's port. */
  readonly admin?: boolean;
  readonly args?: readonly string[];
  /** Modules that the process loads before the node. */
  readonly preloads?: readonly string[];
  /** Beside the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class TestNode {
  readonly exited: Promise<Exit>;
  private text = '';

  constructor(
    readonly process: ChildProcess,
    readonly dataDir: string,
    private readonly adminPort: number | null,
  ) {
    const collect = (chunk: Buffer) => {
      this.text += chunk.toString();
    };
    process.stdout?.on('data', collect);
    process.stderr?.on('data', collect);
    this.exited = new Promise((done) => {
      process.once('close', (code, signal) => done({ code, signal }));
    });
  }

  /** Where it listens: known when it says so. */
  get port(): number {
    if (this.listensOn === null) throw new Error(`the node has not said where it listens:\n${this.text}`);
    return this.listensOn;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** The operator's port, where it was started with one. */
  get adminUrl(): string {
    if (this.adminPort === null) throw new Error('the node was started without an operator port');
    return `http://127.0.0.1:${this.adminPort}`;
  }

  /** Its port, once it has said so. */
  get listensOn(): number | null {
    const port = /^JSON-RPC on http:\/\/127\.0\.0\.1:(\d+) /m.exec(this.text)?.[1];
    return port === undefined ? null : Number(port);
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
    return within(this.exited, () => `the node did not end after ${signal}:\n${this.text}`);
  }
}

/** Starts a node and waits until it answers. It is killed with the test. */
export async function startNode(t: Teardown, options: NodeOptions = {}): Promise<TestNode> {
  // A port of its own choice may be taken by somebody else at any moment: then another one is tried.
  for (let attempt = 1; ; attempt++) {
    const node = await spawnNode(t, options);
    await until('the node listens', async () => (node.listensOn !== null || !node.running ? true : null));
    if (node.running) {
      await result(node.url, 'eth_blockNumber');
      return node;
    }
    await node.exited;
    const isTaken = options.admin === true && node.output.includes('RPC_PORT_IN_USE');
    if (!isTaken || attempt === ADMIN_PORT_ATTEMPTS) throw new Error(`the node ended while it started:\n${node.output}`);
  }
}

/** Runs a node that is expected to end by itself, with a refusal for example; answers how it ended and what it said. */
export async function runNode(t: Teardown, options: NodeOptions = {}): Promise<Exit & { output: string }> {
  const node = await spawnNode(t, options);
  const exit = await within(node.exited, () => `the node runs although it should have ended:\n${node.output}`);
  return { ...exit, output: node.output };
}

async function spawnNode(t: Teardown, options: NodeOptions): Promise<TestNode> {
  const dataDir = options.dataDir ?? (await temporaryFolder(t));
  const adminPort = options.admin === true ? ADMIN_PORTS.first + randomInt(ADMIN_PORTS.count) : null;
  const args = [MAIN, 'start', '--data-dir', dataDir, '--port', String(options.port ?? 0), ...(options.args ?? [])];
  if (adminPort !== null) args.push('--admin-port', String(adminPort));
  const preloads = (options.preloads ?? []).flatMap((path) => ['--import', pathToFileURL(path).href]);
  const env = { ...process.env, ...options.env };
  const node = new TestNode(
    spawn(process.execPath, [...preloads, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env }),
    dataDir,
    adminPort,
  );
  t.teardown(async () => {
    await node.kill();
  });
  return node;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/** Polls until `condition` answers something other than null. */
export async function until<T>(what: string, condition: () => Promise<T | null>): Promise<T> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const value = await condition();
    if (value !== null) return value;
    if (Date.now() > deadline) throw new Error(`not within ${WAIT_MS} ms: ${what}`);
    await sleep(25);
  }
}

async function within<T>(promise: Promise<T>, message: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(message())), WAIT_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
