import test from 'ava';
import { Asker } from '../../helpers/dispatch.js';
import { blockHash, FakeChain, fakeServices, OTHER, SENDER } from '../../helpers/fake-modules.js';

function setup(blocks = 2) {
  const chain = new FakeChain();
  for (let i = 0; i < blocks; i++) chain.publish();
  return { chain, ask: new Asker(fakeServices(chain)) };
}

const BAD: [method: string, params: unknown[], message: RegExp][] = [
  ['eth_getBalance', ['0x12'], /^invalid argument 0: address must be a 0x hex string of 20 bytes/],
  ['eth_getBalance', [`0x${'zz'.repeat(20)}`], /^invalid argument 0: address/],
  ['eth_getBalance', [17], /^invalid argument 0: address/],
  ['eth_getBalance', [SENDER, 'newest'], /^invalid argument 1: block must be/],
  ['eth_getBalance', [SENDER, '0x'], /^invalid argument 1: block must be/],
  ['eth_getBalance', [SENDER, -1], /^invalid argument 1: block must be/],
  ['eth_getBalance', [SENDER, {}], /^invalid argument 1: block object needs/],
  ['eth_getBalance', [SENDER, { blockNumber: '0x1', blockHash: blockHash(1) }], /^invalid argument 1: cannot specify both/],
  ['eth_getBalance', [SENDER, { blockHash: '0x1' }], /^invalid argument 1: blockHash must be/],
  ['eth_getBalance', [SENDER, `0x${'ff'.repeat(9)}`], /^invalid argument 1: block number larger than int64/],
  ['eth_getStorageAt', [SENDER, `0x${'00'.repeat(33)}`], /^invalid argument 1: storage slot/],
  ['eth_getBlockByNumber', ['latest', 'yes'], /^invalid argument 1: must be true or false/],
  ['eth_getBlockByHash', ['latest'], /^invalid argument 0: hash must be/],
  ['eth_getTransactionByHash', ['0x12'], /^invalid argument 0: hash must be/],
  ['eth_sendRawTransaction', ['12'], /^invalid argument 0: transaction must be/],
  ['eth_sendRawTransaction', ['0x123'], /^invalid argument 0: transaction must be/],
  ['eth_sendRawTransaction', ['0x12zz'], /^invalid argument 0: transaction must be/],
  ['eth_call', ['x'], /^invalid argument 0: transaction must be an object/],
  ['eth_call', [{ to: '0x1' }], /^invalid argument 0: to must be/],
  ['eth_call', [{ value: '5' }], /^invalid argument 0: value must be a 0x hex quantity/],
  ['eth_call', [{ data: '0x12', input: '0x13' }], /^invalid argument 0: both "data" and "input"/],
  ['eth_call', [{ gasPrice: '0x1', maxFeePerGas: '0x1' }], /^invalid argument 0: both gasPrice and/],
  ['eth_call', [{ chainId: '0x1' }], /^invalid argument 0: chainId does not match/],
  ['eth_call', [{}, 'latest', []], /^invalid argument 2: state overrides must be an object/],
  ['eth_call', [{}, 'latest', {}, 5], /^invalid argument 3: block overrides must be an object/],
  ['eth_feeHistory', ['0x1', 'latest', [50, 20]], /^invalid argument 2: invalid reward percentile/],
  ['eth_feeHistory', ['0x1', 'latest', [101]], /^invalid argument 2: invalid reward percentile/],
  ['eth_getFilterChanges', [5], /^invalid argument 0: id must be a string/],
  ['zkevm_getBatchByNumber', ['soon'], /^invalid argument 0: batch must be/],
  ['zkevm_getBatchDataByNumbers', [{}], /^invalid argument 0: numbers must be/],
];

for (const [method, params, message] of BAD) {
  test(`${method} ${JSON.stringify(params)}`, async (t) => {
    const { error } = await setup().ask.ask(method, params);
    t.is(error?.code, -32602);
    t.regex(error?.message ?? '', message);
  });
}

test('block parameters in every form', async (t) => {
  const { ask } = setup(5);
  const number = async (block: unknown) => (await ask.ask('eth_getBlockByNumber', [block])).result?.number as unknown;
  t.is(await number(undefined), '0x5');
  t.is(await number('latest'), '0x5');
  t.is(await number('earliest'), '0x0');
  t.is(await number('0x3'), '0x3');
  t.is(await number('0x003'), '0x3');
  t.is(await number('3'), '0x3');
  t.is(await number(3), '0x3');
  t.is(await number({ blockNumber: '0x2' }), '0x2');
  t.is(await number({ blockNumber: 'earliest' }), '0x0');
  t.is(await number({ blockHash: blockHash(4), requireCanonical: true }), '0x4');
  t.is(await number('0xffffffffff'), undefined);
  t.is((await ask.ask('eth_getBlockByNumber', ['pending'])).result.hash, null);
});

test('tags that resolve to nothing yet: null for blocks, an error for state', async (t) => {
  const { ask } = setup();
  for (const tag of ['safe', 'finalized']) {
    t.deepEqual((await ask.ask('eth_getBlockByNumber', [tag])).result, null, tag);
    t.deepEqual((await ask.ask('eth_getBalance', [SENDER, tag])).error, { code: -32000, message: `${tag} block not found` });
    t.deepEqual((await ask.ask('eth_call', [{}, tag])).error, { code: -32000, message: `${tag} block not found` });
    t.deepEqual((await ask.ask('zkevm_getBatchByNumber', [tag])).result, null, tag);
  }
});

test('unknown blocks: null for blocks, header not found for state', async (t) => {
  const { ask } = setup();
  t.deepEqual((await ask.ask('eth_getBlockByHash', [blockHash(99)])).result, null);
  t.deepEqual((await ask.ask('eth_getBalance', [SENDER, '0x63'])).error, { code: -32000, message: 'header not found' });
  t.deepEqual((await ask.ask('eth_getBalance', [SENDER, { blockHash: blockHash(99) }])).error, {
    code: -32000,
    message: 'header for hash not found',
  });
  t.deepEqual((await ask.ask('eth_getBalance', [SENDER, blockHash(1)])).result, '0xde0b6b3a7640000');
});

test('state that is pruned says so in the words that clients know', async (t) => {
  const chain = new FakeChain();
  const services = fakeServices(chain);
  const engine = {
    ...services.engine,
    account: () => {
      throw Object.assign(new Error('gone'), { code: 'STATE_PRUNED' });
    },
  };
  const ask = new Asker({ ...services, engine });
  t.deepEqual((await ask.ask('eth_getBalance', [SENDER, '0x0'])).error, {
    code: -32000,
    message: 'missing trie node: state for block 0 is pruned',
  });
});

test('nonces: the state of a block, and the pool for pending', async (t) => {
  const { ask } = setup();
  await ask.ask('eth_sendRawTransaction', ['0x01']);
  t.is((await ask.ask('eth_getTransactionCount', [SENDER])).result, '0x5');
  t.is((await ask.ask('eth_getTransactionCount', [SENDER, 'pending'])).result, '0x6');
});

test('storage slots padded and unpadded answer 32 bytes', async (t) => {
  const { ask } = setup();
  const word = `0x${'5'.padStart(64, '0')}`;
  for (const slot of ['0x5', '0x05', word]) t.is((await ask.ask('eth_getStorageAt', [OTHER, slot])).result, word, slot);
});

test('web3_sha3 hashes bytes, leading zeros included', async (t) => {
  const { ask } = setup();
  t.is((await ask.ask('web3_sha3', ['0x'])).result, '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470');
  t.not((await ask.ask('web3_sha3', ['0x0001'])).result, (await ask.ask('web3_sha3', ['0x01'])).result);
});

test('batch tags', async (t) => {
  const { ask } = setup();
  const number = async (batch?: unknown) =>
    (await ask.ask('zkevm_getBatchByNumber', batch === undefined ? [] : [batch])).result?.number as unknown;
  t.is(await number(), '0x3');
  t.is(await number('latest'), '0x3');
  t.is(await number('pending'), '0x4');
  t.is(await number('earliest'), '0x0');
  t.is(await number('0x2'), '0x2');
  t.is(await number('0x9'), undefined);
  t.is((await ask.ask('zkevm_batchNumber')).result, '0x4');
  t.is((await ask.ask('zkevm_isBlockConsolidated', ['0x0'])).result, true);
  t.is((await ask.ask('zkevm_isBlockVirtualized', ['0x1'])).result, false);
  t.is((await ask.ask('zkevm_isBlockVirtualized', ['0x63'])).result, false);
});
