import test from 'ava';
import { OUTCOME } from '../../../src/native/layouts.js';
import { decide } from '../../../src/sequencer/classify.js';
import type { ExecutionOutcome } from '../../../src/sequencer/outcome.js';
import { zeroResources } from '../../../src/sequencer/resources.js';

function outcome(changes: Partial<ExecutionOutcome>): ExecutionOutcome {
  const used = zeroResources();
  used[6] = 5_000;
  return {
    result: OUTCOME.included,
    romError: 1,
    resource: 255,
    status: 1,
    gasUsed: 0,
    nanos: 0,
    priced: 0,
    used,
    reserved: used,
    ...changes,
  };
}

const context = { batchWasEmpty: false, coreFailures: 0, remainingOf: () => 4_800 };

test('included, whether it succeeded or reverted', (t) => {
  t.deepEqual(decide(outcome({}), context), { kind: 'included' });
  t.deepEqual(decide(outcome({ status: 0, romError: 7 }), context), { kind: 'included' });
});

test('not attempted: nobody is blamed', (t) => {
  t.deepEqual(decide(outcome({ result: OUTCOME.notAttempted }), context), { kind: 'retry' });
});

test('does not fit: next batch, and invalid in an empty one', (t) => {
  const misfit = outcome({ result: OUTCOME.doesNotFit, resource: 6 });
  t.deepEqual(decide(misfit, context), { kind: 'nextBatch', resource: 6 });
  t.deepEqual(decide(misfit, { ...context, batchWasEmpty: true }), {
    kind: 'end',
    status: 'invalid',
    reason: 'out of counters: poseidon used 5000 limit 4800',
    metric: 'ooc',
  });
});

test('skipped: nonce and balance are looked at again, everything else is final', (t) => {
  const skipped = (romError: number) => decide(outcome({ result: OUTCOME.skipped, romError }), context);
  t.deepEqual(skipped(22), { kind: 'reread', reason: 'INTRINSIC_INVALID_NONCE' });
  t.deepEqual(skipped(24), { kind: 'reread', reason: 'INTRINSIC_INVALID_BALANCE' });
  for (const romError of [20, 21, 23, 25, 26, 27]) t.like(skipped(romError), { kind: 'end', status: 'failed' });
});

test('a failure of the core: once more, then quarantined', (t) => {
  const failed = outcome({ result: OUTCOME.internalError });
  t.like(decide(failed, context), { kind: 'nextBlock' });
  t.like(decide(failed, { ...context, coreFailures: 1 }), { kind: 'end', status: 'invalid', reason: 'internal', metric: 'quarantined' });
});

test('an unknown result is a broken promise', (t) => {
  t.throws(() => decide(outcome({ result: 9 }), context), { message: /unknown execution result 9/ });
});
