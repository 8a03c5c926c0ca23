import test from 'ava';
import { Asker } from '../../helpers/dispatch.js';
import { blockHash, FakeChain, fakeServices } from '../../helpers/fake-modules.js';
import { ManualClock } from '../../helpers/manual-clock.js';

const NOW_S = 1_700_000_000;

function setup(nowS = NOW_S) {
  const chain = new FakeChain();
  for (let i = 0; i < 5; i++) chain.publish();
  const ask = new Asker(fakeServices(chain, {}, new ManualClock(nowS * 1000)));
  return { chain, ask, answer: async (method: string, ...params: unknown[]) => (await ask.ask(method, params)).result };
}

test('the pending block is the one after the latest, never the latest itself', async (t) => {
  const { answer } = setup();
  const latest = await answer('eth_getBlockByNumber', 'latest', false);
  t.is(latest.hash, blockHash(5), 'the engine answers the latest block for both');
  for (const full of [false, true]) {
    const emptyTrie = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421';
    t.deepEqual(await answer('eth_getBlockByNumber', 'pending', full), {
      ...latest,
      number: '0x6',
      parentHash: blockHash(5),
      timestamp: `0x${NOW_S.toString(16)}`,
      hash: null,
      nonce: null,
      logsBloom: null,
      miner: null,
      size: null,
      gasUsed: '0x0',
      transactionsRoot: emptyTrie,
      receiptsRoot: emptyTrie,
      transactions: [],
    });
  }
});

test('its time is not before the latest block', async (t) => {
  t.is((await setup(2).answer('eth_getBlockByNumber', 'pending')).timestamp, '0x5');
});

test('the parts of the pending block agree with it', async (t) => {
  const { answer } = setup();
  t.is(await answer('eth_getBlockTransactionCountByNumber', 'latest'), '0x1');
  t.is(await answer('eth_getBlockTransactionCountByNumber', 'pending'), '0x0');
  t.deepEqual(await answer('eth_getTransactionByBlockNumberAndIndex', 'latest', '0x0'), { hash: '0x1' });
  t.is(await answer('eth_getTransactionByBlockNumberAndIndex', 'pending', '0x0'), null);
  t.is((await answer('eth_getBlockReceipts', 'latest')).length, 1);
  t.deepEqual(await answer('eth_getBlockReceipts', 'pending'), []);
  t.is(await answer('eth_getUncleCountByBlockNumber', 'pending'), '0x0');
});

test('an open block shows what it has executed so far', async (t) => {
  const { chain, answer } = setup();
  await chain.pool.add(Buffer.from('01', 'hex'));
  await chain.pool.add(Buffer.from('0202', 'hex'));
  const transactions = [...chain.pending.values()];
  chain.openBlock = { number: 6, openedAtMs: (NOW_S - 1) * 1000, gasUsed: 42_000, transactions };
  const block = await answer('eth_getBlockByNumber', 'pending', false);
  t.like(block, { number: '0x6', parentHash: blockHash(5), hash: null, gasUsed: '0xa410', timestamp: `0x${(NOW_S - 1).toString(16)}` });
  t.deepEqual(
    block.transactions,
    transactions.map(({ hash }) => hash),
  );
  t.is(await answer('eth_getBlockTransactionCountByNumber', 'pending'), '0x2');
  const full = await answer('eth_getBlockByNumber', 'pending', true);
  t.like(full.transactions[1], { size: 2, blockHash: null, blockNumber: '0x6', transactionIndex: '0x1' });
  t.deepEqual(await answer('eth_getTransactionByBlockNumberAndIndex', 'pending', '0x1'), full.transactions[1]);
  t.is(await answer('eth_getTransactionByBlockNumberAndIndex', 'pending', '0x2'), null);
});

test('a block that is stored but not announced yet is not pending any more', async (t) => {
  const { chain, answer } = setup();
  await chain.pool.add(Buffer.from('01', 'hex'));
  chain.openBlock = { number: 5, openedAtMs: 0, gasUsed: 21_000, transactions: [...chain.pending.values()] };
  t.like(await answer('eth_getBlockByNumber', 'pending', false), { number: '0x6', transactions: [] });
  t.is(await answer('eth_getBlockTransactionCountByNumber', 'pending'), '0x0');
  t.is(await answer('eth_getTransactionByBlockNumberAndIndex', 'pending', '0x0'), null);
});

test('it is built on what is sealed, durable or not', async (t) => {
  const { chain, answer } = setup(2);
  await chain.pool.add(Buffer.from('01', 'hex'));
  const transactions = [...chain.pending.values()];
  chain.sealedAhead = 2;
  const parent = { parentHash: blockHash(7), stateRoot: blockHash(7) };
  t.like(await answer('eth_getBlockByNumber', 'pending', false), { number: '0x8', ...parent, timestamp: '0x7', transactions: [] });
  // Sealed, and the sequencer has not heard of it.
  chain.openBlock = { number: 7, openedAtMs: 0, gasUsed: 21_000, transactions };
  t.like(await answer('eth_getBlockByNumber', 'pending', false), { number: '0x8', ...parent, gasUsed: '0x0', transactions: [] });
  chain.openBlock = { ...chain.openBlock, number: 8 };
  const hashes = transactions.map(({ hash }) => hash);
  t.like(await answer('eth_getBlockByNumber', 'pending', false), { number: '0x8', ...parent, gasUsed: '0x5208', transactions: hashes });
  t.like(await answer('eth_getTransactionByBlockNumberAndIndex', 'pending', '0x0'), { blockNumber: '0x8' });
  // A commit has failed: the block before it is gone, and it will be.
  chain.sealedAhead = 0;
  t.like(await answer('eth_getBlockByNumber', 'pending', false), { number: '0x8', parentHash: null, stateRoot: null, timestamp: '0x5' });
});

test('the full pending block: roots that are not known yet are null', async (t) => {
  const { answer } = setup();
  t.like(await answer('zkevm_getFullBlockByNumber', 'latest', true), { globalExitRoot: blockHash(7), blockInfoRoot: blockHash(8) });
  const pending = await answer('zkevm_getFullBlockByNumber', 'pending', true);
  t.like(pending, { number: '0x6', hash: null, globalExitRoot: null, blockInfoRoot: null });
  t.deepEqual(pending.transactions, []);
});
