import test from 'ava';
import { BoundedQueue } from '../../../src/common/bounded-queue.js';
import { bigIntFromBytes, fromHex, isHexBytes, MAX_U256, toHex, toQuantity, tryFromHex, u256ToBytes } from '../../../src/common/bytes.js';
import { CodedError, errorCode, errorMessage, hasCode } from '../../../src/common/errors.js';
import { createLogger, type LogFormat, type LogLevel } from '../../../src/common/logger.js';
import { METRIC_CHILDREN_MAX, MetricsRegistry } from '../../../src/common/metrics.js';
import fc from '../../helpers/properties.js';

test('hex: decode of encode is the identity', (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => fromHex(toHex(bytes)).equals(bytes)));
  t.pass();
});

test('hex: what decodes is exactly what the pattern says', (t) => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('0', 'x', 'a', 'F', 'g', ' ', 'é') }).map((tail) => `0x${tail}`),
  );
  fc.assert(fc.property(text, (candidate) => (tryFromHex(candidate) !== null) === isHexBytes(candidate)));
  t.is(tryFromHex('0x1'), null);
  t.is(tryFromHex('0x1é'), null);
  t.throws(() => fromHex('12'), { instanceOf: RangeError });
});

test('integers and bytes', (t) => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: MAX_U256 }), (value) => bigIntFromBytes(u256ToBytes(value)) === value));
  t.is(u256ToBytes(1n).length, 32);
  t.throws(() => u256ToBytes(MAX_U256 + 1n), { instanceOf: RangeError });
  t.throws(() => u256ToBytes(-1n), { instanceOf: RangeError });
  t.is(toQuantity(0), '0x0');
  t.is(toQuantity(255n), '0xff');
  t.is(bigIntFromBytes(Buffer.alloc(0)), 0n);
});

test('the bounded queue behaves as an array with a limit', (t) => {
  const step = fc.oneof(
    fc.integer().map((value) => ({ push: value })),
    fc.constant('shift' as const),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.array(step, { maxLength: 200 }), (capacity, steps) => {
      const queue = new BoundedQueue<number>(capacity);
      const model: number[] = [];
      for (const action of steps) {
        if (action === 'shift') {
          if (queue.shift() !== model.shift()) return false;
        } else {
          const taken = queue.push(action.push);
          if (taken !== model.length < capacity) return false;
          if (taken) model.push(action.push);
        }
        if (queue.length !== model.length || queue.peek() !== model[0] || queue.isFull !== (model.length === capacity)) return false;
      }
      const rest = queue.drain();
      return rest.length === model.length && rest.every((value, i) => value === model[i]);
    }),
  );
  t.throws(() => new BoundedQueue(0), { instanceOf: RangeError });
});

test('coded errors carry code and facts, and any error is matched by code', (t) => {
  const error = new CodedError('in use', { code: 'DATA_DIR_LOCKED', path: 'x' });
  t.is(error.code, 'DATA_DIR_LOCKED');
  t.is(error.facts.path, 'x');
  t.true(hasCode(Object.assign(new Error('x'), { code: 'DATA_DIR_LOCKED' }), 'DATA_DIR_LOCKED'));
  t.is(errorCode(null), undefined);
  t.is(errorCode({ code: 5 }), undefined);
  t.is(errorMessage('text'), 'text');
});

function logged(format: LogFormat, level: LogLevel = 'info') {
  const lines: string[] = [];
  const logger = createLogger({ level, format, nowMs: () => 0, write: (line) => void lines.push(line) });
  return { lines, logger };
}

test('JSON logs: one object a line, with bigints, bytes and errors readable', (t) => {
  const { lines, logger } = logged('json');
  const error = new CodedError('no', { code: 'POOL_FULL', size: 5n });
  logger.child({ component: 'pool' }).warn('happened', { wei: 10n ** 20n, hash: Buffer.from('0102', 'hex'), error });
  logger.debug('not written');
  t.is(lines.length, 1);
  t.deepEqual(JSON.parse(lines[0] ?? ''), {
    time: '1970-01-01T00:00:00.000Z',
    level: 'warn',
    message: 'happened',
    component: 'pool',
    wei: '100000000000000000000',
    hash: '0x0102',
    error: { code: 'POOL_FULL', size: '5', message: 'no' },
  });
});

test('pretty logs: message first, facts behind, levels obeyed by children', (t) => {
  const { lines, logger } = logged('pretty', 'warn');
  logger.info('quiet');
  logger.child({ component: 'rpc' }).error('broke', { why: 'a b', n: 1, none: undefined });
  t.deepEqual(lines, ['00:00:00.000 ERROR broke component=rpc why="a b" n=1\n']);
  t.true(logger.enabled('error'));
  t.false(logger.enabled('info'));
});

test('metrics text', (t) => {
  const registry = new MetricsRegistry();
  const counter = registry.counter('a_total', 'Help with \\ and\nline.', ['reason']);
  counter.with({ reason: 'x"y' }).inc();
  counter.inc(2, { reason: 'x"y' });
  registry.gauge('b', 'Gauge.').collect((gauge) => gauge.set(1.5));
  const histogram = registry.histogram('c_seconds', 'Histogram.', [0.1, 1]);
  for (const value of [0.1, 0.5, 7]) histogram.observe(value);
  registry.addText(() => 'native 1');
  t.is(
    registry.text(),
    [
      '# HELP a_total Help with \\\\ and\\nline.',
      '# TYPE a_total counter',
      'a_total{reason="x\\"y"} 3',
      '# HELP b Gauge.',
      '# TYPE b gauge',
      'b 1.5',
      '# HELP c_seconds Histogram.',
      '# TYPE c_seconds histogram',
      'c_seconds_bucket{le="0.1"} 1',
      'c_seconds_bucket{le="1"} 2',
      'c_seconds_bucket{le="+Inf"} 3',
      'c_seconds_sum 7.6',
      'c_seconds_count 3',
      'native 1',
      '',
    ].join('\n'),
  );
});

test('metrics refuse what would break a scrape', (t) => {
  const registry = new MetricsRegistry();
  registry.counter('a_total', 'A.');
  t.throws(() => registry.gauge('a_total', 'Again.'), { message: /exists already/ });
  t.throws(() => registry.gauge('a-b', 'Name.'), { message: /not valid/ });
  t.throws(() => registry.histogram('h', 'Buckets.', [1, 1]), { message: /ascend/ });
  const counter = registry.counter('b_total', 'B.', ['id']);
  t.throws(() => counter.inc(1, {}), { message: /needs label id/ });
  for (let i = 0; i < METRIC_CHILDREN_MAX; i++) counter.inc(1, { id: String(i) });
  t.throws(() => counter.inc(1, { id: 'one more' }), { message: /label sets/ });
});
