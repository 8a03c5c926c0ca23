import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { l1GasPriceSource, medianOf } from '../../../src/l1/gas-price-source.js';

/** An L1 node that answers so. */
async function node(t: ExecutionContext, result: unknown): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result })));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('the median: the middle one, or the mean of the two', (t) => {
  t.is(medianOf([5n]), 5n);
  t.is(medianOf([9n, 1n, 4n]), 4n);
  t.is(medianOf([10n, 2n, 8n, 1000n]), 9n);
  t.is(medianOf([2n ** 200n, 1n]), (2n ** 200n + 1n) / 2n);
  t.throws(() => medianOf([]), { instanceOf: RangeError });
});

test('one node, several nodes, nodes that do not answer a price', async (t) => {
  const urls = await Promise.all(['0xa', '0x3e8', '0x14'].map((price) => node(t, price)));
  const [ten, thousand] = urls as [string, string, string];
  t.is(await l1GasPriceSource(ten)(), 10n);
  t.is(await l1GasPriceSource(urls.join(', '))(), 20n, 'one that is far off is outvoted');
  const silly = await node(t, 'cheap');
  t.is(await l1GasPriceSource(`${silly},${thousand}`)(), 1000n);
  await t.throwsAsync(l1GasPriceSource(silly)(), { message: 'L1 node answered no gas price (HTTP 200)' });
  const failure = await t.throwsAsync(l1GasPriceSource(`${silly},${silly}`)(), { instanceOf: AggregateError });
  t.is((failure as AggregateError).errors.length, 2);
});
