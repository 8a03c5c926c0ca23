/** What indexers and operators of this chain ask for by its own names: transactions by L2 hash, the versions that ran. */
import test from 'ava';
import { account, signed } from '../helpers/accounts.js';
import { startNode, until } from '../helpers/node.js';
import { temporaryFolder } from '../helpers/paths.js';
import { result, rpc } from '../helpers/rpc.js';

test('transactions and receipts by L2 hash, and the version history, also after a restart', async (t) => {
  const dataDir = await temporaryFolder(t);
  const args = ['--block-interval-ms', '50'];
  const first = await startNode(t, { dataDir, args });
  const hash = await result(first.url, 'eth_sendRawTransaction', [await signed(account(0), { nonce: 0 })]);
  const receipt = await until('a receipt', () => result(first.url, 'eth_getTransactionReceipt', [hash]));
  const transaction = await result(first.url, 'eth_getTransactionByHash', [hash]);
  const { l2Hash } = transaction;
  t.regex(l2Hash, /^0x[0-9a-f]{64}$/);
  t.not(l2Hash, hash);
  t.is(receipt.transactionL2Hash, l2Hash);
  const versions = await result(first.url, 'zkevm_getVersionHistory');
  await first.stop();

  const second = await startNode(t, { dataDir, args });
  t.deepEqual(await result(second.url, 'zkevm_getTransactionByL2Hash', [l2Hash]), transaction);
  t.deepEqual(await result(second.url, 'zkevm_getTransactionReceiptByL2Hash', [l2Hash]), receipt);
  for (const method of ['zkevm_getTransactionByL2Hash', 'zkevm_getTransactionReceiptByL2Hash']) {
    t.is(await result(second.url, method, [hash]), null, 'the usual hash is not an L2 hash');
    t.is((await rpc(second.url, method, ['0x12'])).error?.code, -32602);
    t.is((await rpc(second.url, method)).error?.message, 'missing value for required argument 0');
  }
  const [[since, version], ...more] = Object.entries(versions) as [[string, string]];
  t.deepEqual(more, []);
  t.is(new Date(since).toISOString(), since);
  t.is(`zkevm-sequencer/v${version}`, (await result(second.url, 'web3_clientVersion')).split('/').slice(0, 2).join('/'));
  t.deepEqual(await result(second.url, 'zkevm_getVersionHistory'), versions, 'the same version again is no news');
});
