/**
 * What crossing into the addon costs, measured from Node: a synchronous read, a read that answers JSON text, a promise, and a group of
 * transactions in one flat buffer. Runs are interleaved; the median and the spread of each are told.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Wallet } from 'ethers';
import { BLOCK_LATEST, type NativeEngine } from '../src/native/engine.js';
import { genesisRoot, openEngine } from '../src/native/index.js';
import { packList } from '../src/native/layouts.js';

const RUNS = 9;
const CHAIN_ID = 1001;
const GROUP = 256;
const MIB = 1024 * 1024;
const GENESIS = '{"genesis":[]}';

interface Case {
  readonly name: string;
  /** Things done by one call, e.g. transactions. */
  readonly items: number;
  readonly calls: number;
  readonly run: () => unknown;
}

export interface BenchResult {
  readonly name: string;
  readonly microsecondsMedian: number;
  readonly microsecondsMin: number;
  readonly microsecondsMax: number;
}

async function cases(engine: NativeEngine): Promise<Case[]> {
  const wallet = Wallet.createRandom();
  const address = Buffer.from(wallet.address.slice(2), 'hex');
  const raws: Buffer[] = [];
  for (let nonce = 0; nonce < GROUP; nonce += 1) {
    const signed = await wallet.signTransaction({ type: 0, chainId: CHAIN_ID, nonce, to: wallet.address, gasLimit: 21_000n, gasPrice: 1n });
    raws.push(Buffer.from(signed.slice(2), 'hex'));
  }
  const group = packList(raws);
  return [
    { name: 'account, synchronous', items: 1, calls: 20_000, run: () => engine.account(address, BLOCK_LATEST) },
    { name: 'block as JSON text, synchronous', items: 1, calls: 5_000, run: () => engine.blockJson(0, false, false) },
    { name: 'promise that does next to nothing', items: 1, calls: 500, run: () => genesisRoot(GENESIS) },
    { name: `admission of ${GROUP} transactions in one call, each`, items: GROUP, calls: 4, run: () => engine.admit(group, false) },
    { name: 'packing a transaction into the flat buffer', items: GROUP, calls: 200, run: () => packList(raws) },
  ];
}

async function time({ calls, items, run }: Case): Promise<number> {
  const started = process.hrtime.bigint();
  for (let call = 0; call < calls; call += 1) {
    const answer = run();
    if (answer instanceof Promise) await answer;
  }
  return Number(process.hrtime.bigint() - started) / 1000 / calls / items;
}

export async function runBench(): Promise<BenchResult[]> {
  const path = mkdtempSync(join(tmpdir(), 'zkevm-sequencer-bench-'));
  const engine = await openEngine({
    path,
    chainId: CHAIN_ID,
    forkId: 9,
    genesisJson: GENESIS,
    sequencerAddress: Buffer.alloc(20, 1),
    cacheBytes: 64 * MIB,
    syncWrites: false,
    preExecutionBytes: 0,
  });
  try {
    const all = await cases(engine);
    const times = all.map((): number[] => []);
    // The first round warms up and is not counted.
    for (let round = 0; round <= RUNS; round += 1) {
      for (const [index, one] of all.entries()) {
        const micros = await time(one);
        if (round > 0) times[index]?.push(micros);
      }
    }
    return all.map(({ name }, index) => summary(name, times[index] ?? []));
  } finally {
    await engine.close();
    rmSync(path, { recursive: true, force: true });
  }
}

function summary(name: string, values: readonly number[]): BenchResult {
  const sorted = [...values].sort((a, b) => a - b);
  const round = (value = Number.NaN) => Number(value.toFixed(3));
  return {
    name,
    microsecondsMedian: round(sorted[Math.floor(sorted.length / 2)]),
    microsecondsMin: round(sorted[0]),
    microsecondsMax: round(sorted.at(-1)),
  };
}
