/** ethers 6 against a real node: deploy, send, wait, call, logs, new heads. */
import test from 'ava';
import { type BaseContract, type Contract, ContractFactory, type ContractTransactionReceipt, isError, type JsonRpcProvider } from 'ethers';
import { account, CHAIN_ID, ETHER } from '../helpers/accounts.js';
import { contract } from '../helpers/contracts.js';
import { startNode, until } from '../helpers/node.js';
import { providerOf, socketProviderOf } from '../helpers/provider.js';

const LEGACY = { type: 0 };
const SUPPLY = 1_000_000n * ETHER;

async function deployToken(provider: JsonRpcProvider, index: number): Promise<Contract> {
  const { abi, bytecode } = await contract('Token');
  const factory = new ContractFactory(abi as never, bytecode, account(index).connect(provider));
  const deployed: BaseContract = await factory.deploy('Test', 'TST', SUPPLY, LEGACY);
  await deployed.waitForDeployment();
  return deployed as Contract;
}

test('a transfer moves value, and the sender pays it and the fee', async (t) => {
  const node = await startNode(t, { args: ['--block-interval-ms', '100'] });
  const provider = providerOf(t, node.url);
  t.is((await provider.getNetwork()).chainId, CHAIN_ID);
  const wallet = account(0).connect(provider);
  const before = await provider.getBalance(wallet.address);
  t.is(before, 10_000n * ETHER, 'every development account has 10,000 ETH');
  const sent = await wallet.sendTransaction({ to: account(1).address, value: ETHER, ...LEGACY });
  const receipt = await sent.wait();
  t.is(receipt?.status, 1);
  t.is(receipt?.gasUsed, 21_000n);
  t.is(await provider.getBalance(account(1).address), 10_001n * ETHER);
  t.is(await provider.getBalance(wallet.address), before - ETHER - (receipt?.fee ?? 0n));
  t.is(await provider.getTransactionCount(wallet.address), 1);
});

test('an ERC-20 is deployed, called, moved, and its logs are found', async (t) => {
  const node = await startNode(t, { args: ['--block-interval-ms', '100'] });
  const provider = providerOf(t, node.url);
  const token = await deployToken(provider, 0);
  const [owner, receiver] = [account(0).address, account(1).address];
  t.is(await token.getFunction('balanceOf')(owner), SUPPLY);
  const response = await token.getFunction('transfer')(receiver, 250n, LEGACY);
  const receipt = (await response.wait()) as ContractTransactionReceipt;
  t.is(receipt.logs.length, 1);
  t.is(await token.getFunction('balanceOf')(receiver), 250n);

  const events = await token.queryFilter('Transfer', 0, 'latest');
  t.is(events.length, 2, 'the supply and the transfer');
  const filtered = await token.queryFilter(token.getEvent('Transfer')(owner, receiver), 0, 'latest');
  t.deepEqual(
    filtered.map(({ transactionHash }) => transactionHash),
    [receipt.hash],
  );
  t.is(await provider.getCode(await token.getAddress()).then((code) => code.length > 2), true);
});

test('a revert is decoded with its own error, by call and by estimate', async (t) => {
  const node = await startNode(t, { args: ['--block-interval-ms', '100'] });
  const provider = providerOf(t, node.url);
  const token = await deployToken(provider, 0);
  const poor = token.connect(account(2).connect(provider)) as Contract;
  for (const attempt of [
    () => poor.getFunction('transfer').staticCall(account(1).address, 1n),
    () => poor.getFunction('transfer').estimateGas(account(1).address, 1n),
  ]) {
    const error = await t.throwsAsync(attempt);
    if (!isError(error, 'CALL_EXCEPTION')) return t.fail(`not a CALL_EXCEPTION: ${error}`);
    // ethers decodes a call's revert itself; of an estimate it only passes the data on.
    const revert = error.revert ?? token.interface.parseError(error.data ?? '0x');
    t.is(revert?.name, 'BalanceTooLow');
    t.deepEqual([...(revert?.args ?? [])], [account(2).address, 0n, 1n]);
  }
  const forced = await account(2)
    .connect(provider)
    .sendTransaction({
      to: await token.getAddress(),
      data: token.interface.encodeFunctionData('transfer', [account(1).address, 1n]),
      gasLimit: 100_000n,
      ...LEGACY,
    });
  const mined = await until('the reverted transaction is in a block', () => provider.getTransactionReceipt(forced.hash));
  t.is(mined.status, 0, 'a reverted transaction is included with status 0');
});

test('new heads and logs arrive over WebSocket, in order and without gaps', async (t) => {
  const node = await startNode(t, { args: ['--block-interval-ms', '100'] });
  const socket = socketProviderOf(t, node.wsUrl);
  const provider = providerOf(t, node.url);
  const token = await deployToken(provider, 0);
  const heads: number[] = [];
  const logs: string[] = [];
  await socket.on('block', (number: number) => heads.push(number));
  await socket.on({ address: await token.getAddress() }, (log: { transactionHash: string }) => logs.push(log.transactionHash));
  await socket.send('eth_chainId', []);
  const hashes: string[] = [];
  let last = 0;
  for (let index = 0; index < 3; index += 1) {
    const response = await token.getFunction('transfer')(account(1).address, 1n, LEGACY);
    const receipt = await response.wait();
    hashes.push(receipt.hash);
    last = receipt.blockNumber;
  }
  await until('three logs and the last head', async () => (logs.length >= 3 && heads.at(-1) === last ? true : null));
  t.deepEqual(logs, hashes);
  t.true(heads.length >= 3, `heads: ${heads}`);
  t.deepEqual(
    heads,
    heads.map((_, index) => (heads[0] ?? 0) + index),
    'block numbers without a gap',
  );
});

test('a batch closes by age with counters, reason and the blocks it holds', async (t) => {
  const node = await startNode(t, { args: ['--block-interval-ms', '100', '--batch-max-age-ms', '1000'] });
  const provider = providerOf(t, node.url);
  const wallet = account(0).connect(provider);
  const receipt = await (await wallet.sendTransaction({ to: account(1).address, value: 1n, ...LEGACY })).wait();
  const block = `0x${(receipt?.blockNumber ?? 0).toString(16)}`;
  const number: string = await provider.send('zkevm_batchNumberByBlockNumber', [block]);
  const batch = await until('the batch is closed', async () => {
    const answer = await provider.send('zkevm_getBatchByNumber', [number, false]);
    return answer?.closed ? answer : null;
  });
  t.is(batch.number, number);
  t.true(batch.transactions.includes(receipt?.hash));
  t.regex(batch.closingReason, /time|age|deadline/i);
  t.regex(batch.accInputHash, /^0x[0-9a-f]{64}$/);
  t.regex(batch.batchL2Data, /^0x0b/, 'starts with a changeL2Block');
  const last = await provider.send('eth_getBlockByNumber', ['latest', false]);
  t.is(batch.stateRoot, last.stateRoot, 'the batch ends in the state of its last block');
  t.true(BigInt(batch.countersUsed.steps) > 0n, 'counters are told');
  t.true(BigInt(batch.countersUsed.steps) < BigInt(batch.countersLimit.steps), 'below their limits');
  t.is(BigInt(await provider.send('zkevm_batchNumber', [])), BigInt(number));
});
