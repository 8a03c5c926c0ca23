/** The open block of a real node as `pending`. */
import test from 'ava';
import { account, signed } from '../helpers/accounts.js';
import { startNode, until } from '../helpers/node.js';
import { result } from '../helpers/rpc.js';

test('transactions of the open block are in the pending block, by hash and as objects', async (t) => {
  const { url, adminUrl } = await startNode(t, { args: ['--block-interval-ms', '3600000', '--batch-max-age-ms', '3600000'], admin: true });
  const hashes: string[] = [];
  for (let sender = 0; sender < 3; sender++) {
    hashes.push(
      await result(url, 'eth_sendRawTransaction', [await signed(account(sender), { nonce: 0, gasPrice: BigInt(9 - sender) * 10n ** 9n })]),
    );
  }
  const pending = await until('three transactions in the open block', async () => {
    const block = await result(url, 'eth_getBlockByNumber', ['pending', false]);
    return block.transactions.length === 3 ? block : null;
  });
  const latest = await result(url, 'eth_getBlockByNumber', ['latest', false]);
  t.like(pending, { number: '0x1', parentHash: latest.hash, hash: null, gasUsed: `0x${(3 * 21_000).toString(16)}` });
  t.deepEqual([...pending.transactions].sort(), [...hashes].sort());
  t.is(await result(url, 'eth_getBlockTransactionCountByNumber', ['pending']), '0x3');
  const full = await result(url, 'eth_getBlockByNumber', ['pending', true]);
  t.deepEqual(
    full.transactions.map(({ hash }: { hash: string }) => hash),
    pending.transactions,
  );
  t.like(full.transactions[2], { blockHash: null, blockNumber: '0x1', transactionIndex: '0x2', nonce: '0x0' });
  t.deepEqual(await result(url, 'eth_getTransactionByBlockNumberAndIndex', ['pending', '0x2']), full.transactions[2]);
  t.like(await result(url, 'eth_getTransactionByHash', [pending.transactions[0]]), { hash: pending.transactions[0], blockHash: null });
  t.is(await result(url, 'eth_getTransactionReceipt', [pending.transactions[0]]), null);
  // Sealed in this very order.
  t.deepEqual(await result(adminUrl, 'admin_closeBatch'), { batch: 1 });
  const sealed = await until('block 1', async () => {
    const block = await result(url, 'eth_getBlockByNumber', ['0x1', false]);
    return block?.transactions.length > 0 ? block : null;
  });
  t.deepEqual(sealed.transactions, pending.transactions);
  t.is(sealed.timestamp, pending.timestamp);
  t.deepEqual((await result(url, 'eth_getBlockByNumber', ['pending', false])).transactions, []);
});
