/** kill -9 at random moments: `npm run torture -- kill` does it 100 times. ZKEVM_SEED replays the moments. */
import test from 'ava';
import { killMany } from '../torture/kills.js';

const ROUNDS = 20;

test(`no acknowledged transaction is lost in ${ROUNDS} kills`, async (t) => {
  const world = await killMany(t, ROUNDS, (line) => t.log(line));
  t.true(world.acknowledged.size >= ROUNDS / 2, 'the stream did flow');
  t.true(world.closedBatch > 0n, 'batches did close');
});
