/**
 * Recording that begins on a data directory with a past, and goes on after sessions that were not recorded: the node keeps the state that
 * each needs beside the file, and `replay FILE` takes it from there.
 */
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { account, signed } from '../helpers/accounts.js';
import { startNode, type TestNode, until } from '../helpers/node.js';
import { temporaryFolder } from '../helpers/paths.js';
import { batchesOf, replayed } from '../helpers/replay.js';
import { result } from '../helpers/rpc.js';

const ARGS = ['--block-interval-ms', '40', '--batch-max-age-ms', '250'];

/** Some transfers of three senders, each in a block. */
async function traffic(node: TestNode): Promise<void> {
  const hashes = await Promise.all(
    [0, 1, 2].map(async (sender) => {
      const nonce = Number(await result(node.url, 'eth_getTransactionCount', [account(sender).address, 'pending']));
      const raws = await Promise.all([0, 1, 2].map((i) => signed(account(sender), { nonce: nonce + i, value: BigInt(i) })));
      return Promise.all(raws.map((raw) => result(node.url, 'eth_sendRawTransaction', [raw])));
    }),
  );
  for (const hash of hashes.flat()) await until('a receipt', () => result(node.url, 'eth_getTransactionReceipt', [hash]));
}

test('a recording that begins on a used data directory, and one with a gap, replay from the copies beside them', async (t) => {
  const folder = await temporaryFolder(t);
  const [dataDir, record] = [join(folder, 'data'), join(folder, 'session.rec')];
  const recording = [...ARGS, '--record', record];
  const bases = async () => (await readdir(folder)).filter((name) => name.startsWith('session.rec.base-')).sort();
  const session = async (args: readonly string[], end: 'stop' | 'kill') => {
    const node = await startNode(t, { dataDir, args });
    await traffic(node);
    await node[end]();
  };

  await session(ARGS, 'stop');
  t.deepEqual(await bases(), [], 'nothing is recorded, nothing is kept');
  await session(recording, 'stop');
  const [first] = await bases();
  t.truthy(first, 'the state before the first recorded session');
  await session(recording, 'stop');
  t.deepEqual(await bases(), [first], 'the recording leads to the next session by itself');
  await session(recording, 'kill');
  await session(ARGS, 'stop');
  const last = await startNode(t, { dataDir, args: recording });
  const added = (await bases()).filter((name) => name !== first);
  t.is(added.length, 1, 'the state after the session that was not recorded');
  await traffic(last);
  const expected = await batchesOf(last);
  const head = await result(last.url, 'eth_getBlockByNumber', ['latest', false]);
  t.deepEqual(await last.stop(), { code: 0, signal: null }, last.output);

  const { code, batches, report } = await replayed(process.execPath, [record]);
  t.is(report.divergence, null);
  t.is(code, 0);
  t.is(report.sessions, 4);
  t.is(report.head.blockNumber, Number(head.number));
  const closed = expected.filter(({ closingReason }) => closingReason !== null);
  t.true(closed.length > 0);
  t.deepEqual(batches.slice(0, closed.length), closed);

  // Elsewhere: by its name, or not at all.
  await rename(join(folder, first as string), join(folder, 'moved'));
  const missing = await replayed(process.execPath, [record]);
  t.is(missing.code, 1);
  t.regex(missing.stderr, /RECORDING_BASE_MISSING/);
  t.regex(missing.stderr, new RegExp(first as string));
  const named = await replayed(process.execPath, [record, '--base', join(folder, 'moved')]);
  t.is(named.code, 0);
  t.is(named.report.divergence, null);
});
