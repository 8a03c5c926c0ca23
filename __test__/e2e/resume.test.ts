/** A fault that passes halts a running node; an operator looks into it and resumes, and the node includes what has waited. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { account, signed } from '../helpers/accounts.js';
import { startNode, type TestNode, until } from '../helpers/node.js';
import { ROOT, temporaryFolder } from '../helpers/paths.js';
import { result, rpc } from '../helpers/rpc.js';

const PRELOAD = join(ROOT, 'build/__test__/helpers/faulty-engine.js');
const ARGS = ['--block-interval-ms', '30', '--batch-max-age-ms', '3600000'];

const send = async (node: TestNode, sender: number, nonce: number) =>
  rpc(node.url, 'eth_sendRawTransaction', [await signed(account(sender), { nonce })]);

const mined = (node: TestNode, hash: string) => until(`receipt of ${hash}`, () => result(node.url, 'eth_getTransactionReceipt', [hash]));

test('halted by a fault, inspected, resumed: it goes on, and what waits is included', async (t) => {
  const fault = join(await temporaryFolder(t), 'fault');
  const node = await startNode(t, { args: ARGS, admin: true, preloads: [PRELOAD], env: { ZKEVM_TEST_FAULT: fault } });
  await mined(node, (await send(node, 0, 0)).result);

  await writeFile(fault, '');
  // Accepted before anybody knows of the fault.
  const { result: waiting } = await send(node, 0, 1);
  t.is(typeof waiting, 'string');
  const status = await until('the node halts', async () => {
    const now = await result(node.url, 'zkevm_status');
    return now.mode === 'halted' ? now : null;
  });
  t.like(status, { halted: true, haltReason: 'the engine opens no block', lastBlock: '0x1' });
  t.regex(node.output, /ERROR .*sequencer halted .*the engine opens no block/);
  const refused = await send(node, 1, 0);
  t.deepEqual(refused.error, { code: -32000, message: 'sequencer halted: the engine opens no block' });
  t.is((await result(node.url, 'zkevm_getPoolTransaction', [waiting])).status, 'pending');
  t.like(await result(node.adminUrl, 'admin_status'), { mode: 'halted', isHaltFinal: false, blockNumber: 1 });

  // Resumed too early it halts again.
  await result(node.adminUrl, 'admin_resume');
  await until('it halts again', async () => ((node.output.match(/ERROR .*sequencer halted /g) ?? []).length === 2 ? true : null));

  await rm(fault);
  await result(node.adminUrl, 'admin_resume');
  t.is((await mined(node, waiting)).status, '0x1');
  t.like(await result(node.url, 'zkevm_status'), { mode: 'sequencing', halted: false, haltReason: null });
  t.is((await mined(node, (await send(node, 1, 0)).result)).status, '0x1');
  t.deepEqual(await result(node.adminUrl, 'admin_closeBatch'), { batch: 1 });
  await until('the batch is verified', async () => ((await result(node.url, 'zkevm_status')).lastChecked === '0x1' ? true : null));
  t.deepEqual(await node.stop(), { code: 0, signal: null }, node.output);
});
