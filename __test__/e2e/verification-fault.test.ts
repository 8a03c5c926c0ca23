/**
 * A stored batch is damaged: the node halts before anything else, says where the batch begins to differ, leaves a bundle that shows the same
 * without the node, and goes on answering reads. With the data put right it goes on as if nothing had been.
 */
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { Transaction } from 'ethers';
import { account, signed } from '../helpers/accounts.js';
import { conformance } from '../helpers/conformance.js';
import { startNode, type TestNode, until } from '../helpers/node.js';
import { temporaryFolder } from '../helpers/paths.js';
import { result, rpc } from '../helpers/rpc.js';
import { patchWriteAheadLog } from '../helpers/write-ahead-log.js';

const ARGS = ['--block-interval-ms', '30', '--batch-max-age-ms', '3600000'];
const RECEIVER = '0x0000000000000000000000000000000000000777';

interface Batches {
  /** Signed bytes, one transaction in each L2 block from block 1 on. */
  readonly raws: readonly string[];
  readonly hashes: readonly string[];
}

const mined = (node: TestNode, hash: string) => until(`receipt of ${hash}`, () => result(node.url, 'eth_getTransactionReceipt', [hash]));

/** Batch 1 of three L2 blocks and batch 2 of one, not verified; the node is killed. */
async function twoBatches(t: Parameters<typeof startNode>[0], dataDir: string): Promise<Batches> {
  const node = await startNode(t, { dataDir, args: [...ARGS, '--verification-enabled=false'], admin: true });
  const raws: string[] = [];
  const hashes: string[] = [];
  for (const [nonce, closes] of [false, false, true, true].entries()) {
    const raw = await signed(account(0), { nonce, to: RECEIVER, value: 1n });
    const hash: string = await result(node.url, 'eth_sendRawTransaction', [raw]);
    await mined(node, hash);
    raws.push(raw);
    hashes.push(hash);
    if (!closes) continue;
    const { batch } = await result(node.adminUrl, 'admin_closeBatch');
    await until(`batch ${batch} is closed`, async () =>
      (await result(node.adminUrl, 'admin_status')).closedBatch === batch ? true : null,
    );
  }
  await node.kill();
  return { raws, hashes };
}

/** Signature and percentage of a transaction as batchL2Data has them, with so much less of the percentage. */
function signatureInBatch(raw: string, less = 0): Buffer {
  const { r, s, v } = Transaction.from(raw).signature ?? { r: '', s: '', v: 0 };
  return Buffer.concat([Buffer.from(r.slice(2) + s.slice(2), 'hex'), Buffer.from([v, 0xff - less])]);
}

const halted = (node: TestNode) =>
  until('the node halts', async () => {
    const status = await result(node.url, 'zkevm_status');
    return status.mode === 'halted' ? status : null;
  });

async function metrics(node: TestNode): Promise<string> {
  return (await fetch(`${node.url}/metrics`, { headers: { connection: 'close' } })).text();
}

test('a damaged batch halts the node, is led back to its transaction, and can be run without the node', async (t) => {
  const folder = await temporaryFolder(t);
  const [dataDir, sound] = [join(folder, 'data'), join(folder, 'sound')];
  const { raws, hashes } = await twoBatches(t, dataDir);
  await cp(dataDir, sound, { recursive: true });
  const [second = ''] = raws.slice(1);
  t.is(
    await patchWriteAheadLog(dataDir, signatureInBatch(second), signatureInBatch(second, 1)),
    1,
    'one transaction of batch 1 is damaged',
  );

  const node = await startNode(t, { dataDir, args: ARGS, admin: true });
  const status = await halted(node);
  const where = `it begins in L2 block 2, transaction 0 (${hashes[1]}): effective percentage, stored 255, executed 254`;
  t.true(status.haltReason.startsWith('batch 1 is not what executing it again gives: '), status.haltReason);
  t.true(status.haltReason.includes(where), status.haltReason);
  const bundle = join(dataDir, 'verification/batch-1');
  t.deepEqual(status.verification, { enabled: true, lag: 2, problem: status.haltReason, bundle });
  t.is(status.lastChecked, '0x0');
  t.regex(node.output, /ERROR .*sequencer halted .*batch 1 is not what executing it again gives/);
  const text = await metrics(node);
  for (const line of [
    'zknode_verify_failures_total 1',
    'zknode_halted 1',
    'zknode_verify_checked_batch 0',
    'zknode_verify_lag_batches 2',
  ]) {
    t.true(text.includes(`\n${line}\n`), line);
  }

  // Nothing is taken any more; reads go on.
  const refused = await rpc(node.url, 'eth_sendRawTransaction', [await signed(account(1), { nonce: 0 })]);
  t.is(refused.error?.code, -32000);
  t.true(refused.error?.message.startsWith('sequencer halted: batch 1 is not'), refused.error?.message);
  t.is(await result(node.url, 'eth_getBalance', [RECEIVER, 'latest']), '0x4');
  t.is(await result(node.url, 'eth_call', [{ to: RECEIVER }, 'latest']), '0x');
  t.is((await result(node.url, 'eth_getTransactionReceipt', [hashes[1]])).blockNumber, '0x2');

  // The bundle: where it differs, and the batch for the runner, which finds the difference by itself.
  const report = JSON.parse(await readFile(join(bundle, 'report.json'), 'utf8'));
  t.like(report.mismatch.first, { block: 2, transaction: 0, transactionHash: hashes[1], what: 'effective percentage' });
  t.is(report.witness, 'batch.json');
  const { code, summary, output } = await conformance(t, [join(bundle, 'batch.json')]);
  t.is(code, 1, output);
  t.is(summary?.total, 1);
  t.true(
    summary?.failures.some(({ field }) => field === 'stateRoot'),
    output,
  );

  // Resumed without anything put right, it halts again.
  t.is((await result(node.adminUrl, 'admin_resume')).mode === 'draining', false);
  await until('it is verified again', async () => ((await metrics(node)).includes('\nzknode_verify_failures_total 2\n') ? true : null));
  t.is((await halted(node)).haltReason, status.haltReason);

  // Taken back behind the damage it goes on: the transactions wait again, and are sealed and verified anew.
  t.like(await result(node.adminUrl, 'admin_rollbackBatches', [0, { confirm: true }]), {
    batch: 0,
    headBlock: 0,
    removedBlocks: 4,
    pendingAgain: 4,
  });
  for (const hash of hashes) t.is((await mined(node, hash)).status, '0x1');
  t.deepEqual(await result(node.adminUrl, 'admin_closeBatch'), { batch: 1 });
  const checked = await until('the new batch is verified', async () => {
    const now = await result(node.url, 'zkevm_status');
    return now.lastChecked === '0x1' ? now : null;
  });
  t.like(checked, { mode: 'sequencing', haltReason: null, verification: { enabled: true, lag: 0, problem: null, bundle: null } });
  t.is(await result(node.url, 'eth_getBalance', [RECEIVER, 'latest']), '0x4');
  t.deepEqual(await node.stop(), { code: 0, signal: null }, node.output);

  // The operator puts the data right: both batches are verified first, then the node goes on.
  const repaired = await startNode(t, { dataDir: sound, args: ARGS, admin: true });
  const verified = await until('everything is verified', async () => {
    const now = await result(repaired.url, 'zkevm_status');
    return now.lastChecked === '0x2' && now.mode === 'sequencing' ? now : null;
  });
  t.deepEqual(verified.verification, { enabled: true, lag: 0, problem: null, bundle: null });
  const next = await result(repaired.url, 'eth_sendRawTransaction', [await signed(account(0), { nonce: 4, to: RECEIVER })]);
  t.is((await mined(repaired, next)).status, '0x1');
  t.deepEqual(await repaired.stop(), { code: 0, signal: null }, repaired.output);
});
