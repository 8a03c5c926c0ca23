/** What `readUsualSend` reads of a body is what JSON.parse and the envelope say of it: the same body with a blank before it goes their way. */
import test from 'ava';
import { MetricsRegistry } from '../../../src/common/metrics.js';
import { Dispatcher } from '../../../src/rpc/dispatch.js';
import { readUsualSend } from '../../../src/rpc/envelope.js';
import { buildMethods } from '../../../src/rpc/namespaces/index.js';
import { FakeChain, fakeServices } from '../../helpers/fake-modules.js';

const IDS = [
  '0',
  '7',
  '-1',
  '01',
  '1.0',
  '1e3',
  '123456789012345',
  '1234567890123456',
  '12345678901234567890',
  '"7"',
  '""',
  'null',
  'true',
  '',
];
const TRANSACTIONS = ['"0x01"', '"0xAbCd"', '"0x"', '"0x1"', '"0X01"', '"01"', '""', '"0xzz"', '"0x0g"', '"0x01 "', '1', 'null', ''];
const ODD_TRANSACTIONS = [
  '"0x\\u0030\\u0031"',
  '"0x01\\n"',
  '"0x01\n"',
  '"0x01\u0000"',
  '"0x01","0x02"',
  '"0x01",null',
  '"0x01"],"params":["0x02"',
  '"0x0é"',
];
const METHODS = ['eth_sendRawTransaction', 'eth_sendRawTransaction2', 'eth_sendrawtransaction'];

const shapes = (id: string, method: string, transaction: string): string[] => [
  `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":[${transaction}]}`,
  `{"method":"${method}","params":[${transaction}],"id":${id},"jsonrpc":"2.0"}`,
  `{"jsonrpc":"2.0","method":"${method}","params":[${transaction}],"id":${id}}`,
  `{"id":${id},"jsonrpc":"2.0","method":"${method}","params":[${transaction}]}`,
];

const BODIES = [
  ...IDS.flatMap((id) => shapes(id, 'eth_sendRawTransaction', '"0x01"')),
  ...[...TRANSACTIONS, ...ODD_TRANSACTIONS].flatMap((transaction) => shapes('1', 'eth_sendRawTransaction', transaction)),
  ...METHODS.flatMap((method) => shapes('1', method, '"0x02"')),
  ...shapes('1', 'eth_sendRawTransaction', '"0x01"').flatMap((body) => [
    `${body} `,
    `${body}}`,
    body.slice(0, -1),
    body.replace('"2.0"', '"1.0"'),
    body.replace('"id"', '"ID"'),
    body.replace(',', ' ,'),
    `[${body}]`,
    `[${body},${body}]`,
    body.replace('}', ',"id":9}'),
    body.replace('}', ',"method":"eth_chainId"}'),
  ]),
  '{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["]}',
  '{"jsonrpc":"2.0","id":"]}',
  '{"method":"eth_sendRawTransaction","params":["],"id":1,"jsonrpc":"2.0"}',
  '{"method":"eth_sendRawTransaction","params":["0x01"],"id":,"jsonrpc":"2.0"}',
];

interface Told {
  readonly answer: string | null;
  readonly retryAfterMs: number | undefined;
  readonly added: readonly string[];
  readonly metrics: string;
}

/** What comes of a body on a fresh node; `waitMs` is what the rate limit answers. */
async function tell(body: string, waitMs: number): Promise<Told> {
  const chain = new FakeChain();
  const services = fakeServices(chain);
  const metrics = new MetricsRegistry();
  const dispatcher = new Dispatcher(services.config, { ...services, metrics, methods: buildMethods(services) });
  const added: string[] = [];
  const add = chain.pool.add.bind(chain.pool);
  chain.pool.add = (raw) => {
    added.push(raw.toString('hex'));
    return add(raw);
  };
  return new Promise((resolve) => {
    dispatcher.handle(body, { sink: null, allowance: { take: () => waitMs } }, (answer, retryAfterMs) => {
      const counted = metrics
        .text()
        .split('\n')
        .filter((line) => /^(jsonrpc_request_handled|jsonrpc_request_duration_count|zknode_rpc_rate)/.test(line));
      resolve({ answer, retryAfterMs, added, metrics: counted.join('\n') });
    });
  });
}

for (const [name, waitMs] of [
  ['granted', 0],
  ['refused by the rate limit', 1_500],
] as const) {
  test(`a request is answered the same however it is read: ${name}`, async (t) => {
    for (const body of BODIES) t.deepEqual(await tell(body, waitMs), await tell(` ${body}`, waitMs), body);
  });
}

test('the shapes of the common libraries are read, and only what is plain in them', (t) => {
  const read = (body: string) => readUsualSend(body);
  for (const body of shapes('15', 'eth_sendRawTransaction', '"0x0aFF"').slice(0, 3)) {
    t.deepEqual(read(body), { idText: '15', method: 'eth_sendRawTransaction', params: [Buffer.from('0aff', 'hex')] }, body);
  }
  for (const body of shapes('"15"', 'eth_sendRawTransaction', '"0x0aff"')) t.is(read(body), null, body);
  for (const body of shapes('15', 'eth_sendRawTransaction', '"0x0af"')) t.is(read(body), null, body);
});
