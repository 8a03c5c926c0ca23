/** A real node verifies what it closes, explains what it left out, and goes on with both after a kill. */
import test from 'ava';
import { account, signed } from '../helpers/accounts.js';
import { contract } from '../helpers/contracts.js';
import { startNode, type TestNode, until } from '../helpers/node.js';
import { temporaryFolder } from '../helpers/paths.js';
import { result } from '../helpers/rpc.js';

const ARGS = ['--block-interval-ms', '30', '--batch-max-age-ms', '150', '--verification-root-interval', '2'];

async function send(node: TestNode, nonces: readonly number[]): Promise<void> {
  const { bytecode } = await contract('Token');
  for (const nonce of nonces) {
    const raw =
      nonce % 5 === 0
        ? await signed(account(0), { nonce, to: null, value: 0n, data: bytecode, gasLimit: 2_000_000n })
        : await signed(account(0), { nonce, to: account(nonce % 10).address });
    const hash = await result(node.url, 'eth_sendRawTransaction', [raw]);
    await until('the receipt', () => result(node.url, 'eth_getTransactionReceipt', [hash]));
  }
}

/** The status once everything closed so far is verified. */
const verified = (node: TestNode) =>
  until('everything is verified', async () => {
    const status = await result(node.url, 'zkevm_status');
    return status.wip.batchTxCount === 0 && status.lastChecked === status.lastBatch ? status : null;
  });

test('closed batches are verified and explained, and both outlive a kill', async (t) => {
  const dataDir = await temporaryFolder(t);
  const first = await startNode(t, { dataDir, args: ARGS });
  await send(first, [0, 1, 2, 3]);
  await verified(first);
  await send(first, [4, 5, 6]);
  const status = await verified(first);
  t.true(Number(status.lastBatch) >= 2, `${status.lastBatch} batches`);
  t.deepEqual(status.verification, { enabled: true, lag: 0, problem: null, bundle: null });
  t.is(status.mode, 'sequencing');
  const metrics = await (await fetch(`${first.url}/metrics`)).text();
  t.regex(metrics, new RegExp(`\nzknode_verify_checked_batch ${Number(status.lastChecked)}\n`));
  t.regex(metrics, /\nzknode_verify_lag_batches 0\n/);
  // Waits for a nonce: each batch has its verdict, before the kill and after it.
  const gapped = await result(first.url, 'eth_sendRawTransaction', [await signed(account(1), { nonce: 3 })]);
  await send(first, [7]);
  await verified(first);
  const explained = await result(first.url, 'zkevm_explainTransaction', [gapped]);
  t.like(explained.batches.at(-1), { verdict: 'nonceGap', detail: 'nonce gap 0 < 3' });
  await first.kill();

  const second = await startNode(t, { dataDir, args: ARGS });
  t.true(Number((await result(second.url, 'zkevm_status')).lastChecked) >= Number(status.lastChecked), 'remembered');
  await send(second, [8, 9, 10]);
  t.true(Number((await verified(second)).lastChecked) > Number(status.lastChecked));
  const { batches } = await result(second.url, 'zkevm_explainTransaction', [gapped]);
  t.deepEqual(batches.slice(0, explained.batches.length), explained.batches);
  t.true(batches.length > explained.batches.length);
  t.deepEqual(await second.stop(), { code: 0, signal: null }, second.output);
});
