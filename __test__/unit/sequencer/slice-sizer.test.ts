import test from 'ava';
import { ResourceLedger } from '../../../src/sequencer/resource-ledger.js';
import { zeroResources } from '../../../src/sequencer/resources.js';
import { SliceSizer } from '../../../src/sequencer/slice-sizer.js';

const LIMITS = new Array<number>(10).fill(1_000);

function used(amount: number, resource = 1): number[] {
  const vector = zeroResources();
  vector[resource] = amount;
  return vector;
}

test('before anything is known a slice is as long as allowed', (t) => {
  t.is(new SliceSizer().size(new ResourceLedger(LIMITS), 10, 256), 256);
});

test('a slice is as long as it takes to reach the margin of the scarcest resource', (t) => {
  const sizer = new SliceSizer();
  sizer.observe(zeroResources(), used(200), 20);
  // 10 each; 700 to the margin: 70, and a little more.
  t.is(sizer.size(new ResourceLedger(LIMITS, used(200)), 10, 256), 74);
  t.is(sizer.size(new ResourceLedger(LIMITS, used(200)), 10, 50), 50);
  t.is(sizer.size(new ResourceLedger(LIMITS, used(899)), 10, 256), 1);
  t.is(sizer.size(new ResourceLedger(LIMITS, used(1_000)), 10, 256), 1, 'never none: the rules close, not the sizer');
});

test('the estimate follows the traffic', (t) => {
  const sizer = new SliceSizer();
  sizer.observe(zeroResources(), used(200), 20);
  for (let i = 0; i < 20; i++) sizer.observe(zeroResources(), used(100), 1);
  t.is(sizer.size(new ResourceLedger(LIMITS), 10, 256), 10);
  sizer.observe(zeroResources(), zeroResources(), 0);
  t.is(sizer.size(new ResourceLedger(LIMITS), 10, 256), 10, 'a slice without inclusions teaches nothing');
});
