/**
 * Something happens at each call of the engine in turn, before its effect and after it: the process is killed, or the call fails, and an operator
 * resumes or starts again. The same short life each time: replacement, nonce gap, drained sender, misfits, eviction, closed batches.
 */
import test from 'ava';
import type { SessionRecord } from './books.js';
import { breaches } from './invariants.js';
import { type Incident, playLife } from './life.js';

const CALLS_MIN = 40;
/** Of a transaction whose nonce another one took, whose sender has spent what it had, or that a full pool cannot take. */
const OWN_REASONS = /^(nonce too low|replacement transaction underpriced|insufficient funds|txpool is full)/;

/** Plays every incident; answers what went wrong, each with its incident. */
async function everyMoment(t: { log(line: string): void }, incident: Omit<Incident, 'call' | 'moment'>): Promise<string[]> {
  const { calls } = await playLife(null);
  const wrong: string[] = [];
  for (let call = 0; call < calls.length; call++) {
    for (const moment of ['before', 'after'] as const) {
      const { record } = await playLife({ ...incident, call, moment });
      for (const breach of [...breaches(record), ...refusedInVain(record)])
        wrong.push(`${incident.what} ${moment} call ${call}, ${calls[call]}: ${breach}`);
    }
  }
  t.log(`${calls.length} calls`);
  return wrong;
}

/** Who sent again when all was well was refused for a reason of the transaction only. */
function refusedInVain({ refused }: SessionRecord): string[] {
  return [...refused.values()].filter((message) => !OWN_REASONS.test(message)).map((message) => `refused: ${message}`);
}

test('the life as it is without incidents', async (t) => {
  const { record, calls } = await playLife(null);
  t.deepEqual(breaches(record), []);
  t.true(calls.length >= CALLS_MIN, `${calls.length} calls`);
  t.deepEqual(
    [
      'poolLoad',
      'admit',
      'poolWrite',
      'openBlock',
      'execute',
      'finishBlock',
      'commitBlocks',
      'discardBlock',
      'closeBatch',
      'executeForcedBatch',
    ].filter((verb) => !calls.includes(verb)),
    [],
  );
  t.deepEqual([...record.disk.forced.keys()], [1, 2]);
  const ends = new Set([...record.disk.ends.values()].map(({ reason }) => reason.split(':')[0]));
  for (const reason of ['replaced transaction', 'evicted', 'out of counters']) t.true(ends.has(reason), reason);
});

test('killed at each moment', async (t) => {
  t.deepEqual(await everyMoment(t, { what: 'kill', remedy: 'restart' }), []);
});

test('a call fails at each moment, and an operator resumes where the sequencer halts', async (t) => {
  t.deepEqual(await everyMoment(t, { what: 'error', remedy: 'resume' }), []);
});

test('a call fails at each moment, and the node is started again', async (t) => {
  t.deepEqual(await everyMoment(t, { what: 'error', remedy: 'restart' }), []);
});
