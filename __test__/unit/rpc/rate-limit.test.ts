import { createRequire } from 'node:module';
import test from 'ava';
import { MetricsRegistry } from '../../../src/common/metrics.js';
import { costOf } from '../../../src/rpc/cost.js';
import { Rpc } from '../../../src/rpc/rpc.js';
import { canonical, RateLimiter } from '../../../src/rpc/transport/rate-limit.js';
import { FakeChain, fakeServices, rpcConfig } from '../../helpers/fake-modules.js';
import { ManualClock } from '../../helpers/manual-clock.js';

const RATES = { rateReadPerSecond: 10, rateHeavyPerSecond: 1, rateSendPerSecond: 0, rateBurstSeconds: 2 };
const address = (...bytes: number[]): ArrayBuffer => Uint8Array.from(bytes).buffer;
const CLIENT = address(203, 0, 113, 5);
const none = () => '';

function limiter(changes: Parameters<typeof rpcConfig>[0] = {}) {
  const clock = new ManualClock();
  return { clock, limiter: new RateLimiter(rpcConfig({ ...RATES, ...changes }), clock) };
}

test('a bucket by cost class: burst, then the rate, and the wait is told', (t) => {
  const { clock, limiter: limits } = limiter();
  const client = limits.allowance(CLIENT, none);
  for (let i = 0; i < 20; i++) t.is(client?.take('read'), 0);
  t.is(client?.take('read'), 100);
  t.is(client?.take('heavy'), 0, 'another class has its own bucket');
  for (let i = 0; i < 1000; i++) t.is(client?.take('send'), 0, 'no limit');
  clock.advance(99);
  t.is(limits.allowance(CLIENT, none)?.take('read') === 0, false);
  clock.advance(1);
  t.is(limits.allowance(CLIENT, none)?.take('read'), 0);
});

test('addresses do not share; those of one IPv6 network do', (t) => {
  const { limiter: limits } = limiter({ rateBurstSeconds: 1 });
  t.is(limits.allowance(CLIENT, none)?.take('heavy'), 0);
  t.true((limits.allowance(CLIENT, none)?.take('heavy') ?? 0) > 0);
  t.is(limits.allowance(address(203, 0, 113, 6), none)?.take('heavy'), 0);
  const v6 = (last: number) => address(0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, last);
  t.is(limits.allowance(v6(1), none)?.take('heavy'), 0);
  t.true((limits.allowance(v6(2), none)?.take('heavy') ?? 0) > 0);
});

test('loopback is exempt unless it is asked for; without rates everybody is', (t) => {
  const { limiter: limits } = limiter();
  const mapped = [...new Array<number>(10).fill(0), 0xff, 0xff, 127, 0, 0, 1];
  for (const local of [address(127, 0, 0, 1), address(...mapped), address(...new Array<number>(15).fill(0), 1)]) {
    t.is(limits.allowance(local, none), null);
  }
  t.not(limiter({ rateLimitLoopback: true }).limiter.allowance(address(127, 0, 0, 1), none), null);
  t.is(limiter({ rateReadPerSecond: 0, rateHeavyPerSecond: 0 }).limiter.allowance(CLIENT, none), null);
});

test('X-Forwarded-For counts from trusted proxies only, from the right', (t) => {
  const { limiter: limits } = limiter({ rateBurstSeconds: 1, trustedProxies: ['10.0.0.1', '10.0.0.2'] });
  const proxy = address(10, 0, 0, 1);
  const behind = (list: string) => limits.allowance(proxy, () => list)?.take('heavy');
  t.is(behind('198.51.100.1'), 0);
  t.is(behind('198.51.100.2'), 0, 'another client');
  t.true((behind('1.2.3.4, 198.51.100.1, 10.0.0.2') ?? 0) > 0, 'what the client wrote in front changes nothing');
  t.is(limits.allowance(CLIENT, () => '198.51.100.9')?.take('heavy'), 0);
  t.true((limits.allowance(CLIENT, () => '198.51.100.10')?.take('heavy') ?? 0) > 0, 'a client cannot choose its address');
});

test('addresses have one text', (t) => {
  t.is(canonical('[2001:DB8::1]:443'), '2001:db8:0:0:0:0:0:1');
  t.is(canonical('::1'), '0:0:0:0:0:0:0:1');
  t.is(canonical('::ffff:10.0.0.1'), '10.0.0.1');
  t.is(canonical('10.0.0.1:1234'), '10.0.0.1');
});

test('classes', (t) => {
  t.is(costOf('eth_blockNumber'), 'read');
  t.is(costOf('eth_call'), 'heavy');
  t.is(costOf('debug_traceTransaction'), 'heavy');
  t.is(costOf('eth_sendRawTransaction'), 'send');
});

async function open(t: { teardown: (end: () => Promise<void>) => void }) {
  const services = fakeServices(new FakeChain(), {
    port: 0,
    closeTimeoutMs: 200,
    rateReadPerSecond: 1,
    rateBurstSeconds: 3,
    rateLimitLoopback: true,
  });
  const rpc = await Rpc.open(services.config, { ...services, metrics: new MetricsRegistry() });
  t.teardown(() => rpc.close());
  return `127.0.0.1:${rpc.port}`;
}

const CHAIN_ID = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}';

test('over HTTP: -32005 with status 429 and Retry-After; a batch is answered as far as it is granted', async (t) => {
  const url = `http://${await open(t)}`;
  const batch = await fetch(url, { method: 'POST', body: `[${Array(5).fill(CHAIN_ID).join()}]` });
  t.is(batch.status, 200);
  const answers = (await batch.json()) as { error?: { code: number } }[];
  t.deepEqual(
    answers.map(({ error }) => error?.code),
    [undefined, undefined, undefined, -32005, -32005],
  );
  const refused = await fetch(url, { method: 'POST', body: CHAIN_ID });
  t.is(refused.status, 429);
  t.is(refused.headers.get('retry-after'), '1');
  const { id, error } = (await refused.json()) as { id: number; error: { code: number; message: string } };
  t.is(id, 7);
  t.is(error.code, -32005);
  t.regex(error.message, /^rate limit exceeded/);
});

interface Socket {
  on(event: 'open', listener: () => void): void;
  on(event: 'message', listener: (data: Buffer) => void): void;
  send(text: string): void;
  close(): void;
  readonly readyState: number;
}
const WebSocketClient = createRequire(import.meta.url)('ws') as new (url: string) => Socket;
const OPEN = 1;

test('over WebSocket too, and the connection stays', async (t) => {
  const socket = new WebSocketClient(`ws://${await open(t)}`);
  await new Promise<void>((resolve) => socket.on('open', resolve));
  const codes: (number | undefined)[] = [];
  const done = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      codes.push((JSON.parse(data.toString()) as { error?: { code: number } }).error?.code);
      if (codes.length === 4) resolve();
    });
  });
  for (let i = 0; i < 4; i++) socket.send(CHAIN_ID);
  await done;
  t.deepEqual(codes, [undefined, undefined, undefined, -32005]);
  t.is(socket.readyState, OPEN);
  socket.close();
});

test('pages for probes are not limited', async (t) => {
  const host = await open(t);
  for (let i = 0; i < 10; i++) t.is((await fetch(`http://${host}/health`)).status, 200);
});

test('where only loopback is listened on and is not limited, nobody has to be looked at', (t) => {
  const isFree = (host: string, changes: Parameters<typeof rpcConfig>[0] = {}) => limiter(changes).limiter.limitsNobodyOn(host);
  for (const host of ['127.0.0.1', '127.0.0.2', '::1', '[::1]']) t.true(isFree(host), host);
  for (const host of ['0.0.0.0', '::', 'localhost', '203.0.113.5', '']) t.false(isFree(host), host);
  t.false(isFree('127.0.0.1', { rateLimitLoopback: true }));
  t.false(isFree('127.0.0.1', { trustedProxies: ['127.0.0.1'] }), 'the proxy says who it asks for');
  t.true(isFree('0.0.0.0', { rateReadPerSecond: 0, rateHeavyPerSecond: 0, rateSendPerSecond: 0 }));
});
