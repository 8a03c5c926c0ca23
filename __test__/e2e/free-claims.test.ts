/**
 * Claims that pay nothing, on a real node: senders without any balance claim from the bridge of the genesis; a claim whose deposit is claimed
 * by the time it is sequenced leaves no trace in the chain; receipt, verification and replay agree.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { AbiCoder, Wallet } from 'ethers';
import { account, ETHER, GWEI, signed } from '../helpers/accounts.js';
import { runNode, startNode, type TestNode, until } from '../helpers/node.js';
import { temporaryFolder } from '../helpers/paths.js';
import { agreesWithItself } from '../helpers/replay.js';
import { result, rpc } from '../helpers/rpc.js';

const BRIDGE = '0x40e0576c0a7dff9dc460b29ba73e79abf73dd2a9';
/** What a bridge does, without its proofs: a global index (at 0x804 of the calldata) is claimed once. */
const BRIDGE_CODE = '0x610804358054600e5760019055005b60006000fd';
const ARGUMENTS = 'bytes32[32],bytes32[32],uint256,bytes32,bytes32,uint32,address,uint32,address,uint256,bytes'.split(',');

/** Calldata of claimAsset. */
function claimAsset(globalIndex: bigint): string {
  const siblings = Array.from({ length: 32 }, () => `0x${'00'.repeat(32)}`);
  const root = `0x${'11'.repeat(32)}`;
  const values = [siblings, siblings, globalIndex, root, root, 0, BRIDGE, 1, BRIDGE, ETHER, '0x'];
  return `0xccaa2d11${AbiCoder.defaultAbiCoder().encode(ARGUMENTS, values).slice(2)}`;
}

const free = (from: Wallet, globalIndex: bigint, gasPrice = 0n) =>
  signed(from, { nonce: 0, to: BRIDGE, value: 0n, gasLimit: 300_000n, gasPrice, data: claimAsset(globalIndex) });

async function genesisWithBridge(folder: string): Promise<string> {
  const path = join(folder, 'genesis.json');
  const genesis = [
    { contractName: 'PolygonZkEVMBridge implementation', address: `0x${'33'.repeat(20)}`, balance: '0' },
    { contractName: 'PolygonZkEVMBridge proxy', address: BRIDGE, balance: '0', nonce: '1', bytecode: BRIDGE_CODE },
    { accountName: 'somebody', address: account(0).address, balance: ETHER.toString() },
  ];
  writeFileSync(path, JSON.stringify({ genesis }));
  return path;
}

const send = (node: TestNode, raw: string) => rpc(node.url, 'eth_sendRawTransaction', [raw]);

test('who has nothing claims for nothing, where the claim succeeds', async (t) => {
  const folder = await temporaryFolder(t);
  const record = join(folder, 'session.rec');
  const args = ['--genesis', await genesisWithBridge(folder), '--pool-free-claims'];
  const node = await startNode(t, {
    admin: true,
    args: [...args, '--record', record, '--block-interval-ms', '50', '--batch-max-age-ms', '300'],
  });
  const [lucky, late, other] = [Wallet.createRandom(), Wallet.createRandom(), Wallet.createRandom()].map(
    ({ privateKey }) => new Wallet(privateKey),
  ) as [Wallet, Wallet, Wallet];

  // All are admitted on one state, in which nothing is claimed.
  await result(node.adminUrl, 'admin_pause');
  const paying = await result(node.url, 'eth_sendRawTransaction', [await free(account(0), 2n, 2n * GWEI)]);
  const hash = await result(node.url, 'eth_sendRawTransaction', [await free(lucky, 1n)]);
  const lateHash = await result(node.url, 'eth_sendRawTransaction', [await free(late, 2n)]);
  const twice = await send(node, await free(other, 1n));
  t.regex(twice.error?.message ?? '', /^transaction underpriced: .*no other free claim of its deposit waits$/);
  const noClaim = await send(node, await signed(other, { nonce: 0, value: 0n, gasPrice: 0n }));
  t.is(noClaim.error?.message, 'transaction underpriced: gas price 0, minimum needed 1000000000');
  await result(node.adminUrl, 'admin_resume');

  const receipt = await until('the receipt', () => result(node.url, 'eth_getTransactionReceipt', [hash]));
  t.like(receipt, { status: '0x1', effectiveGasPrice: '0x0', from: lucky.address.toLowerCase() });
  t.is((await until('the receipt', () => result(node.url, 'eth_getTransactionReceipt', [paying]))).status, '0x1');
  const ended = await until('the end state', async () => {
    const state = await result(node.url, 'zkevm_getPoolTransaction', [lateHash]);
    return state.status === 'failed' ? state : null;
  });
  t.is(ended.reason, 'the claim is free and failed when it was sequenced: it is not included');
  t.is(await result(node.url, 'eth_getTransactionReceipt', [lateHash]), null);
  t.is(await result(node.url, 'eth_getTransactionCount', [late.address]), '0x0');
  const known = await send(node, await free(other, 1n));
  t.regex(known.error?.message ?? '', /^transaction underpriced: .*a claim is free only if it succeeds$/);

  await agreesWithItself(t, node, record, receipt.blockNumber);
});

test('free claims without a bridge are refused at start', async (t) => {
  const { code, output } = await runNode(t, { args: ['--pool-free-claims'] });
  t.not(code, 0);
  t.regex(output, /pool\.freeClaims needs pool\.bridgeAddress: the genesis names no bridge \[CONFIG_INVALID\]/);
});
