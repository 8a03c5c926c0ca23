/**
 * Deterministic simulation: ZKEVM_SIM_SEEDS sessions (default 300) from ZKEVM_SEED on, the same ones wherever and whenever it runs; other
 * seeds are for those who look for faults. A failing session prints its seed; ZKEVM_SEED=<seed> ZKEVM_SIM_SEEDS=1 plays it again.
 */
import test from 'ava';
import { seedOr } from '../helpers/seeded.js';
import { breaches } from './invariants.js';
import { playSession } from './session.js';

const FIRST_SEED = 207_800_000;

test('sessions keep their invariants', async (t) => {
  const first = seedOr(FIRST_SEED);
  const count = Number(process.env['ZKEVM_SIM_SEEDS'] ?? 300);
  const totals = { acknowledged: 0, included: 0, batches: 0, kills: 0, ended: 0 };
  const reasons = new Map<string, number>();
  t.log(`seeds ${first} to ${first + count - 1}`);
  for (let seed = first; seed < first + count; seed++) {
    const record = await playSession(seed);
    t.deepEqual(breaches(record), [], `seed ${seed}`);
    totals.acknowledged += record.acknowledged.size;
    totals.included += record.disk.included.size;
    totals.batches += record.disk.closed.length;
    totals.kills += record.kills;
    totals.ended += record.disk.ends.size;
    for (const { reason } of record.disk.closed) reasons.set(reason ?? '', (reasons.get(reason ?? '') ?? 0) + 1);
  }
  t.log(JSON.stringify({ ...totals, reasons: Object.fromEntries(reasons) }));
  t.true(totals.included > count, 'the sessions did something');
  t.true((reasons.get('Forced batch') ?? 0) > 0, 'some batches were forced');
});

test('the same seed gives the same session', async (t) => {
  const [one, two] = [await playSession(7), await playSession(7)];
  t.deepEqual(one.disk.blocks, two.disk.blocks);
  t.deepEqual(one.disk.closed, two.disk.closed);
  t.deepEqual([...one.refused], [...two.refused]);
});
