/**
 * kill -9 under a stream of transactions, at random moments, then a start on the same data directory. What was acknowledged is never
 * lost, what was published never changes, nothing is included twice, and the chain goes on. The seed replays the moments.
 */
import { ACCOUNTS, account, signed } from '../helpers/accounts.js';
import { sleep, startNode, type TestNode, until } from '../helpers/node.js';
import { type Teardown, temporaryFolder } from '../helpers/paths.js';
import { result, results, rpc } from '../helpers/rpc.js';
import { Seeded } from '../helpers/seeded.js';

const ARGS = ['--block-interval-ms', '50', '--batch-max-age-ms', '700'];
/** From the first moments after listening to a few closed batches. */
const MOMENT_MS = { min: 5, max: 1500 };
const TRANSFER_GAS = 21_000n;

interface Published {
  readonly number: string;
  readonly hash: string;
  readonly stateRoot: string;
}

/** What the outside world was told, over all lives of the node. */
export class World {
  readonly acknowledged = new Map<string, { sender: number; nonce: number }>();
  readonly published = new Map<string, Published>();
  closedBatch = 0n;
}

/** Kills a node `rounds` times. Throws on the first thing that is not as it was promised. */
export async function killMany(t: Teardown, rounds: number, seed: number, log: (line: string) => void): Promise<World> {
  const chance = new Seeded(seed);
  log(`ZKEVM_SEED=${seed}`);
  const dataDir = await temporaryFolder(t);
  const world = new World();
  for (let round = 1; round <= rounds; round += 1) {
    const node = await startNode(t, { dataDir, args: ARGS });
    await compare(node, world, `seed ${seed}, start ${round}`);
    // In every other round the moment counts from the first acknowledgement: a slow machine has something to lose too.
    await streamAndKill(node, world, chance, round % 2 === 0);
    if (round % 10 === 0) log(`${round} kills: ${world.acknowledged.size} transactions acknowledged, all there at each start`);
  }
  const node = await startNode(t, { dataDir, args: ARGS });
  await compare(node, world, `seed ${seed}, last start`);
  await allIncluded(node, world);
  await until('a closed batch', async () => {
    world.closedBatch = BigInt(await result(node.url, 'zkevm_batchNumber'));
    return world.closedBatch > 0n ? true : null;
  });
  await wholeChain(node, world);
  log(`${world.acknowledged.size} transactions acknowledged, ${world.published.size} blocks seen, ${world.closedBatch} batches closed`);
  return world;
}

/** After a start: everything published is as it was, everything acknowledged is known. */
async function compare(node: TestNode, world: World, when: string): Promise<void> {
  const published = [...world.published.values()];
  const blocks = await results(
    node.url,
    'eth_getBlockByNumber',
    published.map(({ number }) => [number, false]),
  );
  for (const [i, { number, hash, stateRoot }] of published.entries()) {
    const block = blocks[i];
    if (block === null) throw new Error(`${when}: published block ${number} is gone\n${node.output}`);
    if (block.hash !== hash || block.stateRoot !== stateRoot) throw new Error(`${when}: published block ${number} has changed`);
  }
  const hashes = [...world.acknowledged.keys()];
  const transactions = await results(
    node.url,
    'eth_getTransactionByHash',
    hashes.map((hash) => [hash]),
  );
  for (const [i, hash] of hashes.entries()) {
    if (transactions[i] === null) throw new Error(`${when}: acknowledged transaction ${hash} is gone`);
  }
  const closed = BigInt(await result(node.url, 'zkevm_batchNumber'));
  if (closed < world.closedBatch) throw new Error(`${when}: batch ${world.closedBatch} was closed, now only ${closed} is`);
}

async function streamAndKill(node: TestNode, world: World, chance: Seeded, isUnderLoad: boolean): Promise<void> {
  let alive = true;
  const before = world.acknowledged.size;
  const streams = ACCOUNTS.map((_, sender) => stream(node, world, sender, () => alive));
  const watcher = watch(node, world, () => alive);
  if (isUnderLoad) await until('an acknowledgement', async () => (world.acknowledged.size > before ? true : null));
  await sleep(chance.between(MOMENT_MS.min, MOMENT_MS.max));
  // Requests are under way at this moment: what they get is an error, or an answer that counts.
  alive = false;
  await node.kill();
  await Promise.all([...streams, watcher]);
}

/** Sends one transaction after the other; only an answer makes it acknowledged. */
async function stream(node: TestNode, world: World, sender: number, alive: () => boolean): Promise<void> {
  try {
    let nonce = Number(await result(node.url, 'eth_getTransactionCount', [account(sender).address, 'pending']));
    for (; alive(); nonce += 1) {
      const raw = await signed(account(sender), { nonce });
      const answer = await rpc(node.url, 'eth_sendRawTransaction', [raw]);
      if (answer.error !== undefined) {
        // The limit per account is not a loss: wait for blocks.
        if (!/account limit|nonce too high|txpool is full/.test(answer.error.message)) throw new Error(answer.error.message);
        nonce -= 1;
        await sleep(20);
        continue;
      }
      world.acknowledged.set(answer.result, { sender, nonce });
    }
  } catch (error) {
    if (alive()) throw error;
  }
}

async function watch(node: TestNode, world: World, alive: () => boolean): Promise<void> {
  try {
    while (alive()) {
      const { number, hash, stateRoot } = await result(node.url, 'eth_getBlockByNumber', ['latest', false]);
      world.published.set(number, { number, hash, stateRoot });
      const closed = BigInt(await result(node.url, 'zkevm_batchNumber'));
      if (closed > world.closedBatch) world.closedBatch = closed;
      await sleep(10);
    }
  } catch (error) {
    if (alive()) throw error;
  }
}

async function allIncluded(node: TestNode, world: World): Promise<void> {
  const hashes = [...world.acknowledged.keys()];
  const receipts = await until('a receipt of every transaction', async () => {
    const found = await results(
      node.url,
      'eth_getTransactionReceipt',
      hashes.map((hash) => [hash]),
    );
    return found.every((receipt) => receipt !== null) ? found : null;
  });
  for (const [i, hash] of hashes.entries()) {
    const receipt = receipts[i];
    if (receipt.status !== '0x1' || BigInt(receipt.gasUsed) !== TRANSFER_GAS) throw new Error(`${hash}: ${JSON.stringify(receipt)}`);
  }
  for (const [sender, wallet] of ACCOUNTS.entries()) {
    const nonces = [...world.acknowledged.values()].filter((entry) => entry.sender === sender).map(({ nonce }) => nonce);
    const count = Number(await result(node.url, 'eth_getTransactionCount', [wallet.address, 'latest']));
    if (count < Math.max(-1, ...nonces) + 1) throw new Error(`sender ${sender} has nonce ${count}, acknowledged were ${nonces.length}`);
  }
}

/** From genesis to head: linked, nonces in order, no transaction twice. */
async function wholeChain(node: TestNode, world: World): Promise<void> {
  const head = Number(await result(node.url, 'eth_blockNumber'));
  const next = new Map<string, number>();
  const seen = new Set<string>();
  let parent: string | null = null;
  for (let number = 0; number <= head; number += 1) {
    const block = await result(node.url, 'eth_getBlockByNumber', [`0x${number.toString(16)}`, true]);
    if (parent !== null && block.parentHash !== parent) throw new Error(`block ${number} is not linked to its parent`);
    parent = block.hash;
    for (const { hash, from, nonce } of block.transactions) {
      const expected = next.get(from) ?? 0;
      if (Number(nonce) !== expected) throw new Error(`block ${number}: ${from} has nonce ${Number(nonce)}, expected ${expected}`);
      next.set(from, expected + 1);
      seen.add(hash);
    }
  }
  for (const hash of world.acknowledged.keys()) if (!seen.has(hash)) throw new Error(`${hash} has a receipt but is in no block`);
}
