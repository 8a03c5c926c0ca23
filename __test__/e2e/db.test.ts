/** The db commands on the database of a real node: beside it, after it, and on copies of it. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { account, signed } from '../helpers/accounts.js';
import { startNode, type TestNode, until } from '../helpers/node.js';
import { MAIN, temporaryFolder } from '../helpers/paths.js';
import { result, rpc } from '../helpers/rpc.js';
import { patchWriteAheadLog } from '../helpers/write-ahead-log.js';

const ARGS = ['--block-interval-ms', '50', '--batch-max-age-ms', '400'];
const TO = '0x00000000000000000000000000000000000b0b0b';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function db(...args: string[]): Promise<Outcome> {
  return new Promise((done) => {
    execFile(process.execPath, [MAIN, 'db', ...args], (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      done({ code, out, err });
    });
  });
}

/** Sends so many transfers, each into a block of its own. */
async function extend(node: TestNode, first: number, count: number): Promise<void> {
  for (let nonce = first; nonce < first + count; nonce += 1) {
    const hash = await result(node.url, 'eth_sendRawTransaction', [await signed(account(0), { nonce })]);
    await until('receipt', () => result(node.url, 'eth_getTransactionReceipt', [hash]));
  }
}

async function bytesOf(folder: string): Promise<string> {
  const names = (await readdir(folder)).sort();
  const sizes = await Promise.all(names.map(async (name) => `${name} ${(await stat(join(folder, name))).size}`));
  return sizes.join('\n');
}

test('check, sizes, snapshot while running, restore, prune, compact', async (t) => {
  const folder = await temporaryFolder(t);
  const [dataDir, snapshots, back] = [join(folder, 'data'), join(folder, 'snapshots'), join(folder, 'deeper/back')];
  await mkdir(snapshots);
  const node = await startNode(t, { dataDir, args: [...ARGS, '--snapshot-dir', snapshots], admin: true });
  const admin = node.adminUrl;
  await extend(node, 0, 4);

  const busy = await db('verify', '--data-dir', dataDir);
  t.is(busy.code, 1);
  t.regex(busy.err, /DATA_DIR_LOCKED/);

  const taken = await result(admin, 'admin_snapshot', ['first']);
  t.true(taken.block >= 4);
  t.is(taken.path, join(snapshots, 'first'));
  t.regex((await rpc(admin, 'admin_snapshot', ['first'])).error?.message ?? '', /exists already/);
  t.regex((await rpc(admin, 'admin_snapshot', ['../elsewhere'])).error?.message ?? '', /invalid argument 0/);
  await extend(node, 4, 2);
  await node.stop();

  const checked = await db('verify', '--data-dir', dataDir, '--json');
  t.is(checked.code, 0, checked.err);
  const report = JSON.parse(checked.out);
  t.true(report.ok);
  t.true(report.checked.blocks >= 7 && report.checked.leaves > 10, checked.out);
  const stats = JSON.parse((await db('stats', '--data-dir', dataDir, '--json')).out);
  t.is(stats.headBlock, report.checked.headBlock);
  t.is(stats.leaves, report.checked.leaves);
  t.is(stats.transactions, 6);
  t.regex((await db('stats', '--data-dir', dataDir)).out, /flat_storage/);

  const restored = await db('restore', join(snapshots, 'first'), '--data-dir', back);
  t.is(restored.code, 0, restored.err);
  t.regex(restored.out, /sound[\s\S]*restored block/);
  const before = await bytesOf(back);
  const again = await db('restore', join(snapshots, 'first'), '--data-dir', back);
  t.is(again.code, 1);
  t.regex(again.err, /SNAPSHOT_EXISTS/);
  t.is(await bytesOf(back), before, 'nothing was overwritten');
  const other = await startNode(t, { dataDir: back, args: ARGS });
  const head = await result(other.url, 'eth_getBlockByNumber', [`0x${taken.block.toString(16)}`, false]);
  t.is(head.hash, taken.blockHash);
  await extend(other, 4, 2);
  await other.stop();

  const archive = await db('prune', '--data-dir', dataDir);
  t.is(archive.code, 1);
  t.regex(archive.err, /--keep/);
  const pruned = JSON.parse((await db('prune', '--keep', '2', '--data-dir', dataDir, '--json')).out);
  t.is(pruned.oldestState, pruned.headBlock - 2);
  t.true(pruned.removed > 0);
  t.is((await db('compact', '--data-dir', dataDir)).code, 0);
  t.is((await db('verify', '--data-dir', dataDir)).code, 0);
  const last = await startNode(t, { dataDir, args: ARGS });
  const gone = await rpc(last.url, 'eth_getBalance', [TO, '0x1']);
  t.regex(gone.error?.message ?? '', /state for block 1 is pruned/);
  t.is(await result(last.url, 'eth_getBalance', [TO, 'latest']), '0x6');
  t.truthy(await result(last.url, 'eth_getBlockByNumber', ['0x1', true]), 'blocks stay');
});

test('rollback: later batches are gone, their transactions wait again and are included after the next start', async (t) => {
  const args = ['--block-interval-ms', '50', '--batch-max-age-ms', '3600000'];
  const node = await startNode(t, { args, admin: true });
  const { dataDir } = node;
  await extend(node, 0, 2);
  await result(node.adminUrl, 'admin_closeBatch');
  await extend(node, 2, 2);
  await result(node.adminUrl, 'admin_closeBatch');
  await extend(node, 4, 1);
  const [kept, gone] = await Promise.all(['0x2', '0x3'].map((number) => result(node.url, 'eth_getBlockByNumber', [number, true])));
  await node.stop();

  const refused = await db('rollback', '--to-batch', '9', '--yes', '--data-dir', dataDir);
  t.is(refused.code, 1);
  t.regex(refused.err, /batch 9 is not closed[\s\S]*ROLLBACK_REFUSED/);
  const done = await db('rollback', '--to-batch', '1', '--yes', '--data-dir', dataDir, '--json');
  t.is(done.code, 0, done.err);
  t.deepEqual(JSON.parse(done.out), {
    batch: 1,
    headBlock: 2,
    blockHash: kept.hash,
    stateRoot: kept.stateRoot,
    removedBatches: 2,
    removedBlocks: 3,
    pendingAgain: 3,
  });
  t.is((await db('verify', '--data-dir', dataDir)).code, 0);
  const again = await db('rollback', '--to-batch', '1', '--yes', '--data-dir', dataDir);
  t.is(again.code, 0, again.err);
  t.regex(again.out, /0 batches and 0 L2 blocks removed[\s\S]*batch 1 is the newest, L2 block 2 its last/);

  const next = await startNode(t, { dataDir, args });
  const [lost] = gone.transactions;
  const receipt = await until('included again', () => result(next.url, 'eth_getTransactionReceipt', [lost.hash]));
  t.is(receipt.status, '0x1');
  t.is(await result(next.url, 'eth_getBlockByHash', [gone.hash, false]), null);
  t.is(await result(next.url, 'eth_getTransactionCount', [account(0).address, 'pending']), '0x5');
  await until('all of them', async () =>
    (await result(next.url, 'eth_getTransactionCount', [account(0).address, 'latest'])) === '0x5' ? true : null,
  );
  await next.stop();
  t.is((await db('verify', '--data-dir', dataDir)).code, 0);
});

test('a damaged snapshot is not restored, and the difference is named', async (t) => {
  const folder = await temporaryFolder(t);
  const [dataDir, snapshot, back] = [join(folder, 'data'), join(folder, 'snapshot'), join(folder, 'back')];
  const node = await startNode(t, { dataDir, args: ARGS });
  await extend(node, 0, 1);
  await node.stop();
  t.is((await db('snapshot', snapshot, '--data-dir', dataDir)).code, 0);
  const tables = (await readdir(snapshot)).filter((name) => name.endsWith('.sst')).sort();
  const table = join(snapshot, tables.at(-1) ?? '');
  const sound = await readFile(table);
  // The file is shared with the database: it gets its own copy to be damaged.
  await rm(table);
  const damaged = Buffer.from(sound);
  damaged.writeUInt8(damaged.readUInt8(3) ^ 1, 3);
  await writeFile(table, damaged);
  const refused = await db('restore', snapshot, '--data-dir', back, '--json');
  t.is(refused.code, 2, refused.err);
  t.is(JSON.parse(refused.out).verified.ok, false);
  t.deepEqual((await readdir(folder)).sort(), ['data', 'snapshot'], 'nothing is left of the attempt');
  await writeFile(table, sound.subarray(1));
  const short = await db('restore', snapshot, '--data-dir', back);
  t.is(short.code, 1);
  t.regex(short.err, /SNAPSHOT_INVALID/);
});

test('a record that is damaged halts the node, which goes on answering; db verify names it', async (t) => {
  const node = await startNode(t, { args: ARGS });
  const raw = await signed(account(0), { nonce: 0 });
  const hash = await result(node.url, 'eth_sendRawTransaction', [raw]);
  await until('receipt', () => result(node.url, 'eth_getTransactionReceipt', [hash]));
  await node.kill();
  // The transaction's record begins with the length of the signed bytes: a wrong one cannot be decoded.
  const bytes = Buffer.from(raw.slice(2), 'hex');
  const record = Buffer.concat([Buffer.from([0xb8, bytes.length]), bytes.subarray(0, 30)]);
  const broken = Buffer.concat([Buffer.from([0xb9, bytes.length]), bytes.subarray(0, 30)]);
  let patches = 0;
  while ((await patchWriteAheadLog(node.dataDir, record, broken)) > 0) patches += 1;
  t.true(patches > 0, 'the record was found');

  const next = await startNode(t, { dataDir: node.dataDir, args: ARGS });
  t.regex((await rpc(next.url, 'eth_getTransactionByHash', [hash])).error?.message ?? '', /STATE_DB_CORRUPT/);
  const refused = await rpc(next.url, 'eth_sendRawTransaction', [await signed(account(1), { nonce: 0 })]);
  t.truthy(refused.error, 'nothing is written any more');
  const status = await until('halted', async () => {
    const answer = await result(next.url, 'zkevm_status');
    return answer.mode === 'halted' ? answer : null;
  });
  t.regex(status.haltReason, /corrupt/);
  t.is(await result(next.url, 'eth_getTransactionCount', [account(0).address, 'latest']), '0x1', 'reads go on');
  await next.stop();
  const checked = await db('verify', '--data-dir', node.dataDir);
  t.is(checked.code, 2, checked.err);
  t.regex(checked.out, /NOT SOUND[\s\S]*first difference: transaction 0 of block 1/);
});

test('what cannot be done is said with its code', async (t) => {
  const folder = await temporaryFolder(t);
  const cases: [args: string[], says: RegExp][] = [
    [['verify', '--data-dir', join(folder, 'none')], /DATA_DIR_MISSING/],
    [[], /CLI_USAGE/],
    [['repair'], /db repair is no command[\s\S]*CLI_USAGE/],
    [['snapshot'], /takes one folder/],
    [['verify', 'extra'], /takes no folder/],
    [['prune', '--keep', 'some'], /--keep must be/],
    [['verify', '--keep', '5'], /--keep belongs to db prune/],
    [['rollback', '--yes'], /needs --to-batch/],
    [['rollback', '--to-batch', '1'], /removes published blocks for good: add --yes/],
    [['rollback', '--to-batch=-1', '--yes'], /must be the number of a batch/],
    [['prune', '--yes'], /--to-batch and --yes belong to db rollback/],
    [['rollback', '--to-batch', '1', '--yes', '--data-dir', join(folder, 'none')], /DATA_DIR_MISSING/],
    [['verify', '--data-dri', 'x'], /CONFIG_INVALID/],
    [['restore', folder, '--data-dir', join(folder, 'new')], /SNAPSHOT_INVALID/],
  ];
  for (const [args, says] of cases) {
    const outcome = await db(...args);
    t.is(outcome.code, 1, args.join(' '));
    t.regex(outcome.err, says);
  }
  const help = await db('--help');
  t.is(help.code, 0);
  t.regex(help.out, /verify[\s\S]*restore FOLDER/);
  t.deepEqual(await readdir(folder), [], 'nothing was created');
});
