import test from 'ava';
import { silentLogger } from '../../../src/common/logger.js';
import { MetricsRegistry } from '../../../src/common/metrics.js';
import type { BatchCheck, EngineHead, VerifyOptions } from '../../../src/native/engine.js';
import { Verification } from '../../../src/sequencer/verification.js';
import { VERIFICATION_DEFAULTS, type VerificationConfig } from '../../../src/sequencer/verification-config.js';
import { SimClock } from '../../helpers/sim-clock.js';

const SAME = { blockCount: 1, txCount: 2, nanos: 1_000_000 };
const MISMATCH = { what: 'receipt', block: 7, expected: 'a', got: 'b', text: 'receipt differs in L2 block 7: stored a, executed b' };

/** A verification over an engine whose answers a test gives, batch by batch. */
class Bench {
  readonly clock = new SimClock();
  readonly metrics = new MetricsRegistry();
  readonly asked: { number: number; options: VerifyOptions }[] = [];
  readonly halts: string[] = [];
  readonly throttles: (string | null)[] = [];
  readonly verification: Verification;
  closed = 0;
  answer: (number: number) => Partial<BatchCheck> | Error = () => ({});
  latencyMs = 10;

  constructor(
    config: Partial<VerificationConfig> = {},
    readonly checked = 0,
  ) {
    const verifyBatch = async (number: number, options: VerifyOptions): Promise<BatchCheck> => {
      this.asked.push({ number, options });
      await this.clock.sleep(this.latencyMs);
      const answer = this.answer(number);
      if (answer instanceof Error) throw answer;
      return { number, ...SAME, ...answer };
    };
    this.verification = new Verification({
      engine: { beginVerification: () => this.checked, verifyBatch, head: () => ({ closedBatch: this.closed }) as EngineHead },
      config: { ...VERIFICATION_DEFAULTS, ...config },
      bundleDirectory: 'bundles',
      clock: this.clock,
      log: silentLogger,
      metrics: this.metrics,
    });
  }

  start(): void {
    this.verification.start({ throttle: (reason) => this.throttles.push(reason), halt: (reason) => this.halts.push(reason) });
  }

  get numbers(): number[] {
    return this.asked.map(({ number }) => number);
  }
}

test('batches are verified in order, one at a time, as they close', async (t) => {
  const bench = new Bench({ rootInterval: 2 });
  bench.start();
  for (const number of [1, 2, 3]) bench.verification.batchClosed(number);
  await bench.clock.run(100);
  t.deepEqual(bench.numbers, [1, 2, 3]);
  t.deepEqual(
    bench.asked.map(({ options }) => options.recomputeRoot),
    [false, true, false],
  );
  t.deepEqual(bench.asked[0]?.options, { nice: 10, recomputeRoot: false, bundleDirectory: 'bundles' });
  t.deepEqual(bench.verification.status(), { enabled: true, checkedBatch: 3, lag: 0, problem: null, bundle: null });
  t.deepEqual([bench.halts, bench.throttles], [[], []]);
  t.regex(bench.metrics.text(), /zknode_verify_txs_total 6\n/);
});

test('after a start the backlog goes first, and nothing is executed until it is verified', async (t) => {
  const bench = new Bench({}, 4);
  bench.closed = 6;
  bench.start();
  t.deepEqual(bench.throttles, ['batches closed before the start are verified first']);
  await bench.clock.run(100);
  t.deepEqual(bench.numbers, [5, 6]);
  t.is(bench.throttles.at(-1), null);
});

test('the sequencer is throttled above the bound and let go at three quarters of it', async (t) => {
  const bench = new Bench({ lagBatchesMax: 4 });
  bench.start();
  for (let number = 1; number <= 4; number++) bench.verification.batchClosed(number);
  t.deepEqual(bench.throttles, []);
  bench.verification.batchClosed(5);
  t.deepEqual(bench.throttles, ['verification lags by 5 batches']);
  await bench.clock.run(15);
  t.is(bench.verification.status().lag, 4);
  t.is(bench.throttles.length, 1, 'not yet');
  await bench.clock.run(10);
  t.deepEqual(bench.throttles, ['verification lags by 5 batches', null]);
  t.is(bench.asked[1]?.options.nice, 0, 'what lags is verified at the usual priority');
  await bench.clock.run(100);
  t.is(bench.asked.at(-1)?.options.nice, 10);
});

test('a batch that differs twice halts the sequencer and leaves its bundle', async (t) => {
  const bench = new Bench();
  bench.answer = (number) => (number === 2 ? { mismatch: MISMATCH, bundle: 'bundles/batch-2' } : {});
  bench.start();
  for (const number of [1, 2, 3]) bench.verification.batchClosed(number);
  await bench.clock.run(100);
  t.deepEqual(bench.numbers, [1, 2, 2], 'batch 3 waits');
  t.deepEqual(bench.halts, [`batch 2 is not what executing it again gives: ${MISMATCH.text}; see bundles/batch-2`]);
  const { problem, bundle, checkedBatch, lag } = bench.verification.status();
  t.deepEqual(
    { problem, bundle, checkedBatch, lag },
    { problem: bench.halts[0] ?? '', bundle: 'bundles/batch-2', checkedBatch: 1, lag: 2 },
  );
  // The operator put it right.
  bench.answer = () => ({});
  bench.verification.resumed();
  await bench.clock.run(100);
  t.is(bench.verification.status().checkedBatch, 3);
});

test('a difference that passes is no halt', async (t) => {
  const bench = new Bench();
  let looks = 0;
  bench.answer = () => (looks++ === 0 ? { mismatch: MISMATCH } : {});
  bench.start();
  bench.verification.batchClosed(1);
  await bench.clock.run(100);
  t.is(bench.verification.status().checkedBatch, 1);
  t.deepEqual(bench.halts, []);
});

test('what cannot be verified is tried again, then the sequencer halts', async (t) => {
  const bench = new Bench();
  let failures = 2;
  bench.answer = () => (failures-- > 0 ? new Error('disk') : {});
  bench.start();
  bench.verification.batchClosed(1);
  await bench.clock.run(5_000);
  t.is(bench.verification.status().checkedBatch, 1);
  failures = Number.POSITIVE_INFINITY;
  bench.verification.batchClosed(2);
  await bench.clock.run(60_000);
  t.deepEqual(bench.halts, ['batch 2 could not be verified: disk']);
});

test('closing verifies what is left, but not for ever', async (t) => {
  const bench = new Bench();
  bench.start();
  bench.verification.batchClosed(3);
  await bench.clock.runUntil(bench.verification.close());
  t.is(bench.verification.status().checkedBatch, 3);
  const slow = new Bench();
  slow.latencyMs = 1_500;
  slow.start();
  slow.verification.batchClosed(9);
  await slow.clock.runUntil(slow.verification.close());
  t.is(slow.verification.status().checkedBatch, 2);
});

test('turned off it asks nothing', async (t) => {
  const bench = new Bench({ enabled: false });
  bench.start();
  bench.verification.batchClosed(100);
  await bench.clock.run(100);
  t.deepEqual([bench.numbers, bench.throttles], [[], []]);
  t.is(bench.verification.status().lag, 0);
});
