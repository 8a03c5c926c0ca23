/** The operator's port of a real node: who gets in, and what the requests do. */
import test from 'ava';
import { account, signed } from '../helpers/accounts.js';
import { startNode, type TestNode, until } from '../helpers/node.js';
import { temporaryFolder } from '../helpers/paths.js';
import { result, rpc } from '../helpers/rpc.js';

const TOKEN = 'a-token-of-this-test';
const ARGS = ['--block-interval-ms', '50', '--batch-max-age-ms', '3600000'];

type Admin = (method: string, ...params: unknown[]) => ReturnType<typeof result>;

async function start(t: Parameters<typeof startNode>[0], dataDir?: string): Promise<{ node: TestNode; admin: Admin; url: string }> {
  const node = await startNode(t, { ...(dataDir === undefined ? {} : { dataDir }), args: ARGS, admin: true });
  const url = node.adminUrl;
  return { node, url, admin: (method, ...params) => result(url, method, params) };
}

const send = async (node: TestNode, sender: number, nonce: number, to?: string) =>
  rpc(node.url, 'eth_sendRawTransaction', [await signed(account(sender), { nonce, ...(to === undefined ? {} : { to }) })]);

const mined = (node: TestNode, hash: string) => until(`receipt of ${hash}`, () => result(node.url, 'eth_getTransactionReceipt', [hash]));

test('closing a batch, pausing and resuming', async (t) => {
  const { node, admin } = await start(t);
  t.deepEqual(await admin('admin_closeBatch'), { batch: null }, 'nothing to close');
  t.deepEqual(await admin('admin_quarantinedTransactions'), []);
  await mined(node, (await send(node, 0, 0)).result);
  t.deepEqual(await admin('admin_closeBatch'), { batch: 1 });
  const { closingReason, closingCertificate } = await until('batch 1 is closed', async () => {
    const batch = await result(node.url, 'zkevm_getBatchByNumber', ['0x1']);
    return batch.closed === true ? batch : null;
  });
  t.is(closingReason, 'Operator');
  t.is(closingCertificate.reason, 'Operator');
  t.is(closingCertificate.txCount, 1);

  t.like(await admin('admin_pause'), { mode: 'sequencing', paused: true });
  const { result: waiting } = await send(node, 0, 1);
  t.is(typeof waiting, 'string', 'admitted all the same');
  await new Promise((done) => setTimeout(done, 300));
  t.is(await result(node.url, 'eth_getTransactionReceipt', [waiting]), null);
  t.true((await result(node.url, 'zkevm_status')).paused);
  t.like(await admin('admin_resume'), { paused: false });
  await mined(node, waiting);
});

test('access changes at once and outlives a kill', async (t) => {
  const dataDir = await temporaryFolder(t);
  const first = await start(t, dataDir);
  t.like(await first.admin('admin_accessPolicy'), { source: 'configuration', sendMode: 'off' });
  await first.admin('admin_addAccess', 'send', [account(1).address]);
  await first.admin('admin_setAccessMode', 'send', 'deny');
  t.regex((await send(first.node, 1, 0)).error?.message ?? '', /^sender blocked/);
  t.is((await send(first.node, 2, 0)).error, undefined);
  await first.node.kill();

  const second = await start(t, dataDir);
  t.like(await second.admin('admin_accessPolicy'), { source: 'runtime', sendMode: 'deny', send: [account(1).address.toLowerCase()] });
  t.regex((await send(second.node, 1, 0)).error?.message ?? '', /^sender blocked/);
  await second.admin('admin_removeAccess', 'send', [account(1).address]);
  t.is((await send(second.node, 1, 0)).error, undefined);
  await second.admin('admin_addAccess', 'blockedRecipients', [account(5).address]);
  t.regex((await send(second.node, 1, 1, account(5).address)).error?.message ?? '', /^sender blocked/);
  t.like(await second.admin('admin_resetAccess'), { source: 'configuration', sendMode: 'off', blockedRecipients: [] });
  t.is((await send(second.node, 1, 1, account(5).address)).error, undefined);
  for (const params of [
    ['send', ['0x12']],
    ['nobody', []],
    ['send', account(1).address],
  ]) {
    t.is((await rpc(second.url, 'admin_addAccess', params)).error?.code, -32602, JSON.stringify(params));
  }
});

test('the log level changes, and a drain ends the node in good order', async (t) => {
  const { node, admin } = await start(t);
  t.is(await admin('admin_setLogLevel', 'debug'), 'debug');
  t.is(await admin('admin_logLevel'), 'debug');
  await mined(node, (await send(node, 0, 0)).result);
  await until('a record of level debug', async () => (/DEBUG .*L2 block sealed/.test(node.output) ? true : null));
  t.true(await admin('admin_drain'));
  t.deepEqual(await node.exited, { code: 0, signal: null });
  t.regex(node.output, /batch closed .*reason=Shutdown/);
});

test('who gets in: not browsers, not without the token, and nothing of it is on the public port', async (t) => {
  const node = await startNode(t, { args: [...ARGS, '--admin-token', TOKEN], admin: true });
  const url = node.adminUrl;
  const body = '{"jsonrpc":"2.0","id":1,"method":"admin_status"}';
  const ask = (headers: Record<string, string>) => fetch(url, { method: 'POST', body, headers });
  t.is((await ask({})).status, 401);
  t.is((await ask({ authorization: `Bearer ${TOKEN}x` })).status, 401);
  t.is((await ask({ authorization: `Bearer ${TOKEN}`, origin: 'http://127.0.0.1' })).status, 403);
  const answer = await ask({ authorization: `Bearer ${TOKEN}` });
  t.is(answer.status, 200);
  t.like(((await answer.json()) as { result: object }).result, { mode: 'sequencing' });
  t.is((await rpc(node.url, 'admin_status')).error?.code, -32601);
  t.is((await rpc(node.url, 'admin_drain')).error?.code, -32601);
});
