import test from 'ava';
import type { CallOutcome } from '../../../src/native/engine.js';
import { Asker } from '../../helpers/dispatch.js';
import { FakeChain, fakeServices, OTHER, SENDER } from '../../helpers/fake-modules.js';

function setup(outcome: Partial<CallOutcome> = {}) {
  const chain = new FakeChain();
  chain.outcome = { ...chain.outcome, ...outcome };
  return { chain, ask: new Asker(fakeServices(chain)) };
}

/** Error("no money") as the compiler encodes it. */
const REASON = Buffer.from(
  `08c379a0${'20'.padStart(64, '0')}${'8'.padStart(64, '0')}${Buffer.from('no money').toString('hex').padEnd(64, '0')}`,
  'hex',
);
const PANIC = Buffer.from(`4e487b71${'11'.padStart(64, '0')}`, 'hex');

test('the request that the engine gets', async (t) => {
  const { chain, ask } = setup({ output: Buffer.from('beef', 'hex') });
  const transaction = {
    from: SENDER,
    to: OTHER,
    value: '0x5',
    maxFeePerGas: '0x7',
    input: '0x01',
    data: '0x01',
    nonce: '0x3',
    gas: '0xffffffffff',
  };
  t.is((await ask.ask('eth_call', [transaction, 'earliest', { [OTHER]: { balance: '0x1' } }, { number: '0x9' }])).result, '0xbeef');
  const call = chain.calls[0];
  t.is(call?.block, 0);
  t.is(call?.request.gas, 50_000_000, 'gas is capped');
  t.is(call?.request.gasPrice?.at(-1), 7);
  t.is(call?.request.value?.length, 32);
  t.is(call?.request.data?.toString('hex'), '01');
  t.is(call?.request.nonce, 3);
  t.is(call?.request.stateOverridesJson, `{"${OTHER}":{"balance":"0x1"}}`);
  t.is(call?.request.blockOverridesJson, '{"number":"0x9"}');
  t.is(call?.request.timeoutMs, 30_000);
});

test('the block parameter is optional, and absent fields stay absent', async (t) => {
  const { chain, ask } = setup();
  t.is((await ask.ask('eth_call', [{ to: OTHER }])).result, '0x');
  t.deepEqual(Object.keys(chain.calls[0]?.request ?? {}).sort(), ['gas', 'timeoutMs', 'to']);
  t.is(chain.calls[0]?.block, -1);
});

const FAILURES: [what: string, outcome: Partial<CallOutcome>, error: { code: number; message: string; data?: string }][] = [
  [
    'reason',
    { romError: 'ROM_ERROR_EXECUTION_REVERTED', output: REASON },
    { code: 3, message: 'execution reverted: no money', data: `0x${REASON.toString('hex')}` },
  ],
  [
    'panic',
    { romError: 'ROM_ERROR_EXECUTION_REVERTED', output: PANIC },
    { code: 3, message: 'execution reverted: arithmetic underflow or overflow', data: `0x${PANIC.toString('hex')}` },
  ],
  [
    'no reason',
    { romError: 'ROM_ERROR_EXECUTION_REVERTED', output: Buffer.alloc(0) },
    { code: 3, message: 'execution reverted', data: '0x' },
  ],
  [
    'malformed reason',
    { romError: 'ROM_ERROR_EXECUTION_REVERTED', output: REASON.subarray(0, 40) },
    { code: 3, message: 'execution reverted', data: `0x${REASON.subarray(0, 40).toString('hex')}` },
  ],
  ['gas', { romError: 'ROM_ERROR_OUT_OF_GAS' }, { code: -32000, message: 'out of gas' }],
  ['opcode', { romError: 'ROM_ERROR_INVALID_OPCODE' }, { code: -32000, message: 'invalid opcode' }],
  [
    'counters',
    { romError: 'ROM_ERROR_OUT_OF_COUNTERS_KECCAK' },
    { code: -32000, message: 'out of counters: not enough keccak counters to continue the execution' },
  ],
];

for (const [what, outcome, error] of FAILURES) {
  test(`a failed call: ${what}`, async (t) => {
    const { ask } = setup({ status: 0, ...outcome });
    t.deepEqual((await ask.ask('eth_call', [{ to: OTHER }])).error, error);
  });
}

test('an estimate that no gas satisfies', async (t) => {
  const { ask } = setup({ status: 0, romError: 'ROM_ERROR_OUT_OF_GAS' });
  t.deepEqual((await ask.ask('eth_estimateGas', [{ to: OTHER, gas: '0x7530' }])).error, {
    code: -32000,
    message: 'gas required exceeds allowance (30000)',
  });
});

test('an estimate of a revert keeps its data, and one of counters is no gas problem', async (t) => {
  const reverted = await setup({ status: 0, romError: 'ROM_ERROR_EXECUTION_REVERTED', output: REASON }).ask.ask('eth_estimateGas', [
    { to: OTHER },
  ]);
  t.is(reverted.error?.code, 3);
  const counters = await setup({ status: 0, romError: 'ROM_ERROR_OUT_OF_COUNTERS_STEP' }).ask.ask('eth_estimateGas', [{ to: OTHER }]);
  t.is(counters.error?.message, 'out of counters: not enough step counters to continue the execution');
});

test('funds in an estimate', async (t) => {
  const { chain, ask } = setup();
  const more = `0x${(chain.balance + 1n).toString(16)}`;
  t.deepEqual((await ask.ask('eth_estimateGas', [{ from: SENDER, to: OTHER, value: more }])).error, {
    code: -32000,
    message: 'insufficient funds for transfer',
  });
  t.is((await ask.ask('eth_estimateGas', [{ to: OTHER, value: more, gasPrice: '0x1' }])).result, '0x5208', 'nobody has no limit');
  t.is((await ask.ask('eth_estimateGas', [{ from: SENDER, to: OTHER, gasPrice: '0x2540be400' }])).result, '0x5208');
  t.is(chain.calls.at(-1)?.request.gas, 30_000_000, 'a balance that suffices does not lower the cap');
  await ask.ask('eth_estimateGas', [{ from: SENDER, to: OTHER, gasPrice: '0x174876e800000' }]);
  t.is(chain.calls.at(-1)?.request.gas, Number(chain.balance / 0x174876e800000n), 'gas that the balance pays for');
});

test('return data over the limit', async (t) => {
  const chain = new FakeChain();
  chain.outcome = { ...chain.outcome, output: Buffer.alloc(65) };
  const ask = new Asker(fakeServices(chain, { callReturnLimitBytes: 64 }));
  t.is((await ask.ask('eth_call', [{ to: OTHER }])).error?.code, -32005);
});

test('counters of a call under their public names', async (t) => {
  const counters = Buffer.alloc(32);
  for (let i = 0; i < 8; i++) counters.writeUInt32LE(i + 1, 4 * i);
  const { ask } = setup({ counters, gasUsed: 100 });
  const { countersUsed, countersLimit, revert, oocError } = (await ask.ask('zkevm_estimateCounters', [{ to: OTHER }])).result;
  t.deepEqual(countersUsed, {
    gasUsed: '0x64',
    usedSteps: '0x1',
    usedArithmetics: '0x2',
    usedBinaries: '0x3',
    usedMemAligns: '0x4',
    usedKeccakHashes: '0x5',
    usedPoseidonPaddings: '0x6',
    usedPoseidonHashes: '0x7',
    usedSHA256Hashes: '0x8',
  });
  t.is(countersLimit.maxGasUsed, '0x1c9c380');
  t.is(countersLimit.maxSteps, '0x3e8');
  t.is(revert, undefined);
  t.is(oocError, undefined);
});

test('fees show the charged share of the price', async (t) => {
  const { ask } = setup();
  t.is((await ask.ask('zkevm_estimateGasPrice', [{ to: OTHER }])).result, '0x3b9aca00', 'half of 2 gwei');
  t.is((await ask.ask('zkevm_estimateFee', [{ to: OTHER, gasPrice: '0x200' }])).result, `0x${(0x100 * 21_000).toString(16)}`);
});
