/**
 * Every closing reason that exists without L1, reached on real execution through JSON-RPC, with a certificate that agrees with the batch.
 * Forced batches and fork changes come from L1: `closing-l1.test.ts` reaches those on the real engine, without the sockets.
 */
import test, { type ExecutionContext } from 'ava';
import { getCreateAddress } from 'ethers';
import { COUNTER_NAMES, type CounterName } from '../../src/native/layouts.js';
import { ACCOUNTS, account, signed, type TransferOptions } from '../helpers/accounts.js';
import { type ClosedBatch, checkedBatch } from '../helpers/certificate.js';
import { exhausting, rounds } from '../helpers/exhausting-contracts.js';
import { runNode, startNode, type TestNode, until } from '../helpers/node.js';
import { temporaryFolder } from '../helpers/paths.js';
import { result } from '../helpers/rpc.js';

const QUIET = ['--block-interval-ms', '100', '--batch-max-age-ms', '3600000'];
const ENDLESS = ['--block-interval-ms', '3600000', '--batch-max-age-ms', '3600000'];
const GAS_MAX = 30_000_000n;
/** Share of a batch that the transactions of a load use together. */
interface Fill {
  readonly min: number;
  readonly max: number;
}

/** Where a batch should end: beyond the margin of 10 %, with room for the reserve of its items. */
const FILL: Fill = { min: 0.905, max: 0.96 };
const TXS_MAX = 14;

/** Public names of the counters, as zkevm_estimateCounters has them. */
const PUBLIC_NAME: Readonly<Record<CounterName, string>> = {
  steps: 'Steps',
  arith: 'Arithmetics',
  binary: 'Binaries',
  memAlign: 'MemAligns',
  keccaks: 'KeccakHashes',
  padding: 'PoseidonPaddings',
  poseidon: 'PoseidonHashes',
  sha256: 'SHA256Hashes',
};

/** A node with its operator's port and the next nonce of each account. */
class Chain {
  readonly #nonces = new Array<number>(ACCOUNTS.length).fill(0);

  constructor(readonly node: TestNode) {}

  admin(method: string): ReturnType<typeof result> {
    return result(this.node.adminUrl, method);
  }

  async send(sender: number, options: Omit<TransferOptions, 'nonce'> = {}): Promise<string> {
    const nonce = this.#nonces[sender] ?? 0;
    const hash = await result(this.node.url, 'eth_sendRawTransaction', [await signed(account(sender), { nonce, ...options })]);
    this.#nonces[sender] = nonce + 1;
    return hash;
  }

  /** In a batch of its own. */
  async deploy(sender: number, initCode: string): Promise<string> {
    const nonce = this.#nonces[sender] ?? 0;
    const raw = await account(sender).signTransaction({
      type: 0,
      chainId: 1001,
      nonce,
      gasLimit: GAS_MAX,
      gasPrice: 1_000_000_000n,
      data: initCode,
    });
    this.#nonces[sender] = nonce + 1;
    const hash = await result(this.node.url, 'eth_sendRawTransaction', [raw]);
    const receipt = await until(`the deployment ${hash}`, async () => {
      await this.admin('admin_closeBatch');
      return result(this.node.url, 'eth_getTransactionReceipt', [hash]);
    });
    if (receipt.status !== '0x1') throw new Error(`deployment failed: ${JSON.stringify(receipt)}`);
    return getCreateAddress({ from: account(sender).address, nonce });
  }

  receipt(hash: string): ReturnType<typeof result> {
    return until(`receipt of ${hash}`, () => result(this.node.url, 'eth_getTransactionReceipt', [hash]));
  }

  /** Waits until a batch is closed; answers it with its certificate checked. */
  async closed(number: number): Promise<ClosedBatch> {
    await until(`batch ${number} is closed`, async () => {
      const batch = await result(this.node.url, 'zkevm_getBatchByNumber', [number, false]);
      return batch?.closed === true ? batch : null;
    });
    return checkedBatch(this.node.url, number);
  }

  async openBatch(): Promise<number> {
    return Number((await result(this.node.url, 'zkevm_status')).openBatch);
  }

  /** Ends the open batch, so that the next transactions begin one. */
  async freshBatch(): Promise<number> {
    const { batch } = await this.admin('admin_closeBatch');
    if (batch !== null) await this.closed(batch);
    return this.openBatch();
  }
}

async function chain(t: ExecutionContext, args: readonly string[] = QUIET, dataDir?: string): Promise<Chain> {
  return new Chain(await startNode(t, { args, admin: true, ...(dataDir === undefined ? {} : { dataDir }) }));
}

interface Load {
  readonly count: number;
  readonly txs: number;
}

/** Rounds of a transaction, and how many such transactions fill a batch just beyond its margin: from two estimates. */
async function loadFor(node: TestNode, to: string, counter: CounterName, fill = FILL): Promise<Load> {
  const share = async (count: number): Promise<number> => {
    const estimate = await result(node.url, 'zkevm_estimateCounters', [
      { from: account(0).address, to, data: rounds(count), gas: `0x${GAS_MAX.toString(16)}` },
    ]);
    if (estimate.oocError !== undefined || estimate.revert !== undefined) throw new Error(`${counter}: ${JSON.stringify(estimate)}`);
    const name = PUBLIC_NAME[counter];
    return Number(estimate.countersUsed[`used${name}`]) / Number(estimate.countersLimit[`max${name}`]);
  };
  const one = await share(1);
  const each = ((await share(3)) - one) / 2;
  for (let txs = 3; txs <= TXS_MAX; txs++) {
    for (let count = 1; one + (count - 1) * each <= fill.max / txs; count++) {
      if ((one + (count - 1) * each) * txs >= fill.min) return { count, txs };
    }
  }
  throw new Error(`${counter}: no load fills a batch to ${fill.min}: one round ${one}, each more ${each}`);
}

test('rows: a contract for each of the eight counters fills a batch against its real budget', async (t) => {
  // One block a batch: how many blocks there are, and the rows of their beginnings, is not left to the speed of the machine.
  const on = await chain(t, ENDLESS);
  for (const counter of COUNTER_NAMES) {
    const to = await on.deploy(0, exhausting(counter));
    const { count, txs } = await loadFor(on.node, to, counter);
    const batch = await on.freshBatch();
    await on.admin('admin_pause');
    const hashes: string[] = [];
    for (let i = 0; i < txs; i++)
      hashes.push(await on.send(i % ACCOUNTS.length, { to, data: rounds(count), gasLimit: GAS_MAX, value: 0n }));
    await on.admin('admin_resume');
    const { certificate, transactions } = await on.closed(batch);
    t.is(certificate.reason, 'Resource margin exhausted', counter);
    t.is(certificate.binding, counter);
    t.true(certificate.closedByResource, counter);
    t.deepEqual([...transactions].sort(), [...hashes].sort(), counter);
    for (const hash of hashes) t.is((await on.receipt(hash)).status, '0x1', `${counter}: it ran to its end`);
    const others = Object.entries(certificate.resources).filter(([name]) => name !== counter);
    const fill = certificate.resources[counter]?.fillPpm ?? 0;
    t.true(
      others.every(([, report]) => report.fillPpm < fill),
      `${counter} is the fullest: ${JSON.stringify(certificate.resources)}`,
    );
    t.log(`${counter}: ${txs} transactions of ${count} rounds, ${(fill / 10_000).toFixed(1)} % full`);
  }
});

test('nothing fits: the transaction left out is named with what it lacks, and leads the next batch', async (t) => {
  const on = await chain(t);
  const to = await on.deploy(0, exhausting('keccaks'));
  // Together a little more than a batch, and without the last one less than its margin.
  const { count, txs } = await loadFor(on.node, to, 'keccaks', { min: 1.01, max: 1.07 });
  const batch = await on.freshBatch();
  await on.admin('admin_pause');
  const hashes: string[] = [];
  for (let i = 0; i < txs; i++) hashes.push(await on.send(i, { to, data: rounds(count), gasLimit: GAS_MAX, value: 0n }));
  await on.admin('admin_resume');
  const { certificate, transactions } = await on.closed(batch);
  t.is(certificate.reason, 'No transaction fits');
  t.is(certificate.binding, 'keccaks');
  t.is(transactions.length, txs - 1);
  const left = hashes.find((hash) => !transactions.includes(hash)) ?? '';
  t.is(certificate.leftOut?.hash, left);
  t.regex(certificate.leftOut?.why ?? '', /^keccaks short by \d+$/);
  t.is(certificate.misfitCount, 1);
  const { blockNumber } = await on.receipt(left);
  t.is(Number(await result(on.node.url, 'zkevm_batchNumberByBlockNumber', [blockNumber])), batch + 1);
  const { batches } = await result(on.node.url, 'zkevm_explainTransaction', [left]);
  t.deepEqual(batches[0], { batch: `0x${batch.toString(16)}`, verdict: 'misfit', detail: certificate.leftOut?.why });
});

test('gas, with a lowered limit', async (t) => {
  const on = await chain(t, [...QUIET, '--sequencer-batch-gas-max', '110000']);
  for (let i = 0; i < 6; i++) await on.send(i);
  const { certificate } = await on.closed(1);
  t.is(certificate.reason, 'Resource margin exhausted');
  t.is(certificate.binding, 'gas');
  t.is(certificate.resources['gas']?.used, 5 * 21_000);
  t.is(certificate.resources['gas']?.limit, 110_000);
});

test('a lowered row budget counts at admission too', async (t) => {
  const on = await chain(t, [...QUIET, '--sequencer-batch-keccaks-max', '200']);
  const to = await on.deploy(0, exhausting('keccaks'));
  await t.throwsAsync(() => on.send(1, { to, data: rounds(2), gasLimit: GAS_MAX, value: 0n }), {
    message: /out of counters: keccaks used \d+ limit 200/,
  });
  const { certificate } = await on.closed(1);
  t.is(certificate.resources['keccaks']?.limit, 200);
});

test('bytes', async (t) => {
  const on = await chain(t, [...QUIET, '--sequencer-batch-bytes-max', '2000', '--pool-tx-bytes-max', '1900']);
  for (let i = 0; i < 2; i++) await on.send(i, { data: `0x${'11'.repeat(800)}`, gasLimit: 100_000n });
  const { certificate } = await on.closed(1);
  t.is(certificate.reason, 'Resource margin exhausted');
  t.is(certificate.binding, 'bytes');
  t.is(certificate.resources['bytes']?.limit, 2000);
});

test('resource exhausted: the marker of the next block does not fit', async (t) => {
  const on = await chain(t, [
    ...QUIET,
    ...['--sequencer-batch-bytes-max', '2000', '--pool-tx-bytes-max', '1990', '--sequencer-resource-margin-percent', '0'],
  ]);
  const data = (length: number) => ({ data: `0x${'11'.repeat(length)}`, gasLimit: 200_000n });
  await on.receipt(await on.send(0, data(800)));
  const bytes = async () => Number((await result(on.node.url, 'zkevm_getBatchCountersByNumber', [1])).countersUsed.bytes);
  const used = await bytes();
  // The second one, alike but for its length, leaves fewer than the 9 bytes of a marker.
  const rest = 2000 - used - used - 4;
  await on.receipt(await on.send(1, data(800 + rest)));
  t.is(await bytes(), 1996);
  const next = await on.send(2);
  const { certificate } = await on.closed(1);
  t.is(certificate.reason, 'Resource exhausted');
  t.is(certificate.binding, 'bytes');
  t.is(certificate.resources['bytes']?.remaining, 4);
  const { blockNumber } = await on.receipt(next);
  t.is(await result(on.node.url, 'zkevm_batchNumberByBlockNumber', [blockNumber]), '0x2');
});

test('transactions, time and the last batch', async (t) => {
  const dataDir = await temporaryFolder(t);
  const txsMax = ['--block-interval-ms', '100', '--sequencer-batch-txs-max', '3'];
  const on = await chain(t, [...txsMax, '--batch-max-age-ms', '3600000', '--sequencer-close-batch-on-shutdown=false'], dataDir);
  await on.admin('admin_pause');
  const hashes: string[] = [];
  for (let i = 0; i < 4; i++) hashes.push(await on.send(i));
  await on.admin('admin_resume');
  const full = await on.closed(1);
  t.is(full.closingReason, 'Max transactions');
  t.is(full.certificate.txCount, 3);
  t.is(full.certificate.leftOut?.why, 'the batch was closed before its turn');
  for (const hash of hashes) await on.receipt(hash);
  t.deepEqual(await on.node.stop(), { code: 0, signal: null }, on.node.output);

  // Batch 2 is open and has one transaction: now it gets old, and is the last one.
  const args = [...txsMax, '--batch-max-age-ms', '1500', '--stop-at-batch', '2'];
  const last = await runNode(t, { dataDir, args });
  t.deepEqual({ code: last.code, signal: last.signal }, { code: 0, signal: null }, last.output);

  // The same stop again: the node ends at once, and not one more batch is closed.
  const stopped = await runNode(t, { dataDir, args });
  t.is(stopped.code, 0, stopped.output);
  t.regex(stopped.output, /last batch reached/);
  const again = await startNode(t, { dataDir, args: ['--block-interval-ms', '100'] });
  const old = await checkedBatch(again.url, 2);
  t.is(old.closingReason, 'Max delta timestamp');
  const { openedAtMs, closedAtMs } = old.certificate;
  t.true(closedAtMs - openedAtMs >= 1500, `${openedAtMs} to ${closedAtMs}`);
  t.is(await result(again.url, 'zkevm_batchNumber'), '0x2');
});

test('the last block closes its batch, is verified, and ends the node', async (t) => {
  const dataDir = await temporaryFolder(t);
  const args = [...QUIET, '--stop-at-block', '2'];
  const on = await chain(t, args, dataDir);
  await on.receipt(await on.send(0));
  t.is(await on.openBatch(), 1);
  await on.send(0);
  t.deepEqual(await on.node.exited, { code: 0, signal: null }, on.node.output);
  t.regex(on.node.output, /batch closed .*reason="?Stop at block/);

  const stopped = await runNode(t, { dataDir, args });
  t.is(stopped.code, 0, stopped.output);
  const again = await startNode(t, { dataDir, args: QUIET });
  const { closingReason, certificate } = await checkedBatch(again.url, 1);
  t.is(closingReason, 'Stop at block');
  t.is(certificate.blockCount, 2);
  t.like(await result(again.url, 'zkevm_status'), { lastChecked: '0x1', openBatch: '0x2' });
  t.is(await result(again.url, 'eth_blockNumber'), '0x2');
});

test('operator and shutdown', async (t) => {
  const dataDir = await temporaryFolder(t);
  const on = await chain(t, QUIET, dataDir);
  await on.receipt(await on.send(0));
  await on.admin('admin_closeBatch');
  t.is((await on.closed(1)).closingReason, 'Operator');
  await on.receipt(await on.send(0));
  t.deepEqual(await on.node.stop(), { code: 0, signal: null });
  const second = await startNode(t, { dataDir, args: QUIET });
  t.is((await checkedBatch(second.url, 2)).closingReason, 'Shutdown');
});
