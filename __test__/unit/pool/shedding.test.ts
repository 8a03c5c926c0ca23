import test from 'ava';
import { PRE_STATUS } from '../../../src/native/layouts.js';
import { recipientOf, Shedding } from '../../../src/pool/shedding.js';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { addressOf, type FakeTransaction, fakeTransaction, rawOf } from '../../helpers/fake-transaction.js';
import { QuickWallet } from '../../helpers/quick-signer.js';
import { SimClock } from '../../helpers/sim-clock.js';
import { startSim } from '../../helpers/sim-node.js';

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

test('in the pool: a flood of calls of a contract is shed, nobody else is, and a call that fits opens it again', async (t) => {
  const disk = new FakeDisk();
  const strangers = Array.from({ length: STREAK_MIN }, (_unused, i) => addressOf(i + 1));
  const honest = [addressOf(1_001), addressOf(1_002)];
  for (const address of [...strangers, ...honest]) disk.fund(address, 10n ** 20n);
  const node = await startSim({ disk, sequence: false });
  const burning = { to: addressOf(0xbad), preStatus: PRE_STATUS.outOfCounters, used: [9_000_000, 0, 0, 0, 0, 0, 0, 0] };
  let salt = 0;
  const burn = (changes: Partial<FakeTransaction> = {}): Promise<string> => {
    const sender = strangers[salt++ % strangers.length] ?? '';
    return node.pool.add(rawOf(fakeTransaction({ ...burning, sender, salt, ...changes })));
  };
  const seen = (): number => node.engine.groupSizes.reduce((sum, size) => sum + size, 0);
  const shed = (): number => Number(/^zknode_pool_rejected_total\{reason="SHED"\} (\d+)$/m.exec(node.metrics.text())?.[1] ?? 0);

  // Each of them is tried once.
  for (let i = 0; i < STREAK_MIN; i++) await t.throwsAsync(() => node.clock.runUntil(burn()), { message: /^out of counters/ });
  t.is(shed(), 0, 'nothing is shed while there is room');
  // Offenders now: their queue is full at once.
  const flood = Promise.allSettled(Array.from({ length: 200 }, () => burn()));
  await node.clock.run(10);
  t.is(shed(), 0);

  const before = seen();
  const unseen = await node.clock.runUntil(Promise.allSettled(Array.from({ length: 10 * SAMPLE_EVERY }, () => burn())));
  t.is(shed(), 10 * (SAMPLE_EVERY - 1));
  t.is(seen() - before, 10);
  for (const result of unseen) t.like(result, { status: 'rejected', reason: { code: 'POOL_FULL', message: 'txpool is full' } });

  const used = [4_000, 100, 200, 10, 3, 1, 400, 0];
  await node.send({ sender: honest[0] ?? '', to: addressOf(0x900d), preStatus: PRE_STATUS.success, used });
  // Who calls the same contract in earnest gets in at the eighth attempt at the latest, and lets everybody in with that.
  const attempt = () => burn({ sender: honest[1] ?? '', preStatus: PRE_STATUS.success, used });
  let attempts = 0;
  let isIn = false;
  while (!isIn && attempts++ < SAMPLE_EVERY) {
    const [result] = await node.clock.runUntil(Promise.allSettled([attempt()]));
    isIn = result.status === 'fulfilled';
  }
  t.true(isIn);
  const shedBefore = shed();
  await node.clock.runUntil(Promise.allSettled(Array.from({ length: 20 }, () => burn())));
  t.is(shed(), shedBefore);
  await node.clock.runUntil(node.pool.close());
  t.true((await flood).every(({ status }) => status === 'rejected'));
});
