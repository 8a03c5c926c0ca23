/**
 * Whatever one JSON-RPC batch answers, it answers about one state: a client that hears of no receipt and then, in the same batch, of the
 * block that has it would wait for the next block, which on a quiet chain may never come. Blocks are committed on threads of their own
 * while this asks as fast as it can.
 */
import test from 'ava';
import { account, signed } from '../helpers/accounts.js';
import { startNode } from '../helpers/node.js';
import { post, type RpcAnswer, result } from '../helpers/rpc.js';

const BLOCKS = 30;
const GIVE_UP_MS = 60_000;
const { address } = account(0);
/** Asked at both ends of the batch. */
const AROUND: readonly (readonly [string, readonly unknown[]])[] = [
  ['eth_blockNumber', []],
  ['eth_getTransactionCount', [address, 'latest']],
  ['eth_getBlockByNumber', ['latest', false]],
  ['zkevm_batchNumber', []],
];

test('one batch tells of one state', async (t) => {
  const node = await startNode(t, { args: ['--block-interval-ms', '20', '--batch-max-age-ms', '100'] });
  for (let nonce = 0; nonce < BLOCKS; nonce++) {
    const raw = await signed(account(0), { nonce });
    const hash: string = await result(node.url, 'eth_sendRawTransaction', [raw]);
    const between = [
      ['eth_getTransactionReceipt', [hash]],
      ['eth_getTransactionByHash', [hash]],
    ] as const;
    const body = JSON.stringify(
      [...AROUND, ...between, ...AROUND.toReversed()].map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params })),
    );
    const giveUpAt = performance.now() + GIVE_UP_MS;
    for (let isIncluded = false; !isIncluded; ) {
      if (performance.now() > giveUpAt) throw new Error(`transaction ${nonce} is not included`);
      const answers = (JSON.parse((await post(node.url, body)).body) as RpcAnswer[]).map((answer) => answer.result);
      const [block, count, latest] = answers;
      const [receipt, transaction] = answers.slice(AROUND.length);
      t.deepEqual(answers.slice(-AROUND.length).toReversed(), answers.slice(0, AROUND.length));
      t.is(latest.number, block);
      isIncluded = receipt !== null;
      t.is(BigInt(count), BigInt(isIncluded ? nonce + 1 : nonce));
      t.is(transaction.blockNumber, isIncluded ? receipt.blockNumber : null);
      if (isIncluded) t.true(BigInt(receipt.blockNumber) <= BigInt(block));
    }
  }
});
