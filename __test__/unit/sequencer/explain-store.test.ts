import test from 'ava';
import { silentLogger } from '../../../src/common/logger.js';
import { packList, unpackList } from '../../../src/native/layouts.js';
import { decodeBatch, decodeIncluded, encodeBatch, encodeIncluded, IncludedBlock } from '../../../src/sequencer/explain-records.js';
import { EngineExplanations } from '../../../src/sequencer/explain-store.js';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { addressOf, GWEI } from '../../helpers/fake-transaction.js';
import { type SimNode, startSim } from '../../helpers/sim-node.js';

/** The table of explanations in memory. */
class Table {
  readonly records = new Map<string, Buffer>();
  failures = 0;

  async explainWrite(operations: Buffer): Promise<void> {
    if (this.failures-- > 0) throw new Error('disk');
    for (const item of unpackList(operations)) {
      const key = [item.readBigUInt64LE(1), item.readBigUInt64LE(9)].map((number) => number.toString().padStart(20, '0')).join('/');
      if (item.readUInt8(0) === 0) this.records.set(key, Buffer.from(item.subarray(1)));
      else this.records.delete(key);
    }
  }

  async explainLoad(): Promise<Buffer> {
    return packList([...this.records].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record));
  }
}

const CONFIG = { blockIntervalMs: 100, batchMaxAgeMs: 400 };

async function start(disk: FakeDisk, table: Table, batchesMax = 1_024): Promise<SimNode> {
  const explanations = await EngineExplanations.open(table, batchesMax, silentLogger);
  return startSim({ disk, explanations, sequencer: CONFIG });
}

test('records decode to what was encoded', (t) => {
  const hash = `0x${'ab'.repeat(32)}`;
  const misfits = new Map([[hash, { resource: 6, needed: 1_204, remaining: 0 }]]);
  const moments = [[addressOf(0xa1), { batch: 7, nonce: 3, missingNonce: 9, balanceWei: 10n ** 24n }]] as const;
  const batch = { number: 7, reason: 'No transaction fits', closedAtMs: 1_700_000_000_123, misfits };
  t.deepEqual(decodeBatch(7, encodeBatch(batch, moments)), { batch, moments });
  const subject = { hash, sender: addressOf(0xa1), nonceNumber: 0, receivedAtMs: 1_700_000_000_000, costWei: 0n, batch: 7 };
  const bytes = encodeIncluded([{ ...subject, hash: `0x${'cd'.repeat(32)}` }, subject]);
  t.deepEqual(decodeIncluded(7, bytes)[1], subject);
  const record = { batch: 7, count: 2, bytes, joined: null };
  t.deepEqual(new IncludedBlock(record).find(hash), subject);
  t.deepEqual(new IncludedBlock({ ...record, joined: Float64Array.of(3, 4) }).find(hash), { ...subject, joined: 4 });
  t.is(new IncludedBlock(record).find(`0x${'ef'.repeat(32)}`), undefined);
  // Bytes that are in the record, but are no hash of it.
  t.is(new IncludedBlock(record).find(`0x${bytes.toString('hex', 3, 35)}`), undefined);
  t.throws(() => decodeBatch(7, Buffer.from([9])), { message: /version 9/ });
});

test('explanations outlive a kill: what waits, and what was included after it had waited', async (t) => {
  const disk = new FakeDisk();
  for (let i = 0; i < 4; i++) disk.fund(addressOf(0xa1 + i), 10n ** 20n);
  const table = new Table();
  const first = await start(disk, table);
  const gapped = await first.send({ sender: addressOf(0xa1), nonce: 4 });
  const late = await first.send({ sender: addressOf(0xa2), nonce: 1 });
  await first.send({ sender: addressOf(0xa3) });
  await first.clock.run(1_000);
  await first.send({ sender: addressOf(0xa2), nonce: 0, gasPrice: String(2n * GWEI) });
  await first.clock.run(1_000);
  const before = [gapped, late].map((hash) => first.sequencer.explain(hash));
  t.deepEqual(
    before[0]?.batches.map(({ verdict }) => verdict),
    ['nonceGap', 'nonceGap'],
  );
  t.deepEqual(
    before[1]?.batches.map(({ verdict }) => verdict),
    ['nonceGap', 'included'],
  );
  first.engine.kill();

  const second = await start(disk, table);
  t.deepEqual(
    [gapped, late].map((hash) => second.sequencer.explain(hash)),
    before,
  );
  await second.send({ sender: addressOf(0xa3), nonce: 1 });
  await second.clock.run(1_000);
  t.deepEqual(second.sequencer.explain(gapped)?.batches.at(-1), { batch: 3, verdict: 'nonceGap', detail: 'nonce gap 0 < 4' });
  t.is(second.sequencer.explain(gapped)?.batches.length, 3);
});

test('as many batches are kept as the setting says', async (t) => {
  const disk = new FakeDisk();
  disk.fund(addressOf(0xa1), 10n ** 20n);
  const table = new Table();
  const node = await start(disk, table, 2);
  for (let nonce = 0; nonce < 4; nonce++) {
    await node.send({ sender: addressOf(0xa1), nonce });
    await node.clock.run(1_000);
  }
  t.deepEqual(
    [...table.records.keys()].map((key) => Number(key.split('/')[0])),
    [3, 4],
  );
});

test('a write that fails costs explanations, nothing else', async (t) => {
  const disk = new FakeDisk();
  disk.fund(addressOf(0xa1), 10n ** 20n);
  const table = new Table();
  table.failures = 1;
  const node = await start(disk, table);
  for (let nonce = 0; nonce < 2; nonce++) {
    await node.send({ sender: addressOf(0xa1), nonce });
    await node.clock.run(1_000);
  }
  t.is(disk.closed.length, 2);
  t.is(node.sequencer.status().mode, 'sequencing');
  t.deepEqual(
    [...table.records.keys()].map((key) => Number(key.split('/')[0])),
    [2],
  );
});
