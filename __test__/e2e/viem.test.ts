/** viem against a real node: deploy, send, wait, call, logs, new heads. */
import test from 'ava';
import { createPublicClient, createWalletClient, defineChain, http, parseAbiItem, parseEther, webSocket } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { ACCOUNTS } from '../helpers/accounts.js';
import { contract } from '../helpers/contracts.js';
import { startNode, type TestNode, until } from '../helpers/node.js';
import { type ClientTest, endWhenStuck } from '../helpers/provider.js';

const CHAIN_ID = 1001;
/** A busy machine is no failure. */
const PATIENT = { timeout: 120_000 };

function clients(t: ClientTest, node: TestNode) {
  endWhenStuck(t);
  const chain = defineChain({
    id: CHAIN_ID,
    name: 'development',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [node.url], webSocket: [node.wsUrl] } },
  });
  const accounts = ACCOUNTS.map(({ privateKey }) => privateKeyToAccount(privateKey as `0x${string}`));
  const [owner, receiver] = accounts;
  if (owner === undefined || receiver === undefined) throw new Error('development accounts are missing');
  return {
    owner,
    receiver,
    chain,
    reader: createPublicClient({ chain, transport: http(undefined, PATIENT), pollingInterval: 50 }),
    writer: createWalletClient({ chain, account: owner, transport: http(undefined, PATIENT) }),
  };
}

test('a legacy transfer is sent, awaited and seen in the balances', async (t) => {
  const node = await startNode(t, { args: ['--block-interval-ms', '100'] });
  const { reader, writer, receiver } = clients(t, node);
  t.is(await reader.getChainId(), CHAIN_ID);
  const hash = await writer.sendTransaction({ to: receiver.address, value: parseEther('2'), type: 'legacy' });
  const receipt = await reader.waitForTransactionReceipt({ hash });
  t.is(receipt.status, 'success');
  t.is(receipt.type, 'legacy');
  t.is(await reader.getBalance({ address: receiver.address }), parseEther('10002'));
  const transaction = await reader.getTransaction({ hash });
  t.is(transaction.blockHash, receipt.blockHash);
  const block = await reader.getBlock({ blockHash: receipt.blockHash });
  t.true(block.transactions.includes(hash));
  t.is(block.baseFeePerGas ?? null, null, 'there is no base fee at fork 9');
});

test('a contract is deployed, written, read, simulated, and its logs are found', async (t) => {
  const node = await startNode(t, { args: ['--block-interval-ms', '100'] });
  const { reader, writer, owner, receiver } = clients(t, node);
  const { abi, bytecode } = await contract('Token');
  const supply = parseEther('1000');
  const deployed = await writer.deployContract({ abi, bytecode, args: ['Viem', 'VIM', supply], type: 'legacy' });
  const { contractAddress } = await reader.waitForTransactionReceipt({ hash: deployed });
  if (!contractAddress) return t.fail('the receipt of a deployment has the contract’s address');
  const address = contractAddress;
  const hash = await writer.writeContract({ address, abi, functionName: 'transfer', args: [receiver.address, 7n], type: 'legacy' });
  const receipt = await reader.waitForTransactionReceipt({ hash });
  t.is(await reader.readContract({ address, abi, functionName: 'balanceOf', args: [receiver.address] }), 7n);
  const event = parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)');
  const logs = await reader.getLogs({ address, event, args: { from: owner.address, to: receiver.address }, fromBlock: 0n });
  t.deepEqual(
    logs.map(({ transactionHash, args }) => [transactionHash, args.value]),
    [[receipt.transactionHash, 7n]],
  );
  const refused = await t.throwsAsync(
    reader.simulateContract({ address, abi, functionName: 'transfer', args: [owner.address, 8n], account: receiver }),
  );
  t.regex(String(refused?.message), /BalanceTooLow/);
});

test('newHeads over WebSocket brings every block once', async (t) => {
  const node = await startNode(t, { args: ['--block-interval-ms', '100'] });
  const { chain, reader, writer, receiver } = clients(t, node);
  const socket = createPublicClient({ chain, transport: webSocket(node.wsUrl, PATIENT) });
  // viem keeps sockets in a pool of its own, and opens them again: closing this one is what lets the process end.
  t.teardown(async () => (await socket.transport.getRpcClient()).close());
  const seen: bigint[] = [];
  const stop = socket.watchBlocks({ onBlock: ({ number }) => seen.push(number), onError: (error) => t.fail(String(error)) });
  t.teardown(stop);
  await socket.getChainId();
  let last = 0n;
  for (let index = 0; index < 3; index += 1) {
    const hash = await writer.sendTransaction({ to: receiver.address, value: 1n, type: 'legacy' });
    last = (await reader.waitForTransactionReceipt({ hash })).blockNumber;
  }
  await until('the head of the last block', async () => (seen.at(-1) === last ? true : null));
  t.deepEqual(
    seen,
    seen.map((_, index) => (seen[0] ?? 0n) + BigInt(index)),
  );
});
