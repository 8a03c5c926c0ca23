/** What a client asks for, as the engine gets it: durations, bounds, and which namespaces answer. */
import test from 'ava';
import type { NativeEngine, TraceOptions } from '../../../src/native/engine.js';
import { durationMs } from '../../../src/rpc/trace-request.js';
import { Asker } from '../../helpers/dispatch.js';
import { FakeChain, fakeServices } from '../../helpers/fake-modules.js';

const HASH = `0x${'ab'.repeat(32)}`;

/** A chain whose engine keeps the options that it is given. */
function tracing(config = {}): { ask: Asker; seen: TraceOptions[] } {
  const chain = new FakeChain();
  const seen: TraceOptions[] = [];
  const keep = async (options: TraceOptions) => {
    seen.push(options);
    return '{}';
  };
  const verbs: Partial<NativeEngine> = {
    traceTransaction: (_, options) => keep(options),
    traceBlocks: (_, __, options) => keep(options),
    traceCall: (_, __, options) => keep(options),
  };
  Object.assign(chain.engine, verbs);
  return { ask: new Asker(fakeServices(chain, config)), seen };
}

test('durations in the notation of Go', (t) => {
  for (const [text, ms] of [
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['3us', 1],
  ] as const) {
    t.is(durationMs(text, 1), ms, text);
  }
  for (const bad of ['', '10', '-1s', 's', '1 s', 10, null]) {
    t.throws(() => durationMs(bad, 1), { message: /^invalid argument 1: timeout must be a duration/ }, String(bad));
  }
});

test('a trace gets five seconds, or what it asks for, up to the bound', async (t) => {
  const { ask, seen } = tracing({ traceTimeoutMs: 60_000, traceLimitBytes: 5000 });
  await ask.ask('debug_traceTransaction', [HASH]);
  await ask.ask('debug_traceTransaction', [HASH, { timeout: '20s', reexec: 128, tracer: 'callTracer' }]);
  await ask.ask('debug_traceTransaction', [HASH, { timeout: '1h' }]);
  await ask.ask('trace_transaction', [HASH]);
  t.deepEqual(
    seen.map(({ timeoutMs }) => timeoutMs),
    [5000, 20_000, 60_000, 60_000],
  );
  t.true(seen.every(({ limitBytes }) => limitBytes === 5000));
  t.deepEqual(JSON.parse(seen[1]?.configJson ?? ''), { form: 'debug', options: { tracer: 'callTracer' } });
});

test('namespaces that are switched off do not answer', async (t) => {
  const { ask, seen } = tracing({ namespaces: ['eth', 'debug'] });
  t.deepEqual((await ask.ask('debug_traceTransaction', [HASH])).result, {});
  t.is((await ask.ask('trace_transaction', [HASH])).error?.code, -32601);
  t.is((await ask.ask('zkevm_traceCounters', [HASH])).error?.code, -32601);
  t.is(seen.length, 1);
});
