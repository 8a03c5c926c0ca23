/**
 * Forced batches on real execution, through the hook that an L1 side will use: who is kept out by the sequencer gets in, whatever else is
 * forced takes its number, everybody hears of it, it verifies, and a kill changes nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { silentLogger } from '../../src/common/logger.js';
import type { NativeEngine } from '../../src/native/engine.js';
import { OPEN_ACCESS } from '../../src/pool/access-list.js';
import { account, signed } from '../helpers/accounts.js';
import { batchData } from '../helpers/batch-data.js';
import { exhausting, rounds } from '../helpers/exhausting-contracts.js';
import { type ForcedChain, openForcedChain } from '../helpers/forced-chain.js';
import { forcedBatch } from '../helpers/forced-source.js';
import { until } from '../helpers/node.js';
import { temporaryFolder } from '../helpers/paths.js';

const CHILD = fileURLToPath(new URL('../helpers/forced-child.js', import.meta.url));
const bytes = (hex: string): Buffer => Buffer.from(hex.slice(2), 'hex');

interface BatchObject {
  readonly forcedBatchNumber?: string;
  readonly closed: boolean;
  readonly closingReason: string;
  readonly romError?: string;
  readonly blocks: readonly string[];
  readonly transactions: readonly string[];
  readonly stateRoot: string;
  readonly closingCertificate: { readonly forcedBatchNumber: number; readonly skipped: readonly { readonly romError: string }[] };
}

function batchOf(engine: NativeEngine, number: number): BatchObject | null {
  const json = engine.batchJson(number, false);
  return json === null ? null : (JSON.parse(json) as BatchObject);
}

const closed = ({ engine }: ForcedChain, number: number): Promise<BatchObject> =>
  until(`batch ${number} is closed`, async () => {
    const batch = batchOf(engine, number);
    return batch?.closed === true ? batch : null;
  });

async function open(t: ExecutionContext, options: Parameters<typeof openForcedChain>[1] = {}): Promise<ForcedChain> {
  const chain = await openForcedChain(await temporaryFolder(t), options);
  t.teardown(() => chain.close());
  return chain;
}

/** Every closed batch is executed again, with roots and signatures. */
async function assertVerified(t: ExecutionContext, engine: NativeEngine): Promise<void> {
  for (let number = 1; number <= engine.head().closedBatch; number++) {
    const { mismatch } = await engine.verifyBatch(number, { nice: 0, recomputeRoot: true });
    t.is(mismatch, undefined, `batch ${number}`);
  }
}

test('who is on the deny list gets in, and what the pool has with the same nonce goes', async (t) => {
  const censored = account(1);
  const access = { ...OPEN_ACCESS, sendMode: 'deny' as const, send: [censored.address.toLowerCase()] };
  const chain = await open(t, { access });
  const { engine, pool, source, published } = chain;
  const transfer = await signed(censored, { nonce: 0, to: account(2).address, value: 5n });
  await t.throwsAsync(pool.add(bytes(transfer)));
  // Of a sender who is not kept out: one is forced as it is, another one's nonce is taken.
  const [same, other] = [await signed(account(3), { nonce: 1 }), await signed(account(4), { nonce: 1 })];
  await pool.add(bytes(same));
  const stale = await pool.add(bytes(other));
  const data = batchData([
    transfer,
    await signed(account(3), { nonce: 0 }),
    same,
    await signed(account(4), { nonce: 0 }),
    await signed(account(4), { nonce: 1, value: 7n }),
    await signed(account(5), { nonce: 9 }),
  ]);
  await pool.add(bytes(await signed(account(0), { nonce: 0 })));
  await until('block 1', async () => (engine.blockNumber() === 1 ? true : null));
  source.add(forcedBatch(1, data));
  const first = await closed(chain, 1);
  t.is(first.closingReason, 'Forced batch deadline');
  const batch = await closed(chain, 2);
  t.like(batch, { closingReason: 'Forced batch', forcedBatchNumber: '0x1' });
  t.is(batch.blocks.length, 1);
  t.is(batch.transactions.length, 5);
  t.deepEqual(
    batch.closingCertificate.skipped.map(({ romError }) => romError),
    ['INTRINSIC_INVALID_NONCE'],
  );
  const hash = batch.transactions[0] ?? '';
  t.like(JSON.parse(engine.receiptJson(bytes(hash)) ?? '{}'), { status: '0x1', from: censored.address.toLowerCase() });
  // The pool, `pending` and everybody who listens know of it, a moment after it is durable.
  await until('batch 2 is told of', async () => (chain.sequencer.status().closedBatch === 2 ? true : null));
  t.is(pool.state(stale)?.status, 'failed');
  t.regex(pool.state(stale)?.reason ?? '', /^nonce too low/);
  t.is(pool.state(batch.transactions[2] ?? '')?.status, 'selected');
  t.is(pool.pendingNonce(account(4).address), 2n);
  t.deepEqual(pool.counts(), { pending: 0, queued: 0 });
  await until('sequencing goes on', async () => {
    if (pool.index.get(stale) !== undefined) return null;
    await pool.add(bytes(await signed(account(4), { nonce: 2 })));
    return true;
  });
  await until('block 3', async () => (engine.blockNumber() === 3 ? true : null));
  t.deepEqual(
    published.map(({ number }) => number),
    [1, 2, 3],
  );
  await assertVerified(t, engine);
});

test('what has no effect takes its number; the order is that of L1, and a gap holds up', async (t) => {
  const errors: string[] = [];
  const chain = await open(t, { log: { ...silentLogger, error: (message) => errors.push(message) } });
  const { engine, pool, source, sequencer } = chain;
  const deploy = { nonce: 0, to: null, value: 0n, gasLimit: 300_000n, data: exhausting('steps') };
  await pool.add(bytes(await signed(account(0), deploy)));
  const contract = await until('the contract', async () => {
    const json = engine.blockJson(1, true, false);
    const hash = json === null ? undefined : (JSON.parse(json) as { transactions: { hash: string }[] }).transactions[0]?.hash;
    const receipt = hash === undefined ? null : engine.receiptJson(bytes(hash));
    return receipt === null ? null : (JSON.parse(receipt) as { contractAddress: string }).contractAddress;
  });
  const hungry = { nonce: 1, to: contract, value: 0n, gasLimit: 30_000_000n, data: rounds(10_000) };
  const transfer = await signed(account(1), { nonce: 0 });
  const spoiled = Buffer.concat([batchData([transfer]), Buffer.from([0x0b, 0, 0, 0, 1, 0, 0, 0, 0])]);
  source.add(forcedBatch(3, batchData([await signed(account(0), hungry), transfer])), forcedBatch(5, batchData([transfer])));
  await until('the gap is told', async () => (errors.includes('a forced batch is missing: those after it wait') ? true : null));
  t.deepEqual(sequencer.status().forcedBatches, { next: 1, pending: 0, blocked: 2, deadlineMs: null });
  t.is(engine.head().closedBatch, 0, 'the open batch goes on');
  source.add(forcedBatch(1, Buffer.from([0xff])), forcedBatch(2, Buffer.alloc(0)));
  await closed(chain, 4);
  await until('the next gap', async () => (sequencer.status().forcedBatches?.next === 4 ? true : null));
  source.add(forcedBatch(4, spoiled));
  await closed(chain, 6);
  const batches = [1, 2, 3, 4, 5, 6].map((number) => batchOf(engine, number));
  t.deepEqual(
    batches.map((batch) => [batch?.forcedBatchNumber, batch?.romError, batch?.blocks.length]),
    [
      [undefined, undefined, 1],
      ['0x1', 'INVALID_RLP', 0],
      ['0x2', undefined, 0],
      ['0x3', 'OUT_OF_COUNTERS_STEP', 0],
      ['0x4', 'INVALID_DECODE_CHANGE_L2_BLOCK', 0],
      ['0x5', undefined, 1],
    ],
  );
  t.is(new Set(batches.slice(0, 5).map((batch) => batch?.stateRoot)).size, 1);
  t.is(sequencer.status().mode, 'sequencing');
  await assertVerified(t, engine);
});

test('a sequencer that is paused or halted executes none, and closes nothing for them', async (t) => {
  const chain = await open(t);
  const { engine, pool, source, sequencer } = chain;
  await pool.add(bytes(await signed(account(0), { nonce: 0 })));
  await until('block 1', async () => (engine.blockNumber() === 1 ? true : null));
  sequencer.pause();
  source.add(forcedBatch(1, batchData([await signed(account(1), { nonce: 0 })])));
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.is(engine.head().closedBatch, 0);
  sequencer.halt('for a test');
  sequencer.resume();
  await closed(chain, 2);
  sequencer.halt('for a test');
  source.add(forcedBatch(2, Buffer.alloc(0)));
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.is(engine.head().nextForcedBatch, 2);
  sequencer.resume();
  await closed(chain, 3);
});

const COUNT = 24;

/** Kills the child after it has said so many lines, if it does not end before. */
async function killAfter(child: ChildProcess, lines: number): Promise<void> {
  let seen = 0;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    seen += text.split('\n').filter((line) => line === 'forced batch processed').length;
    if (seen >= lines) child.kill('SIGKILL');
  });
  await once(child, 'exit');
}

test('kill -9 between and within them: each is executed exactly once, in order', async (t) => {
  const folder = await temporaryFolder(t);
  const [path, file] = [join(folder, 'data'), join(folder, 'batches.json')];
  const batches = await Promise.all(
    Array.from({ length: COUNT }, async (_, i) => {
      // Every third one is without effect.
      const data = i % 3 === 2 ? Buffer.from([0xff]) : batchData([await signed(account(0), { nonce: i - Math.floor(i / 3) })]);
      return forcedBatch(i + 1, data);
    }),
  );
  writeFileSync(file, JSON.stringify(batches));
  for (const lines of [1, 3, 2, 5, 1, 4]) {
    const child = spawn(process.execPath, [CHILD, path, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    await killAfter(child, lines);
  }
  const chain = await openForcedChain(path);
  t.teardown(() => chain.close());
  const { engine, source } = chain;
  t.true(engine.head().nextForcedBatch >= 17, 'what was told of is there');
  source.add(...batches);
  await closed(chain, COUNT);
  t.is(engine.head().nextForcedBatch, COUNT + 1);
  for (let number = 1; number <= COUNT; number++) t.is(Number(batchOf(engine, number)?.forcedBatchNumber), number);
  t.is(engine.blockNumber(), (COUNT / 3) * 2, 'every valid one made its block');
  await assertVerified(t, engine);
});
