/**
 * Quick start against a running node: a transfer, an ERC-20 deployed and moved, its logs read, and the batch that holds it all,
 * closed, with its counters and the reason why it was closed.
 *
 *   node examples/quickstart.mjs [--rpc http://127.0.0.1:8545]
 *
 * The node may be started with --batch-max-age-ms 5000 to see the batch closed sooner than after a minute.
 */
import { parseArgs } from 'node:util';
import { ContractFactory, formatEther, HDNodeWallet, JsonRpcProvider, parseEther, Wallet } from 'ethers';
import { compile } from './compile.mjs';

const MNEMONIC = 'test test test test test test test test test test test junk';
const CONNECT_MS = 30_000;
const BATCH_MS = 180_000;
/** Fork 9 knows legacy transactions only. */
const LEGACY = { type: 0 };

const { values } = parseArgs({ options: { rpc: { type: 'string', default: 'http://127.0.0.1:8545' } } });

try {
  await main(values.rpc);
} catch (error) {
  process.stderr.write(`quick start failed: ${error.shortMessage ?? error.message}\n`);
  process.exitCode = 1;
}

async function main(url) {
  // First of all: compiling keeps this process busy for longer than a connection may be idle on a slow machine.
  const contract = compile(new URL('./contracts/Token.sol', import.meta.url));
  const provider = await connect(url);
  try {
    const wallet = HDNodeWallet.fromPhrase(MNEMONIC).connect(provider);
    const receiver = Wallet.createRandom().address;
    await transfer(wallet, receiver);
    const { token, receipt } = await moveTokens(wallet, receiver, contract);
    await readLogs(token, receiver);
    await closedBatch(provider, receipt);
    print('\nquick start: all done');
  } finally {
    provider.destroy();
  }
}

async function connect(url) {
  const provider = new JsonRpcProvider(url, undefined, { pollingInterval: 250, cacheTimeout: -1 });
  const deadline = Date.now() + CONNECT_MS;
  for (;;) {
    try {
      const chainId = BigInt(await rpc(url, 'eth_chainId'));
      print(`connected to ${url}: chain ${chainId}, block ${await provider.getBlockNumber()}`);
      return provider;
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`no node answers at ${url} (${error.message}); start one with: npm start`);
      await sleep(500);
    }
  }
}

/** ethers retries a dead endpoint for ever; this one call says at once whether somebody listens. */
async function rpc(url, method) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [] });
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { result, error } = await response.json();
  if (error) throw new Error(error.message);
  return result;
}

async function transfer(wallet, to) {
  const balance = await wallet.provider.getBalance(wallet.address);
  print(`\n1. transfer: ${wallet.address} has ${formatEther(balance)} ETH`);
  const value = parseEther('1.5');
  const receipt = await sent(await wallet.sendTransaction({ to, value, ...LEGACY }));
  expect((await wallet.provider.getBalance(to)) === value, `the receiver has ${formatEther(value)} ETH`);
  const after = await wallet.provider.getBalance(wallet.address);
  const { miner } = await wallet.provider.getBlock(receipt.blockNumber);
  const isSequencer = miner === wallet.address;
  const paid = isSequencer ? value : value + receipt.fee;
  expect(
    after === balance - paid,
    `the sender paid ${isSequencer ? 'value (it sequences: the fee is its own)' : 'value and fee'}, not a wei more`,
  );
}

async function moveTokens(wallet, to, { abi, bytecode }) {
  print('\n2. ERC-20: our own contract');
  const supply = parseEther('1000000');
  const token = await new ContractFactory(abi, bytecode, wallet).deploy('Quick Start', 'QST', supply, LEGACY);
  await sent(token.deploymentTransaction());
  const address = await token.getAddress();
  expect((await token.totalSupply()) === supply, `${await token.symbol()} lives at ${address}`);
  const value = parseEther('250');
  const receipt = await sent(await token.transfer(to, value, LEGACY));
  expect((await token.balanceOf(to)) === value, `the receiver has ${formatEther(value)} QST`);
  expect((await token.balanceOf(wallet.address)) === supply - value, 'the sender has the rest');
  return { token, receipt };
}

async function readLogs(token, receiver) {
  print('\n3. logs of the token');
  const events = await token.queryFilter('Transfer', 0, 'latest');
  for (const { args, blockNumber } of events) print(`   block ${blockNumber}: ${args.from} -> ${args.to} ${formatEther(args.value)} QST`);
  expect(events.length === 2, 'two Transfer events: the supply, and ours');
  const filtered = await token.queryFilter(token.filters.Transfer(null, receiver), 0, 'latest');
  expect(filtered.length === 1 && filtered[0].args.value === parseEther('250'), 'one of them to the receiver');
}

async function closedBatch(provider, { blockNumber, hash }) {
  const number = await provider.send('zkevm_batchNumberByBlockNumber', [`0x${blockNumber.toString(16)}`]);
  expect(number !== null, `\n4. block ${blockNumber} is in batch ${BigInt(number)}; waiting until it is closed`);
  const started = Date.now();
  for (;;) {
    const batch = await provider.send('zkevm_getBatchByNumber', [number, false]);
    if (batch.closed) return showBatch(batch, hash);
    const seconds = Math.round((Date.now() - started) / 1000);
    if (seconds * 1000 > BATCH_MS) throw new Error(`batch ${BigInt(number)} is still open after ${seconds} s`);
    if (seconds % 5 === 0) print(`   open for ${seconds} s: ${batch.blocks.length} blocks, ${batch.transactions.length} transactions`);
    await sleep(1000);
  }
}

function showBatch(batch, hash) {
  print(`   closed: ${batch.closingReason}`);
  print(`   blocks ${batch.blocks.length}, transactions ${batch.transactions.length}`);
  print(`   state root   ${batch.stateRoot}`);
  print(`   accInputHash ${batch.accInputHash}`);
  print(`   counters     ${counters(batch)}`);
  expect(batch.transactions.includes(hash), 'our last transaction is in it');
}

function counters({ countersUsed = {}, countersLimit = {} }) {
  const names = Object.keys(countersUsed);
  expect(names.length > 0, 'the batch tells its counters');
  return names.map((name) => `${name} ${BigInt(countersUsed[name])} of ${BigInt(countersLimit[name])}`).join(', ');
}

async function sent(transaction) {
  const receipt = await transaction.wait();
  expect(receipt?.status === 1, `${transaction.hash} in block ${receipt?.blockNumber}, ${receipt?.gasUsed} gas`);
  return receipt;
}

function expect(holds, statement) {
  if (!holds) throw new Error(`this does not hold: ${statement.trim()}`);
  print(statement.startsWith('\n') ? statement : `   ${statement}`);
}

function print(text) {
  process.stdout.write(`${text}\n`);
}

function sleep(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
