import test from 'ava';
import { SharedQueue } from '../../../src/pool/shared-queue.js';

interface Item {
  readonly sender: string;
  readonly number: number;
}

function filled(max: number, counts: Readonly<Record<string, number>>): SharedQueue<Item> {
  const queue = new SharedQueue<Item>(max);
  for (const [recipient, count] of Object.entries(counts)) {
    for (let number = 0; number < count; number++) queue.push(recipient, { sender: `${recipient}${number}`, number });
  }
  return queue;
}

const senders = (items: readonly Item[]): string[] => items.map(({ sender }) => sender);

test('one of each recipient before a second of any', (t) => {
  const queue = filled(100, { a: 4, b: 1, c: 2 });
  t.deepEqual(senders(queue.take(4)), ['a0', 'b0', 'c0', 'a1']);
  t.deepEqual(senders(queue.take(100)), ['c1', 'a2', 'a3']);
  t.is(queue.size, 0);
});

test('in a full queue the largest share gives way to smaller ones', (t) => {
  const queue = filled(4, { flood: 4 });
  t.true(queue.isFull);
  const more = { sender: 'flood4', number: 4 };
  t.is(queue.push('flood', more), more, 'not to its own kind');
  t.deepEqual(queue.push('other', { sender: 'x', number: 0 }), { sender: 'flood3', number: 3 });
  t.deepEqual(queue.push('other', { sender: 'y', number: 0 }), { sender: 'flood2', number: 2 });
  const third = { sender: 'z', number: 0 };
  t.is(queue.push('other', third), third, 'shares are even');
  t.is(queue.size, 4);
  t.deepEqual(senders(queue.take(4)), ['flood0', 'x', 'flood1', 'y']);
});

test('a sender is found whomever it calls', (t) => {
  const queue = new SharedQueue<Item>(10);
  queue.push('a', { sender: 's', number: 0 });
  queue.push('b', { sender: 's', number: 1 });
  queue.push('b', { sender: 'other', number: 2 });
  t.is(queue.countOf('s'), 2);
  t.deepEqual(
    queue.takeOf('s').map(({ number }) => number),
    [0, 1],
  );
  t.is(queue.countOf('s'), 0);
  t.is(queue.size, 1);
  t.deepEqual(senders(queue.take(10)), ['other']);
});
