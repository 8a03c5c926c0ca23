import test from 'ava';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { FAKE_LIMITS } from '../../helpers/fake-engine.js';
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

test('explains what left the pool after it had waited: expired, invalid after learning its counters', async (t) => {
  const node = await startSim({
    disk: funded(),
    limits: FAKE_LIMITS.map((limit, i) => (i === 4 ? 100 : limit)),
    sequencer: { blockIntervalMs: 100, batchMaxAgeMs: 1_000 },
    pool: { queuedLifetimeMs: 60_000, expiryIntervalMs: 10_000 },
  });
  const keccaks = (used: number, reserved: number) => ({
    used: [4_000, 100, 200, 10, used, 1, 400, 0],
    reserved: [4_000, 100, 200, 10, reserved, 1, 400, 0],
  });
  // It fits no batch, which is found out only when one is empty.
  const never = { sender: addressOf(0xa3), ...keccaks(94, 99) };
  const gapped = await node.send({ sender: addressOf(0xa4), nonce: 3 });
  await node.send({ gasPrice: String(9n * GWEI), ...keccaks(20, 20) });
  await node.clock.run(150);
  const misfit = await node.send({ sender: addressOf(0xa2), ...keccaks(90, 90) });
  const invalid = await node.send(never);
  await node.clock.run(20);
  t.is(node.pool.state(misfit)?.reason, 'keccaks short by 20', 'with the marker of its own L2 block');
  await node.clock.run(2_000);
  const ofInvalid = node.sequencer.explain(invalid)?.batches ?? [];
  t.deepEqual(
    ofInvalid.map(({ verdict }) => verdict),
    ['misfit', 'notReached', 'left'],
    'the second batch was full after the one before it',
  );
  t.like(node.pool.state(invalid), { status: 'invalid', reason: 'out of counters: keccaks used 99 limit 95' });
  await node.clock.run(70_000);
  t.like(node.pool.state(gapped), { status: 'expired', reason: 'queued too long' });
  t.deepEqual(
    node.sequencer.explain(gapped)?.batches.map(({ verdict }) => verdict),
    [...node.disk.closed.map(() => 'nonceGap'), 'left'],
  );
});

test('explains a transaction that was replaced after it had not fit', async (t) => {
  const node = await startSim({ disk: funded(), sequencer: { blockIntervalMs: 100, batchMaxAgeMs: 500 } });
  const half = (price: bigint) => ({ used: [4_000, 100, 200, 10, 1_200, 1, 400, 0], gasPrice: String(price) });
  await node.send({ sender: addressOf(0xa1), ...half(9n * GWEI) });
  const replaced = await node.send({ sender: addressOf(0xa2), ...half(GWEI) });
  await node.clock.run(50);
  node.sequencer.pause();
  await node.clock.run(600);
  t.is(node.disk.closed.length, 1);
  const replacement = await node.send({ sender: addressOf(0xa2), ...half(3n * GWEI) });
  node.sequencer.resume();
  await node.clock.run(1_000);
  t.like(node.pool.state(replaced), { status: 'replaced', replacedBy: replacement });
  t.deepEqual(
    node.sequencer.explain(replaced)?.batches.map(({ batch, verdict }) => [batch, verdict]),
    [
      [1, 'misfit'],
      [2, 'left'],
    ],
  );
  t.is(node.sequencer.explain(replacement), null, 'included in the first batch that it met');
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

test('estimates: a burst on an idle node, chains without funds, orders, and nobody at work', async (t) => {
  const disk = funded();
  disk.fund(addressOf(0xa5), 30_000n * GWEI);
  const node = await startSim({ disk, sequencer: { blockIntervalMs: 1_000 } });
  for (let i = 0; i < 3; i++) await node.send({ sender: addressOf(0xa1 + i) });
  await node.clock.run(20_000);
  for (const nonce of [0, 1, 2]) await node.send({ sender: addressOf(0xa4), nonce });
  const { perSecond } = node.sequencer.estimateInclusion(GWEI);
  t.true(perSecond !== null && perSecond < 1, 'little was to do');
  node.sequencer.pause();
  // The second one lacks funds: it goes before nobody.
  for (const nonce of [0, 1]) await node.send({ sender: addressOf(0xa5), nonce });
  t.is(node.sequencer.estimateInclusion(GWEI).ahead, 1, 'three are in the open block');
  t.is(node.sequencer.estimateInclusion(GWEI).expectedMs, null, 'while it is paused');
  node.clock.jump(-3_600_000);
  t.is(node.sequencer.estimateInclusion(GWEI).perSecond, null, 'how long ago it was, nobody knows');
});

test('estimates: a transaction on a node that works at its pace', async (t) => {
  const node = await startSim({
    disk: funded(),
    sequencer: { blockIntervalMs: 1_000, batchTxsMax: 0 },
    latencyMs: (verb) => (verb === 'execute' ? 500 : 0),
  });
  for (let i = 0; i < 4; i++) await node.send({ sender: addressOf(0xa1 + i) });
  await node.clock.run(25_000);
  await node.send({ sender: addressOf(0xa5) });
  const one = node.sequencer.estimateInclusion(GWEI);
  t.true(one.ahead <= 1);
  t.true((one.expectedMs ?? 0) <= 1_250, `one ahead costs a fourth of the fullest block, not ${one.expectedMs} ms`);
});

test('estimates: by arrival everybody goes first, and so do senders with priority', async (t) => {
  for (const [config, ahead] of [
    [{ ordering: 'fcfs' }, 2],
    [{ prioritySenders: [addressOf(0xa1)] }, 1],
    [{}, 0],
  ] as const) {
    const node = await startSim({ disk: funded(), sequencer: config });
    node.sequencer.pause();
    for (let i = 0; i < 2; i++) await node.send({ sender: addressOf(0xa1 + i) });
    t.is(node.sequencer.estimateInclusion(5n * GWEI).ahead, ahead);
  }
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
