import test from 'ava';
import { PRE_STATUS } from '../../../src/native/layouts.js';
import { recipientOf, Shedding } from '../../../src/pool/shedding.js';
import { replay } from '../../../src/recording/replay.js';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { FAKE_LIMITS, FakeEngine } from '../../helpers/fake-engine.js';
import { addressOf, type FakeTransaction, fakeTransaction, rawOf } from '../../helpers/fake-transaction.js';
import { MemoryRecord } from '../../helpers/memory-record.js';
import { QuickWallet } from '../../helpers/quick-signer.js';
import { SimClock } from '../../helpers/sim-clock.js';
import { type SimNode, startSim } from '../../helpers/sim-node.js';

const WALLET = new QuickWallet(77n);
const STREAK_MIN = 32;
const SAMPLE_EVERY = 8;

function signed(to: string | null, changes: { data?: Buffer; nonce?: number; gasPrice?: bigint } = {}): Buffer {
  const fields = { nonce: 0, gasPrice: 10n ** 9n, gasLimit: 100_000n, to, value: 1n, data: Buffer.alloc(0), ...changes };
  return Buffer.from(WALLET.sign(fields).raw.slice(2), 'hex');
}

const BURNT = signed(addressOf(0xbad));
const OTHER = signed(addressOf(0x900d));

function judged(raw: Buffer, dataBytes = 0): { raw: Buffer; dataBytes: number } {
  return { raw, dataBytes };
}

function burnt(clock: SimClock, calls: number): Shedding {
  const shedding = new Shedding(clock);
  for (let i = 0; i < calls; i++) shedding.ranOut(judged(BURNT));
  return shedding;
}

/** How many of so many arrivals are shed. */
function shedOf(shedding: Shedding, raw: Buffer, arrivals: number): number {
  return Array.from({ length: arrivals }, () => shedding.sheds(raw)).filter((isShed) => isShed).length;
}

test('the recipient is read from signed bytes of any size', (t) => {
  const name = (to: string): string => Buffer.from(to.slice(2), 'hex').toString('latin1');
  for (const to of [addressOf(1), addressOf(0xffff)]) {
    for (const bytes of [0, 10, 200, 70_000]) t.is(recipientOf(signed(to, { data: Buffer.alloc(bytes, 1) })), name(to), `${bytes}`);
    t.is(recipientOf(signed(to, { nonce: 300, gasPrice: 2n ** 100n })), name(to));
    t.is(recipientOf(Uint8Array.prototype.slice.call(signed(to))), name(to), 'without a Buffer around it');
  }
  t.is(recipientOf(signed(null, { data: Buffer.alloc(100, 1) })), null, 'a deployment');
});

test('no recipient is read from what is no transaction, and nothing beyond its end', (t) => {
  const whole = signed(addressOf(1));
  for (let length = 0; length < whole.length; length++) {
    const recipient = recipientOf(whole.subarray(0, length));
    t.true(recipient === null || recipient.length === 20, `${length} bytes`);
  }
  for (const bytes of [[], [0x02, 0xf8], [0xf9, 0xff], [0xc0, 0x80, 0x80, 0x80], [0xff], [0xc5, 0xbf, 0xbf, 0xbf, 0x94]]) {
    t.is(recipientOf(Uint8Array.from(bytes)), null, `${bytes}`);
  }
});

test('shed is who did nothing but run out of counters, and one of eight is looked at', (t) => {
  const clock = new SimClock();
  const shedding = burnt(clock, STREAK_MIN - 1);
  t.is(shedOf(shedding, BURNT, 100), 0);
  shedding.ranOut(judged(BURNT));
  t.false(shedding.sheds(BURNT), 'the first one is looked at');
  t.is(shedOf(shedding, BURNT, 10 * SAMPLE_EVERY), 10 * (SAMPLE_EVERY - 1));
  t.is(shedOf(shedding, OTHER, 100), 0, 'others are not');
  t.is(shedOf(shedding, signed(null), 100), 0, 'nor are deployments');
});

test('one call that fits ends it', (t) => {
  const shedding = burnt(new SimClock(), 10 * STREAK_MIN);
  t.true(shedOf(shedding, BURNT, SAMPLE_EVERY) > 0);
  shedding.fitted(judged(OTHER));
  t.true(shedOf(shedding, BURNT, SAMPLE_EVERY) > 0);
  shedding.fitted(judged(BURNT));
  t.is(shedOf(shedding, BURNT, 100), 0);
  shedding.ranOut(judged(BURNT));
  t.is(shedOf(shedding, BURNT, 100), 0, 'it begins from nothing');
});

test('a streak is forgotten in time', async (t) => {
  const clock = new SimClock();
  const shedding = burnt(clock, STREAK_MIN);
  await clock.run(599_000);
  t.true(shedOf(shedding, BURNT, SAMPLE_EVERY) > 0);
  await clock.run(2_000);
  t.is(shedOf(shedding, BURNT, 100), 0);
  t.is(shedding.size, 0);
});

test('bytes that are too many for a batch say nothing of their recipient', (t) => {
  const shedding = new Shedding(new SimClock());
  for (let i = 0; i < 2 * STREAK_MIN; i++) shedding.ranOut(judged(BURNT, 100_000));
  t.is(shedOf(shedding, BURNT, 100), 0);
});

test('the ledger is bounded, and keeps those that are called', (t) => {
  const shedding = burnt(new SimClock(), STREAK_MIN);
  for (let i = 0; i < 5_000; i++) {
    shedding.ranOut(judged(signed(addressOf(0x10_000 + i))));
    if (i % 1_000 === 0) shedding.ranOut(judged(BURNT));
  }
  t.true(shedding.size <= 1_024);
  t.true(shedOf(shedding, BURNT, SAMPLE_EVERY) > 0);
});

const USED = [4_000, 100, 200, 10, 3, 1, 400, 0];
const BURNING = { to: addressOf(0xbad), preStatus: PRE_STATUS.outOfCounters, used: [9_000_000, 0, 0, 0, 0, 0, 0, 0] };
const HONEST = addressOf(1_001);
const STRANGERS = Array.from({ length: STREAK_MIN }, (_unused, i) => addressOf(i + 1));

function fundedDisk(): FakeDisk {
  const disk = new FakeDisk();
  for (const address of [...STRANGERS, HONEST]) disk.fund(address, 10n ** 20n);
  return disk;
}

/** Sends calls of one contract; without a sender of their own by many in turn, who all run out of counters. */
function caller(node: SimNode): (changes?: Partial<FakeTransaction>) => Promise<string> {
  let salt = 0;
  return (changes = {}) => {
    const sender = STRANGERS[salt++ % STRANGERS.length] ?? '';
    return node.pool.add(rawOf(fakeTransaction({ ...BURNING, sender, salt, ...changes })));
  };
}

const many = (count: number, call: () => Promise<string>) => Promise.allSettled(Array.from({ length: count }, () => call()));

/** The contract has its streak, all its callers are offenders, and their queue is full. Answers what they wait for. */
async function flood(node: SimNode, call: () => Promise<string>): Promise<ReturnType<typeof many>[]> {
  const refused = await node.clock.runUntil(many(STREAK_MIN, call));
  const waiting = many(200, call);
  await node.clock.run(10);
  return [Promise.resolve(refused), waiting];
}

const shedBy = ({ metrics }: SimNode): number =>
  Number(/^zknode_pool_rejected_total\{reason="SHED"\} (\d+)$/m.exec(metrics.text())?.[1] ?? 0);

/** How many attempts an honest call of the flooded contract takes. */
async function attempts(node: SimNode, call: ReturnType<typeof caller>): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const [result] = await node.clock.runUntil(many(1, () => call({ sender: HONEST, preStatus: PRE_STATUS.success, used: USED })));
    if (result?.status === 'fulfilled' || attempt > SAMPLE_EVERY) return attempt;
  }
}

test('in the pool: a flood of calls of a contract is shed, nobody else is, and a call that fits opens it again', async (t) => {
  const node = await startSim({ disk: fundedDisk(), sequence: false });
  const burn = caller(node);
  const seen = (): number => node.engine.groupSizes.reduce((sum, size) => sum + size, 0);
  const floods = await flood(node, burn);
  t.is(shedBy(node), 0, 'nothing is shed while there is room');

  const before = seen();
  const unseen = await node.clock.runUntil(many(10 * SAMPLE_EVERY, burn));
  t.is(shedBy(node), 10 * (SAMPLE_EVERY - 1));
  t.is(seen() - before, 10);
  for (const result of unseen) t.like(result, { status: 'rejected', reason: { code: 'POOL_FULL', message: 'txpool is full' } });

  await node.send({ sender: HONEST, to: addressOf(0x900d), preStatus: PRE_STATUS.success, used: USED });
  // Who calls the same contract in earnest gets in at the eighth attempt at the latest, and lets everybody in with that.
  t.true((await attempts(node, (changes) => burn({ ...changes, nonce: 1 }))) <= SAMPLE_EVERY);
  const shed = shedBy(node);
  await node.clock.runUntil(many(20, burn));
  t.is(shedBy(node), shed);
  await node.clock.runUntil(node.pool.close());
  for (const results of floods) t.true((await results).every(({ status }) => status === 'rejected'));
});

test('a replay sheds what was shed', async (t) => {
  const recording = new MemoryRecord();
  const disk = fundedDisk();
  const node = await startSim({ disk, record: recording.sink(), sequencer: { blockIntervalMs: 20, batchMaxAgeMs: 100 } });
  const burn = caller(node);
  await flood(node, burn);
  // Which attempt gets in depends on how many calls came before.
  await node.clock.runUntil(many(SAMPLE_EVERY + 3, burn));
  t.true((await attempts(node, burn)) > 1);
  t.true(shedBy(node) > 0);
  await node.clock.run(200);
  node.recorder?.flush();

  const replayed = fundedDisk();
  const open = async () => new FakeEngine(replayed, { clock: { sleep: async () => undefined }, limits: FAKE_LIMITS });
  const report = await replay(recording.source(), { open });
  t.is(report.divergence, null);
  t.deepEqual(replayed.blocks, disk.blocks);
  t.is(disk.blocks.flatMap(({ txHashes }) => txHashes).length, 1);
  node.recorder?.abandon();
});
