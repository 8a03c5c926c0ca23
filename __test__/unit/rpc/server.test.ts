import { request } from 'node:http';
import { createRequire } from 'node:module';
import { createConnection, createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { errorCode } from '../../../src/common/errors.js';
import { MetricsRegistry } from '../../../src/common/metrics.js';
import type { RpcConfig } from '../../../src/rpc/config.js';
import { Rpc } from '../../../src/rpc/rpc.js';
import { FakeChain, fakeServices, OTHER } from '../../helpers/fake-modules.js';
import { until } from '../../helpers/node.js';

async function open(t: ExecutionContext, changes: Partial<RpcConfig> = {}) {
  const chain = new FakeChain();
  const services = fakeServices(chain, { port: 0, closeTimeoutMs: 200, ...changes });
  const rpc = await Rpc.open(services.config, { ...services, metrics: new MetricsRegistry() });
  t.teardown(() => rpc.close());
  return { chain, rpc, services, url: `http://127.0.0.1:${rpc.port}` };
}

const CHAIN_ID = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}';

/** Makes the pool hold a transaction until it is told to answer. */
function holdAdd(chain: FakeChain): { reached: Promise<void>; release: () => void } {
  let answer: (hash: string) => void = () => undefined;
  let reach: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  chain.pool.add = () => {
    reach();
    return new Promise((resolve) => {
      answer = resolve;
    });
  };
  return { reached, release: () => answer('0x01') };
}

test('POST answers JSON-RPC with CORS headers', async (t) => {
  const { url } = await open(t);
  const response = await fetch(url, { method: 'POST', body: CHAIN_ID });
  t.is(response.status, 200);
  t.is(response.headers.get('content-type'), 'application/json');
  t.is(response.headers.get('access-control-allow-origin'), '*');
  t.is(await response.text(), '{"jsonrpc":"2.0","id":1,"result":"0x3e9"}');
});

test('an idle connection is kept for as long as every answer announces', async (t) => {
  const { rpc, url } = await open(t);
  for (const init of [{ method: 'POST', body: CHAIN_ID }, { method: 'OPTIONS' }, { method: 'GET' }]) {
    t.is((await fetch(url, init)).headers.get('keep-alive'), 'timeout=8', init.method);
  }
  const socket = createConnection(rpc.port, '127.0.0.1');
  // From before the server can have answered: however slow this machine is, what is measured is no shorter than what the server kept.
  const sentMs = performance.now();
  socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${CHAIN_ID.length}\r\n\r\n${CHAIN_ID}`);
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString();
  });
  await new Promise((resolve) => socket.once('close', resolve));
  const announced = Number(/keep-alive: timeout=(\d+)/i.exec(answer)?.[1]);
  t.true(performance.now() - sentMs >= announced * 1000, answer);
});

test('an empty body is a parse error, notifications get 204', async (t) => {
  const { url } = await open(t);
  const empty = await fetch(url, { method: 'POST', body: '' });
  t.is((JSON.parse(await empty.text()) as { error: { code: number } }).error.code, -32700);
  const notification = await fetch(url, { method: 'POST', body: '{"jsonrpc":"2.0","method":"eth_chainId"}' });
  t.is(notification.status, 204);
  t.is(await notification.text(), '');
});

test('a body in many chunks, and bytes of one character in two of them', async (t) => {
  const { url } = await open(t);
  const body = Buffer.from(`{"jsonrpc":"2.0","id":"${'é€'.repeat(40_000)}","method":"eth_chainId"}`);
  const answer = await new Promise<string>((resolve, reject) => {
    const post = request(url, { method: 'POST', headers: { 'content-length': body.length } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve(Buffer.concat(parts).toString()));
    });
    post.on('error', reject);
    for (let at = 0; at < body.length; at += 10_001) post.write(body.subarray(at, at + 10_001));
    post.end();
  });
  t.is((JSON.parse(answer) as { id: string }).id, 'é€'.repeat(40_000));
});

test('a body over the limit gets 413 and a JSON-RPC error; one at the limit is served', async (t) => {
  const { url } = await open(t, { bodyLimitBytes: 4096 });
  const long = await fetch(url, { method: 'POST', body: CHAIN_ID.padEnd(4097) });
  t.is(long.status, 413);
  t.deepEqual(await long.json(), {
    jsonrpc: '2.0',
    id: null,
    error: { code: -32600, message: 'request body too large, want at most 4096 bytes' },
  });
  t.is((await fetch(url, { method: 'POST', body: CHAIN_ID.padEnd(4096) })).status, 200);
  const huge = await fetch(url, { method: 'POST', body: 'x'.repeat(3_000_000) });
  t.is(huge.status, 413, 'in many chunks');
});

test('large answers are compressed for clients that take gzip', async (t) => {
  const { chain, url } = await open(t);
  chain.publish(Array.from({ length: 1000 }, () => ({ address: OTHER, topics: [], data: '0x' })));
  const body = '{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{}]}';
  const logs = async (encoding: string) => {
    const response = await fetch(url, { method: 'POST', body, headers: { 'accept-encoding': encoding } });
    t.is(((await response.json()) as { result: unknown[] }).result.length, 1000);
    return response.headers.get('content-encoding');
  };
  t.is(await logs('gzip, deflate'), 'gzip');
  t.is(await logs('identity'), null);
  t.is((await fetch(url, { method: 'POST', body: CHAIN_ID })).headers.get('content-encoding'), null, 'small ones are not');
});

test('OPTIONS answers the preflight, for listed origins only where there is a list', async (t) => {
  const { url } = await open(t, { corsOrigins: ['https://good.example'] });
  const preflight = (origin: string) => fetch(url, { method: 'OPTIONS', headers: { origin } });
  const good = await preflight('https://good.example');
  t.is(good.status, 204);
  t.is(good.headers.get('access-control-allow-origin'), 'https://good.example');
  t.is(good.headers.get('vary'), 'Origin');
  t.true(good.headers.get('access-control-allow-methods')?.includes('POST'));
  t.is((await preflight('https://bad.example')).headers.get('access-control-allow-origin'), null);
});

test('pages: banner, health, ready, status, metrics, and what is not served', async (t) => {
  const { chain, url } = await open(t);
  t.regex(await (await fetch(url)).text(), /zkevm-sequencer/);
  t.is((await fetch(`${url}/health`)).status, 200);
  t.is((await fetch(`${url}/ready`)).status, 200);
  const status = (await (await fetch(`${url}/status`)).json()) as { mode: string; lastBatch: string };
  t.is(status.mode, 'sequencing');
  t.is(status.lastBatch, '0x3');
  await fetch(url, { method: 'POST', body: CHAIN_ID });
  const metrics = await (await fetch(`${url}/metrics`)).text();
  t.regex(metrics, /jsonrpc_request_handled\{type="single"\} 1\n/);
  t.regex(metrics, /jsonrpc_request_duration_count\{method="eth_chainId"\} 1\n/);
  t.is((await fetch(url, { method: 'PUT', body: 'x' })).status, 405);
  t.is((await fetch(`${url}/nothing`)).status, 405);
  chain.status = { ...chain.status, mode: 'halted', haltReason: 'state root mismatch' };
  const ready = await fetch(`${url}/ready`);
  t.is(ready.status, 503);
  t.deepEqual(await ready.json(), { ready: false, reasons: ['mode is halted: state root mismatch'] });
});

test('a used port is a coded error, and the server that has it goes on', async (t) => {
  const { rpc, url, services } = await open(t);
  const error = await t.throwsAsync(Rpc.open({ ...services.config, port: rpc.port }, { ...services, metrics: new MetricsRegistry() }));
  t.is(errorCode(error), 'RPC_PORT_IN_USE');
  t.true(error?.message.includes(String(rpc.port)));
  t.is((await fetch(url, { method: 'POST', body: CHAIN_ID })).status, 200);
});

test('a port that another program has, and an address that this machine has not', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise<void>((resolve) => other.close(() => resolve())));
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  t.is(errorCode(await t.throwsAsync(open(t, { port }))), 'RPC_PORT_IN_USE');
  t.is(errorCode(await t.throwsAsync(open(t, { host: '192.0.2.1', port: 0 }))), 'RPC_LISTEN_FAILED');
});

test('a client that goes away while its request runs hurts nobody', async (t) => {
  const { chain, url } = await open(t);
  const held = holdAdd(chain);
  const abort = new AbortController();
  const gone = fetch(url, {
    method: 'POST',
    body: '{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x01"]}',
    signal: abort.signal,
  });
  await held.reached;
  abort.abort();
  await t.throwsAsync(gone, { any: true });
  await new Promise((resolve) => setTimeout(resolve, 50));
  held.release();
  t.is((await fetch(url, { method: 'POST', body: CHAIN_ID })).status, 200);
});

test('close lets a running request finish', async (t) => {
  const { chain, rpc, url } = await open(t, { closeTimeoutMs: 60_000 });
  const held = holdAdd(chain);
  const answer = fetch(url, { method: 'POST', body: '{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x01"]}' });
  await held.reached;
  const closed = rpc.close();
  setTimeout(() => held.release(), 50);
  t.is(((await (await answer).json()) as { result: string }).result, '0x01');
  await closed;
  await t.throwsAsync(fetch(url, { method: 'POST', body: CHAIN_ID }));
});

// --- WebSocket ---------------------------------------------------------------------------------------------------------------------

interface Socket {
  send(text: string): void;
  close(): void;
  once(event: 'open' | 'close' | 'error', listener: (code: number) => void): void;
  on(event: 'message', listener: (data: Buffer) => void): void;
}
const WebSocketClient = createRequire(import.meta.url)('ws') as new (url: string, options?: object) => Socket;

async function connect(t: ExecutionContext, url: string): Promise<{ socket: Socket; next: () => Promise<unknown> }> {
  const socket = new WebSocketClient(url.replace('http', 'ws'));
  t.teardown(() => socket.close());
  const frames: unknown[] = [];
  const waiting: ((frame: unknown) => void)[] = [];
  socket.on('message', (data) => {
    const frame: unknown = JSON.parse(data.toString());
    const taker = waiting.shift();
    if (taker === undefined) frames.push(frame);
    else taker(frame);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
  return { socket, next: () => (frames.length > 0 ? Promise.resolve(frames.shift()) : new Promise((resolve) => waiting.push(resolve))) };
}

test('WebSocket: requests, batches and notifications on the same port', async (t) => {
  const { chain, url } = await open(t);
  const { socket, next } = await connect(t, url);
  socket.send(CHAIN_ID);
  t.deepEqual(await next(), { jsonrpc: '2.0', id: 1, result: '0x3e9' });
  socket.send(`[${CHAIN_ID}]`);
  t.deepEqual(await next(), [{ jsonrpc: '2.0', id: 1, result: '0x3e9' }]);
  socket.send('{"jsonrpc":"2.0","id":2,"method":"eth_subscribe","params":["newHeads"]}');
  const { result } = (await next()) as { result: string };
  chain.publish();
  t.deepEqual(await next(), { jsonrpc: '2.0', method: 'eth_subscription', params: { subscription: result, result: { number: '0x1' } } });
});

test('WebSocket: subscriptions end with their connection', async (t) => {
  const { url } = await open(t);
  const metric = async () => /zknode_rpc_subscriptions (\d+)/.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
  const { socket, next } = await connect(t, url);
  socket.send('{"jsonrpc":"2.0","id":2,"method":"eth_subscribe","params":["newHeads"]}');
  await next();
  t.is(await metric(), '1');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.close();
  await closed;
  // The client's side knows first.
  await until('the subscription is gone', async () => ((await metric()) === '0' ? true : null));
  t.pass();
});

test('WebSocket: an unlisted origin is refused, and the node says goodbye when it stops', async (t) => {
  const { rpc, url } = await open(t, { corsOrigins: ['https://good.example'] });
  const bad = new WebSocketClient(url.replace('http', 'ws'), { headers: { origin: 'https://bad.example' } });
  await new Promise<void>((resolve) => bad.once('error', () => resolve()));
  const { socket } = await connect(t, url);
  const code = new Promise((resolve) => socket.once('close', resolve));
  await rpc.close();
  t.is(await code, 1001);
});
