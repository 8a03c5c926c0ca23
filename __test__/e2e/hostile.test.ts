/**
 * A small hostile mix against a real node, the same for every run: every fate is the expected one and explained, and the chain keeps its
 * promises. `npm run torture -- pool` does it for ten minutes and measures.
 */
import test from 'ava';
import { seedOr } from '../helpers/seeded.js';
import { attackPool } from '../torture/pool.js';

const SEED = seedOr(20_260);
/** Far more than it takes: a phase ends when what was prepared is sent. */
const SECONDS_MAX = 600;
const PLAN = {
  pairs: 1,
  aloneSeconds: SECONDS_MAX,
  attackedSeconds: SECONDS_MAX,
  aloneTxs: 400,
  attackedTxs: 2_000,
  crowd: { burners: 8, regulars: 300, onceEach: 40 },
};

test('out of counters, nonce gaps, replacements, drained senders: every fate is the expected one, and explained', async (t) => {
  const { findings } = await attackPool(t, PLAN, SEED, (line) => t.log(line));
  const of = (name: string): number => findings.fates.get(name) ?? 0;
  t.is(of('honest included'), PLAN.aloneTxs + PLAN.attackedTxs + 2, 'with the two deployments');
  for (const name of ['outOfCounters refused', 'gap included', 'gap waits', 'replaced replaced', 'drained waits', 'refill included']) {
    t.true(of(name) > 0, name);
  }
  for (const name of ['replacementTooCheap refused', 'underpriced refused', 'bait invalid']) t.true(of(name) > 0, name);
  t.true(findings.explained > 0);
});
