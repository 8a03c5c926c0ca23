/**
 * kill -9 at random moments: `npm run torture -- kill` does it 100 times. The moments are always the same ones, as far as
 * clocks are; ZKEVM_SEED chooses others.
 */
import test from 'ava';
import { seedOr } from '../helpers/seeded.js';
import { killMany } from '../torture/kills.js';

const ROUNDS = 20;
const SEED = seedOr(7);

test(`no acknowledged transaction is lost in ${ROUNDS} kills`, async (t) => {
  const world = await killMany(t, ROUNDS, SEED, (line) => t.log(line));
  t.true(world.acknowledged.size >= ROUNDS / 2, 'the stream did flow');
  t.true(world.closedBatch > 0n, 'batches did close');
});
