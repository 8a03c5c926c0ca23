/**
 * Proofs over JSON-RPC verified by the TypeScript verifier, and closed batches exported as executor vectors and executed from them alone, by
 * another process.
 */
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type BaseContract, type Contract, ContractFactory, type JsonRpcProvider } from 'ethers';
import { h4ToHex, hashCode } from '../../src/proof/index.js';
import { type AccountProof, verifyAccountProof } from '../../src/proof/verify.js';
import { account, ETHER } from '../helpers/accounts.js';
import { conformance, type Summary } from '../helpers/conformance.js';
import { contract } from '../helpers/contracts.js';
import { startNode, type TestNode, until } from '../helpers/node.js';
import { HAVE_VECTORS, MAIN, ROOT, temporaryFolder, VECTORS } from '../helpers/paths.js';
import { type ClientTest, providerOf } from '../helpers/provider.js';
import { result, rpc } from '../helpers/rpc.js';

const LEGACY = { type: 0 };
const SUPPLY = 1_000_000n * ETHER;
const RECEIVER = `0x${'5e'.repeat(20)}`;
const NOBODY = `0x${'0d'.repeat(20)}`;
const ARGS = ['--block-interval-ms', '100', '--batch-max-age-ms', '1000'];

function run(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    child.once('close', (code) => done({ code, output }));
  });
}

/** Runs vectors, which may fail but have to be read. */
async function vectorsOf(t: Parameters<typeof conformance>[0], folder: string): Promise<Summary & { output: string }> {
  const { code, output, summary } = await conformance(t, [folder]);
  if (summary === null) throw new Error(output);
  if ((code === 0) !== (summary.failures.length === 0))
    throw new Error(`exit code ${code} with ${summary.failures.length} failures:\n${output}`);
  return { ...summary, output };
}

/** Waits until the newest L2 block's batch is closed; answers its number. */
async function batchClosed(node: TestNode, provider: JsonRpcProvider): Promise<number> {
  const number = Number(await result(node.url, 'zkevm_batchNumberByBlockNumber', [await provider.getBlockNumber()]));
  return until('the batch to be closed', async () => {
    const batch = await result(node.url, 'zkevm_getBatchByNumber', ['latest', false]);
    return Number(batch.number) >= number ? number : null;
  });
}

/** A contract with state, all of one holder's tokens moved on (a slot set to zero), plain transfers; answers the contract. */
async function someHistory(t: ClientTest, node: TestNode): Promise<{ token: string; provider: JsonRpcProvider }> {
  const provider = providerOf(t, node.url);
  const [owner, holder] = [account(0).connect(provider), account(1).connect(provider)];
  await (await owner.sendTransaction({ to: RECEIVER, value: 3n * ETHER, ...LEGACY })).wait();
  const { abi, bytecode } = await contract('Token');
  const deployed: BaseContract = await new ContractFactory(abi as never, bytecode, owner).deploy('Test', 'TST', SUPPLY, LEGACY);
  await deployed.waitForDeployment();
  // What follows is in a batch of its own, so that the code belongs to the state before that.
  await batchClosed(node, provider);
  const token = deployed as Contract;
  const mine = token.connect(holder) as Contract;
  for (const amount of [250n, 7n]) {
    await (await token.getFunction('transfer')(holder.address, amount, LEGACY)).wait();
    await (await mine.getFunction('transfer')(RECEIVER, amount, LEGACY)).wait();
  }
  await (await holder.sendTransaction({ to: RECEIVER, value: 1n, ...LEGACY })).wait();
  return { token: await token.getAddress(), provider };
}

test('whatever the node says of accounts and slots at any block, its state root vouches for', async (t) => {
  const node = await startNode(t, { args: ARGS });
  const { token, provider } = await someHistory(t, node);
  const head = await provider.getBlockNumber();
  const code = await provider.getCode(token);
  const slots = [0n, 1n, 2n, 3n, 1n << 200n];
  const seen = new Set<string>();
  for (let block = 0; block <= head; block++) {
    const tag = `0x${block.toString(16)}`;
    const { stateRoot } = await result(node.url, 'eth_getBlockByNumber', [tag, false]);
    for (const address of [token, RECEIVER, NOBODY, account(1).address]) {
      const hexSlots = slots.map((slot) => `0x${slot.toString(16)}`);
      const answer = (await result(node.url, 'zkevm_getProof', [address, hexSlots, tag])) as AccountProof & { blockNumber: string };
      const verified = verifyAccountProof({ stateRoot, address, slots }, answer);
      t.is(answer.blockNumber, tag);
      t.is(verified.balance, await provider.getBalance(address, block));
      t.is(verified.nonce, BigInt(await provider.getTransactionCount(address, block)));
      for (const slot of slots) t.is(verified.storage.get(slot), BigInt(await provider.getStorage(address, slot, block)));
      if (verified.codeLength !== 0n) {
        t.is(verified.codeLength, BigInt(code.length / 2 - 1));
        t.is(verified.codeHash, h4ToHex(hashCode(Buffer.from(code.slice(2), 'hex'))), 'the code can be checked too');
      }
      seen.add(`${address} ${verified.balance} ${verified.codeLength}`);
    }
  }
  t.true(seen.size > 6, 'states differ between blocks');
  const latest = await result(node.url, 'zkevm_getProof', [token, ['0x0']]);
  t.is((await result(node.url, 'zkevm_getProof', [token, ['0x0'], 'pending'])).address, latest.address);
});

test('the example verifies a balance, and says so when it is not there', async (t) => {
  const node = await startNode(t, { args: ARGS });
  const example = join(ROOT, 'examples/verify-proof.mjs');
  const { address } = account(3);
  const { code, output } = await run([example, address, '--rpc', node.url, '--slot', '0x0']);
  t.is(code, 0, output);
  t.regex(output, new RegExp(`verified: ${address} has 10000000000000000000000 wei, nonce 0, 0 bytes of code\nverified: slot 0 is 0`));
  // The root of another state vouches for nothing.
  const other = await startNode(t, { args: ARGS });
  for (const [index, { url }] of [node, other].entries()) {
    const provider = providerOf(t, url);
    await (
      await account(0)
        .connect(provider)
        .sendTransaction({ to: address, value: BigInt(index + 1), ...LEGACY })
    ).wait();
  }
  const lied = await run([example, address, '--rpc', node.url, '--root-rpc', other.url, '--block', '0x1']);
  t.is(lied.code, 1, lied.output);
  t.regex(lied.output, /not verified: /);
});

test('what cannot be proven is refused with a reason', async (t) => {
  const strict = await startNode(t, { args: [...ARGS, '--rpc-proof-changes-max', '3'] });
  await someHistory(t, strict);
  const error = async (method: string, params: readonly unknown[]) => (await rpc(strict.url, method, params)).error;
  t.is((await error('zkevm_getProof', [RECEIVER, [], '0x0']))?.code, -32005);
  t.regex((await error('zkevm_getProof', [RECEIVER, [], '0x0']))?.message ?? '', /more than 3 keys changed since block 0/);
  t.is((await error('zkevm_getProof', [RECEIVER, [], '0xffffff']))?.message, 'header not found');
  t.is((await error('zkevm_getProof', ['0x12']))?.code, -32602);
  t.is((await error('zkevm_getProof', [RECEIVER, 'no']))?.code, -32602);
  t.is((await error('zkevm_getProof', [RECEIVER, Array(1025).fill('0x0')]))?.code, -32602);
  t.is((await error('zkevm_getBatchWitness', ['0xfff']))?.code, -32000);
  t.is((await error('zkevm_getBatchWitness', ['0x0']))?.code, -32000);
  t.is((await error('zkevm_getBatchWitness', ['0x1', 'full']))?.code, -32602);
  t.is((await error('zkevm_getBlockRangeWitness', ['0x2', '0x1']))?.code, -32602);
});

test('exported batches are vectors: conformance executes them from the file alone', async (t) => {
  const node = await startNode(t, { args: ARGS });
  const { token, provider } = await someHistory(t, node);
  const last = await batchClosed(node, provider);
  const folder = await temporaryFolder(t);
  for (let batch = 1; batch < last; batch++) {
    const { code, output } = await run([MAIN, 'witness', String(batch), '--rpc', node.url, '--out', join(folder, `${batch}.json`)]);
    t.is(code, 0, output);
  }
  const witness = await result(node.url, 'zkevm_getBatchWitness', [last, 'trimmed']);
  const input = await result(node.url, 'zkevm_getProverInput', [last]);
  t.deepEqual([witness.db, witness.contractsBytecode], [input.db, input.contractsBytecode]);
  await node.stop();
  // The last one out of the data directory of a node that is stopped.
  const { code, output } = await run([MAIN, 'witness', String(last), '--data-dir', node.dataDir, '--out', join(folder, `${last}.json`)]);
  t.is(code, 0, output);
  t.deepEqual(JSON.parse(await readFile(join(folder, `${last}.json`), 'utf8')), input);

  const summary = await vectorsOf(t, folder);
  t.deepEqual(summary.failures, [], summary.output);
  const { total, stateRoot, accInputHash, localExitRoot, newNumBatch, counters } = summary;
  t.deepEqual(
    { total, stateRoot, accInputHash, localExitRoot, newNumBatch, counters },
    { total: last, stateRoot: last, accInputHash: last, localExitRoot: last, newNumBatch: last, counters: last },
  );

  // Each kind of thing was in one of them, and nothing of it can be left out.
  const vectors = await Promise.all(
    Array.from({ length: last }, async (_, i) => JSON.parse(await readFile(join(folder, `${i + 1}.json`), 'utf8'))),
  );
  t.true(vectors.some(({ contractsBytecode }) => contractsBytecode[token.toLowerCase()] !== undefined));
  const [first] = vectors;
  const missing = Object.keys(first.db)[0] ?? '';
  const { [missing]: _, ...db } = first.db;
  const broken = await temporaryFolder(t);
  await writeFile(join(broken, 'broken.json'), JSON.stringify({ ...first, db }));
  const failed = await vectorsOf(t, broken);
  t.regex(failed.output, new RegExp(`the witness has no node ${missing}`));
});

(HAVE_VECTORS ? test : test.skip)('the injected first batch of a rollup is a vector too', async (t) => {
  const node = await startNode(t, { args: [...ARGS, '--genesis', join(VECTORS, 'genesis/etrog-dev-genesis.json')] });
  const folder = await temporaryFolder(t);
  const { code, output } = await run([MAIN, 'witness', '1', '--rpc', node.url, '--out', join(folder, '1.json')]);
  t.is(code, 0, output);
  const summary = await vectorsOf(t, folder);
  t.deepEqual(summary.failures, [], summary.output);
  t.is(summary.accInputHash, 1);
});

test('a witness that cannot be had is one sentence', async (t) => {
  const folder = await temporaryFolder(t);
  const refused = async (args: readonly string[], pattern: RegExp) => {
    const { code, output } = await run([MAIN, 'witness', ...args]);
    t.is(code, 1, output);
    t.regex(output, pattern);
    t.notRegex(output, /^\s+at /m);
  };
  await refused([], /takes the number of one closed batch.*CLI_USAGE/);
  await refused(['0'], /CLI_USAGE/);
  await refused(['1', '--rpc'], /--rpc needs a value/);
  await refused(['1', '--rpc', 'http://127.0.0.1:1'], /NODE_UNREACHABLE/);
  await refused(['1', '--data-dir', join(folder, 'none')], /DATA_DIR_MISSING/);
});
