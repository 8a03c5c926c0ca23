import test from 'ava';
import { type Logger, silentLogger } from '../../../src/common/logger.js';
import { MetricsRegistry } from '../../../src/common/metrics.js';
import { POOL_DEFAULTS } from '../../../src/pool/config.js';
import { GasPrice, truncateDigits } from '../../../src/pool/gas-price.js';
import { formatEther } from '../../../src/pool/units.js';
import { SimClock } from '../../helpers/sim-clock.js';

const GWEI = 1_000_000_000n;
const log = silentLogger;
const { effectiveGasPrice } = POOL_DEFAULTS;

test('fixed: the suggestion is the minimum too, and never below the floor', (t) => {
  const clock = new SimClock();
  const fixed = new GasPrice(POOL_DEFAULTS.gasPrice, { clock, log, effectiveGasPrice });
  fixed.start();
  t.is(fixed.suggestedWei(), GWEI);
  t.is(fixed.minimumWei(), GWEI);
  const low = new GasPrice({ ...POOL_DEFAULTS.gasPrice, defaultWei: 1n }, { clock, log, effectiveGasPrice });
  t.is(low.minimumWei(), GWEI);
});

const follower = { ...POOL_DEFAULTS.gasPrice, mode: 'follower' as const };

test('follower: a fraction of L1, three digits, bounded, at most twice as much in a minute', async (t) => {
  const clock = new SimClock();
  const price = new GasPrice({ ...follower, maxWei: 7n * GWEI }, { clock, log, effectiveGasPrice });
  price.observe(6_543_210_000n);
  t.is(price.suggestedWei(), 1_630_000_000n);
  price.observe(400n * GWEI);
  t.is(price.suggestedWei(), 2n * GWEI, 'twice what it was a minute ago');
  await clock.run(61_000);
  price.observe(400n * GWEI);
  t.is(price.suggestedWei(), 4n * GWEI);
  await clock.run(61_000);
  price.observe(400n * GWEI);
  t.is(price.suggestedWei(), 7n * GWEI, 'the cap');
  await clock.run(61_000);
  price.observe(0n);
  t.is(price.suggestedWei(), (7n * GWEI) / 2n, 'half at most on the way down');
});

test('follower: whatever is read, no minute sees more than twice its lowest suggestion', async (t) => {
  const clock = new SimClock();
  const price = new GasPrice({ ...follower, graceMs: 0 }, { clock, log, effectiveGasPrice });
  const seen: { atMs: number; wei: bigint }[] = [];
  const readings = [4n, 400n, 400n, 2n, 4_000n, 0n, 900n, 4n, 4n, 5_000n, 5_000n, 5_000n, 0n, 7_000n];
  for (let i = 0; i < 120; i++) {
    price.observe((readings[(i * 5) % readings.length] ?? 0n) * GWEI);
    seen.push({ atMs: clock.nowMs(), wei: price.suggestedWei() });
    await clock.run(7_000 + (i % 3) * 20_000);
  }
  for (const [i, { atMs, wei }] of seen.entries()) {
    // In force until it was superseded.
    const minute = seen.slice(0, i).filter((_each, k) => (seen[k + 1]?.atMs ?? 0) >= atMs - 60_000);
    for (const other of minute) t.true(wei <= other.wei * 2n && other.wei <= wei * 2n, `${other.wei} and ${wei} within a minute`);
  }
  t.true(new Set(seen.map(({ wei }) => wei)).size > 5, 'it does move');
});

test('the minimum is the lowest suggestion of the grace window', async (t) => {
  const clock = new SimClock();
  const price = new GasPrice(follower, { clock, log, effectiveGasPrice });
  price.observe(8n * GWEI);
  t.is(price.suggestedWei(), 2n * GWEI);
  t.is(price.minimumWei(), GWEI, 'the default was suggested a moment ago');
  await clock.run(follower.graceMs);
  t.is(price.minimumWei(), GWEI);
  await clock.run(1);
  t.is(price.minimumWei(), 2n * GWEI, 'superseded before the window began');
});

test('a source that fails keeps the last price and is asked again', async (t) => {
  const clock = new SimClock();
  let calls = 0;
  const price = new GasPrice(follower, {
    clock,
    log,
    effectiveGasPrice,
    l1GasPrice: async () => {
      calls++;
      if (calls === 2) throw new Error('L1 is away');
      return 6n * GWEI;
    },
  });
  price.start();
  await clock.run(0);
  t.is(price.suggestedWei(), 1_500_000_000n);
  t.is(price.l1Wei, 6n * GWEI);
  await clock.run(follower.refreshMs * 2);
  t.is(calls, 3);
  t.is(price.suggestedWei(), 1_500_000_000n);
  price.stop();
  await clock.run(follower.refreshMs * 5);
  t.is(calls, 3);
});

test('truncation and ether text', (t) => {
  t.is(truncateDigits(123_456n, 3), 123_000n);
  t.is(truncateDigits(12n, 3), 12n);
  t.is(formatEther(0n), '0');
  t.is(formatEther(1_500_000_000_000_000_000n), '1.5');
  t.is(formatEther(1n), '0.000000000000000001');
});

const breakEven = { ...effectiveGasPrice, mode: 'breakEven' as const };

test('data cost: the price at which an ERC-20 transfer is admitted by break-even', (t) => {
  const price = new GasPrice({ ...follower, mode: 'dataCost' }, { clock: new SimClock(), log, effectiveGasPrice });
  price.observe(4n * GWEI);
  // 35,000 gas at a quarter of 4 gwei, 137 bytes of 16 and 42 of 4 gas at 4 gwei; divided by gas, and a tenth more; three digits.
  const wei = ((35_000n * GWEI + (137n * 16n + 42n * 4n) * 4n * GWEI) * 11n) / (35_000n * 10n);
  t.is(price.suggestedWei(), truncateDigits(wei, 3));
  t.is(price.suggestedWei(), 1_390_000_000n);
});

test('fixed: the L1 price is read all the same, for the effective gas price', async (t) => {
  const clock = new SimClock();
  const price = new GasPrice(POOL_DEFAULTS.gasPrice, { clock, log, effectiveGasPrice: breakEven, l1GasPrice: async () => 3n * GWEI });
  price.start();
  await clock.run(1);
  t.is(price.l1Wei, 3n * GWEI);
  t.is(price.suggestedWei(), GWEI);
  price.stop();
});

/** Collects warnings and notices. */
function listening(): { said: string[]; log: Logger } {
  const said: string[] = [];
  const take = (level: string) => (message: string) => void said.push(`${level}: ${message.slice(0, 30)}`);
  return { said, log: { ...silentLogger, warn: take('warn'), info: take('info') } };
}

test('a suggestion below the break-even of a plain transfer is said once, and when it is over', (t) => {
  const { said, log } = listening();
  const price = new GasPrice(POOL_DEFAULTS.gasPrice, { clock: new SimClock(), log, effectiveGasPrice: breakEven });
  price.observe(2n * GWEI);
  t.deepEqual(said, [], '2 gwei of L1 cost 0.66 gwei');
  price.observe(4n * GWEI);
  price.observe(5n * GWEI);
  t.deepEqual(said, ['warn: the suggested gas price is bel']);
  price.observe(2n * GWEI);
  t.deepEqual(said, ['warn: the suggested gas price is bel', 'info: the suggested gas price covers']);
  const off = listening();
  new GasPrice(POOL_DEFAULTS.gasPrice, { clock: new SimClock(), log: off.log, effectiveGasPrice }).observe(400n * GWEI);
  t.deepEqual(off.said, [], 'nobody charges by break-even');
});

test('prices and the age of the L1 price are metrics', async (t) => {
  const metrics = new MetricsRegistry();
  const clock = new SimClock();
  const price = new GasPrice(follower, { clock, log, effectiveGasPrice, metrics, l1GasPrice: () => Promise.reject(new Error('away')) });
  price.observe(8n * GWEI);
  await clock.run(7_000);
  const text = metrics.text();
  t.regex(text, /zknode_gas_price_wei\{kind="suggested"\} 2000000000/);
  t.regex(text, /zknode_gas_price_wei\{kind="l1"\} 8000000000/);
  t.regex(text, /zknode_l1_gas_price_age_seconds 7/);
});
