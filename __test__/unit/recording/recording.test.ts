import { appendFileSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ByteReader, ByteWriter } from '../../../src/common/byte-codec.js';
import { silentLogger } from '../../../src/common/logger.js';
import { FileSink, framesOf, readFrames } from '../../../src/recording/frames.js';
import { Recorder } from '../../../src/recording/recorder.js';
import { replay } from '../../../src/recording/replay.js';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { FAKE_LIMITS, FakeEngine } from '../../helpers/fake-engine.js';
import { addressOf } from '../../helpers/fake-transaction.js';
import { ManualClock } from '../../helpers/manual-clock.js';
import { MemoryRecord } from '../../helpers/memory-record.js';
import { temporaryFolder } from '../../helpers/paths.js';
import { startSim } from '../../helpers/sim-node.js';

const RICH = 10n ** 20n;
const SENDER = addressOf(0xa1);

function fundedDisk(balanceWei = RICH): FakeDisk {
  const disk = new FakeDisk();
  disk.fund(SENDER, balanceWei);
  return disk;
}

/** A short recorded session with three transfers and a clean end. */
async function session(): Promise<{ recording: MemoryRecord; disk: FakeDisk }> {
  const recording = new MemoryRecord();
  const disk = fundedDisk();
  const node = await startSim({ disk, record: recording.sink(), sequencer: { blockIntervalMs: 20, batchMaxAgeMs: 100 } });
  for (let nonce = 0; nonce < 3; nonce++) await node.send({ sender: SENDER, nonce });
  await node.clock.run(200);
  const stopping = node.sequencer.stop();
  await node.clock.runUntil(stopping);
  node.recorder?.end({
    blockNumber: disk.blocks.length,
    blockHash: disk.blocks[disk.blocks.length - 1]?.hash ?? '',
    openBatch: disk.open.number,
  });
  return { recording, disk };
}

const onto = (disk: FakeDisk, limits: readonly number[] = FAKE_LIMITS) => ({
  open: async () => new FakeEngine(disk, { clock: { sleep: async () => undefined }, limits }),
});

test('numbers, texts and bytes come back as they were written', (t) => {
  const numbers = [0, 1, 127, 128, 300, 2 ** 32, Number.MAX_SAFE_INTEGER];
  const out = new ByteWriter();
  for (const number of numbers) out.number(number).signed(-Math.floor(number / 2));
  out.text('naïve').bytes(Buffer.alloc(10_000, 7));
  const reader = new ByteReader(out.copy());
  for (const number of numbers) {
    t.is(reader.number(), number);
    t.is(reader.signed() + 0, -Math.floor(number / 2) + 0);
  }
  t.is(reader.text(), 'naïve');
  t.deepEqual(reader.bytes(), Buffer.alloc(10_000, 7));
  t.throws(() => reader.byte(), { instanceOf: RangeError });
  t.throws(() => out.number(-1), { instanceOf: RangeError });
});

test('hex digits and large integers are written as their bytes', (t) => {
  const values = [0n, 1n, 255n, 256n, (1n << 64n) - 1n, 1n << 64n, 10n ** 20n, (1n << 128n) - 1n, 1n << 128n, (1n << 256n) - 1n];
  const out = new ByteWriter().hex('0x00ffA1', 2).hex('').hex('7b');
  for (const value of values) out.bigint(value);
  const reader = new ByteReader(out.copy());
  t.is(reader.raw(4).toString('hex'), '00ffa17b');
  for (const value of values) {
    const bytes = reader.bytes();
    t.is(BigInt(`0x0${bytes.toString('hex')}`), value);
    t.true(value === 0n || bytes[0] !== 0, 'no leading zeros');
  }
  t.throws(() => new ByteWriter().bigint(-1n), { instanceOf: RangeError });
  for (const bad of ['0', 'zz', '0x12', 'é0']) t.throws(() => new ByteWriter().hex(bad), { instanceOf: RangeError });
  const long = new ByteWriter().hex('ab'.repeat(10_000));
  t.is(long.copy().toString('hex'), 'ab'.repeat(10_000));
});

test('a session with a clean end replays', async (t) => {
  const { recording, disk } = await session();
  const replayed = fundedDisk();
  const report = await replay(recording.source(), onto(replayed));
  t.is(report.divergence, null);
  t.true(report.endsCleanly);
  t.is(report.arrivals, 3);
  t.deepEqual(replayed.blocks, disk.blocks);
  t.deepEqual(replayed.closed, disk.closed);
});

test('a replay on another state, or with other limits, says where it differs', async (t) => {
  const { recording } = await session();
  const poor = await replay(recording.source(), onto(fundedDisk(1n)));
  t.regex(poor.divergence ?? '', /^event \d+, .*/);
  const tight = FAKE_LIMITS.map((limit, i) => (i === 8 ? limit : Math.ceil(limit / 3_000)));
  t.not((await replay(recording.source(), onto(fundedDisk(), tight))).divergence, null);
  const late = fundedDisk();
  await replay(recording.source(), onto(late));
  t.regex((await replay(recording.source(), onto(late))).divergence ?? '', /the session starts at .*, the replay stands at/);
});

test('cut off at any byte, a recording replays up to its last whole frame', async (t) => {
  const { recording, disk } = await session();
  const bytes = recording.bytes();
  for (let length = 12; length < bytes.length; length += 97) {
    const replayed = fundedDisk();
    const report = await replay(framesOf(bytes.subarray(0, length)), onto(replayed));
    t.is(report.divergence, null, `${length} bytes`);
    t.false(report.endsCleanly);
    t.deepEqual(replayed.blocks, disk.blocks.slice(0, replayed.blocks.length));
  }
});

test('a file goes on behind its last whole frame, and a foreign file is refused', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'a.rec');
  const first = new FileSink(path);
  first.append(Buffer.from('one'));
  first.close();
  const whole = readFileSync(path).length;
  appendFileSync(path, Buffer.from([9, 0, 0, 0, 1, 2, 3, 4, 5]));
  t.deepEqual([...readFrames(path).frames()].map(String), ['one']);
  const second = new FileSink(path);
  second.append(Buffer.from('two'));
  second.close();
  t.deepEqual([...readFrames(path).frames()].map(String), ['one', 'two']);
  t.is(readFileSync(path).length, whole + 8 + 3);
  truncateSync(path, 5);
  t.throws(() => new FileSink(path), { code: 'RECORDING_UNREADABLE' });
  t.throws(() => [...readFrames(join(folder, 'missing')).frames()], { code: 'RECORDING_UNREADABLE' });
});

test('a recording that cannot be written ends, and everything still runs', async (t) => {
  const errors: string[] = [];
  const sink = {
    append: () => {
      throw new Error('no space left');
    },
    close: () => undefined,
  };
  const recorder = new Recorder({ sink, clock: new ManualClock(), log: { ...silentLogger, error: (message) => errors.push(message) } });
  const answers: string[] = [];
  recorder.command('pause', null, () => answers.push('command'));
  await recorder.call(
    'poolWrite',
    async () => undefined,
    () => undefined,
    true,
  );
  await recorder.call(
    'poolWrite',
    async () => undefined,
    () => undefined,
    true,
  );
  await new Promise(setImmediate);
  answers.push(await recorder.arrive(Buffer.from('raw'), async (raw) => raw.toString()));
  t.deepEqual(answers.sort(), ['command', 'raw']);
  t.deepEqual(errors, ['the recording cannot be written: it ends here']);
});

test('events never mix: the clock stands still within one, and the next waits', async (t) => {
  const clock = new ManualClock();
  const recording = new MemoryRecord();
  const recorder = new Recorder({ sink: recording.sink(), clock, log: silentLogger });
  const steps: string[] = [];
  const run = (name: string) => async () => {
    const before = recorder.clock.nowMs();
    clock.advance(5);
    steps.push(`${name} begins`);
    for (let i = 0; i < 5; i++) await null;
    steps.push(`${name} ends`);
    t.is(recorder.clock.nowMs(), before, name);
  };
  const call = (name: string) =>
    recorder
      .call(
        'openBlock',
        async () => undefined,
        () => undefined,
      )
      .then(run(name));
  await Promise.all([call('one'), call('two'), call('three')]);
  t.deepEqual(steps, ['one begins', 'one ends', 'two begins', 'two ends', 'three begins', 'three ends']);
});
