/** Bad input at each edge of the running node: the documented error, and nothing changed. */
import { connect as connectSocket } from 'node:net';
import test from 'ava';
import { type Signature, Transaction } from 'ethers';
import { account, CHAIN_ID, ETHER, GWEI, signed } from '../helpers/accounts.js';
import { startNode, type TestNode } from '../helpers/node.js';
import { post, type RpcAnswer, result, rpc } from '../helpers/rpc.js';

/** What bad input must not change. */
async function fingerprint({ url }: TestNode): Promise<unknown> {
  return {
    block: await result(url, 'eth_getBlockByNumber', ['latest', true]),
    pool: await result(url, 'txpool_status'),
    nonce: await result(url, 'eth_getTransactionCount', [account(0).address, 'pending']),
    batch: await result(url, 'zkevm_batchNumber'),
  };
}

test('malformed envelopes get the error of JSON-RPC 2.0', async (t) => {
  const node = await startNode(t);
  const before = await fingerprint(node);
  const cases: [body: string, code: number, message: RegExp][] = [
    ['{"jsonrpc":"2.0","id":1,', -32700, /^parse error/],
    ['', -32700, /^parse error/],
    ['not json', -32700, /^parse error/],
    ['"text"', -32600, /^invalid request/],
    ['17', -32600, /^invalid request/],
    ['[]', -32600, /^empty batch/],
    ['{"jsonrpc":"2.0","id":1}', -32600, /^invalid request/],
    ['{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}', -32600, /^invalid request/],
    ['{"jsonrpc":"2.0","id":1,"method":"eth_nothing"}', -32601, /^the method eth_nothing does not exist\/is not available/],
    ['{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[]}', -32602, /^missing value for required argument 0/],
    ['{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[1,2]}', -32602, /^too many arguments, want at most 0/],
    [JSON.stringify(Array.from({ length: 101 }, () => ({ jsonrpc: '2.0', id: 1, method: 'eth_chainId' }))), -32600, /^batch too large/],
  ];
  for (const [body, code, message] of cases) {
    const answer = JSON.parse((await post(node.url, body)).body) as RpcAnswer;
    t.is(answer.error?.code, code, body.slice(0, 80));
    t.regex(answer.error?.message ?? '', message, body.slice(0, 80));
    t.false('result' in answer, 'an error has no result');
  }
  t.deepEqual(await fingerprint(node), before);
});

test('a body over the limit gets 413 with a JSON-RPC error, and the connection’s end does not hurt others', async (t) => {
  const node = await startNode(t, { args: ['--rpc-body-limit-bytes', '4096'] });
  const before = await fingerprint(node);
  const { status, body } = await post(node.url, JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_call', params: ['x'.repeat(8192)] }));
  t.is(status, 413);
  t.is((JSON.parse(body) as RpcAnswer).error?.code, -32600);
  t.deepEqual(await fingerprint(node), before);
});

test('raw transactions that no pool may take are refused with the documented error', async (t) => {
  const node = await startNode(t);
  const before = await fingerprint(node);
  const good = await signed(account(0), { nonce: 0 });
  const typed = await account(0).signTransaction({
    type: 2,
    chainId: CHAIN_ID,
    nonce: 0,
    to: account(1).address,
    gasLimit: 21_000n,
    maxFeePerGas: GWEI,
  });
  const cases: [what: string, raw: string, code: number, message: RegExp][] = [
    ['no hex', 'hello', -32602, /invalid argument 0|invalid tx input/],
    ['odd hex', '0x123', -32602, /invalid argument 0|invalid tx input/],
    ['nothing', '0x', -32602, /^(invalid tx input|rlp: )/],
    ['truncated RLP', good.slice(0, -10), -32602, /^(invalid tx input|rlp: )/],
    ['bytes after the RLP', `${good}00`, -32602, /^(invalid tx input|rlp: )/],
    ['RLP of something else', '0xc20102', -32602, /^(invalid tx input|rlp: )/],
    ['a typed transaction', typed, -32000, /^transaction type not supported/],
    ['another chain', await signed(account(0), { nonce: 0, chainId: 1n }), -32000, /^invalid chain id for signer: have 1 want 1001/],
    ['an impossible signature', impossibleSignature(good), -32000, /^invalid sender/],
    ['too little gas', await signed(account(0), { nonce: 0, gasLimit: 20_999n }), -32000, /^intrinsic gas too low/],
    ['too much gas', await signed(account(0), { nonce: 0, gasLimit: 30_000_001n }), -32000, /^exceeds block gas limit/],
    [
      'more than it has',
      await signed(account(0), { nonce: 0, value: 10_000n * ETHER }),
      -32000,
      /^insufficient funds for gas \* price \+ value/,
    ],
    ['a price of nothing', await signed(account(0), { nonce: 0, gasPrice: 0n }), -32000, /^transaction underpriced/],
    ['a nonce far ahead', await signed(account(0), { nonce: 1_000_000 }), -32000, /^nonce too high/],
    [
      'too many bytes',
      await signed(account(0), { nonce: 0, gasLimit: 30_000_000n, data: `0x${'11'.repeat(130_000)}` }),
      -32000,
      /^oversized data/,
    ],
  ];
  for (const [what, raw, code, message] of cases) {
    const { error } = await rpc(node.url, 'eth_sendRawTransaction', [raw]);
    t.is(error?.code, code, `${what}: ${error?.message}`);
    t.regex(error?.message ?? '', message, what);
  }
  t.deepEqual(await fingerprint(node), before, 'nothing entered the pool, nothing was executed');
});

test('what is not HTTP at all closes its own connection only', async (t) => {
  const node = await startNode(t);
  const before = await fingerprint(node);
  await new Promise<void>((done) => {
    const socket = connectSocket(node.port, '127.0.0.1', () => socket.end('\x16\x03\x01 this is not HTTP\r\n\r\n'));
    socket.on('data', () => socket.destroy());
    socket.once('close', () => done());
    socket.once('error', () => done());
    socket.setTimeout(5000, () => socket.destroy());
  });
  t.deepEqual(await fingerprint(node), before);
});

test('eth_call with malformed fields is refused by position', async (t) => {
  const { url } = await startNode(t);
  for (const params of [
    [{ to: '0x12' }],
    [{ to: account(1).address, data: 'zz' }],
    [{ to: account(1).address, gas: '-1' }],
    ['nothing'],
    [{ to: account(1).address }, '0xzz'],
  ]) {
    const { error } = await rpc(url, 'eth_call', params);
    t.is(error?.code, -32602, JSON.stringify(params));
  }
  t.is((await rpc(url, 'eth_getBalance', [account(0).address, '0xffffff'])).error?.message, 'header not found');
});

/** r above the order of the curve: no sender can be recovered. */
function impossibleSignature(raw: string): string {
  const { r } = Transaction.from(raw).signature as Signature;
  return raw.replace(r.slice(2), 'ff'.repeat(32));
}
