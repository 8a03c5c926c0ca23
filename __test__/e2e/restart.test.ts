/** An orderly stop and a new start on the same data directory: the node goes on where it was. */
import test from 'ava';
import { account, signed } from '../helpers/accounts.js';
import { startNode, type TestNode, until } from '../helpers/node.js';
import { temporaryFolder } from '../helpers/paths.js';
import { result } from '../helpers/rpc.js';

async function send(node: TestNode, nonce: number): Promise<string> {
  return result(node.url, 'eth_sendRawTransaction', [await signed(account(0), { nonce })]);
}

const mined = (node: TestNode, hash: string) => until(`receipt of ${hash}`, () => result(node.url, 'eth_getTransactionReceipt', [hash]));

test('blocks, state, nonces and the batch number go on after a restart', async (t) => {
  const dataDir = await temporaryFolder(t);
  const args = ['--block-interval-ms', '100', '--sequencer-close-batch-on-shutdown=false'];
  const first = await startNode(t, { dataDir, args });
  const receipt = await mined(first, await send(first, 0));
  const head = await result(first.url, 'eth_getBlockByNumber', ['latest', false]);
  const batch = await result(first.url, 'zkevm_batchNumberByBlockNumber', [head.number]);
  t.deepEqual(await first.stop(), { code: 0, signal: null }, first.output);

  const second = await startNode(t, { dataDir, args });
  t.deepEqual(await result(second.url, 'eth_getBlockByNumber', [head.number, false]), head, 'the block is the one that was published');
  t.deepEqual(await result(second.url, 'eth_getTransactionReceipt', [receipt.transactionHash]), receipt);
  const next = await mined(second, await send(second, 1));
  t.is(BigInt(next.blockNumber), BigInt(head.number) + 1n);
  const block = await result(second.url, 'eth_getBlockByNumber', [next.blockNumber, false]);
  t.is(block.parentHash, head.hash);
  t.is(await result(second.url, 'zkevm_batchNumberByBlockNumber', [block.number]), batch, 'the open batch goes on');
});

test('pending transactions survive a restart, the ones that wait for a nonce too', async (t) => {
  const dataDir = await temporaryFolder(t);
  const args = ['--block-interval-ms', '100'];
  const first = await startNode(t, { dataDir, args });
  const waiting = await send(first, 1);
  t.deepEqual(await result(first.url, 'txpool_status'), { pending: '0x0', queued: '0x1' });
  await first.stop();
  const second = await startNode(t, { dataDir, args });
  t.deepEqual(await result(second.url, 'txpool_status'), { pending: '0x0', queued: '0x1' });
  t.is((await result(second.url, 'eth_getTransactionByHash', [waiting])).blockHash, null);
  await send(second, 0);
  t.is((await mined(second, waiting)).status, '0x1');
});

test('SIGTERM and SIGINT stop it in good order', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const node = await startNode(t);
    node.process.kill(signal);
    t.deepEqual(await node.exited, { code: 0, signal: null }, `${signal}:\n${node.output}`);
  }
});
