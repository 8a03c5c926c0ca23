import test from 'ava';
import { silentLogger } from '../../../src/common/logger.js';
import { ForcedBatches, forcedDeadlineMs } from '../../../src/sequencer/forced-batches.js';
import { ForcedSource, forcedBatch } from '../../helpers/forced-source.js';

const DATA = Buffer.alloc(0);

test('the deadline is a tenth of the timeout after it was forced, and a minute after it was seen in any case', (t) => {
  const fiveDays = 432_000;
  t.is(forcedDeadlineMs(1_000, 1_005_000, fiveDays), 1_065_000);
  t.is(forcedDeadlineMs(1_000, 1_005_000, 100), 1_010_000);
});

test('one that is due takes all that wait along, in order', (t) => {
  const source = new ForcedSource();
  let next = 1;
  const forced = new ForcedBatches(source, () => next, silentLogger);
  t.is(forced.deadlineMs, null);
  t.is(forced.due(1_000), null);
  source.add(forcedBatch(2, DATA, { deadlineMs: 500 }), forcedBatch(1, DATA, { deadlineMs: 900 }));
  t.is(forced.deadlineMs, 500, 'the earlier one has to go before it');
  t.is(forced.due(499), null);
  t.like(forced.due(500), { batch: { number: 1 }, deadlineMs: 500 });
  source.add(forcedBatch(3, DATA, { deadlineMs: 10_000 }));
  next = 2;
  t.like(forced.due(501), { batch: { number: 2 }, deadlineMs: 500 });
  next = 3;
  t.is(forced.deadlineMs, 10_000, 'came later, and has its own time');
  t.is(forced.due(501), null);
  t.like(forced.due(10_000), { batch: { number: 3 } });
  next = 4;
  t.deepEqual(forced.status(), { next: 4, pending: 0, blocked: 0, deadlineMs: null });
});

test('a missing one holds up those after it and is told once', (t) => {
  const told: unknown[] = [];
  const log = { ...silentLogger, error: (_message: string, facts?: Record<string, unknown>) => void told.push(facts) };
  const source = new ForcedSource();
  const forced = new ForcedBatches(source, () => 1, log);
  source.add(forcedBatch(1, DATA), forcedBatch(3, DATA), forcedBatch(4, DATA));
  t.like(forced.due(1), { batch: { number: 1 } });
  t.deepEqual(forced.status(), { next: 1, pending: 1, blocked: 2, deadlineMs: 0 });
  source.add(forcedBatch(5, DATA));
  t.is(forced.status()?.blocked, 3);
  t.deepEqual(told, [{ missing: 2, blocked: 2, newest: 4 }]);
  source.add(forcedBatch(2, DATA));
  t.deepEqual(forced.status(), { next: 1, pending: 5, blocked: 0, deadlineMs: 0 });
});

test('without a source there are none', (t) => {
  const forced = new ForcedBatches(undefined, () => 1, silentLogger);
  t.is(forced.due(Number.MAX_SAFE_INTEGER), null);
  t.is(forced.status(), null);
});
