/** The servers under test, started as a user starts them, and what the system says of their processes. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BALANCE_ETHER, CHAIN_ID, MNEMONIC, SENDERS } from './plan.js';

const START_MS = 60_000;
const STOP_MS = 15_000;
/** USER_HZ, the unit of /proc/PID/stat: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const ANVIL = '@foundry-rs/anvil@1.7.1';

/** A running server. */
export interface Server {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Our node from dist/cli, durable, on a fresh folder. */
export async function startNode(root: string, senders: readonly string[], args: readonly string[]): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'zkevm-sequencer-bench-'));
  const balance = (BALANCE_ETHER * 10n ** 18n).toString();
  const genesis = join(folder, 'genesis.json');
  writeFileSync(genesis, JSON.stringify({ genesis: senders.map((address) => ({ address, balance, nonce: '0' })) }));
  const port = await freePort();
  const command = [join(root, 'dist/cli/main.js'), 'start', '--data-dir', join(folder, 'data'), '--genesis', genesis];
  const options = ['--port', String(port), '--chain-id', String(CHAIN_ID), '--log-level', 'warn', ...args];
  const clean = () => rmSync(folder, { recursive: true, force: true });
  return started('node', port, spawn(process.execPath, [...command, ...options], { stdio: ['ignore', 'ignore', 'inherit'] }), clean);
}

/** anvil with the same accounts; the limits that a development chain has and a sequencer has not are off. */
export async function startAnvil(binary: string): Promise<Server> {
  const port = await freePort();
  const args = ['--port', String(port), '--chain-id', String(CHAIN_ID), '--block-time', '1', '--silent'];
  const accounts = ['--accounts', String(SENDERS), '--mnemonic', MNEMONIC, '--balance', String(BALANCE_ETHER)];
  const limits = ['--gas-limit', '1000000000000', '--block-base-fee-per-gas', '0'];
  return started('anvil', port, spawn(binary, [...args, ...accounts, ...limits], { stdio: 'ignore' }), () => undefined);
}

/** The anvil binary, installed into a folder of its own; null and the reason when it cannot be had. */
export function installAnvil(folder: string): { binary: string | null; reason: string } {
  try {
    execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder, ANVIL], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 180_000,
    });
    const scope = join(folder, 'node_modules/@foundry-rs');
    const platform = readdirSync(scope).find((name) => name.startsWith('anvil-'));
    if (platform === undefined) return { binary: null, reason: `${ANVIL} has no binary for this platform` };
    return { binary: join(scope, platform, 'bin/anvil'), reason: '' };
  } catch (error) {
    return { binary: null, reason: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
  }
}

async function started(name: string, port: number, process_: ChildProcess, clean: () => void): Promise<Server> {
  const { pid } = process_;
  if (pid === undefined) throw new Error(`${name} does not start`);
  const exited = new Promise<void>((resolve) => process_.once('exit', () => resolve()));
  const stop = async () => {
    process_.kill('SIGTERM');
    const timer = setTimeout(() => process_.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(timer);
    clean();
  };
  const deadline = Date.now() + START_MS;
  while ((await rpc(port, 'eth_blockNumber', []).catch(() => null)) === null) {
    if (process_.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`${name} did not come up`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { name, port, pid, stop };
}

/** One JSON-RPC call, for what is not measured. */
export async function rpc(port: number, method: string, params: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  const answer = (await response.json()) as { result?: unknown; error?: { message: string } };
  if (answer.error !== undefined) throw new Error(answer.error.message);
  return answer.result;
}

/** CPU seconds of a process so far: all of it, and its main thread alone. */
export function cpuSeconds(pid: number): { all: number; main: number } {
  return { all: ticks(`/proc/${pid}/stat`), main: ticks(`/proc/${pid}/task/${pid}/stat`) };
}

function ticks(file: string): number {
  const text = readFileSync(file, 'utf8');
  // The name of the process may hold spaces; fields 14 and 15 are user and system time.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Samples of the node's /metrics by full name, labels included. */
export async function metrics(port: number): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const samples = text.split('\n').flatMap((line): [string, number][] => {
    const at = line.lastIndexOf(' ');
    return line.startsWith('#') || at < 0 ? [] : [[line.slice(0, at), Number(line.slice(at + 1))]];
  });
  return new Map(samples);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}
