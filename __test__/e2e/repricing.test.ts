/**
 * A node that follows an L1 price and charges by break-even: a call that needs more gas than admission found is charged another percentage;
 * receipt, verification and replay agree on it.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Transaction } from 'ethers';
import { chargedGasPrice, EFFECTIVE_GAS_PRICE_DEFAULTS, effectiveGasPrice, percentageFor } from '../../src/pool/effective-gas-price.js';
import { account, GWEI, signed } from '../helpers/accounts.js';
import { startNode, type TestNode, until } from '../helpers/node.js';
import { temporaryFolder } from '../helpers/paths.js';
import { agreesWithItself } from '../helpers/replay.js';
import { result } from '../helpers/rpc.js';

const L1_WEI = 20n * GWEI;
const L2_WEI = 2n * GWEI;
const SIGNED_WEI = 20n * GWEI;
const L1_FACTOR_PPM = 10_000n;

/** An L1 node that knows its gas price and nothing else. */
async function l1Node(t: ExecutionContext): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: `0x${L1_WEI.toString(16)}` })));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Init code of a contract that stores something the first time, and reads 100 cold slots every time after; `head` runs before. */
function gate(head: readonly number[]): string {
  const busy = head.length + 12;
  const loop = busy + 3;
  const first = [0x60, 0, 0x54, 0x60, busy, 0x57, 0x60, 1, 0x60, 0, 0x55, 0x00];
  const reads = [0x5b, 0x60, 100, 0x5b, 0x60, 1, 0x90, 0x03, 0x80, 0x54, 0x50, 0x80, 0x60, loop, 0x57, 0x00];
  const code = [...head, ...first, ...reads];
  return `0x${Buffer.from([0x60, code.length, 0x60, 12, 0x60, 0, 0x39, 0x60, code.length, 0x60, 0, 0xf3, ...code]).toString('hex')}`;
}

/** The price that the specification charges for a transaction that used so much gas. */
function chargedFor(raw: string, gasUsed: bigint): bigint {
  const { unsignedSerialized, signature } = Transaction.from(raw);
  if (signature === null) throw new Error('it is signed');
  const batchForm = Buffer.from(`${unsignedSerialized.slice(2)}${signature.r.slice(2)}${signature.s.slice(2)}1b`, 'hex');
  const zeroBytes = batchForm.filter((byte) => byte === 0).length;
  const input = {
    l1GasPriceWei: L1_WEI,
    l2GasPriceWei: L2_WEI,
    signedGasPriceWei: SIGNED_WEI,
    gasUsed,
    nonZeroBytes: batchForm.length - zeroBytes,
    zeroBytes,
  };
  const price = effectiveGasPrice(input, { ...EFFECTIVE_GAS_PRICE_DEFAULTS, l1GasPriceFactorPpm: L1_FACTOR_PPM });
  return chargedGasPrice(SIGNED_WEI, percentageFor(price, SIGNED_WEI));
}

async function metric(node: TestNode, name: string): Promise<number> {
  const text = await (await fetch(`${node.url}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(name));
  return Number(line?.slice(name.length) ?? 0);
}

const receiptOf = (node: TestNode, hash: string) =>
  until(`receipt of ${hash}`, () => result(node.url, 'eth_getTransactionReceipt', [hash]));

/** Deploys the two gates; the second one asks for its gas price. */
async function deployGates(t: ExecutionContext, node: TestNode): Promise<string[]> {
  const contracts: string[] = [];
  for (const [nonce, head] of [[], [0x3a, 0x50]].entries()) {
    const data = { nonce, to: null, data: gate(head), gasLimit: 300_000n, gasPrice: SIGNED_WEI };
    const receipt = await receiptOf(node, await result(node.url, 'eth_sendRawTransaction', [await signed(account(0), data)]));
    t.is(receipt.status, '0x1');
    contracts.push(receipt.contractAddress);
  }
  return contracts;
}

test('a call that uses other gas than expected is charged by it; the batch verifies, the session replays', async (t) => {
  const record = join(await temporaryFolder(t), 'session.rec');
  const node = await startNode(t, {
    admin: true,
    args: [
      ...['--record', record, '--block-interval-ms', '50', '--batch-max-age-ms', '300'],
      ...['--gas-price-mode', 'follower', '--gas-price-l1-rpc-url', await l1Node(t), '--gas-price-l1-factor-ppm', '100000'],
      ...['--effective-gas-price-mode', 'breakEven', '--effective-gas-price-l1-gas-price-factor-ppm', String(L1_FACTOR_PPM)],
    ],
  });
  const admin = (method: string) => result(node.adminUrl, method);
  await until('the L1 price is known', async () => (BigInt(await result(node.url, 'eth_gasPrice')) === L2_WEI ? true : null));
  const [plain, curious] = (await deployGates(t, node)) as [string, string];

  // All are admitted on one state, on which both gates are new: of the calls of each, only the first one will find it so.
  await admin('admin_pause');
  const calls = [plain, plain, curious, curious].map((to, i) => ({ to, from: account(i + 1) }));
  const raws = await Promise.all(calls.map(({ to, from }) => signed(from, { nonce: 0, to, gasLimit: 1_000_000n, gasPrice: SIGNED_WEI })));
  const hashes: string[] = [];
  for (const raw of raws) hashes.push(await result(node.url, 'eth_sendRawTransaction', [raw]));
  await admin('admin_resume');
  const receipts = await Promise.all(hashes.map((hash) => receiptOf(node, hash)));
  t.true(receipts.every(({ status }) => status === '0x1'));

  const charged = receipts.map(({ effectiveGasPrice: price, gasUsed }) => ({ price: BigInt(price), gas: BigInt(gasUsed) }));
  t.log(charged.map(({ price, gas }) => `${gas} gas at ${price}`).join(', '));
  const [cheap, busy, curiousCheap, curiousBusy] = charged as [Charged, Charged, Charged, Charged];
  t.true(cheap.gas < 60_000n && busy.gas > 200_000n && curiousBusy.gas > 200_000n);
  // As expected, and above the signed price nobody pays; the second price; in full, for it could tell.
  t.is(cheap.price, chargedFor(raws[0] as string, cheap.gas));
  t.is(curiousCheap.price, chargedFor(raws[2] as string, curiousCheap.gas));
  t.is(busy.price, chargedFor(raws[1] as string, busy.gas));
  t.true(busy.price < cheap.price && cheap.price < SIGNED_WEI);
  t.is(curiousBusy.price, SIGNED_WEI);
  t.is(await metric(node, 'zknode_tx_repriced_total{how="adjusted"}'), 1);
  t.is(await metric(node, 'zknode_tx_repriced_total{how="executed_again"}'), 1);

  await agreesWithItself(t, node, record, receipts[3].blockNumber);
});

interface Charged {
  readonly price: bigint;
  readonly gas: bigint;
}
