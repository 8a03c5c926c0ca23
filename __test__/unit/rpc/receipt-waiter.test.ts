import test from 'ava';
import { Asker } from '../../helpers/dispatch.js';
import { FakeChain, fakeServices } from '../../helpers/fake-modules.js';
import { ManualClock } from '../../helpers/manual-clock.js';

function setup() {
  const chain = new FakeChain();
  const clock = new ManualClock();
  return { chain, clock, ask: new Asker(fakeServices(chain, { receiptTimeoutMs: 1000 }, clock)) };
}

/** Lets the promises that are ready run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('the receipt is answered when its block is published', async (t) => {
  const { chain, ask } = setup();
  const answer = ask.ask('eth_sendRawTransactionSync', ['0x01']);
  await settle();
  const hash = [...chain.pending.keys()][0] ?? '';
  chain.publish([], [`0x${'00'.repeat(32)}`]);
  chain.publish([], [`0x${'11'.repeat(32)}`, hash]);
  t.deepEqual((await answer).result, { transactionHash: hash });
});

test('a receipt that is there already is answered at once', async (t) => {
  const { chain, ask } = setup();
  await ask.ask('eth_sendRawTransaction', ['0x01']);
  const hash = [...chain.pending.keys()][0] ?? '';
  chain.publish([], [hash]);
  t.deepEqual((await ask.ask('eth_sendRawTransactionSync', ['0x01'])).result, { transactionHash: hash });
});

test('a wait ends with code 4 and the hash; the client may ask for less time, not for more', async (t) => {
  const { chain, clock, ask } = setup();
  for (const [asked, waits] of [
    [undefined, 1000],
    ['0x64', 100],
    [5000, 1000],
  ] as const) {
    const answer = ask.ask('eth_sendRawTransactionSync', asked === undefined ? ['0x01'] : ['0x01', asked]);
    await settle();
    clock.advance(waits - 1);
    const early = await Promise.race([answer, settle().then(() => 'waits')]);
    t.is(early, 'waits');
    clock.advance(1);
    const { error } = await answer;
    t.is(error?.code, 4);
    t.is(error?.data, [...chain.pending.keys()][0]);
  }
});
