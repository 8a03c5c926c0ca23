import test from 'ava';
import { PRE_STATUS } from '../../../src/native/layouts.js';
import { PreExecutionLane } from '../../../src/pool/pre-execution-lane.js';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { addressOf, fakeTransaction, hashOf, rawOf } from '../../helpers/fake-transaction.js';
import { SimClock } from '../../helpers/sim-clock.js';
import { startSim } from '../../helpers/sim-node.js';

interface Item {
  readonly sender: string;
  readonly number: number;
  readonly recipient?: string;
}

/** A lane whose groups take 10 ms. Items of senders in `vain` turn out to fit no batch, quick ones of senders in `heavy` do not end. */
function lane(clock: SimClock, { vain = [], heavy = [] }: { vain?: string[]; heavy?: string[] } = {}) {
  const groups: Item[][] = [];
  const whole: Item[][] = [];
  const refused: Item[] = [];
  const made: PreExecutionLane<Item> = new PreExecutionLane<Item>(
    {
      run: async (group, effort) => {
        (effort === 'whole' ? whole : groups).push([...group]);
        await clock.sleep(10);
        for (const item of group) {
          if (effort === 'quick' && heavy.includes(item.sender)) {
            if (!made.pushHeavy(item, item.recipient ?? '')) refused.push(item);
          } else if (vain.includes(item.sender)) made.wasInVain(item.sender);
        }
      },
      refuse: (item) => refused.push(item),
    },
    clock,
  );
  return { lane: made, groups, whole, refused };
}

function pushMany(made: PreExecutionLane<Item>, sender: string, count: number): number {
  return Array.from({ length: count }, (_unused, number) => made.push({ sender, number })).filter((taken) => taken).length;
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

test('what runs out of counters costs its senders a pause, and nobody else', async (t) => {
  const clock = new SimClock();
  const { lane: made, groups, whole } = lane(clock, { vain: ['bad', 'worse'] });
  made.offended('bad');
  made.offended('worse');
  t.is(pushMany(made, 'bad', 4) + pushMany(made, 'worse', 4), 8);
  t.is(pushMany(made, 'good', 600), 600);
  // Groups take 10 ms, and a group in vain is followed by a pause of 390: the first holds the one that was there.
  await clock.run(395);
  t.is(whole.flat().length, 1);
  t.is(groups.flat().length, 600, 'the others do not pause');
  await clock.run(20);
  t.is(whole.flat().length, 5, 'they do not starve');
  await clock.run(1_000);
  t.is(whole.flat().length, 8);
  await clock.run(600_000);
  pushMany(made, 'bad', 1);
  await clock.run(20);
  t.deepEqual(groups.at(-1), [{ sender: 'bad', number: 0 }], 'they are forgiven');
});

test('offenders whose transactions are in order do not pause', async (t) => {
  const clock = new SimClock();
  const { lane: made, whole } = lane(clock);
  made.offended('reformed');
  for (let number = 0; number < 10; number++) {
    t.true(made.push({ sender: 'reformed', number }));
    await clock.run(10);
  }
  t.is(whole.flat().length, 10);
});

test('a pause of offenders ends for whoever else comes, and their queue is short', async (t) => {
  const clock = new SimClock();
  const { lane: made, groups, whole } = lane(clock, { vain: ['bad0'] });
  for (let i = 0; i < 100; i++) made.offended(`bad${i}`);
  let taken = 0;
  for (let i = 0; i < 100; i++) taken += pushMany(made, `bad${i}`, 100);
  // The one that runs, and 32 that wait, four of a sender.
  t.is(taken, 33);
  await clock.run(50);
  t.is(whole.length, 1);
  t.true(made.push({ sender: 'good', number: 0 }));
  await clock.run(1);
  t.deepEqual(groups, [[{ sender: 'good', number: 0 }]]);
  t.is(made.drop().length, taken - 1);
  await clock.run(1_000);
  t.is(whole.length, 1);
});

test('a sender with something heavy is not tried quickly again before that is decided', async (t) => {
  const clock = new SimClock();
  const { lane: made, groups, whole, refused } = lane(clock, { heavy: ['large', 'trap'], vain: ['trap'] });
  pushMany(made, 'trap', 1);
  pushMany(made, 'large', 1);
  // Quick until 10 ms, heavy until 20 ms.
  await clock.run(15);
  t.is(pushMany(made, 'trap', 100) + pushMany(made, 'large', 3), 103);
  t.deepEqual(groups, [[{ sender: 'trap', number: 0 }]]);
  await clock.run(20);
  t.is(refused.length, 96, 'all but those that may wait as an offender');
  await clock.run(10_000);
  t.is(groups.flat().filter(({ sender }) => sender === 'trap').length, 1);
  t.is(whole.flat().filter(({ sender }) => sender === 'trap').length, 5);
  t.is(whole.flat().filter(({ sender }) => sender === 'large').length, 4);
  t.is(made.size, 0);
});

test('what needs more than a quick try gets all counters behind the quick ones, with a pause only where it was in vain', async (t) => {
  const clock = new SimClock();
  const { lane: made, groups, whole, refused } = lane(clock, { heavy: ['large', 'trap'], vain: ['trap'] });
  pushMany(made, 'large', 20);
  pushMany(made, 'trap', 10);
  await clock.run(500);
  t.deepEqual([...groups.flat(), ...refused].filter(({ sender }) => sender === 'large').length, 20);
  t.is(whole.flat().filter(({ sender }) => sender === 'large').length, 20);
  // Found out with the first of them; the others wait with the offenders, or are refused where that is too many.
  t.true(refused.length > 0 && refused.every(({ sender }) => sender === 'trap'));
  await clock.run(10_000);
  t.is(whole.flat().length + refused.length, 30, 'nothing is lost');
  t.is(made.size, 0);
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
