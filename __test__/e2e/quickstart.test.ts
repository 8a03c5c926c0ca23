/** The quick start as a user runs it, on the default chain and on the public development genesis with its injected first batch. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { startNode } from '../helpers/node.js';
import { HAVE_VECTORS, ROOT, VECTORS } from '../helpers/paths.js';
import { result } from '../helpers/rpc.js';

const FAST = ['--block-interval-ms', '200', '--batch-max-age-ms', '3000'];
const GENESIS = join(VECTORS, 'genesis/etrog-dev-genesis.json');

function quickstart(url: string): Promise<{ code: number | null; output: string }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(ROOT, 'examples/quickstart.mjs'), '--rpc', url], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    child.once('close', (code) => done({ code, output }));
  });
}

test('on the default chain', async (t) => {
  const node = await startNode(t, { args: FAST });
  const { code, output } = await quickstart(node.url);
  t.is(code, 0, output);
  t.regex(output, /closed: \S+/);
  t.regex(output, /counters +steps \d+/i);
});

(HAVE_VECTORS ? test : test.skip)('on the public development genesis: root exact, first batch executed', async (t) => {
  const node = await startNode(t, { args: [...FAST, '--genesis', GENESIS] });
  const first = await result(node.url, 'zkevm_getBatchByNumber', ['0x1', false]);
  t.is(first.closed, true, 'the injected batch is closed at once');
  t.is(first.transactions.length, 1, 'it holds one transaction');
  const receipt = await result(node.url, 'eth_getTransactionReceipt', [first.transactions[0]]);
  t.is(receipt.status, '0x1');
  const { code, output } = await quickstart(node.url);
  t.is(code, 0, output);
});

test('without a node it says so in one sentence', async (t) => {
  const { code, output } = await quickstart('http://127.0.0.1:1');
  t.is(code, 1);
  t.regex(output, /no node answers at http:\/\/127\.0\.0\.1:1/);
  t.notRegex(output, /^\s+at /m);
});
