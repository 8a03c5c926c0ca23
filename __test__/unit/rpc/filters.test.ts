import test from 'ava';
import type { RpcConfig } from '../../../src/rpc/config.js';
import { Asker, FakeSink } from '../../helpers/dispatch.js';
import { blockHash, FakeChain, type FakeLog, fakeServices, OTHER, SENDER } from '../../helpers/fake-modules.js';
import { ManualClock } from '../../helpers/manual-clock.js';

const TOPIC = `0x${'aa'.repeat(32)}`;
const LOG: FakeLog = { address: OTHER, topics: [TOPIC], data: '0x' };
const MINUTE_MS = 60_000;

function setup(changes: Partial<RpcConfig> = {}, sink: FakeSink | null = null) {
  const chain = new FakeChain();
  const clock = new ManualClock();
  const services = fakeServices(chain, changes, clock);
  return { chain, clock, services, ask: new Asker(services, sink) };
}

test('a block filter answers each block once', async (t) => {
  const { chain, ask } = setup();
  chain.publish();
  const id = (await ask.ask('eth_newBlockFilter')).result as string;
  t.regex(id, /^0x[0-9a-f]{32}$/);
  t.deepEqual((await ask.ask('eth_getFilterChanges', [id])).result, []);
  chain.publish();
  chain.publish();
  t.deepEqual((await ask.ask('eth_getFilterChanges', [id])).result, [blockHash(2), blockHash(3)]);
  t.deepEqual((await ask.ask('eth_getFilterChanges', [id])).result, []);
});

test('a log filter answers what came since, and all of its range', async (t) => {
  const { chain, ask } = setup();
  chain.publish([LOG]);
  const id = (await ask.ask('eth_newFilter', [{ fromBlock: '0x0', address: OTHER, topics: [TOPIC] }])).result as string;
  t.deepEqual((await ask.ask('eth_getFilterChanges', [id])).result, []);
  chain.publish([LOG]);
  t.deepEqual((await ask.ask('eth_getFilterChanges', [id])).result, [LOG]);
  t.deepEqual((await ask.ask('eth_getFilterLogs', [id])).result, [LOG, LOG]);
});

test('after the chain was taken back the blocks that come in the place of others are news', async (t) => {
  const { chain, ask } = setup();
  const blocks = (await ask.ask('eth_newBlockFilter')).result as string;
  const logs = (await ask.ask('eth_newFilter', [{}])).result as string;
  for (let i = 0; i < 3; i++) chain.publish([LOG]);
  t.is(((await ask.ask('eth_getFilterChanges', [blocks])).result as string[]).length, 3);
  t.deepEqual((await ask.ask('eth_getFilterChanges', [logs])).result, [LOG, LOG, LOG]);
  chain.takeBack(1);
  t.deepEqual((await ask.ask('eth_getFilterChanges', [blocks])).result, []);
  chain.publish([LOG]);
  t.deepEqual((await ask.ask('eth_getFilterChanges', [blocks])).result, [blockHash(2)]);
  t.deepEqual((await ask.ask('eth_getFilterChanges', [logs])).result, [LOG]);
});

test('a failed poll loses no logs', async (t) => {
  const { chain, ask } = setup({ logsResultsMax: 1 });
  const id = (await ask.ask('eth_newFilter', [{}])).result as string;
  chain.publish([LOG, LOG]);
  t.deepEqual((await ask.ask('eth_getFilterChanges', [id])).error, { code: -32005, message: 'query returned more than 1 results' });
  t.is((await ask.ask('eth_getFilterChanges', [id])).error?.code, -32005, 'still there');
});

test('a pending filter answers hashes since it was made', async (t) => {
  const { ask } = setup();
  await ask.ask('eth_sendRawTransaction', ['0x01']);
  const id = (await ask.ask('eth_newPendingTransactionFilter')).result as string;
  const hash = (await ask.ask('eth_sendRawTransaction', ['0x02'])).result as string;
  t.deepEqual((await ask.ask('eth_getFilterChanges', [id])).result, [hash]);
  t.deepEqual((await ask.ask('eth_getFilterChanges', [id])).result, []);
  t.is((await ask.ask('eth_getFilterLogs', [id])).error?.message, 'filter not found');
});

test('filters end when they are uninstalled, and after five minutes without a poll', async (t) => {
  const { clock, services, ask } = setup();
  const kept = (await ask.ask('eth_newBlockFilter')).result as string;
  const idle = (await ask.ask('eth_newBlockFilter')).result as string;
  const gone = (await ask.ask('eth_newPendingTransactionFilter')).result as string;
  t.true((await ask.ask('eth_uninstallFilter', [gone])).result);
  t.false((await ask.ask('eth_uninstallFilter', [gone])).result);
  clock.advance(4 * MINUTE_MS);
  t.deepEqual((await ask.ask('eth_getFilterChanges', [kept])).result, []);
  clock.advance(MINUTE_MS);
  t.deepEqual((await ask.ask('eth_getFilterChanges', [idle])).error, { code: -32000, message: 'filter not found' });
  t.deepEqual((await ask.ask('eth_getFilterChanges', [kept])).result, []);
  t.is(services.filters.count, 1);
});

test('filters are limited in number', async (t) => {
  const { ask } = setup({ filtersMax: 1 });
  await ask.ask('eth_newBlockFilter');
  t.is((await ask.ask('eth_newBlockFilter')).error?.code, -32005);
});

const LOG_ERRORS: [filter: unknown, code: number, message: RegExp][] = [
  [
    { blockHash: blockHash(1), fromBlock: '0x0' },
    -32602,
    /^invalid argument 0: cannot specify both BlockHash and FromBlock\/ToBlock, choose one or the other$/,
  ],
  [{ blockHash: blockHash(77) }, -32000, /^unknown block$/],
  [{ fromBlock: '0x0', toBlock: 'latest' }, -32602, /^logs are limited to a 3 block range$/],
  [{ fromBlock: '0x3', toBlock: '0x1' }, -32602, /^invalid block range params$/],
  [{ fromBlock: 'finalized' }, -32000, /^finalized block not found$/],
  [{ address: '0x12' }, -32602, /^invalid argument 0: address must be/],
  [{ topics: ['0x12'] }, -32602, /^invalid argument 0: topic must be/],
  [{ topics: [null, null, null, null, null] }, -32602, /^invalid argument 0: exceed max topics/],
];

for (const [filter, code, message] of LOG_ERRORS) {
  test(`eth_getLogs ${JSON.stringify(filter)}`, async (t) => {
    const { chain, ask } = setup({ logsRangeMax: 3 });
    for (let i = 0; i < 4; i++) chain.publish([LOG]);
    const { error } = await ask.ask('eth_getLogs', [filter]);
    t.is(error?.code, code);
    t.regex(error?.message ?? '', message);
  });
}

test('eth_getLogs: default range, a block by hash, and the block that is not there yet', async (t) => {
  const { chain, ask } = setup({ logsRangeMax: 3 });
  for (let i = 0; i < 4; i++) chain.publish([LOG]);
  t.deepEqual((await ask.ask('eth_getLogs', [{}])).result, [LOG], 'latest only');
  t.deepEqual((await ask.ask('eth_getLogs', [{ blockHash: blockHash(2) }])).result, [LOG]);
  t.deepEqual((await ask.ask('eth_getLogs', [{ fromBlock: '0x2', toBlock: '0x63' }])).result, [LOG, LOG, LOG]);
  t.deepEqual((await ask.ask('eth_getLogs', [{ fromBlock: '0x5', toBlock: 'latest' }])).result, []);
});

test('subscriptions push heads, matching logs and pending transactions, in order', async (t) => {
  const sink = new FakeSink();
  const { chain, services, ask } = setup({}, sink);
  const subscribe = async (...params: unknown[]) => (await ask.ask('eth_subscribe', params)).result as string;
  const heads = await subscribe('newHeads');
  const logs = await subscribe('logs', { address: OTHER, topics: [[TOPIC, `0x${'bb'.repeat(32)}`]] });
  const others = await subscribe('logs', { address: SENDER });
  const pending = await subscribe('newPendingTransactions');
  const objects = await subscribe('newPendingTransactions', true);
  t.is(services.subscriptions.count, 5);
  const hash = (await ask.ask('eth_sendRawTransaction', ['0x0102'])).result as string;
  chain.publish([LOG, { ...LOG, topics: [] }]);
  const frames = sink.sent.map((text) => (JSON.parse(text) as { method: string; params: unknown }).params);
  t.deepEqual(frames, [
    { subscription: pending, result: hash },
    { subscription: objects, result: { from: SENDER, size: 2, blockHash: null } },
    { subscription: heads, result: { number: '0x1' } },
    { subscription: logs, result: LOG },
  ]);
  t.true((await ask.ask('eth_unsubscribe', [others])).result);
  t.is((await ask.ask('eth_unsubscribe', [others])).error?.message, 'subscription not found');
  sink.close();
  t.is(services.subscriptions.count, 0);
  chain.publish([LOG]);
  t.is(sink.sent.length, 4);
});

test('subscriptions: unknown kinds, HTTP, and too many', async (t) => {
  const { ask } = setup({ subscriptionsMax: 1 }, new FakeSink());
  t.deepEqual((await ask.ask('eth_subscribe', ['newThings'])).error, {
    code: -32601,
    message: 'no "newThings" subscription in eth namespace',
  });
  await ask.ask('eth_subscribe', ['newHeads']);
  t.is((await ask.ask('eth_subscribe', ['newHeads'])).error?.code, -32005);
  t.deepEqual((await setup().ask.ask('eth_subscribe', ['newHeads'])).error, { code: -32601, message: 'notifications not supported' });
});
