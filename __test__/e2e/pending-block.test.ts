/** The open block of a real node as `pending`. */
import test from 'ava';
import { account, signed } from '../helpers/accounts.js';
import { startNode, until } from '../helpers/node.js';
import { result, results } from '../helpers/rpc.js';

test('transactions of the open block are in the pending block, by hash and as objects', async (t) => {
  const { url, adminUrl } = await startNode(t, { args: ['--block-interval-ms', '3600000', '--batch-max-age-ms', '3600000'], admin: true });
  const hashes: string[] = [];
  for (let sender = 0; sender < 3; sender++) {
    hashes.push(
      await result(url, 'eth_sendRawTransaction', [await signed(account(sender), { nonce: 0, gasPrice: BigInt(9 - sender) * 10n ** 9n })]),
    );
  }
  const pending = await until('three transactions in the open block', async () => {
    const block = await result(url, 'eth_getBlockByNumber', ['pending', false]);
    return block.transactions.length === 3 ? block : null;
  });
  const latest = await result(url, 'eth_getBlockByNumber', ['latest', false]);
  t.like(pending, { number: '0x1', parentHash: latest.hash, hash: null, gasUsed: `0x${(3 * 21_000).toString(16)}` });
  t.deepEqual([...pending.transactions].sort(), [...hashes].sort());
  t.is(await result(url, 'eth_getBlockTransactionCountByNumber', ['pending']), '0x3');
  const full = await result(url, 'eth_getBlockByNumber', ['pending', true]);
  t.deepEqual(
    full.transactions.map(({ hash }: { hash: string }) => hash),
    pending.transactions,
  );
  t.like(full.transactions[2], { blockHash: null, blockNumber: '0x1', transactionIndex: '0x2', nonce: '0x0' });
  t.deepEqual(await result(url, 'eth_getTransactionByBlockNumberAndIndex', ['pending', '0x2']), full.transactions[2]);
  t.like(await result(url, 'eth_getTransactionByHash', [pending.transactions[0]]), { hash: pending.transactions[0], blockHash: null });
  t.is(await result(url, 'eth_getTransactionReceipt', [pending.transactions[0]]), null);
  // Sealed in this very order.
  t.deepEqual(await result(adminUrl, 'admin_closeBatch'), { batch: 1 });
  const sealed = await until('block 1', async () => {
    const block = await result(url, 'eth_getBlockByNumber', ['0x1', false]);
    return block?.transactions.length > 0 ? block : null;
  });
  t.deepEqual(sealed.transactions, pending.transactions);
  t.is(sealed.timestamp, pending.timestamp);
  t.deepEqual((await result(url, 'eth_getBlockByNumber', ['pending', false])).transactions, []);
});

const RECEIVER = '0x0000000000000000000000000000000000000777';
/** Answers what the address that has it owns: SELFBALANCE. */
const OWN_BALANCE = '0x4760005260206000f3';
const SENDERS = 5;
const NONCES = 12;

interface Seen {
  readonly number: number;
  readonly parentHash: string | null;
  readonly stateRoot: string | null;
  readonly timestamp: string;
  readonly transactions: readonly string[];
  /** Of the receiver, asked for after the block in different ways. */
  readonly balances: readonly bigint[];
}

/** What a client sees at `pending`, from one request to the next. */
async function look(url: string): Promise<Seen> {
  const { number, parentHash, stateRoot, timestamp, transactions } = await result(url, 'eth_getBlockByNumber', ['pending', false]);
  const balance = BigInt(await result(url, 'eth_getBalance', [RECEIVER, 'pending']));
  const called = BigInt(await result(url, 'eth_call', [{ to: RECEIVER }, 'pending', { [RECEIVER]: { code: OWN_BALANCE } }]));
  // What it has by now can be spent.
  if (called > 0n)
    await result(url, 'eth_estimateGas', [{ from: RECEIVER, to: account(0).address, value: `0x${called.toString(16)}` }, 'pending']);
  return { number: Number(number), parentHash, stateRoot, timestamp, transactions, balances: [balance, called] };
}

test('while blocks are executed and written at once, pending is all that is executed, on the block before it', async (t) => {
  const node = await startNode(t, { args: ['--block-interval-ms', '20', '--batch-max-age-ms', '200'] });
  const { url } = node;
  const hashes: string[] = [];
  const sending = Promise.all(
    Array.from({ length: SENDERS }, async (_, sender) => {
      for (let nonce = 0; nonce < NONCES; nonce++) {
        const raw = await signed(account(sender), { nonce, to: RECEIVER, value: 1n });
        hashes.push(await result(url, 'eth_sendRawTransaction', [raw]));
      }
    }),
  );
  const seen: Seen[] = [];
  const total = BigInt(SENDERS * NONCES);
  await until('everything is durable', async () => {
    seen.push(await look(url));
    return BigInt(await result(url, 'eth_getBalance', [RECEIVER, 'latest'])) === total ? true : null;
  });
  await sending;
  seen.push(await look(url));

  const head = Number(await result(url, 'eth_blockNumber'));
  const blocks = await results(
    url,
    'eth_getBlockByNumber',
    Array.from({ length: head + 1 }, (_, number) => [`0x${number.toString(16)}`, false]),
  );
  // One wei each: the balance after a block is the number of transactions up to it.
  const included = blocks.map(() => 0n);
  for (const [number, block] of blocks.entries()) included[number] = (included[number - 1] ?? 0n) + BigInt(block.transactions.length);
  t.is(included[head], total);
  t.is(new Set(hashes).size, Number(total));
  let before: Seen | null = null;
  for (const pending of seen) {
    const what = JSON.stringify({ ...pending, balances: pending.balances.map(String) });
    const [parent, block] = [blocks[pending.number - 1], blocks[pending.number]];
    t.is(pending.parentHash, parent.hash, what);
    t.is(pending.stateRoot, parent.stateRoot, what);
    if (block === undefined) t.deepEqual(pending.transactions, [], what);
    else {
      t.deepEqual(pending.transactions, block.transactions.slice(0, pending.transactions.length), what);
      if (pending.transactions.length > 0) t.is(pending.timestamp, block.timestamp, what);
    }
    let known = (included[pending.number - 1] ?? 0n) + BigInt(pending.transactions.length);
    for (const balance of pending.balances) {
      t.true(balance >= known && balance <= total, `${balance} of at least ${known}: ${what}`);
      known = balance;
    }
    t.true(before === null || pending.number >= before.number, what);
    before = pending;
  }
  t.log(`${seen.length} looks at ${new Set(seen.map(({ number }) => number)).size} pending blocks of ${head}`);
  t.notRegex(node.output, /\bERROR\b/);
});
