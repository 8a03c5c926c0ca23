/**
 * What is sent: the same pre-signed transactions for every server, in one fixed order. Senders take turns, so that the nonces of a sender
 * are far apart in time and a request that overtakes another leaves no gap.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encodeRlp, getCreateAddress, HDNodeWallet, Interface, keccak256, Mnemonic, SigningKey, toBeArray } from 'ethers';

export const CHAIN_ID = 1001n;
export const MNEMONIC = 'test test test test test test test test test test test junk';
/** Enough senders that no limit of an account is met, and that most transactions touch different accounts. */
export const SENDERS = 500;
export const BALANCE_ETHER = 10_000n;
const RECIPIENTS = 2_000;
const GAS_PRICE_WEI = 1_000_000_000n;
const SUPPLY = 10n ** 24n;
/** Changes with everything that goes into the transactions: a cached plan of another version is not used. */
const PLAN_VERSION = 3;

export type Workload = 'transfer' | 'erc20' | 'swap';

/** Signed transactions and their hashes, `0x` text each. */
export interface Signed {
  readonly raw: readonly string[];
  readonly hashes: readonly string[];
}

/** Everything that is sent, in the order of its nonces. */
export interface Plan {
  readonly senders: readonly string[];
  readonly setup: Signed;
  readonly stages: readonly (Signed & { readonly workload: Workload })[];
}

/** A stage of a plan: so many transactions of a workload. */
export interface Stage {
  readonly workload: Workload;
  readonly count: number;
}

interface Sender {
  readonly address: string;
  readonly key: SigningKey;
  nonce: number;
}

interface Call {
  readonly to: string | null;
  readonly value: bigint;
  readonly data: string;
  readonly gas: bigint;
}

const TOKEN = new Interface([
  'function mint(address to, uint256 value)',
  'function approve(address spender, uint256 value)',
  'function transfer(address to, uint256 value)',
]);
const POOL = new Interface(['constructor(address a, address b)', 'function sync()', 'function swap(bool, uint256, uint256)']);

/** Makes the plan, or reads it from `cacheDir`, because signing takes longer than most measurements. */
export function makePlan(root: string, stages: readonly Stage[], cacheDir: string): Plan {
  const key = createHash('sha256')
    .update(JSON.stringify([PLAN_VERSION, SENDERS, stages]))
    .digest('hex')
    .slice(0, 16);
  const file = join(cacheDir, `plan-${key}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Plan;
  const plan = signAll(join(root, 'native/executor/examples/bench_contracts'), stages);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(plan));
  return plan;
}

function signAll(contracts: string, stages: readonly Stage[]): Plan {
  const senders = makeSenders();
  const deployer = senderAt(senders, 0);
  const [token0, token1, pool] = [0, 1, 2].map((nonce) => getCreateAddress({ from: deployer.address, nonce })) as [string, string, string];
  const setup = sign(setUp(senders, contracts, { token0, token1, pool }));
  const signedStages = stages.map(({ workload, count }, stage) => {
    const calls: [Sender, Call][] = [];
    for (let i = 0; i < count; i++) calls.push([senderAt(senders, i), callOf(workload, stage * 1_000_003 + i, { token0, token1, pool })]);
    return { workload, ...sign(calls) };
  });
  return { senders: senders.map(({ address }) => address), setup, stages: signedStages };
}

interface Contracts {
  readonly token0: string;
  readonly token1: string;
  readonly pool: string;
}

/** Deployment, liquidity, and a balance and an allowance of both tokens for every sender. */
function setUp(senders: readonly Sender[], folder: string, { token0, token1, pool }: Contracts): [Sender, Call][] {
  const code = (name: string) =>
    `0x${readFileSync(join(folder, `${name}.hex`), 'utf8')
      .trim()
      .replace(/^0x/, '')}`;
  const deployer = senderAt(senders, 0);
  const call = (to: string | null, data: string, gas: bigint): Call => ({ to, value: 0n, data, gas });
  const calls: [Sender, Call][] = [
    [deployer, call(null, code('BenchToken'), 2_000_000n)],
    [deployer, call(null, code('BenchToken'), 2_000_000n)],
    [deployer, call(null, code('BenchPool') + POOL.encodeDeploy([token0, token1]).slice(2), 2_000_000n)],
    [deployer, call(token0, TOKEN.encodeFunctionData('mint', [pool, SUPPLY]), 200_000n)],
    [deployer, call(token1, TOKEN.encodeFunctionData('mint', [pool, SUPPLY]), 200_000n)],
    [deployer, call(pool, POOL.encodeFunctionData('sync'), 200_000n)],
  ];
  for (const sender of senders) {
    for (const token of [token0, token1]) {
      calls.push([sender, call(token, TOKEN.encodeFunctionData('mint', [sender.address, SUPPLY]), 200_000n)]);
      calls.push([sender, call(token, TOKEN.encodeFunctionData('approve', [pool, 2n ** 256n - 1n]), 200_000n)]);
    }
  }
  return calls;
}

function callOf(workload: Workload, seed: number, { token0, pool }: Contracts): Call {
  const to = recipient(seed);
  switch (workload) {
    case 'transfer':
      return { to, value: 1n, data: '0x', gas: 21_000n };
    case 'erc20':
      return { to: token0, value: 0n, data: TOKEN.encodeFunctionData('transfer', [to, 1_000n]), gas: 100_000n };
    case 'swap':
      return { to: pool, value: 0n, data: POOL.encodeFunctionData('swap', [seed % 2 === 0, 1_000_000n, 0n]), gas: 300_000n };
  }
}

function recipient(seed: number): string {
  return `0x${createHash('sha256')
    .update(`recipient ${seed % RECIPIENTS}`)
    .digest('hex')
    .slice(0, 40)}`;
}

function makeSenders(): Sender[] {
  const parent = HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), "m/44'/60'/0'/0");
  return Array.from({ length: SENDERS }, (_unused, i) => {
    const { address, privateKey } = parent.deriveChild(i);
    return { address: address.toLowerCase(), key: new SigningKey(privateKey), nonce: 0 };
  });
}

function senderAt(senders: readonly Sender[], i: number): Sender {
  const sender = senders[i % senders.length];
  if (sender === undefined) throw new RangeError('no senders');
  return sender;
}

function sign(calls: readonly (readonly [Sender, Call])[]): Signed {
  const raw = calls.map(([sender, call]) => signOne(sender, call));
  return { raw, hashes: raw.map((bytes) => keccak256(bytes)) };
}

/** A legacy transaction; the fields are encoded here because this runs for tens of thousands. */
function signOne(sender: Sender, { to, value, data, gas }: Call): string {
  const quantity = (of: bigint) => toBeArray(of);
  const head = [quantity(BigInt(sender.nonce++)), quantity(GAS_PRICE_WEI), quantity(gas), to ?? '0x', quantity(value), data];
  const digest = keccak256(encodeRlp([...head, quantity(CHAIN_ID), '0x', '0x']));
  const { r, s, yParity } = sender.key.sign(digest);
  return encodeRlp([...head, quantity(35n + CHAIN_ID * 2n + BigInt(yParity)), quantity(BigInt(r)), quantity(BigInt(s))]);
}
