import test from 'ava';
import { CodedError } from '../../../src/common/errors.js';
import { Health } from '../../../src/rpc/health.js';
import { loadUws, type Uws, type UwsSocket } from '../../../src/rpc/transport/uws.js';
import { Connection } from '../../../src/rpc/transport/websocket.js';
import { FakeChain, fakeServices } from '../../helpers/fake-modules.js';
import { ManualClock } from '../../helpers/manual-clock.js';

test('the first binary that loads is taken', async (t) => {
  const second = { second: true } as unknown as Uws;
  const uws = await loadUws((name) => (name === 'b' ? Promise.resolve(second) : Promise.reject(new Error('no'))), ['a', 'b', 'c']);
  t.is(uws, second);
});

test('when none loads, one sentence says what is needed and why each failed', async (t) => {
  const load = (name: string) => Promise.reject(new Error(`${name} wants another glibc\nsecond line`));
  const error = await t.throwsAsync(loadUws(load), { instanceOf: CodedError });
  t.is(error?.code, 'RPC_TRANSPORT_UNAVAILABLE');
  t.true(error?.message.includes(process.versions.node));
  t.true(error?.message.includes('uws-glibc-2.27: uws-glibc-2.27 wants another glibc'));
  t.true(error?.message.includes('uws-glibc-2.38: uws-glibc-2.38 wants another glibc'));
  t.false(error?.message.includes('\n'));
});

/** A socket whose buffer the test fills and drains. */
class FakeSocket {
  readonly sent: string[] = [];
  buffered = 0;
  ended: number | null = null;

  send(text: string): number {
    this.sent.push(text);
    return this.buffered === 0 ? 1 : 0;
  }
  getBufferedAmount(): number {
    return this.buffered;
  }
  end(code: number): void {
    this.ended = code;
  }
}

function connection(queueMessagesMax = 3, inFlightMax = 2) {
  const socket = new FakeSocket();
  const subject = new Connection({ queueMessagesMax, inFlightMax });
  subject.opened(socket as unknown as UwsSocket<unknown>);
  return { socket, subject };
}

test('messages wait in order while the client is slow, and follow when it drains', (t) => {
  const { socket, subject } = connection();
  subject.send('a');
  socket.buffered = 1e9;
  subject.send('b');
  subject.send('c');
  t.deepEqual(socket.sent, ['a']);
  socket.buffered = 0;
  subject.send('d');
  t.deepEqual(socket.sent, ['a'], 'nothing overtakes');
  subject.drained();
  t.deepEqual(socket.sent, ['a', 'b', 'c', 'd']);
  t.is(socket.ended, null);
});

test('a client that does not keep up is disconnected with 1013', (t) => {
  const { socket, subject } = connection(2);
  socket.buffered = 1e9;
  for (const text of ['a', 'b']) subject.send(text);
  t.is(socket.ended, null);
  subject.send('c');
  t.is(socket.ended, 1013);
});

test('a closed connection takes nothing and runs its listeners once', (t) => {
  const { socket, subject } = connection();
  let closes = 0;
  subject.onClose(() => closes++);
  subject.closed();
  subject.closed();
  subject.send('late');
  subject.drained();
  t.deepEqual(socket.sent, []);
  t.is(closes, 1);
});

test('requests in flight are limited', (t) => {
  const { socket, subject } = connection(3, 1);
  let reply: (answer: string | null) => void = () => undefined;
  subject.request('one', (_text, answer) => {
    reply = answer;
  });
  t.is(subject.inFlight, 1);
  subject.request('two', () => t.fail('over the limit'));
  t.regex(socket.sent[0] ?? '', /"code":-32005/);
  reply('done');
  t.is(socket.sent[1], 'done');
  t.is(subject.inFlight, 0);
});

test('ready: an idle chain is, one whose transactions are not included is not', async (t) => {
  const chain = new FakeChain();
  const clock = new ManualClock();
  const health = new Health(fakeServices(chain, { readyStaleMs: 1000 }, clock));
  clock.advance(3_600_000);
  t.deepEqual(health.reasons(), []);
  await chain.pool.add(Buffer.from('01', 'hex'));
  t.deepEqual(health.reasons(), []);
  clock.advance(4000);
  t.deepEqual(health.reasons(), [], 'three intervals and the allowance');
  clock.advance(1);
  t.is(health.reasons().length, 1);
  chain.publish();
  t.deepEqual(health.reasons(), []);
});
