/** Taking the chain back in a running sequencer, where it is refused or fails; that it works is shown on the real engine (e2e). */
import test from 'ava';
import type { TakeBackModules } from '../../../src/sequencer/take-back.js';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { addressOf } from '../../helpers/fake-transaction.js';
import { type SimNode, startSim } from '../../helpers/sim-node.js';

interface Steps {
  readonly node: SimNode;
  readonly steps: string[];
}

/** A node whose chain cannot be taken back: the engine answers with this code. */
async function failing(code: string): Promise<Steps> {
  const disk = new FakeDisk();
  for (const sender of [0xa1, 0xa2]) disk.fund(addressOf(sender), 10n ** 21n);
  const steps: string[] = [];
  const step = (name: string) => steps.push(name);
  const takeBack: TakeBackModules = {
    engine: {
      rollback: async () => {
        step('rollback');
        throw Object.assign(new Error('the engine says no'), { code });
      },
      discardBlock: () => node.engine.discardBlock(),
      batchJson: () => null,
      blockNumberByHash: () => null,
    },
    verification: {
      suspend: async () => {
        step('suspend');
        await node.clock.sleep(20);
      },
      continue: () => void step('continue'),
      wentBack: () => void step('wentBack'),
    },
    explanations: {
      close: async () => void step('flush'),
      reload: async () => {
        step('reload');
        return [];
      },
    },
  };
  const node: SimNode = await startSim({ disk, sequencer: { blockIntervalMs: 100 }, takeBack });
  return { node, steps };
}

test('only while paused or halted, one at a time', async (t) => {
  const { node } = await failing('ROLLBACK_REFUSED');
  const { sequencer } = node;
  await t.throwsAsync(sequencer.rollback(0), { message: 'pause first: the mode is sequencing' });
  sequencer.pause();
  const first = t.throwsAsync(sequencer.rollback(0), { message: 'the engine says no' });
  await t.throwsAsync(sequencer.rollback(0), { message: 'the chain is being taken back already' });
  await t.throwsAsync(() => node.send(), { message: /^sequencer halted: the chain is being taken back/ });
  await node.clock.runUntil(first);
  await node.send();
  const plain = await startSim();
  plain.sequencer.pause();
  await t.throwsAsync(plain.sequencer.rollback(0), { message: /a session that is recorded only goes forward/ });
});

test('refused: nothing is lost, not even the open block, and the node goes on', async (t) => {
  const { node, steps } = await failing('ROLLBACK_REFUSED');
  const hash = await node.send();
  await node.clock.run(10);
  t.is(node.sequencer.pendingBlock()?.transactions.length, 1, 'it is in the open block');
  node.sequencer.pause();
  await t.throwsAsync(node.clock.runUntil(node.sequencer.rollback(0)), { message: 'the engine says no' });
  t.deepEqual(steps, ['suspend', 'flush', 'rollback', 'continue']);
  t.is(node.pool.state(hash)?.status, 'pending');
  t.like(node.sequencer.status(), { mode: 'sequencing', paused: true });
  await node.send({ sender: addressOf(0xa2) });
  node.sequencer.resume();
  await node.clock.run(300);
  t.is(node.disk.included.size, 2);
});

test('failed on the way: everything is read again, and only a new start goes on', async (t) => {
  const { node, steps } = await failing('STATE_DB_IO');
  const hash = await node.send();
  await node.clock.run(10);
  node.sequencer.pause();
  await t.throwsAsync(node.clock.runUntil(node.sequencer.rollback(0)), { message: 'the engine says no' });
  t.deepEqual(steps, ['suspend', 'flush', 'rollback', 'wentBack', 'reload']);
  t.like(node.sequencer.status(), {
    mode: 'halted',
    isHaltFinal: true,
    haltReason: 'the chain could not be taken back: the engine says no',
  });
  t.is(node.pool.state(hash)?.status, 'pending', 'as the database has it');
  await t.throwsAsync(node.sequencer.rollback(0), { message: /only a new start ends this halt/ });
});

test('a halted node that refuses stays halted; one that stops answers', async (t) => {
  const { node } = await failing('ROLLBACK_REFUSED');
  node.sequencer.halt('a test');
  await t.throwsAsync(node.clock.runUntil(node.sequencer.rollback(0)), { message: 'the engine says no' });
  t.like(node.sequencer.status(), { mode: 'halted', haltReason: 'a test' });
  const late = t.throwsAsync(node.sequencer.rollback(0));
  await node.clock.runUntil(node.sequencer.stop());
  await node.clock.runUntil(late);
  await t.throwsAsync(node.sequencer.rollback(0), { message: 'the node is stopping' });
});
