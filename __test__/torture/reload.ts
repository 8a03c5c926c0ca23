/**
 * A start with a pool full of pending transactions, after a kill: how long the pool takes to be back, and that everything acknowledged is in it.
 * Nothing of it can run (every sender's first nonce is missing), so that exactly what was sent has to be there.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GWEI } from '../helpers/accounts.js';
import { startNode, until } from '../helpers/node.js';
import { type Teardown, temporaryFolder } from '../helpers/paths.js';
import { result, results } from '../helpers/rpc.js';
import { Wallets } from './actors.js';

/** Transactions of one sender: as many as a gap may have behind it by default. */
const PER_SENDER = 50;
const GROUP = 100;
const CONNECTIONS = 8;

export interface ReloadReport {
  readonly pending: number;
  /** As the node logs it. */
  readonly loadMs: number;
  /** From the start of the process to the first answer. */
  readonly startMs: number;
}

/** Fills a pool, kills the node, and starts it again. Throws where a transaction is missing. */
export async function reloadPool(t: Teardown, count: number, log: (line: string) => void): Promise<ReloadReport> {
  const folder = await temporaryFolder(t);
  const dataDir = await temporaryFolder(t);
  const wallets = new Wallets();
  const senders = wallets.make(Math.ceil(count / PER_SENDER), 10n ** 20n);
  const genesis = wallets.all.map(({ address, wei }) => ({ accountName: address, address, balance: wei.toString(), nonce: '0' }));
  await writeFile(join(folder, 'genesis.json'), JSON.stringify({ genesis }));
  const args = ['--genesis', join(folder, 'genesis.json'), '--pool-txs-max', String(2 * count)];
  const hashes: string[] = [];
  const raws: string[] = [];
  for (let i = 0; i < count; i++) {
    const sender = senders[i % senders.length];
    if (sender === undefined) throw new RangeError('no senders');
    // The first nonce is left out.
    const nonce = 1 + Math.floor(i / senders.length);
    const { raw, hash } = sender.sign({ nonce, gasPrice: GWEI, gasLimit: 21_000n, to: sender.address, value: 1n, data: Buffer.alloc(0) });
    raws.push(raw);
    hashes.push(hash);
  }
  const first = await startNode(t, { dataDir, args });
  await fill(first.url, raws);
  log(`${count} transactions acknowledged`);
  await first.kill();

  const startedMs = Date.now();
  const second = await startNode(t, { dataDir, args });
  const startMs = Date.now() - startedMs;
  await until('the pool is loaded', async () => (/pool loaded .*\bms=\d+/.test(second.output) ? true : null));
  const { pending, queued } = await result(second.url, 'txpool_status');
  if (Number(pending) !== 0 || Number(queued) !== count)
    throw new Error(`${Number(pending)} pending and ${Number(queued)} queued of ${count}`);
  const found = await results(
    second.url,
    'eth_getTransactionByHash',
    hashes.map((hash) => [hash]),
  );
  const lost = found.filter((transaction) => transaction === null).length;
  if (lost > 0) throw new Error(`${lost} of ${count} acknowledged transactions are gone`);
  const loadMs = Number(/pool loaded .*\bms=(\d+)/.exec(second.output)?.[1]);
  log(`${count} pending transactions: pool loaded in ${loadMs} ms, node answers after ${startMs} ms`);
  return { pending: count, loadMs, startMs };
}

async function fill(url: string, raws: readonly string[]): Promise<void> {
  let next = 0;
  const connection = async (): Promise<void> => {
    while (next < raws.length) {
      const from = next;
      next += GROUP;
      await results(
        url,
        'eth_sendRawTransaction',
        raws.slice(from, from + GROUP).map((raw) => [raw]),
      );
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
}
