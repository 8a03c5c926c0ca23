import test, { type ExecutionContext } from 'ava';
import { RunEnd, type RunEndBooks } from '../../../src/sequencer/run-end.js';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { addressOf } from '../../helpers/fake-transaction.js';
import { startSim } from '../../helpers/sim-node.js';

interface Facts {
  readonly openBatch?: number;
  readonly headBlock?: number;
  readonly isBatchFresh?: boolean;
  /** Number and transactions of the open block. */
  readonly open?: readonly [number, number];
}

function books({ openBatch = 1, headBlock = 0, isBatchFresh = true, open }: Facts): RunEndBooks {
  const batch = { number: openBatch } as RunEndBooks['batch'];
  const block = open === undefined ? null : ({ number: open[0], entries: { length: open[1] } } as RunEndBooks['block']);
  return { batch, block, headBlock, isBatchFresh };
}

const at = (stopAtBatch: number, stopAtBlock: number, facts: Facts): RunEnd => new RunEnd({ stopAtBatch, stopAtBlock }, books(facts));

test('without an end nothing reaches it', (t) => {
  const far = { openBatch: Number.MAX_SAFE_INTEGER, headBlock: Number.MAX_SAFE_INTEGER };
  t.false(at(0, 0, far).isReached);
  t.false(at(0, 0, {}).isReached);
  t.false(at(0, 0, far).isLastBlock(true));
  t.false(at(0, 0, { open: [1, 1] }).isLastBlock(true));
});

test('the last batch ends the run when it is closed, whatever the next one holds', (t) => {
  t.false(at(2, 0, { openBatch: 2, headBlock: 9, isBatchFresh: false }).isReached);
  t.true(at(2, 0, { openBatch: 3, headBlock: 9 }).isReached);
  t.true(at(2, 0, { openBatch: 3, headBlock: 10, isBatchFresh: false }).isReached);
  t.true(at(2, 0, { openBatch: 8 }).isReached);
});

test('the last block ends the run when its batch is closed; one after it ends it at once', (t) => {
  t.false(at(0, 4, { headBlock: 3 }).isReached);
  t.false(at(0, 4, { headBlock: 4, isBatchFresh: false }).isReached);
  t.true(at(0, 4, { headBlock: 4 }).isReached);
  t.true(at(0, 4, { headBlock: 5, isBatchFresh: false }).isReached);
});

test('the batch is closed with the last block: sealed already, or open, due and with transactions', (t) => {
  const isLast = (facts: Facts, isDue: boolean): boolean => at(0, 4, facts).isLastBlock(isDue);
  t.true(isLast({ headBlock: 4 }, false));
  t.false(isLast({ headBlock: 3 }, true));
  t.false(isLast({ headBlock: 5 }, true));
  t.true(isLast({ headBlock: 3, open: [4, 1] }, true));
  t.false(isLast({ headBlock: 3, open: [4, 1] }, false));
  t.false(isLast({ headBlock: 3, open: [4, 0] }, true));
  t.false(isLast({ headBlock: 2, open: [3, 1] }, true));
  t.false(isLast({ headBlock: 4, open: [5, 1] }, true));
});

const ages = { blockIntervalMs: 100, batchMaxAgeMs: 200, closeBatchOnShutdown: true };

/** Two closed batches of one L2 block each, and a third, open one. */
async function twoBatchesAndAnOpenOne(t: ExecutionContext): Promise<FakeDisk> {
  const disk = new FakeDisk();
  disk.fund(addressOf(0xa1), 10n ** 21n);
  const node = await startSim({ disk, sequencer: { ...ages, closeBatchOnShutdown: false } });
  for (let nonce = 0; nonce < 3; nonce++) {
    await node.send({ nonce });
    await node.clock.run(nonce < 2 ? 1_000 : 150);
  }
  await node.clock.runUntil(node.sequencer.stop());
  t.deepEqual([disk.blocks.length, disk.closed.length], [3, 2]);
  return disk;
}

for (const stopAtBatch of [1, 2]) {
  test(`started with a chain that is past batch ${stopAtBatch}, the last one: nothing is sealed or closed`, async (t) => {
    const disk = await twoBatchesAndAnOpenOne(t);
    const node = await startSim({ disk, sequencer: { ...ages, stopAtBatch } });
    await t.throwsAsync(() => node.send({ nonce: 3 }), { message: /^sequencer halted/ });
    await node.clock.runUntil(node.sequencer.stopped);
    await node.clock.run(1_000);
    await node.clock.runUntil(node.sequencer.stop());
    t.deepEqual([disk.blocks.length, disk.closed.length], [3, 2]);
  });
}

test('started at the last batch: it is closed, and none after it', async (t) => {
  const disk = await twoBatchesAndAnOpenOne(t);
  const node = await startSim({ disk, sequencer: { ...ages, stopAtBatch: 3 } });
  await node.clock.runUntil(node.sequencer.stopped);
  t.deepEqual([disk.blocks.length, disk.closed.length], [3, 3]);
});
