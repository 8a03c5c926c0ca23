import test from 'ava';
import { Asker } from '../../helpers/dispatch.js';
import { FakeChain, fakeServices } from '../../helpers/fake-modules.js';

function setup() {
  const chain = new FakeChain();
  return { chain, ask: new Asker(fakeServices(chain)) };
}

test('zkevm_explainTransaction: every closed batch that it met, null where nothing is known', async (t) => {
  const { chain, ask } = setup();
  const hash = `0x${'ab'.repeat(32)}`;
  chain.explanations.set(hash, {
    hash,
    batches: [
      { batch: 17, verdict: 'misfit', detail: 'keccaks short by 7' },
      { batch: 18, verdict: 'included', detail: '' },
    ],
  });
  const explained = {
    hash,
    batches: [
      { batch: '0x11', verdict: 'misfit', detail: 'keccaks short by 7' },
      { batch: '0x12', verdict: 'included', detail: '' },
    ],
  };
  t.deepEqual((await ask.ask('zkevm_explainTransaction', [hash])).result, explained);
  t.deepEqual((await ask.ask('zkevm_explainTransaction', [`0x${'AB'.repeat(32)}`])).result, explained, 'hashes in any case');
  t.is((await ask.ask('zkevm_explainTransaction', [`0x${'00'.repeat(32)}`])).result, null);
  t.is((await ask.ask('zkevm_explainTransaction', [])).error?.code, -32602);
  t.is((await ask.ask('zkevm_explainTransaction', ['0x12'])).error?.code, -32602);
});

test('zkevm_estimateInclusion: at a price, or at the suggested one', async (t) => {
  const { chain, ask } = setup();
  chain.inclusions.set(2_000_000_000n, { ahead: 0, perSecond: null, expectedMs: 1000 });
  chain.inclusions.set(1n, { ahead: 40, perSecond: 12.5, expectedMs: 4200 });
  const suggested = { gasPrice: '0x77359400', ahead: 0, perSecond: null, expectedMs: 1000 };
  t.deepEqual((await ask.ask('zkevm_estimateInclusion')).result, suggested);
  t.deepEqual((await ask.ask('zkevm_estimateInclusion', [null])).result, suggested);
  t.deepEqual((await ask.ask('zkevm_estimateInclusion', ['0x1'])).result, {
    gasPrice: '0x1',
    ahead: 40,
    perSecond: 12.5,
    expectedMs: 4200,
  });
  const { error } = await ask.ask('zkevm_estimateInclusion', ['fast']);
  t.deepEqual(error, { code: -32602, message: 'invalid argument 0: gas price must be a 0x hex quantity' });
});
