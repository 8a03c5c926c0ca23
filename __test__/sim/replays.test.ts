/**
 * Recorded sessions replay byte for byte: ZKEVM_SIM_REPLAYS simulated sessions (default 200), with their kills, faults and replacements, are
 * recorded, and played again on an empty disk of their own.
 */
import test from 'ava';
import { framesOf } from '../../src/recording/frames.js';
import { type ReplayHost, type ReplayReport, replay } from '../../src/recording/replay.js';
import { FakeDisk } from '../helpers/fake-disk.js';
import { FakeEngine } from '../helpers/fake-engine.js';
import { MemoryRecord } from '../helpers/memory-record.js';
import { seedOr } from '../helpers/seeded.js';
import type { SessionRecord } from './books.js';
import { playSession } from './session.js';

const FIRST_SEED = seedOr(40_000);
const SESSIONS = Number(process.env['ZKEVM_SIM_REPLAYS'] ?? 200);

interface Replayed {
  readonly disk: FakeDisk;
  readonly report: ReplayReport;
}

/** Plays recorded bytes on a disk with the funds of the session. */
async function replayOf(bytes: Buffer, record: SessionRecord): Promise<Replayed> {
  const disk = new FakeDisk();
  for (const [address, balanceWei] of record.funds) disk.fund(address, balanceWei);
  const host: ReplayHost = { open: async () => new FakeEngine(disk, { clock: { sleep: async () => undefined }, limits: record.limits }) };
  return { disk, report: await replay(framesOf(bytes), host) };
}

test('recorded sessions replay byte for byte', async (t) => {
  t.log(`seeds ${FIRST_SEED} to ${FIRST_SEED + SESSIONS - 1}`);
  const totals = { arrivals: 0, batches: 0, blocks: 0, lives: 0, bytes: 0, rawBytes: 0 };
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SESSIONS; seed++) {
    const recording = new MemoryRecord();
    const record = await playSession(seed, () => recording.sink());
    record.node.recorder?.flush();
    const bytes = recording.bytes();
    const { disk, report } = await replayOf(bytes, record);
    t.is(report.divergence, null, `seed ${seed}`);
    t.deepEqual(disk.blocks, record.disk.blocks, `seed ${seed}: L2 blocks`);
    t.deepEqual(disk.closed, record.disk.closed, `seed ${seed}: closed batches with their certificates`);
    t.deepEqual(disk.open, record.disk.open, `seed ${seed}: the open batch`);
    totals.arrivals += report.arrivals;
    totals.batches += disk.closed.length;
    totals.blocks += disk.blocks.length;
    totals.lives += report.sessions;
    totals.bytes += bytes.length;
  }
  t.log(JSON.stringify(totals));
  t.true(totals.lives > SESSIONS, 'some of the sessions were killed and went on');
});
