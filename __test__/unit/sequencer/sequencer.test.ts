import test from 'ava';
import { silentLogger } from '../../../src/common/logger.js';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { addressOf, fakeTransaction, GWEI, hashOf, rawOf } from '../../helpers/fake-transaction.js';
import { SimClock } from '../../helpers/sim-clock.js';
import { startSim } from '../../helpers/sim-node.js';

const ETHER = 10n ** 18n;

function funded(count = 20): FakeDisk {
  const disk = new FakeDisk();
  for (let i = 0; i < count; i++) disk.fund(addressOf(0xa1 + i), 1_000n * ETHER);
  return disk;
}

test('a transaction is in a durable block one interval after it came', async (t) => {
  const node = await startSim({ disk: funded(), sequencer: { blockIntervalMs: 100 } });
  const hash = await node.send();
  t.deepEqual(node.published, []);
  t.is(node.pool.state(hash)?.status, 'pending');
  await node.clock.run(150);
  t.is(node.published.length, 1);
  t.deepEqual(node.disk.blocks[0]?.txHashes, [hash]);
  t.is(node.pool.get(hash), undefined);
  t.is(node.pool.state(hash)?.status, 'selected');
  t.is(node.disk.pool.size, 0);
});

test('nothing is published before it is durable', async (t) => {
  const node = await startSim({
    disk: funded(),
    sequencer: { blockIntervalMs: 100 },
    latencyMs: (verb) => (verb === 'commitBlocks' ? 50 : 0),
  });
  node.sequencer.onBlock((block) => t.is(node.disk.blocks.length, block.number));
  await node.send();
  await node.clock.run(120);
  t.is(node.published.length, 0);
  await node.clock.run(100);
  t.is(node.published.length, 1);
});

test('without transactions nothing happens; with the interval policy an empty block does', async (t) => {
  const never = await startSim({ disk: funded() });
  await never.clock.run(10_000);
  t.deepEqual(never.engine.calls, ['poolLoad']);
  const interval = await startSim({ disk: funded(), sequencer: { emptyBlocks: 'interval', blockIntervalMs: 1_000 } });
  await interval.clock.run(3_500);
  t.is(interval.published.length, 3);
  await interval.clock.run(120_000);
  t.is(interval.disk.closed.length, 0, 'a batch of empty blocks is not closed by time');
});

test('nonces of one sender go into one block in order, whatever their prices', async (t) => {
  const node = await startSim({ disk: funded(), sequencer: { blockIntervalMs: 100 } });
  const raws = [3, 1, 0, 2].map((nonce) => rawOf(fakeTransaction({ nonce, gasPrice: String(GWEI * BigInt(nonce + 1)) })));
  await node.clock.runUntil(Promise.all(raws.map((raw) => node.pool.add(raw))));
  await node.clock.run(150);
  t.deepEqual(
    node.disk.blocks[0]?.txHashes,
    [raws[2], raws[1], raws[3], raws[0]].map((raw) => hashOf(raw ?? Buffer.alloc(0))),
  );
});

test('higher prices go first, equal ones by arrival', async (t) => {
  const node = await startSim({ disk: funded(), sequencer: { blockIntervalMs: 100 } });
  const prices = [1n, 3n, 2n, 3n];
  const raws = prices.map((price, i) => rawOf(fakeTransaction({ sender: addressOf(0xa1 + i), gasPrice: String(GWEI * price) })));
  await node.clock.runUntil(Promise.all(raws.map((raw) => node.pool.add(raw))));
  await node.clock.run(150);
  t.deepEqual(
    node.disk.blocks[0]?.txHashes,
    [raws[1], raws[3], raws[2], raws[0]].map((raw) => hashOf(raw ?? Buffer.alloc(0))),
  );
});

test('the open batch goes on after a restart', async (t) => {
  const disk = funded();
  const first = await startSim({ disk, sequencer: { blockIntervalMs: 100, closeBatchOnShutdown: false } });
  await first.send();
  await first.clock.runUntil(first.sequencer.stop());
  await first.clock.runUntil(first.pool.close());
  t.is(disk.open.txHashes.length, 1);
  const second = await startSim({ disk, clock: first.clock, sequencer: { blockIntervalMs: 100, batchMaxAgeMs: 5_000 } });
  await second.send({ nonce: 1 });
  await second.clock.run(6_000);
  t.is(disk.closed.length, 1);
  t.is(disk.closed[0]?.txHashes.length, 2);
  t.is(disk.closed[0]?.reason, 'Max delta timestamp');
});

test('a graceful stop makes durable what was executed, closes the batch, and refuses what comes after', async (t) => {
  const node = await startSim({ disk: funded() });
  await node.send();
  await node.clock.runUntil(node.sequencer.stop());
  t.is(node.published.length, 1);
  t.is(node.disk.closed[0]?.reason, 'Shutdown');
  await t.throwsAsync(() => node.send({ nonce: 1 }), { message: 'sequencer halted: the node is stopping' });
});

test('kill during commit: the transaction is acknowledged, not lost, and included once after the restart', async (t) => {
  const clock = new SimClock();
  const disk = funded();
  const first = await startSim({
    clock,
    disk,
    sequencer: { blockIntervalMs: 100 },
    latencyMs: (verb) => (verb === 'commitBlocks' ? 50 : 1),
  });
  const hash = await first.send();
  await clock.run(130);
  t.true(first.engine.calls.includes('commitBlocks'));
  first.engine.kill();
  t.is(disk.blocks.length, 0);
  const second = await startSim({ clock, disk, sequencer: { blockIntervalMs: 100 } });
  await clock.run(1_000);
  t.deepEqual(
    disk.blocks.map((block) => block.txHashes),
    [[hash]],
  );
  t.is(second.published.length, 1);
});

test('a transaction on which the core fails is tried twice, then ended; the others go on', async (t) => {
  const node = await startSim({ disk: funded(), sequencer: { blockIntervalMs: 100 } });
  const bad = await node.send({ panics: true, gasPrice: String(9n * GWEI) });
  const good = await node.send({ sender: addressOf(0xa2) });
  await node.clock.run(50);
  t.like(node.pool.state(bad), { status: 'pending', attempts: 1, reason: 'internal error of the executor' });
  await node.clock.run(500);
  t.like(node.pool.state(bad), { status: 'invalid', reason: 'internal' });
  t.deepEqual(node.disk.blocks[0]?.txHashes, [good]);
});

test('a reserve below the use is said, and the use counts', async (t) => {
  const lines: string[] = [];
  const log = { ...silentLogger, warn: (message: string) => void lines.push(message) };
  const node = await startSim({ disk: funded(), sequencer: { blockIntervalMs: 100 }, log });
  const used = [4_000, 100, 200, 10, 3, 1, 400, 0];
  const hash = await node.send({ used, reserved: [3_999, 100, 200, 10, 3, 1, 400, 0] });
  await node.send({ sender: addressOf(0xa2) });
  await node.clock.run(150);
  t.true(node.disk.included.has(hash));
  t.regex(node.metrics.text(), /zknode_tx_under_reserved_total 1/);
  t.deepEqual(lines, ['counters were reserved below what was used']);
});

test('what does not fit an empty batch is invalid and says what it lacked', async (t) => {
  const node = await startSim({ disk: funded(), sequencer: { blockIntervalMs: 100 } });
  const used = [4_000, 100, 200, 10, 3_000, 1, 400, 0];
  const hash = await node.send({ used, reserved: used });
  await node.clock.run(200);
  t.deepEqual(node.pool.state(hash), {
    status: 'invalid',
    reason: 'out of counters: keccaks used 3000 limit 2140',
    receivedAtMs: null,
  });
  t.is(node.disk.blocks.length, 0);
});

test('a big transaction waits for the next batch and does not hold up the others', async (t) => {
  const node = await startSim({ disk: funded(), sequencer: { blockIntervalMs: 100, batchMaxAgeMs: 1_000 } });
  await node.send();
  await node.clock.run(150);
  const used = [4_000, 100, 200, 10, 2_138, 1, 400, 0];
  const big = await node.send({ sender: addressOf(0xa2), gasPrice: String(5n * GWEI), used, reserved: used });
  await node.clock.run(1_000);
  t.is(node.disk.closed[0]?.reason, 'No transaction fits');
  const certificate = JSON.parse(node.disk.closed[0]?.detailJson ?? '{}') as {
    leftOut: { hash: string; resource: string };
    binding: string;
  };
  t.is(certificate.leftOut.hash, big);
  t.is(certificate.leftOut.resource, 'keccaks');
  t.is(certificate.binding, 'keccaks');
  t.deepEqual(node.disk.blocks[1]?.txHashes, [big]);
});

test('a passing failure of the engine is recovered from: nothing is lost', async (t) => {
  let failures = 2;
  const node = await startSim({
    disk: funded(),
    sequencer: { blockIntervalMs: 100 },
    faults: (verb, moment) => {
      if (verb === 'execute' && moment === 'after' && failures-- > 0) throw new Error('disk hiccup');
    },
  });
  const hash = await node.send();
  await node.clock.run(500);
  t.deepEqual(
    node.disk.blocks.map((block) => block.txHashes),
    [[hash]],
  );
  t.is(node.sequencer.status().mode, 'sequencing');
});

test('a lasting failure halts with its reason, admission says so, and an operator resumes', async (t) => {
  let broken = true;
  const clock = new SimClock();
  const failedAtMs: number[] = [];
  const node = await startSim({
    clock,
    disk: funded(),
    sequencer: { blockIntervalMs: 100 },
    faults: (verb, moment) => {
      if (!broken || verb !== 'finishBlock' || moment !== 'before') return;
      failedAtMs.push(clock.nowMs());
      throw new Error('no space left');
    },
  });
  const hash = await node.send();
  await node.clock.run(2_000);
  const waits = failedAtMs.slice(1).map((atMs, i) => atMs - (failedAtMs[i] ?? 0));
  t.deepEqual(waits, [100, 350, 1_100], 'what passes by itself gets more time for it each time');
  t.like(node.sequencer.status(), { mode: 'halted', haltReason: 'no space left', isHaltFinal: false });
  await t.throwsAsync(() => node.send({ nonce: 1 }), { message: 'sequencer halted: no space left' });
  broken = false;
  node.sequencer.resume();
  await node.clock.run(500);
  t.deepEqual(
    node.disk.blocks.map((block) => block.txHashes),
    [[hash]],
  );
});

test('a failure after sealing halts rather than publish or execute twice', async (t) => {
  const node = await startSim({
    disk: funded(),
    sequencer: { blockIntervalMs: 100 },
    faults: (verb, moment) => {
      if (verb === 'finishBlock' && moment === 'after') throw new Error('answer lost');
    },
  });
  await node.send();
  await node.clock.run(1_000);
  t.is(node.sequencer.status().mode, 'halted');
  t.regex(node.sequencer.status().haltReason ?? '', /L2 block 1 is sealed but was not published/);
  t.is(node.published.length, 0);
});

test('a panic of the native side halts at once', async (t) => {
  const node = await startSim({
    disk: funded(),
    faults: (verb) => {
      if (verb === 'execute') throw Object.assign(new Error('panic'), { code: 'INTERNAL_PANIC' });
    },
  });
  await node.send();
  await node.clock.run(10);
  t.like(node.sequencer.status(), { mode: 'halted', haltReason: 'panic', isHaltFinal: true });
  node.sequencer.resume();
  await node.clock.run(10);
  t.is(node.sequencer.status().mode, 'halted', 'only a new start ends it');
});

test('a failing listener harms nobody', async (t) => {
  const node = await startSim({ disk: funded(), sequencer: { blockIntervalMs: 100 } });
  node.sequencer.onBlock(() => {
    throw new Error('subscriber is gone');
  });
  const seen: number[] = [];
  node.sequencer.onBlock((block) => seen.push(block.number));
  await node.send();
  await node.clock.run(200);
  t.deepEqual(seen, [1]);
  t.is(node.sequencer.status().mode, 'sequencing');
  t.regex(node.metrics.text(), /zknode_block_listener_errors_total 1/);
});

test('a clock that is set back holds up neither the open block nor the batch', async (t) => {
  const node = await startSim({ disk: funded(), sequencer: { blockIntervalMs: 100, batchMaxAgeMs: 1_000 } });
  await node.send();
  node.clock.jump(-3_600_000);
  await node.clock.run(150);
  t.is(node.disk.blocks.length, 1);
  t.is(node.disk.closed.length, 0, 'how old the batch is, is counted anew');
  await node.send({ nonce: 1 });
  await node.clock.run(150);
  t.is(node.disk.blocks.length, 2);
  await node.clock.run(1_000);
  t.is(node.disk.closed[0]?.reason, 'Max delta timestamp');
  const timestamps = node.disk.blocks.map(({ timestamp }) => timestamp);
  t.deepEqual(timestamps, [...timestamps].sort(), 'never before the block before');
});

test('a clock that is set forward ends what is due by it, and nothing else', async (t) => {
  const node = await startSim({ disk: funded(), sequencer: { blockIntervalMs: 100, batchMaxAgeMs: 1_000 } });
  const hash = await node.send();
  node.clock.jump(3_600_000);
  await node.clock.run(150);
  t.deepEqual(node.disk.closed[0]?.txHashes, [hash]);
  await node.send({ nonce: 1 });
  await node.clock.run(150);
  t.is(node.disk.blocks.length, 2);
});
