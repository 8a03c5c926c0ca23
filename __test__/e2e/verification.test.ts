/** A real node verifies what it closes, says how far it is, and goes on with it after a kill. */
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
        ? await signed(account(0), { nonce, to: null as never, data: bytecode, gasLimit: 2_000_000n })
        : await signed(account(0), { nonce, to: account(nonce % 10).address });
    const hash = await result(node.url, 'eth_sendRawTransaction', [raw]);
    await until('the receipt', 10_000, () => result(node.url, 'eth_getTransactionReceipt', [hash]));
  }
}

/** The status once everything closed so far is verified. */
const verified = (node: TestNode) =>
  until('everything is verified', 20_000, async () => {
    const status = await result(node.url, 'zkevm_status');
    return status.wip.batchTxCount === 0 && status.lastChecked === status.lastBatch ? status : null;
  });

test('closed batches are verified, and after a kill what was not yet', async (t) => {
  const dataDir = await temporaryFolder(t);
  const first = await startNode(t, { dataDir, args: ARGS });
  await send(first, [0, 1, 2, 3, 4, 5, 6]);
  const status = await verified(first);
  t.true(Number(status.lastBatch) >= 2, `${status.lastBatch} batches`);
  t.deepEqual(status.verification, { enabled: true, lag: 0, problem: null, bundle: null });
  t.is(status.mode, 'sequencing');
  const metrics = await (await fetch(`${first.url}/metrics`)).text();
  t.regex(metrics, new RegExp(`\nzknode_verify_checked_batch ${Number(status.lastChecked)}\n`));
  t.regex(metrics, /\nzknode_verify_lag_batches 0\n/);
  await first.kill();

  const second = await startNode(t, { dataDir, args: ARGS });
  t.true(Number((await result(second.url, 'zkevm_status')).lastChecked) >= Number(status.lastChecked), 'remembered');
  await send(second, [7, 8, 9, 10]);
  t.true(Number((await verified(second)).lastChecked) > Number(status.lastChecked));
  t.deepEqual(await second.stop(), { code: 0, signal: null }, second.output);
});
