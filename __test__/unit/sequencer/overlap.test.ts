/** Blocks that execute while earlier ones are written: order, durability, back-pressure, and what a failed commit leaves. */
import test from 'ava';
import { COMMIT_WAITING_MAX } from '../../../src/sequencer/committer.js';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { addressOf } from '../../helpers/fake-transaction.js';
import { SimClock } from '../../helpers/sim-clock.js';
import { type SimNode, type SimOptions, startSim } from '../../helpers/sim-node.js';

const ETHER = 10n ** 18n;
const SENDERS = 20;

function funded(): FakeDisk {
  const disk = new FakeDisk();
  for (let i = 0; i < SENDERS; i++) disk.fund(addressOf(0xa1 + i), 1_000n * ETHER);
  return disk;
}

/** A node whose disk takes `commitMs`, and whose batches hold one transaction each, so that blocks follow each other closely. */
function slowDisk(commitMs: number, options: SimOptions = {}): Promise<SimNode> {
  return startSim({
    disk: funded(),
    sequencer: { blockIntervalMs: 100, batchTxsMax: 1 },
    latencyMs: (verb) => (verb === 'commitBlocks' ? commitMs : 1),
    ...options,
  });
}

async function sendAll(node: SimNode, count: number): Promise<string[]> {
  const hashes: string[] = [];
  for (let i = 0; i < count; i++) hashes.push(await node.send({ sender: addressOf(0xa1 + (i % SENDERS)), nonce: Math.floor(i / SENDERS) }));
  return hashes;
}

test('the next block executes while one is written, and one write serves many', async (t) => {
  const node = await slowDisk(200);
  const hashes = await sendAll(node, 4);
  await node.clock.run(150);
  t.is(node.engine.calls.filter((verb) => verb === 'finishBlock').length, 4, 'all are sealed');
  t.deepEqual([node.disk.blocks.length, node.published.length, node.sequencer.status().blockNumber], [0, 0, 0]);
  t.is(node.sequencer.status().closedBatch, 0);
  for (const hash of hashes) t.is(node.pool.state(hash)?.status, 'pending', 'nothing is told of what is not durable');
  await node.clock.run(400);
  t.deepEqual(
    node.published.map((block) => block.number),
    [1, 2, 3, 4],
  );
  t.is(node.engine.calls.filter((verb) => verb === 'commitBlocks').length, 2);
  t.is(node.disk.closed.length, 4);
  t.is(node.sequencer.status().closedBatch, 4);
  for (const hash of hashes) t.is(node.pool.state(hash)?.status, 'selected');
});

test('only so many blocks wait for the disk', async (t) => {
  const node = await slowDisk(1_000);
  const hashes = await sendAll(node, 12);
  await node.clock.run(900);
  t.is(node.engine.calls.filter((verb) => verb === 'finishBlock').length, COMMIT_WAITING_MAX);
  await node.clock.run(10_000);
  t.deepEqual(
    node.published.map((block) => block.number),
    hashes.map((_hash, i) => i + 1),
  );
});

test('kill while blocks wait for the disk: none of them was told of, and their transactions are included once', async (t) => {
  const clock = new SimClock();
  const first = await slowDisk(50, { clock });
  const { disk } = first;
  const hashes = await sendAll(first, 6);
  await clock.run(60);
  first.engine.kill();
  const durable = disk.blocks.length;
  t.is(first.published.length, durable);
  t.true(durable < 6);
  const second = await slowDisk(5, { clock, disk });
  await clock.run(5_000);
  t.deepEqual(disk.blocks.flatMap((block) => block.txHashes).sort(), [...hashes].sort());
  t.is(second.published[0]?.number, durable + 1);
});

test('a failed commit takes every later block with it: nothing of them is published, all of them wait again', async (t) => {
  let commits = 0;
  const node = await slowDisk(100, {
    faults: (verb, moment) => {
      if (verb === 'commitBlocks' && moment === 'before' && ++commits === 2)
        throw Object.assign(new Error('no space left'), { code: 'STATE_DB_IO' });
    },
  });
  const hashes = await sendAll(node, 8);
  await node.clock.run(1_000);
  const { mode, haltReason } = node.sequencer.status();
  const durable = node.disk.blocks.length;
  t.true(durable > 0 && durable < 8);
  t.is(mode, 'halted');
  t.is(haltReason, `L2 block ${durable + 1} could not be committed: no space left`);
  t.is(node.published.length, durable);
  t.deepEqual(
    hashes.map((hash) => node.pool.state(hash)?.status),
    hashes.map((_hash, i) => (i < durable ? 'selected' : 'pending')),
  );
  t.is(node.pool.counts().pending, 8 - durable, 'they are ready, not in a block that does not exist');
  await t.throwsAsync(() => node.send({ nonce: 5 }), { message: /^sequencer halted: L2 block/ });
  // A database that failed to write takes no more: an operator makes room, and starts again.
  node.sequencer.resume();
  await node.clock.run(100);
  t.like(node.sequencer.status(), { mode: 'halted', isHaltFinal: true });
  node.engine.kill();
  const next = await slowDisk(100, { clock: node.clock, disk: node.disk });
  await node.clock.run(5_000);
  t.deepEqual(
    next.published.map((block) => block.number),
    hashes.slice(durable).map((_hash, i) => durable + i + 1),
  );
  t.deepEqual(
    node.disk.blocks.map((block) => block.txHashes),
    hashes.map((hash) => [hash]),
  );
});

test('a commit whose answer is lost is neither undone nor told of', async (t) => {
  const node = await slowDisk(10, {
    faults: (verb, moment) => {
      if (verb === 'commitBlocks' && moment === 'after') throw new Error('answer lost');
    },
  });
  const hash = (await sendAll(node, 1))[0] ?? '';
  await node.clock.run(1_000);
  t.is(node.sequencer.status().mode, 'halted');
  t.deepEqual([node.disk.blocks.length, node.published.length], [1, 0]);
  t.true(node.disk.included.has(hash));
});

test('a stop waits for the disk: what was executed is durable and published', async (t) => {
  const node = await slowDisk(300);
  await sendAll(node, 3);
  await node.clock.run(20);
  await node.clock.runUntil(node.sequencer.stop());
  const executed = node.engine.calls.filter((verb) => verb === 'finishBlock').length;
  t.true(executed > 0);
  t.deepEqual([node.disk.blocks.length, node.published.length], [executed, executed]);
});

test('a stop that meets a failed commit ends, and says so', async (t) => {
  const node = await slowDisk(50, {
    faults: (verb) => {
      if (verb === 'commitBlocks') throw new Error('no space left');
    },
  });
  await sendAll(node, 2);
  await node.clock.run(10);
  await node.clock.runUntil(node.sequencer.stop());
  t.like(node.sequencer.status(), { mode: 'halted', haltReason: 'L2 block 1 could not be committed: no space left' });
  t.is(node.published.length, 0);
});
