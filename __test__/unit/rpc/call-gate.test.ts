import test from 'ava';
import { errorCode } from '../../../src/common/errors.js';
import { CallGate } from '../../../src/rpc/call-gate.js';
import { ManualClock } from '../../helpers/manual-clock.js';

/** A call that ends when it is told to. */
class Held {
  started = false;
  end: () => void = () => undefined;
  fail: (error: Error) => void = () => undefined;
  readonly call = (): Promise<string> => {
    this.started = true;
    return new Promise((resolve, reject) => {
      this.end = () => resolve('done');
      this.fail = reject;
    });
  };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('only so many run; the others follow in order, also after a failure', async (t) => {
  const gate = new CallGate({ callsRunningMax: 2, callsWaitingMax: 5, callTimeoutMs: 1000 }, new ManualClock());
  const calls = [new Held(), new Held(), new Held(), new Held()] as const;
  const answers = calls.map(({ call }) => gate.run(call));
  await settle();
  t.deepEqual(
    calls.map(({ started }) => started),
    [true, true, false, false],
  );
  t.is(gate.waiting, 2);
  calls[1].fail(new Error('broken'));
  await t.throwsAsync(answers[1] ?? Promise.resolve(), { message: 'broken' });
  await settle();
  t.true(calls[2].started);
  t.false(calls[3].started);
  calls[0].end();
  await settle();
  t.true(calls[3].started);
  calls[2].end();
  calls[3].end();
  t.deepEqual(await Promise.all([answers[0], answers[2], answers[3]]), ['done', 'done', 'done']);
  t.is(gate.running, 0);
});

test('a full queue refuses, and a call that waited too long is not started', async (t) => {
  const clock = new ManualClock();
  const gate = new CallGate({ callsRunningMax: 1, callsWaitingMax: 1, callTimeoutMs: 1000 }, clock);
  const [first, second, third] = [new Held(), new Held(), new Held()];
  const running = gate.run(first.call);
  const late = gate.run(second.call);
  t.is(errorCode(await t.throwsAsync(gate.run(third.call))), 'RPC_LIMIT_EXCEEDED');
  clock.advance(1001);
  first.end();
  t.is(await running, 'done');
  t.is(errorCode(await t.throwsAsync(late)), 'CALL_TIMEOUT');
  t.false(second.started || third.started);
  t.is(gate.running, 0, 'its place is free again');
});

test('a call that throws at once gives its place back', async (t) => {
  const gate = new CallGate({ callsRunningMax: 1, callsWaitingMax: 1, callTimeoutMs: 1000 }, new ManualClock());
  await t.throwsAsync(
    gate.run(() => {
      throw new Error('at once');
    }),
    { message: 'at once' },
  );
  t.is(gate.running, 0);
});
