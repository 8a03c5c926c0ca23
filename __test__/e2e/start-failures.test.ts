/** A start that has to be refused: one clear sentence with a code, an exit code, and nothing changed. */
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { account, ETHER, signed } from '../helpers/accounts.js';
import { type Exit, runNode, startNode, until } from '../helpers/node.js';
import { temporaryFolder } from '../helpers/paths.js';
import { result } from '../helpers/rpc.js';
import { patchWriteAheadLog } from '../helpers/write-ahead-log.js';

interface Refusal extends Exit {
  readonly output: string;
}

function isRefusal({ code, signal, output }: Refusal, sentence: RegExp): string | null {
  if (signal !== null || code === 0 || code === null) return `ended with code ${code}, signal ${signal}:\n${output}`;
  if (!sentence.test(output)) return `does not say ${sentence}:\n${output}`;
  if (/^\s+at .+:\d+:\d+\)?$/m.test(output)) return `shows a stack:\n${output}`;
  return null;
}

test('a used port', async (t) => {
  const server = createServer();
  const port = await new Promise<number>((done) => {
    server.listen(0, '127.0.0.1', () => done((server.address() as AddressInfo).port));
  });
  t.teardown(() => new Promise((done) => server.close(() => done())));
  t.is(isRefusal(await runNode(t, { port }), new RegExp(`RPC_PORT_IN_USE|port ${port}`)), null);
});

test('a second process on the same data directory, and the first goes on', async (t) => {
  const first = await startNode(t, { args: ['--block-interval-ms', '100'] });
  t.is(isRefusal(await runNode(t, { dataDir: first.dataDir }), /DATA_DIR_LOCKED|another process/), null);
  const hash = await result(first.url, 'eth_sendRawTransaction', [await signed(account(0), { nonce: 0 })]);
  t.is((await until('receipt', () => result(first.url, 'eth_getTransactionReceipt', [hash]))).status, '0x1');
});

/** What this version writes: FORMAT_VERSION of the state database. */
const FORMAT = 3;

test('a data directory of a newer format, which is left as it is', async (t) => {
  const first = await startNode(t);
  // Killed, so that the format is still in the write-ahead log, where it can be changed.
  await first.kill();
  const version = (number: number) => Buffer.from(`\x06format\x04\0\0\0${String.fromCharCode(number)}`, 'latin1');
  t.true((await patchWriteAheadLog(first.dataDir, version(FORMAT), version(FORMAT + 1))) > 0, 'the format was found');
  const newer = { dataDir: first.dataDir };
  t.is(isRefusal(await runNode(t, newer), /DATA_DIR_FORMAT_NEWER/), null);
  t.is(isRefusal(await runNode(t, newer), /DATA_DIR_FORMAT_NEWER/), null, 'and again: nothing was rewritten');
});

test('a data directory that is a file', async (t) => {
  const dataDir = join(await temporaryFolder(t), 'data');
  await writeFile(dataDir, 'a file');
  t.is(isRefusal(await runNode(t, { dataDir }), /DATA_DIR_UNWRITABLE|cannot be written|not a (folder|directory)/), null);
});

test('a data directory where nobody can write, root neither', async (t) => {
  t.is(isRefusal(await runNode(t, { dataDir: '/proc/zkevm-sequencer' }), /DATA_DIR_UNWRITABLE/), null);
});

(process.getuid?.() === 0 ? test.skip : test)(
  'a data directory without permission (skipped for root, who may write anywhere)',
  async (t) => {
    const dataDir = join(await temporaryFolder(t), 'data');
    await mkdir(dataDir);
    await chmod(dataDir, 0o500);
    t.is(isRefusal(await runNode(t, { dataDir }), /DATA_DIR_UNWRITABLE|cannot be written/), null);
    t.deepEqual(await readdir(dataDir), []);
  },
);

test('a genesis whose root is another one: both roots are named', async (t) => {
  const folder = await temporaryFolder(t);
  const genesis = join(folder, 'genesis.json');
  const wrong = `0x${'12'.repeat(32)}`;
  const accounts = [{ address: account(0).address, balance: (10n * ETHER).toString(), nonce: '0' }];
  await writeFile(genesis, JSON.stringify({ root: wrong, genesis: accounts }));
  const refused = await runNode(t, { args: ['--genesis', genesis] });
  t.is(isRefusal(refused, /GENESIS_ROOT_MISMATCH|root/), null);
  t.true(refused.output.includes(wrong), refused.output);
  const others = (refused.output.match(/0x[0-9a-f]{64}/g) ?? []).filter((root) => root !== wrong);
  const computed = others[0];
  if (computed === undefined) return t.fail(`the computed root is not named:\n${refused.output}`);

  // With the root that it named, the same file is good.
  await writeFile(genesis, JSON.stringify({ root: computed, genesis: accounts }));
  const node = await startNode(t, { args: ['--genesis', genesis] });
  t.is(await result(node.url, 'eth_getBalance', [account(0).address]), `0x${(10n * ETHER).toString(16)}`);
});

test('a data directory of another genesis', async (t) => {
  const first = await startNode(t);
  await first.stop();
  const genesis = join(await temporaryFolder(t), 'genesis.json');
  await writeFile(genesis, JSON.stringify({ genesis: [{ address: account(0).address, balance: '1', nonce: '0' }] }));
  t.is(isRefusal(await runNode(t, { dataDir: first.dataDir, args: ['--genesis', genesis] }), /GENESIS_DIFFERS|genesis/), null);
  const again = await startNode(t, { dataDir: first.dataDir });
  t.is(await result(again.url, 'eth_chainId'), '0x3e9', 'the directory is as it was');
});

test('a genesis file that is missing, and one that is no JSON', async (t) => {
  const folder = await temporaryFolder(t);
  t.is(isRefusal(await runNode(t, { args: ['--genesis', join(folder, 'none.json')] }), /GENESIS_UNREADABLE|none\.json/), null);
  const broken = join(folder, 'broken.json');
  await writeFile(broken, '{"root":');
  t.is(isRefusal(await runNode(t, { args: ['--genesis', broken] }), /GENESIS_(INVALID|UNREADABLE)|broken\.json/), null);
});

test('options that do not exist or are out of range', async (t) => {
  for (const args of [['--no-such-option'], ['--port', '70000'], ['--block-interval-ms', 'soon']]) {
    t.is(isRefusal(await runNode(t, { args }), /CLI_USAGE|CONFIG_INVALID|option|port|block-interval/i), null, args.join(' '));
  }
});
