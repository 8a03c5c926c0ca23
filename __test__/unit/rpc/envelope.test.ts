import test from 'ava';
import { Asker } from '../../helpers/dispatch.js';
import { FakeChain, fakeServices } from '../../helpers/fake-modules.js';

const asker = () => new Asker(fakeServices(new FakeChain()));
const chainId = (id: string) => `{"jsonrpc":"2.0","id":${id},"method":"eth_chainId"}`;

test('an answer has the result and nothing else', async (t) => {
  t.is(await asker().body(chainId('1')), '{"jsonrpc":"2.0","id":1,"result":"0x3e9"}');
});

test('ids are echoed unchanged', async (t) => {
  for (const id of ['0', '-7', '"a\\"b"', '""', 'null', '9007199254740993', '12345678901234567890', '1.5', '1e400']) {
    const text = await asker().body(chainId(id));
    t.is(text, `{"jsonrpc":"2.0","id":${id},"result":"0x3e9"}`, id);
  }
});

test('a large id is taken from the request itself, not from its parameters', async (t) => {
  const body = '{"params":[{"id":1},"\\"id\\":2"],"jsonrpc":"2.0","method":"eth_nothing","id": 12345678901234567890 }';
  t.true((await asker().body(body))?.startsWith('{"jsonrpc":"2.0","id":12345678901234567890,"error"'));
});

test('large ids in a batch stay with their items', async (t) => {
  const body = `[${chainId('"x,]"')}, ${chainId('12345678901234567890')} ,${chainId('12345678901234567891')}]`;
  const answer = '{"jsonrpc":"2.0","id":ID,"result":"0x3e9"}';
  t.is(
    await asker().body(body),
    `[${['"x,]"', '12345678901234567890', '12345678901234567891'].map((id) => answer.replace('ID', id)).join(',')}]`,
  );
});

const REFUSED: [body: string, code: number, message: string, id: unknown][] = [
  ['', -32700, 'parse error', null],
  ['{', -32700, 'parse error', null],
  ['"text"', -32600, 'invalid request', null],
  ['null', -32600, 'invalid request', null],
  ['{}', -32600, 'invalid request', null],
  ['{"jsonrpc":"2.0","id":4}', -32600, 'invalid request', 4],
  ['{"jsonrpc":"2.0","id":4,"method":5}', -32600, 'invalid request', 4],
  ['{"jsonrpc":"1.0","id":4,"method":"eth_chainId"}', -32600, 'invalid request', 4],
  ['{"id":4,"method":"eth_chainId"}', -32600, 'invalid request', 4],
  ['{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}', -32600, 'invalid request', null],
  ['{"jsonrpc":"2.0","id":true,"method":"eth_chainId"}', -32600, 'invalid request', null],
  ['{"jsonrpc":"2.0","id":4,"method":"eth_chainId","params":{}}', -32602, 'params must be an array', 4],
  ['[]', -32600, 'empty batch', null],
  ['{"jsonrpc":"2.0","id":4,"method":"eth_nothing"}', -32601, 'the method eth_nothing does not exist/is not available', 4],
  ['{"jsonrpc":"2.0","id":4,"method":"toString"}', -32601, 'the method toString does not exist/is not available', 4],
  ['{"jsonrpc":"2.0","id":4,"method":"eth_chainId","params":[1]}', -32602, 'too many arguments, want at most 0', 4],
  ['{"jsonrpc":"2.0","id":4,"method":"eth_getBalance","params":[]}', -32602, 'missing value for required argument 0', 4],
  ['{"jsonrpc":"2.0","id":4,"method":"eth_getStorageAt","params":["0x",null]}', -32602, 'missing value for required argument 1', 4],
];

for (const [body, code, message, id] of REFUSED) {
  test(`refused: ${body || 'an empty body'}`, async (t) => {
    t.deepEqual(JSON.parse((await asker().body(body)) ?? ''), { jsonrpc: '2.0', id, error: { code, message } });
  });
}

test('a notification is executed and gets no answer, not even an error', async (t) => {
  const chain = new FakeChain();
  const ask = new Asker(fakeServices(chain));
  t.is(await ask.body('{"jsonrpc":"2.0","method":"eth_sendRawTransaction","params":["0x01"]}'), null);
  t.is(chain.pending.size, 1);
  t.is(await ask.body('{"jsonrpc":"2.0","method":"eth_nothing"}'), null);
  t.is(await ask.body('[{"jsonrpc":"2.0","method":"eth_chainId"},{"jsonrpc":"2.0","method":"eth_nothing"}]'), null);
});

test('null params and trailing nulls are as if missing', async (t) => {
  const ask = asker();
  t.is((await ask.ask('eth_chainId', null)).result, '0x3e9');
  t.is((await ask.ask('eth_getBlockByNumber', [null, null])).result.number, '0x0');
});

test('a mixed batch answers one entry for each non-notification, in order', async (t) => {
  const items = [
    '{"jsonrpc":"2.0","id":"late","method":"eth_sendRawTransaction","params":["0x01"]}',
    '{"jsonrpc":"2.0","method":"eth_chainId"}',
    '7',
    chainId('"now"'),
  ];
  const answers = JSON.parse((await asker().body(`[${items.join(',')}]`)) ?? '') as {
    id: unknown;
    result?: unknown;
    error?: { code: number };
  }[];
  t.deepEqual(
    answers.map(({ id }) => id),
    ['late', null, 'now'],
  );
  t.is(answers[1]?.error?.code, -32600);
});

test('a batch over the limit gets one error', async (t) => {
  const ask = new Asker(fakeServices(new FakeChain(), { batchItemsMax: 2 }));
  const answer = JSON.parse((await ask.body(`[${[1, 2, 3].map((id) => chainId(String(id))).join(',')}]`)) ?? '') as unknown;
  t.deepEqual(answer, { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'batch too large' } });
});

test('answers beyond the limit of a batch become errors of their items', async (t) => {
  const ask = new Asker(fakeServices(new FakeChain(), { batchResponseLimitBytes: 60 }));
  const answers = JSON.parse((await ask.body(`[${chainId('1')},${chainId('2')}]`)) ?? '') as { id: number; error?: { code: number } }[];
  t.is(answers[0]?.error, undefined);
  t.is(answers[1]?.id, 2);
  t.is(answers[1]?.error?.code, -32005);
});

test('faults of the node show their code only', async (t) => {
  const chain = new FakeChain();
  const services = fakeServices(chain);
  const broken = Object.assign(new Error('rocksdb: /secret/path'), { code: 'STATE_DB_IO' });
  const engine = {
    ...services.engine,
    code: () => {
      throw broken;
    },
    storageAt: () => {
      throw new TypeError('undefined is not a function');
    },
  };
  const ask = new Asker({ ...services, engine });
  t.deepEqual((await ask.ask('eth_getCode', [`0x${'11'.repeat(20)}`])).error, { code: -32603, message: 'internal error: STATE_DB_IO' });
  t.deepEqual((await ask.ask('eth_getStorageAt', [`0x${'11'.repeat(20)}`, '0x0'])).error, { code: -32603, message: 'internal error' });
});

test('a namespace that is switched off has no methods', async (t) => {
  const ask = new Asker(fakeServices(new FakeChain(), { namespaces: ['eth'] }));
  t.is((await ask.ask('eth_chainId')).result, '0x3e9');
  t.is((await ask.ask('net_version')).error?.code, -32601);
});
