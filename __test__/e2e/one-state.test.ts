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
const ASKED_TWICE = ['eth_blockNumber', 'eth_getTransactionCount', 'eth_getBlockByNumber', 'zkevm_batchNumber'] as const;

test('one batch tells of one state', async (t) => {
  const node = await startNode(t, { args: ['--block-interval-ms', '20', '--batch-max-age-ms', '100'] });
  const { address } = account(0);
  for (let nonce = 0; nonce < BLOCKS; nonce++) {
    const raw = await signed(account(0), { nonce });
    const hash: string = await result(node.url, 'eth_sendRawTransaction', [raw]);
    const params: Record<(typeof ASKED_TWICE)[number], readonly unknown[]> = {
      eth_blockNumber: [],
      eth_getTransactionCount: [address, 'latest'],
      eth_getBlockByNumber: ['latest', false],
      zkevm_batchNumber: [],
    };
    const around = ASKED_TWICE.map((method) => [method, params[method]] as const);
    const between = [
      ['eth_getTransactionReceipt', [hash]],
      ['eth_getTransactionByHash', [hash]],
      ['eth_getBalance', [address, 'latest']],
    ] as const;
    const body = JSON.stringify(
      [...around, ...between, ...around.toReversed()].map(([method, list], id) => ({ jsonrpc: '2.0', id, method, params: list })),
    );
    const giveUpAt = performance.now() + GIVE_UP_MS;
    for (let isIncluded = false; !isIncluded; ) {
      if (performance.now() > giveUpAt) throw new Error(`transaction ${nonce} is not included`);
      const answers = (JSON.parse((await post(node.url, body)).body) as RpcAnswer[]).map((answer) => answer.result);
      const [block, count, latest] = answers;
      const [receipt, transaction] = answers.slice(around.length);
      t.deepEqual(answers.slice(-around.length).toReversed(), answers.slice(0, around.length));
      t.is(latest.number, block);
      isIncluded = receipt !== null;
      t.is(BigInt(count), BigInt(isIncluded ? nonce + 1 : nonce));
      t.is(transaction.blockNumber, isIncluded ? receipt.blockNumber : null);
      if (isIncluded) t.true(BigInt(receipt.blockNumber) <= BigInt(block));
    }
  }
});
