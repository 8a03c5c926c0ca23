import test from 'ava';
import { PRE_STATUS } from '../../../src/native/layouts.js';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { addressOf, GWEI } from '../../helpers/fake-transaction.js';
import { startSim } from '../../helpers/sim-node.js';

function funded(count: number): FakeDisk {
  const disk = new FakeDisk();
  for (let i = 0; i < count; i++) disk.fund(addressOf(i + 1), 10n ** 20n);
  return disk;
}

/** Uses most of the keccaks of a batch, and pre-execution says so. */
function big(keccaks: number) {
  const used = [4_000, 100, 200, 10, keccaks, 1, 400, 0];
  return { used, reserved: used, preStatus: PRE_STATUS.success };
}

test('a big, cheap transaction waits behind those that pay more, but not beyond maxWait', async (t) => {
  const disk = funded(30);
  const node = await startSim({
    disk,
    sequencer: { blockIntervalMs: 50, batchTxsMax: 5, maxWaitMs: 2_000 },
    latencyMs: (verb) => (verb === 'execute' || verb === 'finishBlock' ? 20 : 0),
  });
  node.sequencer.pause();
  const patient = await node.send({ sender: addressOf(25), ...big(2_137) });
  for (let nonce = 0; nonce < 30; nonce++) {
    for (let sender = 1; sender <= 20; sender++) await node.send({ sender: addressOf(sender), nonce, gasPrice: String(5n * GWEI) });
  }
  node.sequencer.resume();
  await node.clock.run(1_900);
  t.false(disk.included.has(patient), 'it does not jump the queue');
  t.true(disk.pool.size > 100, 'others that pay more still wait');
  await node.clock.run(500);
  t.true(disk.included.has(patient));
  t.true(disk.pool.size > 100);
});

test('many big transactions that pay more do not keep the small ones out: those fill the rest of each batch', async (t) => {
  const count = 200;
  const disk = funded(count + 200);
  const node = await startSim({ disk, sequencer: { blockIntervalMs: 50, batchMaxAgeMs: 1_000 } });
  node.sequencer.pause();
  for (let i = 0; i < count; i++) await node.send({ sender: addressOf(101 + i), gasPrice: String(9n * GWEI), ...big(1_300) });
  const small: string[] = [];
  for (let i = 0; i < 100; i++) small.push(await node.send({ sender: addressOf(1 + i) }));
  node.sequencer.resume();
  await node.clock.run(60);
  t.is(small.filter((hash) => disk.included.has(hash)).length, small.length);
  t.true(disk.closed.length <= 1, 'and they do not close it early either');
  t.is(disk.blocks[0]?.txHashes.length, 1 + small.length);
});

for (const ordering of ['price', 'fcfs', 'price+time'] as const) {
  test(`priority senders go first, by ${ordering} among themselves, each in the order of its nonces`, async (t) => {
    const disk = funded(6);
    const [vip, other] = [addressOf(5), addressOf(6)];
    const node = await startSim({ disk, sequencer: { blockIntervalMs: 50, ordering, prioritySenders: [vip, other] } });
    node.sequencer.pause();
    const rich = await node.send({ sender: addressOf(1), gasPrice: String(90n * GWEI) });
    const hashes = [
      await node.send({ sender: other, gasPrice: String(3n * GWEI) }),
      await node.send({ sender: vip, gasPrice: String(2n * GWEI) }),
      await node.send({ sender: vip, nonce: 1, gasPrice: String(70n * GWEI) }),
    ];
    t.is(node.pool.state(rich)?.position, 2, 'behind the two senders');
    node.sequencer.resume();
    await node.clock.run(1_000);
    t.deepEqual(disk.blocks.at(-1)?.txHashes, [...hashes, rich]);
  });
}

test('by price and time, waiting weighs as much as twice the price every so often', async (t) => {
  const disk = funded(6);
  const node = await startSim({ disk, sequencer: { blockIntervalMs: 50, ordering: 'price+time', priceDoublingMs: 1_000 } });
  node.sequencer.pause();
  const first = await node.send({ sender: addressOf(1) });
  await node.clock.run(990);
  const twice = await node.send({ sender: addressOf(2), gasPrice: String(2n * GWEI) });
  const same = await node.send({ sender: addressOf(3), gasPrice: String(2n * GWEI) });
  await node.clock.run(1_000);
  const late = await node.send({ sender: addressOf(4), gasPrice: String(2n * GWEI) });
  const ahead = [1n, 3n, 4n, 9n].map((price) => node.sequencer.estimateInclusion(price * GWEI).ahead);
  t.deepEqual(ahead, [4, 3, 2, 0]);
  node.sequencer.resume();
  await node.clock.run(1_000);
  t.deepEqual(disk.blocks.at(-1)?.txHashes, [twice, same, first, late]);
});
