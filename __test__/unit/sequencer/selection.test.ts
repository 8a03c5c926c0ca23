import test from 'ava';
import { PRE_STATUS } from '../../../src/native/layouts.js';
import { ResourceLedger } from '../../../src/sequencer/resource-ledger.js';
import { RESOURCE_NAMES, zeroResources } from '../../../src/sequencer/resources.js';
import { overdueEntries, takeSlice } from '../../../src/sequencer/selection.js';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { FAKE_LIMITS } from '../../helpers/fake-engine.js';
import { addressOf, type FakeTransaction, GWEI } from '../../helpers/fake-transaction.js';
import { type SimNode, startSim } from '../../helpers/sim-node.js';

const LIMITS = { txsMax: 256, lookAhead: 64 };

async function poolWith(transactions: readonly Partial<FakeTransaction>[]): Promise<{ node: SimNode; hashes: string[] }> {
  const disk = new FakeDisk();
  for (let i = 1; i <= 20; i++) disk.fund(addressOf(i), 10n ** 20n);
  const node = await startSim({ disk, sequence: false });
  const hashes: string[] = [];
  for (const transaction of transactions) hashes.push(await node.send(transaction));
  return { node, hashes };
}

function keccaks(amount: number): Partial<FakeTransaction> {
  return { used: [400, 10, 20, 1, amount, 1, 40, 0], preStatus: PRE_STATUS.success };
}

/** Limits of fork 9 with so many keccaks left. */
function left(amount: number): ResourceLedger {
  const used = zeroResources();
  const resource = RESOURCE_NAMES.indexOf('keccaks');
  used[resource] = (FAKE_LIMITS[resource] ?? 0) - amount;
  return new ResourceLedger(FAKE_LIMITS, used);
}

test('a slice holds nonce n + 1 of a sender after n, and others by price', async (t) => {
  const { node, hashes } = await poolWith([
    { sender: addressOf(1), nonce: 0, gasPrice: String(2n * GWEI) },
    { sender: addressOf(1), nonce: 1, gasPrice: String(5n * GWEI) },
    { sender: addressOf(2), nonce: 0, gasPrice: String(3n * GWEI) },
  ]);
  const { entries } = takeSlice(node.pool.index, new ResourceLedger(FAKE_LIMITS), LIMITS, true);
  t.deepEqual(
    entries.map((entry) => entry.hash),
    [hashes[2], hashes[0], hashes[1]],
  );
});

test('what surely does not fit is set aside with its shortfall, and the others go on', async (t) => {
  const { node, hashes } = await poolWith([
    { sender: addressOf(1), gasPrice: String(9n * GWEI), ...keccaks(500) },
    { sender: addressOf(2) },
  ]);
  const slice = takeSlice(node.pool.index, left(400), LIMITS, false);
  t.deepEqual(
    slice.entries.map((entry) => entry.hash),
    [hashes[1]],
  );
  t.deepEqual(
    slice.aside.map(({ shortfall }) => shortfall),
    [{ resource: RESOURCE_NAMES.indexOf('keccaks'), needed: 500, remaining: 400 }],
  );
  t.is(node.pool.index.asideCount, 1);
});

test('the look-ahead bounds what is set aside', async (t) => {
  const { node } = await poolWith([1, 2, 3, 4].map((i) => ({ sender: addressOf(i), gasPrice: String(9n * GWEI), ...keccaks(500) })));
  const slice = takeSlice(node.pool.index, left(400), { txsMax: 256, lookAhead: 3 }, false);
  t.is(slice.aside.length, 3);
  t.is(slice.entries.length, 0);
  t.is(node.pool.index.readyCount, 1);
});

test('the slice ends before what would not fit behind the others of the slice', async (t) => {
  const { node, hashes } = await poolWith([1, 2, 3].map((i) => ({ sender: addressOf(i), ...keccaks(300) })));
  const slice = takeSlice(node.pool.index, left(700), LIMITS, false);
  t.deepEqual(
    slice.entries.map((entry) => entry.hash),
    [hashes[0], hashes[1]],
  );
  t.is(slice.aside.length, 0, 'it is not known yet');
  t.is(node.pool.index.peek()?.hash, hashes[2]);
});

test('in an empty batch nothing is set aside beforehand', async (t) => {
  const { node } = await poolWith([{ sender: addressOf(1), ...keccaks(500) }]);
  const slice = takeSlice(node.pool.index, left(400), LIMITS, true);
  t.is(slice.entries.length, 1);
});

test('overdue: whoever waits for something else hides nobody, and of many the oldest go first', async (t) => {
  const gapped = Array.from({ length: 1_100 }, (_, i) => ({ sender: addressOf(1 + (i % 18)), nonce: 1 + Math.floor(i / 18) }));
  const { node } = await poolWith(gapped);
  const ready = [];
  for (let i = 19; i <= 20; i++) ready.push(await node.send({ sender: addressOf(i) }));
  await node.clock.run(10_000);
  const hashes = () => overdueEntries(node.pool.index, node.clock.nowMs(), 10_000).map(({ hash }) => hash);
  t.deepEqual(hashes(), ready);
  const later = [];
  for (let i = 18; i > 0; i--) later.push(await node.send({ sender: addressOf(i), gasPrice: String(BigInt(i) * GWEI) }));
  await node.clock.run(10_000);
  t.deepEqual(hashes(), [...ready, ...later].slice(0, 16));
});

test('overdue: only ready ones, oldest first, and only those that waited so long', async (t) => {
  const { node, hashes } = await poolWith([
    { sender: addressOf(1), nonce: 0 },
    { sender: addressOf(2), nonce: 5 },
  ]);
  await node.clock.run(10_000);
  const late = await node.send({ sender: addressOf(3) });
  const overdue = overdueEntries(node.pool.index, node.clock.nowMs(), 10_000);
  t.deepEqual(
    overdue.map((entry) => entry.hash),
    [hashes[0]],
  );
  await node.clock.run(10_000);
  const lead = overdueEntries(node.pool.index, node.clock.nowMs(), 10_000);
  t.deepEqual(
    lead.map((entry) => entry.hash),
    [hashes[0], late],
  );
  const { entries } = takeSlice(node.pool.index, new ResourceLedger(FAKE_LIMITS), LIMITS, true, [...lead].reverse());
  t.deepEqual(
    entries.map((entry) => entry.hash),
    [late, hashes[0]],
  );
});

test('overdue: what becomes ready late is found, though nothing was overdue when it was looked last', async (t) => {
  const { node, hashes } = await poolWith([{ sender: addressOf(1), nonce: 1 }]);
  const { index } = node.pool;
  const overdue = () => overdueEntries(index, node.clock.nowMs(), 10_000).map(({ hash }) => hash);
  await node.clock.run(10_000);
  await node.send({ sender: addressOf(1), nonce: 0 });
  await node.send({ sender: addressOf(2), nonce: 0 });
  t.deepEqual(overdue(), []);
  const first = index.account(addressOf(1))?.at(0);
  if (first === undefined) throw new RangeError('the first one is in the pool');
  index.take(first);
  index.include(first);
  index.refresh(first.account);
  t.deepEqual(overdue(), [hashes[0]]);
  index.measureOldestReady();
  t.deepEqual(overdue(), [hashes[0]]);
});
