/** The chain of a running node is taken back: what was published goes, whoever subscribed hears of it, and everything is made again. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { account, signed } from '../helpers/accounts.js';
import { startNode, type TestNode, until } from '../helpers/node.js';
import { MAIN, temporaryFolder } from '../helpers/paths.js';
import { result, rpc } from '../helpers/rpc.js';

interface Socket extends NodeJS.EventEmitter {
  send(text: string): void;
  terminate(): void;
}
// The package has no types of its own.
const WebSocketClient = createRequire(import.meta.url)('ws') as new (url: string) => Socket;

const ARGS = ['--block-interval-ms', '50', '--batch-max-age-ms', '3600000'];
/** Logs topic 7 while it is deployed; the contract has no code. */
const LOGGING = '0x600760006000a100';
const RECEIVER = '0x0000000000000000000000000000000000000777';

const mined = (node: TestNode, hash: string) => until(`receipt of ${hash}`, () => result(node.url, 'eth_getTransactionReceipt', [hash]));

async function transfer(node: TestNode, sender: number, nonce: number): Promise<string> {
  return result(node.url, 'eth_sendRawTransaction', [await signed(account(sender), { nonce, to: RECEIVER, value: 1n })]);
}

async function deploy(node: TestNode, nonce: number): Promise<string> {
  const fields = { type: 0, chainId: 1001, nonce, gasLimit: 200_000n, gasPrice: 1_000_000_000n, data: LOGGING };
  return result(node.url, 'eth_sendRawTransaction', [await account(0).signTransaction(fields)]);
}

interface Heard {
  readonly logs: { removed: boolean; transactionHash: string; blockHash: string }[];
  readonly heads: { number: string; hash: string }[];
}

/** Everything that a client hears of logs and heads. */
async function listen(t: ExecutionContext, node: TestNode): Promise<Heard> {
  const heard: Heard = { logs: [], heads: [] };
  const socket = new WebSocketClient(node.wsUrl);
  t.teardown(async () => socket.terminate());
  await once(socket, 'open');
  const ids: string[] = [];
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(String(data));
    if (message.id !== undefined) ids.push(message.result);
    else if (message.params.subscription === ids[0]) heard.logs.push(message.params.result);
    else heard.heads.push(message.params.result);
  });
  socket.send('{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["logs",{}]}');
  await until('the first subscription', async () => (ids.length === 1 ? true : null));
  socket.send('{"jsonrpc":"2.0","id":2,"method":"eth_subscribe","params":["newHeads"]}');
  await until('the second subscription', async () => (ids.length === 2 ? true : null));
  return heard;
}

function verified(dataDir: string): Promise<string> {
  return new Promise((done, fail) => {
    execFile(process.execPath, [MAIN, 'db', 'verify', '--data-dir', dataDir], (error, out, err) =>
      error ? fail(new Error(out + err)) : done(out),
    );
  });
}

test('closed batches and the open one are taken back while the node runs', async (t) => {
  const node = await startNode(t, { args: ARGS, admin: true });
  const heard = await listen(t, node);
  const kept = await mined(node, await transfer(node, 0, 0));
  t.deepEqual(await result(node.adminUrl, 'admin_closeBatch'), { batch: 1 });
  const filter = await result(node.url, 'eth_newBlockFilter');
  const removed = [await deploy(node, 1)];
  const logging = await mined(node, removed[0] ?? '');
  removed.push(await transfer(node, 1, 0));
  await mined(node, removed[1] ?? '');
  t.deepEqual(await result(node.adminUrl, 'admin_closeBatch'), { batch: 2 });
  removed.push(await transfer(node, 0, 2));
  await mined(node, removed[2] ?? '');
  t.is((await result(node.url, 'eth_getFilterChanges', [filter])).length, 3);

  // Not while it makes blocks, and not without being meant.
  const confirmed = [1, { confirm: true }];
  t.regex((await rpc(node.adminUrl, 'admin_rollbackBatches', confirmed)).error?.message ?? '', /pause first: the mode is sequencing/);
  await result(node.adminUrl, 'admin_pause');
  t.is((await rpc(node.adminUrl, 'admin_rollbackBatches', [1, {}])).error?.code, -32602);
  t.is((await rpc(node.adminUrl, 'admin_rollbackBatches', ['1', { confirm: true }])).error?.code, -32602);
  const early = await rpc(node.adminUrl, 'admin_rollbackBatches', [7, { confirm: true }]);
  t.regex(early.error?.message ?? '', /^the chain is not taken back: batch 7 is not closed/);
  t.is(await result(node.url, 'eth_blockNumber'), '0x4', 'nothing has changed');
  const waiting = [await transfer(node, 1, 1), await transfer(node, 2, 0)];

  const report = await result(node.adminUrl, 'admin_rollbackBatches', confirmed);
  t.like(report, { batch: 1, headBlock: 1, blockHash: kept.blockHash, removedBatches: 2, removedBlocks: 3, pendingAgain: 3 });
  t.is(await result(node.url, 'eth_blockNumber'), '0x1');
  t.is(await result(node.url, 'zkevm_batchNumber'), '0x1');
  t.is(await result(node.url, 'eth_getBalance', [RECEIVER, 'latest']), '0x1');
  for (const hash of removed) {
    t.is(await result(node.url, 'eth_getTransactionReceipt', [hash]), null);
    t.is((await result(node.url, 'zkevm_getPoolTransaction', [hash])).status, 'pending');
  }
  t.deepEqual(await result(node.url, 'txpool_status'), { pending: '0x5', queued: '0x0' });
  t.is(await result(node.url, 'eth_getTransactionCount', [account(0).address, 'pending']), '0x3');
  t.is(await result(node.url, 'eth_getTransactionCount', [account(0).address, 'latest']), '0x1');
  t.like(await result(node.adminUrl, 'admin_status'), { mode: 'sequencing', paused: true, blockNumber: 1, openBatch: 2, closedBatch: 1 });
  t.deepEqual(await result(node.url, 'eth_getLogs', [{ fromBlock: '0x0', toBlock: 'latest' }]), []);
  await until('the log is taken back', async () => (heard.logs.length === 2 ? true : null));
  t.like(heard.logs, [
    { removed: false, transactionHash: removed[0], blockHash: logging.blockHash },
    { removed: true, transactionHash: removed[0], blockHash: logging.blockHash },
  ]);
  t.deepEqual(await result(node.url, 'eth_getFilterChanges', [filter]), [], 'nothing new yet');

  // Goes on: everything is included again, once, with new blocks.
  await result(node.adminUrl, 'admin_resume');
  for (const hash of [...removed, ...waiting]) t.is((await mined(node, hash)).status, '0x1');
  t.is(await result(node.url, 'eth_getBalance', [RECEIVER, 'latest']), '0x5');
  await until('the log again', async () => (heard.logs.length === 3 ? true : null));
  t.like(heard.logs[2], { removed: false, transactionHash: removed[0] });
  t.true((await result(node.url, 'eth_getFilterChanges', [filter])).length >= 1);
  t.is(heard.heads.filter(({ number }) => number === '0x2').length, 2, 'two blocks had the number 2');
  t.deepEqual(await result(node.adminUrl, 'admin_closeBatch'), { batch: 2 });
  await until('the new batch is verified', async () => ((await result(node.url, 'zkevm_status')).lastChecked === '0x2' ? true : null));
  await mined(node, await transfer(node, 0, 3));
  t.deepEqual(await node.stop(), { code: 0, signal: null }, node.output);
  t.regex(await verified(node.dataDir), /^sound/);
});

test('a session that is recorded only goes forward', async (t) => {
  const node = await startNode(t, { args: [...ARGS, '--record', join(await temporaryFolder(t), 'session')], admin: true });
  await result(node.adminUrl, 'admin_pause');
  const refused = await rpc(node.adminUrl, 'admin_rollbackBatches', [0, { confirm: true }]);
  t.regex(refused.error?.message ?? '', /a session that is recorded only goes forward/);
});

test('killed while the chain is taken back: whatever is left is sound, and nothing that was acknowledged is lost', async (t) => {
  const dataDir = await temporaryFolder(t);
  const args = ['--block-interval-ms', '20', '--batch-max-age-ms', '60'];
  const acknowledged: string[] = [];
  for (let round = 0; round < 3; round++) {
    const node = await startNode(t, { dataDir, args, admin: true });
    const first = Number(await result(node.url, 'eth_getTransactionCount', [account(0).address, 'pending']));
    for (let nonce = first; nonce < first + 25; nonce++) acknowledged.push(await transfer(node, 0, nonce));
    await mined(node, acknowledged.at(-1) ?? '');
    await result(node.adminUrl, 'admin_pause');
    // The answer may come, or the end before it: a kill at once, in the middle, and after it.
    const answer = rpc(node.adminUrl, 'admin_rollbackBatches', [0, { confirm: true }]).catch(() => null);
    await (round === 2 ? answer : new Promise((done) => setTimeout(done, 15 * round)));
    await node.kill();
    await answer;
    t.regex(await verified(dataDir), /^sound/, `round ${round}`);
  }
  const node = await startNode(t, { dataDir, args });
  for (const hash of acknowledged) t.is((await mined(node, hash)).status, '0x1');
  t.is(await result(node.url, 'eth_getBalance', [RECEIVER, 'latest']), `0x${acknowledged.length.toString(16)}`);
});
