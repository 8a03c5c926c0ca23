/** Every closing reason reached through the loop, with a certificate from which the verdict can be computed again. */
import test from 'ava';
import { COUNTER_COUNT, COUNTER_NAMES } from '../../../../src/native/layouts.js';
import type { Certificate } from '../../../../src/sequencer/certificate.js';
import { type FakeBatch, FakeDisk } from '../../../helpers/fake-disk.js';
import { FAKE_LIMITS } from '../../../helpers/fake-engine.js';
import { addressOf } from '../../../helpers/fake-transaction.js';
import { ForcedSource, forcedBatch } from '../../../helpers/forced-source.js';
import { type SimOptions, startSim } from '../../../helpers/sim-node.js';

function disk(): FakeDisk {
  const made = new FakeDisk();
  for (let i = 0; i < 30; i++) made.fund(addressOf(0xa1 + i), 10n ** 21n);
  return made;
}

function certificateOf(batch: FakeBatch | undefined): Certificate {
  if (batch?.detailJson === undefined || batch.detailJson === null) throw new Error('the batch has no certificate');
  return JSON.parse(batch.detailJson) as Certificate;
}

const fast: SimOptions['sequencer'] = { blockIntervalMs: 100 };

for (const [counter, name] of COUNTER_NAMES.entries()) {
  test(`rows: a batch filled with ${name} closes at its margin`, async (t) => {
    const node = await startSim({ disk: disk(), sequencer: fast });
    const used = new Array<number>(COUNTER_COUNT).fill(1);
    used[counter] = Math.floor((FAKE_LIMITS[counter] ?? 0) / 4) + 3;
    for (let i = 0; i < 4; i++) await node.send({ sender: addressOf(0xa1 + i), used, reserved: used });
    await node.clock.run(1_000);
    const certificate = certificateOf(node.disk.closed[0]);
    // Three quarters fit with the marker; the fourth does not: the margin is not reached, nothing fits.
    t.is(certificate.binding, name);
    t.is(certificate.reason, 'No transaction fits');
    t.true((certificate.leftOut?.needed ?? 0) > (certificate.leftOut?.remaining ?? 0));
    t.is(certificate.resources[name]?.limit, FAKE_LIMITS[counter]);
    t.is(certificate.resources[name]?.remaining, certificate.leftOut?.remaining);

    const margin = await startSim({ disk: disk(), sequencer: fast });
    used[counter] = Math.ceil((FAKE_LIMITS[counter] ?? 0) * 0.905);
    await margin.send({ used, reserved: used });
    await margin.clock.run(1_000);
    const closed = certificateOf(margin.disk.closed[0]);
    t.is(closed.reason, 'Resource margin exhausted');
    t.is(closed.binding, name);
    t.true(closed.closedByResource);
    const report = closed.resources[name];
    t.true(report !== undefined && report.remaining * 100 <= report.limit * closed.marginPercent, 'the verdict follows from the numbers');
  });
}

test('bytes', async (t) => {
  const node = await startSim({ disk: disk(), sequencer: { ...fast, batchBytesMax: 1_200 } });
  for (let nonce = 0; nonce < 10; nonce++) await node.send({ nonce });
  await node.clock.run(1_000);
  const certificate = certificateOf(node.disk.closed[0]);
  t.is(certificate.reason, 'Resource margin exhausted');
  t.is(certificate.binding, 'bytes');
  t.is(certificate.resources['bytes']?.used, 10 * 110 + 9);
});

test('gas, with a lowered limit', async (t) => {
  const limits = [...FAKE_LIMITS];
  limits[9] = 100_000;
  const node = await startSim({ disk: disk(), limits, sequencer: fast });
  for (let nonce = 0; nonce < 5; nonce++) await node.send({ nonce });
  await node.clock.run(1_000);
  const certificate = certificateOf(node.disk.closed[0]);
  t.is(certificate.binding, 'gas');
  t.is(certificate.reason, 'No transaction fits');
  t.is(certificate.txCount, 4);
  t.deepEqual(certificate.leftOut, {
    hash: certificate.leftOut?.hash ?? '',
    gasPriceWei: '1000000000',
    why: 'gas short by 5000',
    resource: 'gas',
    needed: 21_000,
    remaining: 16_000,
  });
});

test('transactions, exactly as many as allowed', async (t) => {
  const node = await startSim({ disk: disk(), sequencer: { ...fast, batchTxsMax: 3 } });
  await node.clock.runUntil(Promise.all([0, 1, 2, 3].map((i) => node.send({ sender: addressOf(0xa1 + i) }))));
  await node.clock.run(1_000);
  t.is(node.disk.closed[0]?.reason, 'Max transactions');
  t.is(node.disk.closed[0]?.txHashes.length, 3);
  t.is(certificateOf(node.disk.closed[0]).leftOut?.why, 'the batch was closed before its turn');
});

test('time, at the age and not before', async (t) => {
  const node = await startSim({ disk: disk(), sequencer: { ...fast, batchMaxAgeMs: 2_000 } });
  await node.send();
  await node.clock.run(1_990);
  t.is(node.disk.closed.length, 0);
  await node.clock.run(20);
  t.is(node.disk.closed[0]?.reason, 'Max delta timestamp');
});

test('the next marker does not fit', async (t) => {
  const node = await startSim({ disk: disk(), sequencer: { ...fast, resourceMarginPercent: 0 } });
  // Fills the keccaks but for 4; a marker needs 5.
  const used = [1, 1, 1, 1, 2_145 - 5 - 4, 1, 1, 0];
  await node.send({ used, reserved: used });
  await node.clock.run(150);
  await node.send({ sender: addressOf(0xa2) });
  await node.clock.run(1_000);
  t.is(node.disk.closed[0]?.reason, 'Resource exhausted');
  t.is(certificateOf(node.disk.closed[0]).binding, 'keccaks');
  t.is(node.disk.blocks.length, 2);
  t.is(node.disk.blocks[1]?.batch, 2);
});

test('forced batch deadline', async (t) => {
  const forcedBatches = new ForcedSource();
  const node = await startSim({ disk: disk(), sequencer: { ...fast, batchMaxAgeMs: 3_600_000 }, forcedBatches });
  await node.send();
  const deadlineMs = node.clock.nowMs() + 1_000;
  forcedBatches.add(forcedBatch(1, Buffer.alloc(0), { deadlineMs }));
  await node.clock.run(900);
  t.is(node.disk.closed.length, 0);
  await node.clock.run(200);
  t.deepEqual(
    node.disk.closed.map(({ reason }) => reason),
    ['Forced batch deadline', 'Forced batch'],
  );
  t.is(certificateOf(node.disk.closed[0]).bound, deadlineMs);
});

test('fork change', async (t) => {
  const node = await startSim({ disk: disk(), sequencer: fast, forkChangesAfter: (batch) => batch === 1 });
  await node.send();
  await node.clock.run(500);
  t.is(node.disk.closed[0]?.reason, 'Fork change');
  await node.send({ nonce: 1 });
  await node.clock.run(500);
  t.is(node.disk.closed.length, 1);
});

test('operator, also between blocks; nothing to close is nothing done', async (t) => {
  const node = await startSim({ disk: disk(), sequencer: fast });
  node.sequencer.requestBatchClose();
  await node.clock.run(100);
  t.is(node.disk.closed.length, 0);
  await node.send();
  await node.clock.run(500);
  node.sequencer.requestBatchClose();
  await node.clock.run(100);
  t.is(node.disk.closed[0]?.reason, 'Operator');
  await node.send({ nonce: 1 });
  await node.clock.run(500);
  t.is(node.disk.closed.length, 1, 'a request closes one batch');
});

test('the last batch: closed, then the sequencer ends', async (t) => {
  const node = await startSim({ disk: disk(), sequencer: { ...fast, batchMaxAgeMs: 200, stopAtBatch: 1 } });
  await node.send();
  await node.clock.run(1_000);
  await node.clock.runUntil(node.sequencer.stopped);
  t.is(node.disk.closed.length, 1);
  await t.throwsAsync(() => node.send({ nonce: 1 }), { message: /^sequencer halted/ });
});

test('the last block: sealed with its batch in one write, then the sequencer ends; what came later waits', async (t) => {
  const kept = disk();
  const sequencer = { ...fast, batchMaxAgeMs: 3_600_000, batchTxsMax: 0, stopAtBlock: 2 };
  const node = await startSim({ disk: kept, sequencer });
  await node.send();
  await node.clock.run(300);
  t.is(node.disk.closed.length, 0, 'one block before');
  await node.send({ nonce: 1 });
  await node.clock.run(10);
  t.is(node.disk.blocks.length, 1, 'the last block takes transactions until it is due');
  await node.send({ sender: addressOf(0xa2) });
  await node.clock.runUntil(node.sequencer.stopped);
  t.deepEqual(
    node.published.map(({ txCount }) => txCount),
    [1, 2],
  );
  t.is(node.disk.closed[0]?.reason, 'Stop at block');
  t.deepEqual(
    node.published.map(({ number }) => number),
    [1, 2],
  );
  await t.throwsAsync(() => node.send({ nonce: 2 }), { message: /^sequencer halted/ });

  const again = await startSim({ disk: kept, sequencer });
  await again.clock.runUntil(again.sequencer.stopped);
  t.is(kept.blocks.length, 2, 'the same stop again makes nothing');
  t.is(kept.closed.length, 1);
});

test('the last block is there and its batch is open: the batch is closed; a chain that is past it is left alone', async (t) => {
  const kept = disk();
  const first = await startSim({ disk: kept, sequencer: { ...fast, batchMaxAgeMs: 3_600_000, closeBatchOnShutdown: false } });
  await first.send();
  await first.clock.run(300);
  await first.clock.runUntil(first.sequencer.stop());
  t.deepEqual([kept.blocks.length, kept.closed.length], [1, 0]);
  const closing = await startSim({ disk: kept, sequencer: { ...fast, stopAtBlock: 1 } });
  await closing.clock.runUntil(closing.sequencer.stopped);
  t.deepEqual([kept.blocks.length, kept.closed[0]?.reason], [1, 'Stop at block']);
  const later = await startSim({ disk: kept, sequencer: { ...fast, batchMaxAgeMs: 3_600_000, closeBatchOnShutdown: false } });
  await later.send({ nonce: 1 });
  await later.clock.run(300);
  await later.clock.runUntil(later.sequencer.stop());
  const past = await startSim({ disk: kept, sequencer: { ...fast, stopAtBlock: 1 } });
  await past.clock.runUntil(past.sequencer.stopped);
  t.deepEqual([kept.blocks.length, kept.closed.length], [2, 1], 'neither block nor batch');
});

test('the last block is an empty one where empty blocks are made', async (t) => {
  const node = await startSim({ disk: disk(), sequencer: { ...fast, batchMaxAgeMs: 3_600_000, emptyBlocks: 'interval', stopAtBlock: 3 } });
  await node.clock.runUntil(node.sequencer.stopped);
  t.deepEqual([node.disk.blocks.length, node.disk.closed[0]?.reason], [3, 'Stop at block']);
});

test('the last block fills its batch: no further batch is closed', async (t) => {
  const node = await startSim({ disk: disk(), sequencer: { ...fast, batchTxsMax: 2, stopAtBlock: 1 } });
  await node.send();
  await node.send({ nonce: 1 });
  await node.clock.runUntil(node.sequencer.stopped);
  t.deepEqual(
    node.disk.closed.map(({ reason }) => reason),
    ['Max transactions'],
  );
});

test('limits without room for a block halt with a reason', async (t) => {
  const limits = [...FAKE_LIMITS];
  limits[4] = 4;
  const node = await startSim({ disk: disk(), limits, sequencer: fast });
  await node.send();
  await node.clock.run(100);
  t.like(node.sequencer.status(), { mode: 'halted', haltReason: 'the batch limits leave no room for an L2 block' });
});
