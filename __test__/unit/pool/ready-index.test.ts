import test, { type ExecutionContext } from 'ava';
import { AdmissionRow } from '../../../src/pool/admission-row.js';
import { byArrival, byPrice, comparePrice, PoolEntry } from '../../../src/pool/entry.js';
import { PoolIndex } from '../../../src/pool/pool-index.js';
import { addressOf, admissionRow, fakeTransaction, GWEI, rawOf } from '../../helpers/fake-transaction.js';
import fc from '../../helpers/properties.js';

const RICH = 10n ** 30n;
let arrivals = 0;

function put(index: PoolIndex, sender: number, nonce: number, price: bigint, state = { nonce: 0, balanceWei: RICH }): PoolEntry {
  const account = index.ensureAccount(addressOf(sender), state);
  const raw = rawOf(fakeTransaction({ sender: addressOf(sender), nonce, gasPrice: String(price), salt: arrivals }));
  const entry = new PoolEntry(account, new AdmissionRow(admissionRow(raw, state, false), 0), raw, arrivals++, 0);
  index.insert(entry);
  return entry;
}

/** By identity: entries and accounts refer to each other, which makes a deep comparison long. */
function same(t: ExecutionContext, actual: readonly PoolEntry[], expected: readonly PoolEntry[]): void {
  t.deepEqual(
    actual.map((entry) => entry.arrival),
    expected.map((entry) => entry.arrival),
  );
}

/** Takes everything that is ready, best first. */
function drain(index: PoolIndex): PoolEntry[] {
  const taken: PoolEntry[] = [];
  for (let entry = index.peek(); entry !== null; entry = index.peek()) {
    index.take(entry);
    taken.push(entry);
  }
  return taken;
}

test('prices above 2^53 are compared exactly', (t) => {
  const index = new PoolIndex(byPrice);
  const low = put(index, 1, 0, 2n ** 60n);
  const high = put(index, 2, 0, 2n ** 60n + 1n);
  t.is(low.priceRank, high.priceRank);
  t.true(comparePrice(high, low) < 0);
  same(t, drain(index), [high, low]);
});

test('a chain is offered nonce by nonce, each at its own price', (t) => {
  const index = new PoolIndex(byPrice);
  const a0 = put(index, 1, 0, 3n * GWEI);
  const a1 = put(index, 1, 1, 9n * GWEI);
  const b0 = put(index, 2, 0, 5n * GWEI);
  put(index, 1, 3, 99n * GWEI);
  same(t, drain(index), [b0, a0, a1]);
});

test('the balance has to cover the chain, not only its next transaction', (t) => {
  const index = new PoolIndex(byPrice);
  const cost = 21_000n * GWEI + 1n;
  const first = put(index, 1, 0, GWEI, { nonce: 0, balanceWei: 2n * cost - 1n });
  const second = put(index, 1, 1, GWEI);
  same(t, drain(index), [first]);
  t.deepEqual(second.account.blockageOf(second), { missingFundsWei: 1n });
  index.include(first);
  index.applyState(addressOf(1), { nonce: 1, balanceWei: cost });
  index.refresh(first.account);
  t.true(index.peek() === second);
});

test('what is taken and comes back is offered again; what is set aside is not until it is released', (t) => {
  const index = new PoolIndex(byPrice);
  const a0 = put(index, 1, 0, 3n * GWEI);
  const a1 = put(index, 1, 1, 3n * GWEI);
  same(t, drain(index), [a0, a1]);
  for (const entry of [a0, a1]) index.untake(entry);
  index.refresh(a0.account);
  t.true(index.peek() === a0);
  index.setAside(a0);
  t.true(index.peek() === null);
  same(t, index.asideEntries(), [a0]);
  index.releaseAside();
  t.true(index.peek() === a0);
});

test('a replacement of what is set aside is offered at once', (t) => {
  const index = new PoolIndex(byPrice);
  const old = put(index, 1, 0, GWEI);
  index.setAside(old);
  const better = put(index, 1, 0, 2n * GWEI);
  t.is(index.get(old.hash), undefined);
  t.is(old.phase, 'gone');
  t.true(index.peek() === better);
  t.is(index.asideCount, 0);
});

test('a dropped block gives its transactions back in order', (t) => {
  const index = new PoolIndex(byPrice);
  const entries = [0, 1, 2].map((nonce) => put(index, 1, nonce, GWEI));
  for (const entry of drain(index)) index.include(entry);
  t.is(index.waitingCount, 0);
  for (const entry of entries) index.unseal(entry);
  index.applyState(addressOf(1), { nonce: 0, balanceWei: RICH });
  index.refresh(entries[0]?.account ?? index.ensureAccount('', { nonce: 0, balanceWei: 0n }));
  same(t, drain(index), entries);
});

test('an account without transactions is forgotten, and a newer state during an admission is not', (t) => {
  const index = new PoolIndex(byPrice);
  const entry = put(index, 1, 0, GWEI);
  const mark = index.openReader();
  drain(index);
  index.include(entry);
  index.applyState(addressOf(1), { nonce: 1, balanceWei: 5n });
  index.seal(entry);
  t.is(index.account(addressOf(1)), undefined);
  t.like(index.stateFor(addressOf(1), { senderNonce: 0, senderBalance: RICH }, mark), { nonce: 1, balanceWei: 5n });
  t.like(index.stateFor(addressOf(1), { senderNonce: 2, senderBalance: 7n }, mark), { nonce: 2, balanceWei: 7n }, 'the row is newer still');
  index.closeReader();
  t.like(index.stateFor(addressOf(1), { senderNonce: 0, senderBalance: RICH }, index.openReader()), { nonce: 0 });
});

test('a row that was read before a block was dropped does not bring its nonces back', (t) => {
  const index = new PoolIndex(byPrice);
  const entries = [0, 1].map((nonce) => put(index, 1, nonce, GWEI));
  const account = index.ensureAccount(addressOf(1), { nonce: 0, balanceWei: 0n });
  drain(index);
  for (const entry of entries) index.include(entry);
  const mark = index.openReader();
  // The row is read now, in a block that is dropped before the answer is here.
  const row = { senderNonce: 2, senderBalance: RICH };
  for (const entry of entries) index.unseal(entry);
  index.applyState(addressOf(1), { nonce: 0, balanceWei: RICH });
  t.true(index.stateFor(addressOf(1), row, mark) === account);
  index.closeReader();
});

for (const [name, order] of Object.entries({ byPrice, byArrival })) {
  test(`property: whatever is inserted, removed and replaced, ${name} offers the best head of every sender`, (t) => {
    const step = fc.record({
      kind: fc.constantFrom('put', 'put', 'put', 'remove'),
      sender: fc.integer({ min: 1, max: 6 }),
      nonce: fc.integer({ min: 0, max: 4 }),
      price: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const index = new PoolIndex(order);
        const model = new Map<string, PoolEntry>();
        for (const { kind, sender, nonce, price } of steps) {
          const key = `${sender}/${nonce}`;
          const known = model.get(key);
          if (kind === 'put') model.set(key, put(index, sender, nonce, BigInt(price)));
          else if (known !== undefined) {
            index.remove(known);
            model.delete(key);
          }
        }
        const next = new Map<number, number>();
        const expected: PoolEntry[] = [];
        for (;;) {
          const heads = [1, 2, 3, 4, 5, 6].flatMap((sender) => model.get(`${sender}/${next.get(sender) ?? 0}`) ?? []);
          const best = heads.sort(order)[0];
          if (best === undefined) break;
          expected.push(best);
          next.set(Number(best.sender), best.nonceNumber + 1);
        }
        const got = drain(index);
        return got.length === expected.length && got.every((entry, i) => entry === expected[i]);
      }),
    );
    t.pass();
  });
}

test('the first missing nonce is the first gap from the nonce of the account on, wherever that is', (t) => {
  const nonces = fc.uniqueArray(fc.integer({ min: 0, max: 24 }), { maxLength: 20 });
  fc.assert(
    fc.property(nonces, fc.integer({ min: 0, max: 24 }), (held, nonce) => {
      const index = new PoolIndex(byPrice);
      const account = index.ensureAccount(addressOf(1), { nonce, balanceWei: RICH });
      for (const one of held) put(index, 1, one, GWEI);
      let missing = nonce;
      while (held.includes(missing)) missing++;
      t.is(account.firstMissingNonce(), missing);
    }),
    { numRuns: 300, seed: 7 },
  );
});
