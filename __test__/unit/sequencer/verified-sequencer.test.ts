/** Pool and sequencer with a verifier: what a lag and a differing batch do to them. */
import test from 'ava';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { addressOf } from '../../helpers/fake-transaction.js';
import { startSim } from '../../helpers/sim-node.js';

const SENDER = addressOf(0xa1);

async function node() {
  const disk = new FakeDisk();
  disk.fund(SENDER, 10n ** 20n);
  const closed: number[] = [];
  let resumed = 0;
  const status = { enabled: true, checkedBatch: 0, lag: 0, problem: null, bundle: null };
  const verifier = {
    batchClosed: (number: number) => closed.push(number),
    resumed: () => {
      resumed++;
    },
    status: () => status,
  };
  const sim = await startSim({ disk, verifier, sequencer: { blockIntervalMs: 20, batchMaxAgeMs: 100 } });
  return { sim, disk, closed, resumedCount: () => resumed };
}

test('the verifier hears of closed batches once they are durable', async (t) => {
  const { sim, disk, closed } = await node();
  await sim.send({ sender: SENDER, nonce: 0 });
  await sim.clock.run(300);
  t.deepEqual(closed, [1]);
  t.is(disk.closed.length, 1);
});

test('throttled: transactions are admitted, not executed, and follow when it is over', async (t) => {
  const { sim, disk } = await node();
  sim.sequencer.throttle('verification lags');
  t.is(sim.sequencer.status().mode, 'throttled');
  t.is(sim.sequencer.status().throttleReason, 'verification lags');
  await sim.send({ sender: SENDER, nonce: 0 });
  await sim.clock.run(500);
  t.is(disk.blocks.length, 0);
  sim.sequencer.throttle(null);
  await sim.clock.run(500);
  t.is(disk.blocks.length, 1);
  t.is(sim.sequencer.status().mode, 'sequencing');
});

test('a lag outlives a halt: resuming does not execute past it', async (t) => {
  const { sim, disk, resumedCount } = await node();
  sim.sequencer.throttle('verification lags');
  sim.sequencer.halt('batch 1 differs');
  await sim.clock.run(50);
  t.is(sim.sequencer.status().haltReason, 'batch 1 differs');
  await t.throwsAsync(sim.send({ sender: SENDER, nonce: 0 }), { message: 'sequencer halted: batch 1 differs' });
  sim.sequencer.resume();
  await sim.clock.run(50);
  t.is(resumedCount(), 1);
  t.is(sim.sequencer.status().mode, 'throttled');
  await sim.send({ sender: SENDER, nonce: 0 });
  await sim.clock.run(500);
  t.is(disk.blocks.length, 0);
  sim.sequencer.throttle(null);
  await sim.clock.run(500);
  t.is(disk.blocks.length, 1);
});
