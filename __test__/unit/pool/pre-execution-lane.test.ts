import test from 'ava';
import { PRE_STATUS } from '../../../src/native/layouts.js';
import { PreExecutionLane } from '../../../src/pool/pre-execution-lane.js';
import { FakeDisk } from '../../helpers/fake-engine.js';
import { addressOf, fakeTransaction, hashOf, rawOf } from '../../helpers/fake-transaction.js';
import { SimClock } from '../../helpers/sim-clock.js';
import { startSim } from '../../helpers/sim-node.js';

interface Item {
  readonly sender: string;
  readonly number: number;
}

function lane(clock: SimClock): { lane: PreExecutionLane<Item>; groups: Item[][] } {
  const groups: Item[][] = [];
  const made = new PreExecutionLane<Item>(async (group) => {
    groups.push([...group]);
    await clock.sleep(10);
  }, clock);
  return { lane: made, groups };
}

test('one of each sender before a second of any, each sender in its own order', async (t) => {
  const clock = new SimClock();
  const { lane: made, groups } = lane(clock);
  made.push({ sender: 'first', number: 0 });
  for (let number = 0; number < 100; number++) made.push({ sender: 'flood', number });
  made.push({ sender: 'a', number: 0 });
  made.push({ sender: 'a', number: 1 });
  made.push({ sender: 'b', number: 0 });
  await clock.run(1_000);
  t.deepEqual(
    groups[1]?.slice(0, 5).map(({ sender, number }) => `${sender}${number}`),
    ['flood0', 'a0', 'b0', 'flood1', 'a1'],
  );
  t.is(groups.flat().length, 104);
  t.deepEqual(
    groups
      .flat()
      .filter(({ sender }) => sender === 'flood')
      .map(({ number }) => number),
    Array.from({ length: 100 }, (_unused, i) => i),
  );
  t.is(made.size, 0);
});

test('offenders get a twentieth of the time, also when nobody else comes, and are forgiven', async (t) => {
  const clock = new SimClock();
  const { lane: made, groups } = lane(clock);
  made.offended('bad');
  for (let number = 0; number < 40; number++) made.push({ sender: 'bad', number });
  for (let number = 0; number < 600; number++) made.push({ sender: 'good', number });
  // Groups take 10 ms: at 0 ms the one offender that is there, at 200 ms four, in between nobody but the others.
  await clock.run(395);
  const bad = groups.flat().filter(({ sender }) => sender === 'bad').length;
  t.is(bad, 5);
  t.is(groups.flat().length - bad, 600, 'the others do not pause');
  await clock.run(1_700);
  t.is(groups.flat().length, 640, 'they do not starve');
  await clock.run(10_000);
  made.push({ sender: 'x', number: 0 });
  made.push({ sender: 'bad', number: 0 });
  made.push({ sender: 'good', number: 0 });
  await clock.run(100);
  t.deepEqual(
    groups[groups.length - 1]?.map(({ sender }) => sender),
    ['bad', 'good'],
  );
});

test('a pause of offenders ends for whoever else comes, and their queue is short', async (t) => {
  const clock = new SimClock();
  const { lane: made, groups } = lane(clock);
  made.offended('bad');
  let taken = 0;
  for (let number = 0; number < 1_000; number++) if (made.push({ sender: 'bad', number })) taken++;
  t.true(taken <= 260, `${taken} taken`);
  await clock.run(50);
  t.is(groups.length, 1);
  t.true(made.push({ sender: 'good', number: 0 }));
  await clock.run(1);
  t.deepEqual(groups[1], [{ sender: 'good', number: 0 }]);
  t.is(made.drop().length, taken - 1);
  await clock.run(100);
  t.is(groups.length, 2);
});

test('plain transfers do not wait for pre-execution, and refused transactions are not pre-executed', async (t) => {
  const disk = new FakeDisk();
  disk.fund(addressOf(1), 10n ** 20n);
  disk.fund(addressOf(2), 10n ** 20n);
  const clock = new SimClock();
  let calls = 0;
  const node = await startSim({
    clock,
    disk,
    sequence: false,
    // The second and later calls of admit are pre-executions here: slow ones.
    latencyMs: (verb) => (verb === 'admit' && calls++ > 0 ? 500 : 1),
  });
  const call = rawOf(fakeTransaction({ sender: addressOf(1), preStatus: PRE_STATUS.success }));
  const poor = rawOf(fakeTransaction({ sender: addressOf(3), preStatus: PRE_STATUS.success }));
  const transfer = rawOf(fakeTransaction({ sender: addressOf(2) }));
  const answers: string[] = [];
  const results = Promise.allSettled([call, poor, transfer].map((raw) => node.pool.add(raw).finally(() => answers.push(hashOf(raw)))));
  await clock.run(100);
  t.deepEqual(answers, [hashOf(poor), hashOf(transfer)]);
  await clock.run(1_000);
  t.is((await results)[0]?.status, 'fulfilled');
  t.deepEqual(node.engine.groupSizes, [3, 1]);
});

test('racing through both ways: the pre-executed transaction finds its nonce taken', async (t) => {
  const disk = new FakeDisk();
  disk.fund(addressOf(1), 10n ** 20n);
  const node = await startSim({ disk, sequence: false });
  const call = rawOf(fakeTransaction({ sender: addressOf(1), preStatus: PRE_STATUS.success }));
  const transfer = rawOf(fakeTransaction({ sender: addressOf(1) }));
  const results = await node.clock.runUntil(Promise.allSettled([call, transfer].map((raw) => node.pool.add(raw))));
  t.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
  t.is(node.pool.index.waitingCount, 1);
});

test('a stop does not wait for what waits for pre-execution: it is refused', async (t) => {
  const disk = new FakeDisk();
  for (let i = 1; i <= 40; i++) disk.fund(addressOf(i), 10n ** 20n);
  const clock = new SimClock();
  let calls = 0;
  const node = await startSim({ clock, disk, sequence: false, latencyMs: (verb) => (verb === 'admit' && calls++ > 0 ? 5_000 : 1) });
  const raws = Array.from({ length: 40 }, (_unused, i) =>
    rawOf(fakeTransaction({ sender: addressOf(i + 1), preStatus: PRE_STATUS.success })),
  );
  const results = Promise.allSettled(raws.map((raw) => node.pool.add(raw)));
  await clock.run(100);
  await clock.runUntil(node.pool.close(), 6_000);
  const refused = (await results).flatMap((result) => (result.status === 'rejected' ? [(result.reason as Error).message] : []));
  t.is(refused.length, 40, 'a node that stops admits nothing more');
  t.deepEqual([...new Set(refused)], ['sequencer halted: the node is stopping']);
});
