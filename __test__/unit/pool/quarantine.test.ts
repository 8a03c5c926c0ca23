import test from 'ava';
import { silentLogger } from '../../../src/common/logger.js';
import { MetricsRegistry } from '../../../src/common/metrics.js';
import { PRE_STATUS } from '../../../src/native/layouts.js';
import { type CoreFailure, QUARANTINE_SETTING, Quarantine } from '../../../src/pool/quarantine.js';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { addressOf, GWEI } from '../../helpers/fake-transaction.js';
import { SimClock } from '../../helpers/sim-clock.js';
import { startSim } from '../../helpers/sim-node.js';

class Disk {
  readonly texts = new Map<string, string>();
  writes = 0;
  fails = false;
  setting(name: string): string | null {
    return this.texts.get(name) ?? null;
  }
  async putSetting(name: string, text: string | null): Promise<void> {
    this.writes++;
    await new Promise((resolve) => setImmediate(resolve));
    if (this.fails) throw new Error('disk');
    if (text !== null) this.texts.set(name, text);
  }
}

function open(disk: Disk) {
  const metrics = new MetricsRegistry();
  return { quarantine: new Quarantine({ disk, clock: new SimClock(), log: silentLogger, metrics }), metrics };
}

function failure(i: number, changes: Partial<CoreFailure> = {}): CoreFailure {
  const hash = `0x${i.toString(16).padStart(64, '0')}`;
  return { hash, sender: addressOf(1), nonce: i, to: null, raw: Buffer.from([i & 255]), stage: 'admission', failures: 1, ...changes };
}

test('the second failure lists a transaction, and the next start finds it', async (t) => {
  const disk = new Disk();
  const { quarantine, metrics } = open(disk);
  quarantine.failed(failure(1));
  t.deepEqual(quarantine.list(), []);
  quarantine.failed(failure(1));
  quarantine.failed(failure(2, { stage: 'sequencing', failures: 2, to: addressOf(7) }));
  quarantine.failed(failure(1));
  const listed = quarantine.list();
  t.deepEqual(
    listed.map(({ nonce, stage, failures, to, raw }) => ({ nonce, stage, failures, to, raw })),
    [
      { nonce: 2, stage: 'sequencing', failures: 2, to: addressOf(7), raw: '0x02' },
      { nonce: 1, stage: 'admission', failures: 3, to: null, raw: '0x01' },
    ],
  );
  t.regex(metrics.text(), /zknode_quarantined_transactions 2/);
  await quarantine.idle();
  t.true(disk.writes <= 2, 'failures that come together are one write');
  t.deepEqual(open(disk).quarantine.list(), listed);
});

test('the list is bounded, and so is what it keeps of each', async (t) => {
  const disk = new Disk();
  const { quarantine } = open(disk);
  for (let i = 0; i < 105; i++) quarantine.failed(failure(i, { failures: 2, raw: Buffer.alloc(32_768 + (i & 1)) }));
  await quarantine.idle();
  const { quarantine: again } = open(disk);
  t.is(again.list().length, 100);
  t.is(again.list()[0]?.nonce, 5);
  t.is(again.list()[0]?.raw, null);
  t.is(again.list()[1]?.raw?.length, 2 + 2 * 32_768);
});

test('a disk that fails takes nothing from the list; a damaged list is not passed over', async (t) => {
  const disk = new Disk();
  disk.fails = true;
  const { quarantine } = open(disk);
  quarantine.failed(failure(1, { failures: 2 }));
  await quarantine.idle();
  t.is(quarantine.list().length, 1);
  for (const text of ['{', '{"version":2,"transactions":[]}', '{"version":1}']) {
    disk.texts.set(QUARANTINE_SETTING, text);
    t.is((t.throws(() => open(disk)) as Error & { code?: string }).code, 'STATE_DB_CORRUPT');
  }
});

test('whom the executor fails on is invalid, at admission and when sequenced, and holds up nobody', async (t) => {
  const disk = new FakeDisk();
  for (let i = 1; i <= 4; i++) disk.fund(addressOf(i), 10n ** 20n);
  const failures: CoreFailure[] = [];
  const node = await startSim({ disk, sequencer: { blockIntervalMs: 100 }, onCoreFailure: (each) => failures.push(each) });
  const pre = { sender: addressOf(1), preStatus: PRE_STATUS.internal, gasPrice: String(9n * GWEI) };
  const error = await t.throwsAsync(() => node.send(pre));
  t.is(error.message, 'internal error: pre-execution failed');
  const hash = failures[0]?.hash ?? '';
  t.like(failures, { 0: { stage: 'admission', failures: 1, sender: addressOf(1) }, length: 1 });
  t.like(node.pool.state(hash), { status: 'invalid', reason: 'internal' });
  await t.throwsAsync(() => node.send(pre), { message: error.message }, 'it is tried again when it is sent again');
  t.is(failures.length, 2);
  const busy = await t.throwsAsync(() => node.send({ sender: addressOf(4), preStatus: PRE_STATUS.unavailable }));
  t.is(busy.message, error.message);

  const bad = await node.send({ sender: addressOf(2), panics: true, gasPrice: String(9n * GWEI) });
  const good = await node.send({ sender: addressOf(3) });
  await node.clock.run(1_000);
  t.like(failures, { 2: { hash: bad, stage: 'sequencing', failures: 2 }, length: 3 });
  t.like(node.pool.state(bad), { status: 'invalid', reason: 'internal' });
  t.true(disk.included.has(good));
  t.is(disk.pool.size, 0);
});
