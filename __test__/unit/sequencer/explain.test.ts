import test from 'ava';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { addressOf, GWEI } from '../../helpers/fake-transaction.js';
import { startSim } from '../../helpers/sim-node.js';

function funded(): FakeDisk {
  const disk = new FakeDisk();
  for (let i = 0; i < 10; i++) disk.fund(addressOf(0xa1 + i), 10n ** 20n);
  return disk;
}

test('explains every batch since arrival: gap, funds, turn, size, inclusion', async (t) => {
  const disk = funded();
  disk.fund(addressOf(0xa5), 42_000n * GWEI + 10n);
  const node = await startSim({ disk, sequencer: { blockIntervalMs: 100, batchMaxAgeMs: 1_000 } });
  const gapped = await node.send({ sender: addressOf(0xa2), nonce: 9 });
  const poor = await node.send({ sender: addressOf(0xa5), nonce: 1, value: '0' });
  await node.send({ sender: addressOf(0xa5), nonce: 0, value: '11' });
  await node.clock.run(500);
  const used = [4_000, 100, 200, 10, 2_138, 1, 400, 0];
  const big = await node.send({ sender: addressOf(0xa3), used, reserved: used, gasPrice: String(2n * GWEI) });
  await node.clock.run(1_500);
  t.is(node.disk.closed[0]?.reason, 'No transaction fits');
  t.deepEqual(node.sequencer.explain(gapped)?.batches[0], { batch: 1, verdict: 'nonceGap', detail: 'nonce gap 0 < 9' });
  t.deepEqual(node.sequencer.explain(poor)?.batches[0], { batch: 1, verdict: 'missingFunds', detail: 'funds short by 1 wei' });
  t.deepEqual(node.sequencer.explain(big)?.batches, [
    { batch: 1, verdict: 'misfit', detail: 'keccaks short by 7' },
    { batch: 2, verdict: 'included', detail: '' },
  ]);
  t.is(node.sequencer.explain(`0x${'00'.repeat(32)}`), null);
});

test('explains what was not reached, and what stands behind an earlier nonce', async (t) => {
  const node = await startSim({ disk: funded(), sequencer: { blockIntervalMs: 100, batchTxsMax: 1 } });
  const sent = [0, 1, 2].map((nonce) => node.send({ nonce }));
  const [first, second, third] = await Promise.all(sent);
  await node.clock.run(20);
  t.is(node.disk.closed.length, 3);
  t.is(node.sequencer.explain(first ?? ''), null, 'included in the first batch that it met');
  t.deepEqual(node.sequencer.explain(second ?? '')?.batches, [
    { batch: 1, verdict: 'notReached', detail: 'the batch was closed before its turn: Max transactions' },
    { batch: 2, verdict: 'included', detail: '' },
  ]);
  t.deepEqual(
    node.sequencer.explain(third ?? '')?.batches.map(({ verdict }) => verdict),
    ['behindEarlierNonce', 'notReached', 'included'],
  );
});

test('estimates inclusion from what is ahead and how fast it goes', async (t) => {
  const node = await startSim({ disk: funded(), sequencer: { blockIntervalMs: 1_000, batchTxsMax: 0 } });
  t.deepEqual(node.sequencer.estimateInclusion(GWEI), { ahead: 0, perSecond: null, expectedMs: 1_000 });
  node.sequencer.pause();
  for (const nonce of [0, 1, 3]) await node.send({ nonce, gasPrice: String(2n * GWEI) });
  t.deepEqual(node.sequencer.estimateInclusion(GWEI), { ahead: 2, perSecond: null, expectedMs: null });
  t.is(node.sequencer.estimateInclusion(3n * GWEI).ahead, 0);
  node.sequencer.resume();
  await node.clock.run(1_000);
  const { perSecond } = node.sequencer.estimateInclusion(GWEI);
  t.true(perSecond !== null && perSecond > 1 && perSecond <= 2);
});

test('a transaction that waited too long leads the next empty batch', async (t) => {
  const node = await startSim({
    disk: funded(),
    sequencer: { blockIntervalMs: 100, batchTxsMax: 2, maxWaitMs: 5_000 },
  });
  node.sequencer.pause();
  const patient = await node.send({ sender: addressOf(0xa9) });
  await node.clock.run(6_000);
  for (let i = 0; i < 4; i++) await node.send({ sender: addressOf(0xa1 + i), gasPrice: String(9n * GWEI) });
  node.sequencer.resume();
  await node.clock.run(500);
  t.is(node.disk.blocks[0]?.txHashes[0], patient);
});

test('throttled: nothing new is executed, what is executed becomes durable', async (t) => {
  const node = await startSim({ disk: funded(), sequencer: { blockIntervalMs: 100 } });
  await node.send();
  node.sequencer.throttle('verification lags');
  await node.send({ nonce: 1 });
  await node.clock.run(1_000);
  t.is(node.sequencer.status().mode, 'throttled');
  t.is(node.disk.blocks.length, 1);
  t.is(node.disk.pool.size, 1);
  node.sequencer.throttle(null);
  await node.clock.run(1_000);
  t.is(node.disk.pool.size, 0);
});
