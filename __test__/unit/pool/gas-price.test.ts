import test from 'ava';
import { silentLogger } from '../../../src/common/logger.js';
import { POOL_DEFAULTS } from '../../../src/pool/config.js';
import { GasPrice, truncateDigits } from '../../../src/pool/gas-price.js';
import { formatEther } from '../../../src/pool/units.js';
import { SimClock } from '../../helpers/sim-clock.js';

const GWEI = 1_000_000_000n;
const log = silentLogger;

test('fixed: the suggestion is the minimum too, and never below the floor', (t) => {
  const clock = new SimClock();
  const fixed = new GasPrice(POOL_DEFAULTS.gasPrice, { clock, log });
  fixed.start();
  t.is(fixed.suggestedWei(), GWEI);
  t.is(fixed.minimumWei(), GWEI);
  const low = new GasPrice({ ...POOL_DEFAULTS.gasPrice, defaultWei: 1n }, { clock, log });
  t.is(low.minimumWei(), GWEI);
});

const follower = { ...POOL_DEFAULTS.gasPrice, mode: 'follower' as const };

test('follower: a fraction of L1, three digits, bounded, at most twice as much in a minute', async (t) => {
  const clock = new SimClock();
  const price = new GasPrice({ ...follower, maxWei: 7n * GWEI }, { clock, log });
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

test('the minimum is the lowest suggestion of the grace window', async (t) => {
  const clock = new SimClock();
  const price = new GasPrice(follower, { clock, log });
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
