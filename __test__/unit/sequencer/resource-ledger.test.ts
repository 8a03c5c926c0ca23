import test from 'ava';
import { RESOURCE_BYTES } from '../../../src/native/layouts.js';
import { ResourceLedger } from '../../../src/sequencer/resource-ledger.js';
import { RESOURCE_NAMES, RESOURCE_ORDER, readResources, writeResources, zeroResources } from '../../../src/sequencer/resources.js';
import fc from '../../helpers/properties.js';

const LIMITS = new Array<number>(10).fill(100);

function item(used: number, reserved: number, resource = 0) {
  const vectors = { used: zeroResources(), reserved: zeroResources() };
  vectors.used[resource] = used;
  vectors.reserved[resource] = reserved;
  return vectors;
}

test('the fit rule: an earlier reserve has to stay free', (t) => {
  const ledger = new ResourceLedger(LIMITS);
  ledger.add(item(10, 50));
  t.is(ledger.remainingOf(0), 90);
  t.is(ledger.high[0], 40);
  // Alone it would fit (60 <= 90), but 40 have to stay free for the first one.
  t.deepEqual(ledger.shortfall(item(60, 60)), { resource: 0, needed: 100, remaining: 90 });
  t.is(ledger.shortfall(item(50, 50)), null);
  t.is(ledger.shortfall(item(40, 90)), null, 'its own reserve of 50 is larger than the slack');
  t.deepEqual(ledger.shortfall(item(40, 91)), { resource: 0, needed: 91, remaining: 90 });
});

test('a reserve below the use counts as the use', (t) => {
  const ledger = new ResourceLedger(LIMITS);
  ledger.add(item(10, 5));
  t.is(ledger.high[0], 0);
  t.is(ledger.neededOf(0, item(10, 5)), 10);
});

test('the first lacking resource in order of inspection is named', (t) => {
  const ledger = new ResourceLedger(LIMITS);
  const all = { used: new Array<number>(10).fill(101), reserved: new Array<number>(10).fill(101) };
  t.is(ledger.shortfall(all)?.resource, RESOURCE_BYTES);
  t.deepEqual(
    [...RESOURCE_ORDER].sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  t.deepEqual(
    RESOURCE_ORDER.map((resource) => RESOURCE_NAMES[resource]),
    ['bytes', 'steps', 'padding', 'poseidon', 'binary', 'keccaks', 'arith', 'memAlign', 'gas', 'sha256'],
  );
});

test('property: whatever was accepted, used plus the largest reserve never exceeds a limit, in any order of items', (t) => {
  const items = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 9 })));
  fc.assert(
    fc.property(items, (candidates) => {
      const ledger = new ResourceLedger(LIMITS);
      const accepted: { used: number[]; reserved: number[] }[] = [];
      for (const [used, extra, resource] of candidates) {
        const candidate = item(used, used + extra, resource);
        if (ledger.shortfall(candidate) !== null) continue;
        ledger.add(candidate);
        accepted.push(candidate);
      }
      for (let i = 0; i < 10; i++) {
        const used = accepted.reduce((sum, one) => sum + (one.used[i] ?? 0), 0);
        const slack = Math.max(0, ...accepted.map((one) => (one.reserved[i] ?? 0) - (one.used[i] ?? 0)));
        if (used + slack > 100) return false;
      }
      return true;
    }),
  );
  t.pass();
});

test('resource vectors cross the boundary unchanged; what is not exact is refused', (t) => {
  const vector = [1, 2, 3, 4, 5, 6, 7, 8, 9, 2 ** 50];
  t.deepEqual(readResources(writeResources(vector)), vector);
  const huge = writeResources(vector);
  huge.writeBigUInt64LE(2n ** 60n, 0);
  t.throws(() => readResources(huge), { message: /steps is out of range/ });
});
