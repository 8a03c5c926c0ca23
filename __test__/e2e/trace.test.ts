/** debug and trace against a real node: one transaction that calls, reverts, creates, logs and self-destructs, shown in every way. */
import anyTest, { type TestFn } from 'ava';
import { Interface, keccak256, Transaction } from 'ethers';
import { createPublicClient, getContractAddress, http } from 'viem';
import { account, CHAIN_ID, GWEI, signed } from '../helpers/accounts.js';
import { contract } from '../helpers/contracts.js';
import { startNode, type TestNode, until } from '../helpers/node.js';
import { providerOf } from '../helpers/provider.js';
import { result, rpc } from '../helpers/rpc.js';

const HEIR = '0x00000000000000000000000000000000000be125';
const VALUE = 1000n;
/** Small enough that a long trace is over it. */
const LIMIT_BYTES = 400_000;
const COUNTERS = ['steps', 'arith', 'binary', 'memAlign', 'keccakF', 'paddingPG', 'poseidonG', 'sha256'];
/** JUMPDEST, PUSH1 0, JUMP: for ever. */
const LOOP = '0x5b600056';

interface Ground {
  readonly node: TestNode;
  readonly lab: string;
  readonly heirloom: string;
  readonly face: Interface;
  readonly input: string;
  readonly fail: string;
  readonly end: string;
  readonly creation: string;
  readonly hash: string;
  /** Signed without chain id. */
  readonly unprotected: string;
  // biome-ignore lint/suspicious/noExplicitAny: a receipt as JSON-RPC answers it.
  readonly receipt: any;
}

const test = anyTest as TestFn<Ground>;
const teardowns: (() => Promise<void>)[] = [];

test.before(async (t) => {
  const args = ['--block-interval-ms', '100', '--rpc-trace-limit-bytes', String(LIMIT_BYTES), '--rpc-trace-blocks-max', '2'];
  const node = await startNode({ teardown: (work) => teardowns.unshift(work) }, { args });
  const sender = account(0);
  const { abi, bytecode } = await contract('Lab', '__test__/contracts');
  const face = new Interface(abi as never);
  const send = async (raw: string) => {
    const hash: string = await result(node.url, 'eth_sendRawTransaction', [raw]);
    return until(hash, () => result(node.url, 'eth_getTransactionReceipt', [hash]));
  };
  const deployment = Transaction.from({ type: 0, chainId: CHAIN_ID, nonce: 0, gasLimit: 2_000_000n, gasPrice: GWEI, data: bytecode });
  const deployed = await send(await sender.signTransaction(deployment));
  const lab: string = deployed.contractAddress;
  const input = face.encodeFunctionData('run', [7n, HEIR]);
  const receipt = await send(await signed(sender, { nonce: 1, to: lab, value: VALUE, gasLimit: 500_000n, data: input }));
  const bare = Transaction.from({ type: 0, nonce: 2, gasLimit: 21_000n, gasPrice: GWEI, to: HEIR, value: 1n });
  bare.signature = sender.signingKey.sign(bare.unsignedHash);
  const unprotected = await send(bare.serialized);
  Object.assign(t.context, {
    node,
    lab,
    heirloom: getContractAddress({ from: lab as `0x${string}`, nonce: 1n }).toLowerCase(),
    face,
    input,
    fail: face.encodeFunctionData('fail'),
    end: new Interface(['function end(address)']).encodeFunctionData('end', [HEIR]),
    creation: bytecode,
    hash: receipt.transactionHash,
    unprotected: unprotected.transactionHash,
    receipt,
  });
});

test.after.always(async () => {
  for (const teardown of teardowns) await teardown();
});

test('callTracer shows what the contract says', async (t) => {
  const { node, lab, heirloom, input, fail, end, hash, receipt } = t.context;
  const reader = createPublicClient({ transport: http(node.url, { timeout: 120_000 }) });
  // biome-ignore lint/suspicious/noExplicitAny: viem has no types of debug methods.
  const request = reader.request as unknown as (call: { method: string; params: unknown[] }) => Promise<any>;
  const options = { tracer: 'callTracer', tracerConfig: { withLog: true }, timeout: '10s', reexec: 128 };
  const tree = await request({ method: 'debug_traceTransaction', params: [hash, options] });
  const { gas, gasUsed, ...top } = tree;
  t.is(gas, '0x7a120', 'the gas limit, intrinsic gas included');
  t.is(gasUsed, receipt.gasUsed);
  const shown = ['type', 'from', 'to', 'value', 'error', 'revertReason'];
  const calls = top.calls.map((call: object) => Object.fromEntries(Object.entries(call).filter(([name]) => shown.includes(name))));
  t.deepEqual(calls, [
    { type: 'STATICCALL', from: lab, to: lab, error: 'execution reverted', revertReason: 'as asked' },
    { type: 'CREATE', from: lab, to: heirloom, value: '0x3e8' },
    { type: 'CALL', from: lab, to: heirloom, value: '0x0' },
  ]);
  t.deepEqual([top.calls[0].input, top.calls[2].input], [fail, end]);
  t.is(top.calls[1].output, await result(node.url, 'eth_getCode', [heirloom]));
  const [sent] = top.calls[2].calls;
  t.like(sent, { type: 'SELFDESTRUCT', from: heirloom, to: HEIR, value: '0x3e8' });
  t.like(top, { type: 'CALL', from: account(0).address.toLowerCase(), to: lab, input, value: '0x3e8' });
  const [{ topics, data }] = receipt.logs;
  t.deepEqual(top.logs, [{ address: lab, topics, data, position: '0x0' }]);
});

test('ethers gets every opcode, and only what it asks for', async (t) => {
  const { node, hash, receipt } = t.context;
  const provider = providerOf(t, node.url);
  const lean = await provider.send('debug_traceTransaction', [hash, { disableStack: true, disableStorage: true }]);
  t.like(lean, { failed: false, gas: Number(receipt.gasUsed), returnValue: '0x' });
  const names = lean.structLogs.map(({ op }: { op: string }) => op);
  for (const op of ['SSTORE', 'LOG2', 'STATICCALL', 'REVERT', 'CREATE', 'SELFDESTRUCT']) t.true(names.includes(op), op);
  t.is(lean.structLogs[0].stack, undefined);
  const few = await provider.send('debug_traceTransaction', [hash, { limit: 2, enableMemory: true }]);
  t.is(few.structLogs.length, 2);
  t.deepEqual(few.structLogs[1].stack, [few.structLogs[1].stack[0]]);
  const counted = await provider.send('debug_traceTransactionCounters', [hash]);
  t.true(counted.structLogs.every(({ counters }: { counters: { steps: number } }) => counters.steps >= 0));
});

test('the counter tracer attributes all that can be attributed, and names the rest', async (t) => {
  const { node, hash, lab, heirloom } = t.context;
  const answer = await result(node.url, 'zkevm_traceCounters', [hash]);
  t.deepEqual(answer, await result(node.url, 'debug_traceTransaction', [hash, { tracer: 'counterTracer' }]));
  const { counters, attributed, unattributable, contracts } = answer;
  for (const name of COUNTERS) {
    const rest = unattributable.decoding[name] + unattributable.settlement[name] + unattributable.batch[name];
    t.is(attributed[name] + rest, counters[name], name);
    const rows = contracts.map((of: { counters: Record<string, number> }) => of.counters[name] ?? Number.NaN);
    t.is(
      rows.reduce((sum: number, more: number) => sum + more, 0),
      attributed[name],
      name,
    );
  }
  t.deepEqual(
    contracts.map(({ address }: { address: string }) => address),
    [lab, heirloom],
  );
  t.deepEqual(
    contracts[1].functions.map(({ selector, calls }: { selector: string; calls: number }) => [selector, calls]),
    [
      ['constructor', 1],
      [t.context.end.slice(0, 10), 1],
    ],
  );
  t.true(attributed.steps > unattributable.settlement.steps);
});

test('what changed is what the receipt says', async (t) => {
  const { node, hash, lab, receipt } = t.context;
  const diff = await result(node.url, 'debug_traceTransaction', [hash, { tracer: 'prestateTracer', tracerConfig: { diffMode: true } }]);
  const sender = account(0).address.toLowerCase();
  const paid = BigInt(diff.pre[sender].balance) - BigInt(diff.post[sender].balance);
  t.is(paid, VALUE + BigInt(receipt.gasUsed) * BigInt(receipt.effectiveGasPrice), 'the effective price');
  t.is(diff.post[HEIR].balance, '0x3e8');
  t.is(diff.post[lab].nonce, 2);
  const [slot] = Object.keys(diff.post[lab].storage);
  t.is(BigInt(diff.post[lab].storage[slot ?? '']), 7n);
  t.is(diff.pre[lab].storage, undefined);
  const mux = { tracer: 'muxTracer', tracerConfig: { prestateTracer: { diffMode: true }, '4byteTracer': null } };
  const both = await result(node.url, 'debug_traceTransaction', [hash, mux]);
  t.deepEqual(both.prestateTracer, diff);
  t.is(both['4byteTracer'][`${t.context.fail}-0`], 1);
});

test('blocks and batches are traced transaction by transaction, and are what their hashes say', async (t) => {
  const { node, hash, receipt } = t.context;
  const tracer = { tracer: 'callTracer' };
  const expected = [{ txHash: hash, result: await result(node.url, 'debug_traceTransaction', [hash, tracer]) }];
  t.deepEqual(await result(node.url, 'debug_traceBlockByNumber', [receipt.blockNumber, tracer]), expected);
  t.deepEqual(await result(node.url, 'debug_traceBlockByHash', [receipt.blockHash, tracer]), expected);
  const raw: string = await result(node.url, 'debug_getRawBlock', [receipt.blockNumber]);
  t.deepEqual(await result(node.url, 'debug_traceBlock', [raw, tracer]), expected);
  t.is(keccak256(await result(node.url, 'debug_getRawHeader', [receipt.blockHash])), receipt.blockHash);
  const rawTransaction: string = await result(node.url, 'debug_getRawTransaction', [hash]);
  t.is(keccak256(rawTransaction), hash);
  t.true(raw.includes(rawTransaction.slice(2)));
  t.is((await result(node.url, 'debug_getRawReceipts', [receipt.blockNumber])).length, 1);
  const batch = await result(node.url, 'zkevm_batchNumberByBlockNumber', [receipt.blockNumber]);
  const traces = await result(node.url, 'debug_traceBatchByNumber', [batch, tracer]);
  t.deepEqual(
    traces.map(({ txHash }: { txHash: string }) => txHash),
    (await result(node.url, 'zkevm_getBatchByNumber', [batch, false])).transactions,
  );
});

test('Parity shapes: frames, filters and replays', async (t) => {
  const { node, hash, lab, heirloom, receipt, unprotected } = t.context;
  const frames = await result(node.url, 'trace_transaction', [hash]);
  const facts = frames.map(({ type, traceAddress, error }: never) => [type, traceAddress, error]);
  t.deepEqual(facts, [
    ['call', [], undefined],
    ['call', [0], 'Reverted'],
    ['create', [1], undefined],
    ['call', [2], undefined],
    ['suicide', [2, 0], undefined],
  ]);
  t.like(frames[4], { action: { address: heirloom, refundAddress: HEIR, balance: '0x3e8' }, result: null, transactionHash: hash });
  t.deepEqual(await result(node.url, 'trace_block', [receipt.blockNumber]), frames);
  t.deepEqual(await result(node.url, 'trace_get', [hash, ['0x2', '0x0']]), frames[4]);
  t.is(await result(node.url, 'trace_get', [hash, ['0x9']]), null);
  const all = { fromBlock: receipt.blockNumber, toBlock: receipt.blockNumber };
  t.deepEqual(await result(node.url, 'trace_filter', [{ ...all, toAddress: [heirloom] }]), [frames[2], frames[3]]);
  t.deepEqual(await result(node.url, 'trace_filter', [{ ...all, toAddress: [heirloom], after: 1, count: 1 }]), [frames[3]]);
  const both = { ...all, fromAddress: [lab], toAddress: [heirloom] };
  t.deepEqual(await result(node.url, 'trace_filter', [both]), frames.slice(1, 4), 'from the one or to the other');
  t.deepEqual(await result(node.url, 'trace_filter', [{ ...both, mode: 'intersection' }]), frames.slice(2, 4));
  const tooFar = await rpc(node.url, 'trace_filter', [{ fromBlock: '0x0', toBlock: 'latest', toAddress: [lab] }]);
  t.like(tooFar.error, { code: -32602, message: 'traces are limited to a 2 block range' });

  const replay = await result(node.url, 'trace_replayTransaction', [hash, ['trace', 'stateDiff', 'vmTrace']]);
  t.is(replay.trace.length, frames.length);
  t.deepEqual(replay.stateDiff[HEIR].balance, { '+': '0x3e8' });
  t.is(replay.stateDiff[lab].code, '=');
  t.is(replay.vmTrace.ops.filter(({ sub }: { sub: unknown }) => sub !== null).length, 3);
  const [replayed] = await result(node.url, 'trace_replayBlockTransactions', [receipt.blockNumber, ['stateDiff']]);
  t.deepEqual(replayed, { ...replay, trace: [], vmTrace: null });
  t.is((await result(node.url, 'trace_transaction', [unprotected])).length, 1, 'a transaction without chain id');
  t.is(await result(node.url, 'trace_transaction', [`0x${'12'.repeat(32)}`]), null);
});

test('calls are traced on any state, with overrides', async (t) => {
  const { node, lab, input, receipt } = t.context;
  const call = { from: account(1).address, to: lab, data: input, value: '0x1' };
  const before = `0x${(BigInt(receipt.blockNumber) - 1n).toString(16)}`;
  const tree = await result(node.url, 'debug_traceCall', [call, before, { tracer: 'callTracer' }]);
  t.is(tree.calls[1].to, t.context.heirloom, 'the nonce of that state');
  const later = await result(node.url, 'debug_traceCall', [call, 'latest', { tracer: 'callTracer' }]);
  t.not(later.calls[1].to, t.context.heirloom);
  const overrides = { [lab]: { code: '0x4360005260206000f3' } };
  const options = { tracer: 'callTracer', stateOverrides: overrides, blockOverrides: { number: '0x77' } };
  const overridden = await result(node.url, 'debug_traceCall', [call, 'latest', options]);
  t.is(BigInt(overridden.output), 0x77n);
  const replay = await result(node.url, 'trace_call', [call, ['trace'], 'latest', overrides]);
  t.is(replay.trace.length, 1);
  const raw = await signed(account(1), { nonce: 0, to: lab, data: t.context.fail, gasLimit: 100_000n, value: 0n });
  const asked = await result(node.url, 'trace_rawTransaction', [raw, ['trace']]);
  t.is(asked.trace[0].error, 'Reverted');
});

test('calls of a bundle see what those before them did', async (t) => {
  const { node, lab, face } = t.context;
  const from = account(1).address;
  const write = { from, to: lab, data: face.encodeFunctionData('run', [9n, HEIR]) };
  const read = { from, to: lab, data: face.encodeFunctionData('notes', [9n]) };
  const number = { from, to: lab, data: face.encodeFunctionData('number') };
  const bundles = [{ transactions: [read, write, read] }, { transactions: [read, number], blockOverride: { number: '0x99' } }];
  const traces = await result(node.url, 'debug_traceCallMany', [bundles, { blockNumber: 'latest' }, { tracer: 'callTracer' }]);
  const outputs = traces.map((bundle: { output?: string }[]) => bundle.map(({ output }) => BigInt(output ?? '0x0')));
  t.deepEqual(outputs, [
    [0n, 0n, 9n],
    [9n, 0x99n],
  ]);
  t.is(BigInt(await result(node.url, 'eth_call', [read, 'latest'])), 0n, 'nothing of it is kept');
  t.is((await rpc(node.url, 'debug_traceCallMany', [bundles, { transactionIndex: 1 }])).error?.code, -32602);
});

test('what belongs beside traces: access lists, raw transactions by place, native block hashes', async (t) => {
  const { node, lab, input, hash, receipt } = t.context;
  const call = { from: account(1).address, to: lab, data: input, value: '0x1' };
  const { accessList, gasUsed, error } = await result(node.url, 'eth_createAccessList', [call, 'latest']);
  t.is(error, undefined);
  t.is(accessList.find(({ address }: { address: string }) => address === lab).storageKeys.length, 1);
  t.true(accessList.some(({ address }: { address: string }) => address === HEIR));
  t.false(accessList.some(({ address }: { address: string }) => address === call.from.toLowerCase()));
  t.true(BigInt(gasUsed) > 21_000n);
  const reverting = await result(node.url, 'eth_createAccessList', [{ ...call, data: t.context.fail, value: '0x0' }, 'latest']);
  t.is(reverting.error, 'execution reverted: as asked');

  const raw = await result(node.url, 'debug_getRawTransaction', [hash]);
  t.is(await result(node.url, 'eth_getRawTransactionByBlockHashAndIndex', [receipt.blockHash, '0x0']), raw);
  t.is(await result(node.url, 'eth_getRawTransactionByBlockNumberAndIndex', [receipt.blockNumber, '0x0']), raw);
  t.is(await result(node.url, 'eth_getRawTransactionByBlockNumberAndIndex', [receipt.blockNumber, '0x1']), null);

  const native = await result(node.url, 'zkevm_getNativeBlockHashesInRange', [{ fromBlock: '0x0', toBlock: receipt.blockNumber }]);
  const block = await result(node.url, 'eth_getBlockByNumber', [receipt.blockNumber, false]);
  t.is(native.length, Number(receipt.blockNumber) + 1);
  t.is(native.at(-1), block.stateRoot);
  t.is((await rpc(node.url, 'zkevm_getNativeBlockHashesInRange', [{ fromBlock: '0x3', toBlock: '0x1' }])).error?.code, -32602);
});

test('bounds and refusals have their codes', async (t) => {
  const { node, hash, lab } = t.context;
  const call = { to: lab, gas: '0x2faf080' };
  const looping = { stateOverrides: { [lab]: { code: LOOP } } };
  const code = async (method: string, params: unknown[]) => (await rpc(node.url, method, params)).error;
  t.like(await code('debug_traceCall', [call, 'latest', { ...looping, tracer: 'noopTracer', timeout: '1ms' }]), {
    code: -32000,
    message: 'execution timeout',
  });
  const large = await code('debug_traceCall', [call, 'latest', looping]);
  t.is(large?.code, -32005);
  t.regex(large?.message ?? '', /^the trace is larger than 400000 bytes/);
  t.like(await code('debug_traceTransaction', [`0x${'12'.repeat(32)}`]), { code: -32000, message: 'transaction not found' });
  t.like(await code('debug_traceBlockByNumber', ['0xffffff']), { code: -32000, message: 'header not found' });
  t.like(await code('debug_traceTransaction', [hash, { tracer: 'evmdis' }]), { code: -32602, message: 'tracer not found: evmdis' });
  t.is((await code('debug_traceTransaction', [hash, { timeout: 'soon' }]))?.code, -32602);
  t.is((await code('debug_traceBlock', ['0x1234']))?.code, -32602);
  t.is((await code('trace_replayTransaction', [hash, ['everything']]))?.code, -32602);
  t.is((await result(node.url, 'debug_traceTransaction', [hash, { tracer: 'callTracer' }])).type, 'CALL', 'the node goes on');
});
