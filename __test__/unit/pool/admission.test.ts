import test, { type ExecutionContext } from 'ava';
import { DECODE_CODES, PRE_STATUS } from '../../../src/native/layouts.js';
import { OPEN_ACCESS } from '../../../src/pool/access-list.js';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { addressOf, type FakeTransaction, fakeTransaction, GWEI, hashOf, rawOf } from '../../helpers/fake-transaction.js';
import { type SimNode, type SimOptions, startSim } from '../../helpers/sim-node.js';

const ETHER = 10n ** 18n;
const SENDER = addressOf(0xa1);

async function poolOnly(options: SimOptions = {}): Promise<SimNode> {
  const disk = options.disk ?? new FakeDisk();
  if (!disk.accounts.has(SENDER)) disk.fund(SENDER, ETHER);
  disk.fund(addressOf(0xa2), ETHER);
  return startSim({ sequence: false, ...options, disk });
}

async function refused(
  t: ExecutionContext,
  node: SimNode,
  changes: Partial<FakeTransaction>,
  code: string,
  message: string,
): Promise<void> {
  const error = await t.throwsAsync(() => node.send(changes));
  t.is((error as { code?: string }).code, code);
  t.is(error.message, message);
}

const code = (name: (typeof DECODE_CODES)[number]) => DECODE_CODES.indexOf(name);

const REFUSALS: readonly [string, Partial<FakeTransaction>, string, string][] = [
  ['malformed RLP', { code: code('TX_RLP_INVALID') }, 'TX_RLP_INVALID', 'invalid tx input'],
  [
    'typed transaction',
    { code: code('TX_TYPE_NOT_SUPPORTED') },
    'TX_TYPE_NOT_SUPPORTED',
    'transaction type not supported: transaction type not valid, only legacy transactions are accepted',
  ],
  ['bad signature', { code: code('TX_SIGNATURE_INVALID') }, 'TX_SIGNATURE_INVALID', 'invalid sender'],
  ['field overflow', { code: code('TX_FIELD_OVERFLOW') }, 'TX_FIELD_OVERFLOW', 'gas uint64 overflow'],
  ['chain id', { chainId: 5 }, 'TX_CHAIN_ID_INVALID', 'invalid chain id for signer: have 5 want 1001'],
  ['cost overflow', { value: String(2n ** 256n - 1n) }, 'TX_FIELD_OVERFLOW', 'gas uint64 overflow'],
  ['size', { bytes: 100_133 }, 'TX_TOO_LARGE', 'oversized data: transaction size 100133, limit 100132'],
  ['data size', { dataBytes: 100_001 }, 'TX_TOO_LARGE', 'oversized data: transaction size 100001, limit 100000'],
  ['gas limit', { gasLimit: 30_000_001 }, 'TX_GAS_LIMIT_EXCEEDED', 'exceeds block gas limit: gas 30000001, limit 30000000'],
  ['intrinsic gas', { gasLimit: 20_999 }, 'TX_INTRINSIC_GAS_TOO_LOW', 'intrinsic gas too low: gas 20999, minimum needed 21000'],
  ['intrinsic gas of a creation', { to: null }, 'TX_INTRINSIC_GAS_TOO_LOW', 'intrinsic gas too low: gas 21000, minimum needed 53000'],
  ['price', { gasPrice: '999999999' }, 'TX_UNDERPRICED', 'transaction underpriced: gas price 999999999, minimum needed 1000000000'],
  ['nonce window', { nonce: 64 }, 'TX_NONCE_TOO_HIGH', 'nonce too high: next nonce 0, tx nonce 64'],
  ['contract as sender', { senderHasCode: true }, 'TX_SENDER_NOT_EOA', 'sender not an eoa'],
  [
    'funds',
    { value: String(ETHER) },
    'TX_INSUFFICIENT_FUNDS',
    `insufficient funds for gas * price + value: balance ${ETHER}, tx cost ${ETHER + 21_000n * GWEI}, overshot ${21_000n * GWEI}`,
  ],
  [
    'out of counters in pre-execution',
    { preStatus: PRE_STATUS.outOfCounters, preCounter: 4, used: [0, 0, 0, 0, 2_200, 0, 0, 0] },
    'TX_OUT_OF_COUNTERS',
    'out of counters: keccaks used 2200 limit 2145',
  ],
  [
    'more than a batch has in pre-execution',
    { preStatus: PRE_STATUS.success, used: [0, 0, 0, 0, 0, 0, 252_358, 0] },
    'TX_OUT_OF_COUNTERS',
    'out of counters: poseidon used 252358 limit 252357',
  ],
  [
    'more than a batch has to reserve for it',
    { preStatus: PRE_STATUS.success, used: [0, 0, 0, 0, 0, 0, 252_357, 0], reserved: [0, 0, 0, 0, 0, 0, 252_400, 0] },
    'TX_OUT_OF_COUNTERS',
    'out of counters: poseidon used 252400 limit 252357',
  ],
  ['pre-execution out of time', { preStatus: PRE_STATUS.unavailable }, 'TX_EXECUTION_FAILED', 'internal error: pre-execution failed'],
  ['failed pre-execution', { preStatus: PRE_STATUS.internal }, 'TX_EXECUTION_FAILED', 'internal error: pre-execution failed'],
];

for (const [name, changes, errorCode, message] of REFUSALS) {
  test(`refused: ${name}`, async (t) => {
    const node = await poolOnly();
    await refused(t, node, changes, errorCode, message);
    t.is(node.disk.pool.size, 0);
    t.deepEqual(node.pool.counts(), { pending: 0, queued: 0 });
    t.is([...node.pool.index.accounts()].length, 0, 'a refused transaction leaves no account behind');
  });
}

test('init code is limited where that is configured, and other data is not', async (t) => {
  const creation = { to: null, gasLimit: 60_000 };
  const node = await poolOnly({ pool: { initCodeBytesMax: 49_152 } });
  const message = 'max initcode size exceeded: code size 49153 limit 49152';
  await refused(t, node, { ...creation, dataBytes: 49_153 }, 'TX_INIT_CODE_TOO_LARGE', message);
  await node.send({ ...creation, dataBytes: 49_152 });
  await node.send({ nonce: 1, dataBytes: 49_153 });
  const open = await poolOnly();
  await open.send({ ...creation, dataBytes: 100_000 });
  t.is(node.disk.pool.size, 2);
});

test('refused by configuration: replay protection, fee cap, access', async (t) => {
  const strict = await poolOnly({ pool: { allowPreEip155: false, feeCapWei: 21_000n * GWEI } });
  await refused(t, strict, { eip155: false }, 'TX_NOT_REPLAY_PROTECTED', 'only replay-protected (EIP-155) transactions allowed over RPC');
  const message = 'tx fee (0.000021000000021 ether) exceeds the configured cap (0.000021 ether)';
  await refused(t, strict, { gasPrice: '1000000001' }, 'TX_FEE_CAP_EXCEEDED', message);
  strict.pool.access.set({ ...OPEN_ACCESS, sendMode: 'deny', send: [SENDER.toUpperCase().replace('0X', '0x')] });
  await refused(t, strict, {}, 'TX_SENDER_BLOCKED', 'sender blocked');
  strict.pool.access.set({ ...OPEN_ACCESS, deployMode: 'allow', deploy: [] });
  await refused(t, strict, { to: null, gasLimit: 60_000 }, 'TX_DEPLOY_NOT_ALLOWED', 'sender not allowed to deploy contracts');
  strict.pool.access.set(OPEN_ACCESS);
  await strict.send();
  await strict.send({ sender: addressOf(0xa2), eip155: true });
  t.is(strict.disk.pool.size, 2);
});

test('a pre-EIP-155 transaction is taken by default, one that reverts in pre-execution too', async (t) => {
  const node = await poolOnly();
  await node.send({ eip155: false, chainId: 0 });
  await node.send({ nonce: 1, preStatus: PRE_STATUS.failed });
  t.deepEqual(node.pool.counts(), { pending: 2, queued: 0 });
});

test('what pre-execution found is told of a pending transaction: counters used, and to be reserved', async (t) => {
  const node = await poolOnly();
  const [used, reserved] = [
    [9, 8, 7, 6, 5, 4, 30, 0],
    [9, 8, 7, 6, 5, 4, 33, 0],
  ];
  const state = node.pool.state(await node.send({ preStatus: PRE_STATUS.success, used, reserved }));
  t.like(state, { usedCounters: { steps: 9, poseidon: 30, sha256: 0 }, reservedCounters: { steps: 9, poseidon: 33, sha256: 0 } });
  const transfer = node.pool.state(await node.send({ nonce: 1 }));
  t.deepEqual([transfer?.usedCounters, transfer?.reservedCounters], [undefined, undefined], 'a plain transfer is not pre-executed');
});

test('the chain is taken back while transactions arrive: what was accepted stays, what saw the other chain is refused, the rest is read again', async (t) => {
  const node = await poolOnly({ latencyMs: (verb) => (verb === 'admit' || verb === 'poolWrite' ? 10 : 0) });
  const accepted = node.pool.add(rawOf(fakeTransaction()));
  await node.clock.run(11);
  t.true(node.pool.index.hasHeld, 'its write is under way');
  const late = node.pool.add(rawOf(fakeTransaction({ nonce: 1 })));
  const settled = node.pool.settled();
  await node.clock.run(1);
  t.true(node.pool.index.hasHeld);
  await node.clock.runUntil(settled);
  t.is(await accepted, hashOf(rawOf(fakeTransaction())));
  await node.clock.runUntil(node.pool.reload());
  t.deepEqual(node.pool.counts(), { pending: 1, queued: 0 });
  t.is(node.pool.index.readyCount, 1);
  const error = await t.throwsAsync(() => node.clock.runUntil(late));
  t.is(error.message, 'sequencer halted: the chain was taken back, send it again');
  await node.send({ nonce: 1 });
  t.deepEqual(node.pool.counts(), { pending: 2, queued: 0 });
});

test('the order of the checks: the cheaper fault is named', async (t) => {
  const node = await poolOnly();
  await refused(
    t,
    node,
    { chainId: 5, gasLimit: 1, gasPrice: '0', nonce: 99 },
    'TX_CHAIN_ID_INVALID',
    'invalid chain id for signer: have 5 want 1001',
  );
  await refused(t, node, { gasPrice: '0', nonce: 99 }, 'TX_UNDERPRICED', 'transaction underpriced: gas price 0, minimum needed 1000000000');
  await node.send();
  await refused(t, node, {}, 'TX_ALREADY_KNOWN', 'already known');
});

test('what arrives in one turn goes to the engine in one call; what arrives meanwhile waits for the next', async (t) => {
  const node = await poolOnly({ latencyMs: (verb) => (verb === 'admit' ? 10 : 5) });
  const first = [0, 1, 2].map((nonce) => node.pool.add(rawOf(fakeTransaction({ nonce }))));
  await node.clock.run(5);
  const second = [3, 4].map((nonce) => node.pool.add(rawOf(fakeTransaction({ nonce }))));
  await node.clock.runUntil(Promise.all([...first, ...second]));
  t.deepEqual(node.engine.groupSizes, [3, 2]);
  t.is(node.engine.calls.filter((call) => call === 'poolWrite').length, 2);
});

test('a hash is answered only after the durable write', async (t) => {
  const node = await poolOnly({ latencyMs: (verb) => (verb === 'poolWrite' ? 50 : 0) });
  let answered = false;
  void node.pool.add(rawOf(fakeTransaction())).then(() => {
    answered = true;
  });
  await node.clock.run(49);
  t.false(answered);
  t.is(node.pool.index.readyCount, 0, 'not offered to the sequencer either');
  await node.clock.run(2);
  t.true(answered);
  t.is(node.pool.index.readyCount, 1);
});

test('racing in one group: same hash, same nonce, and a replacement', async (t) => {
  const node = await poolOnly();
  const low = rawOf(fakeTransaction({ salt: 1 }));
  const same = rawOf(fakeTransaction({ salt: 2 }));
  const high = rawOf(fakeTransaction({ salt: 3, gasPrice: String((GWEI * 11n) / 10n) }));
  const results = await node.clock.runUntil(Promise.allSettled([low, low, same, high].map((raw) => node.pool.add(raw))));
  t.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as Error).message)),
    [
      hashOf(low),
      'already known',
      `replacement transaction underpriced: gas price ${GWEI}, minimum needed ${(GWEI * 11n) / 10n}`,
      hashOf(high),
    ],
  );
  t.deepEqual([...node.disk.pool.keys()], [hashOf(high)]);
  t.like(node.pool.state(hashOf(low)), { status: 'replaced', replacedBy: hashOf(high) });
});

test('a failed write acknowledges nothing, keeps the replaced transaction, and halts admission', async (t) => {
  let fail = false;
  const node = await poolOnly({
    faults: (verb, moment) => {
      if (fail && verb === 'poolWrite' && moment === 'before') throw Object.assign(new Error('disk is full'), { code: 'STATE_DB_IO' });
    },
  });
  const old = await node.send();
  fail = true;
  await t.throwsAsync(() => node.send({ gasPrice: String(2n * GWEI) }), { message: 'disk is full' });
  t.deepEqual([...node.disk.pool.keys()], [old]);
  t.not(node.pool.get(old), undefined);
  t.is(node.pool.index.waitingCount, 1);
  await t.throwsAsync(() => node.send({ nonce: 1 }), { message: 'sequencer halted: the pool could not be written' });
});

test('replacement: 10 % more or nothing; the old hash names the new one', async (t) => {
  const node = await poolOnly();
  const old = await node.send();
  await refused(
    t,
    node,
    { gasPrice: '1099999999' },
    'TX_REPLACEMENT_UNDERPRICED',
    'replacement transaction underpriced: gas price 1099999999, minimum needed 1100000000',
  );
  const replacement = await node.send({ gasPrice: '1100000000' });
  t.is(node.pool.get(old), undefined);
  t.deepEqual(node.pool.state(old), { status: 'replaced', reason: 'replaced transaction', receivedAtMs: null, replacedBy: replacement });
  t.deepEqual(node.pool.counts(), { pending: 1, queued: 0 });
});

test('a transaction in the open block cannot be replaced; one in a stored block is known', async (t) => {
  const node = await poolOnly({ sequence: true, sequencer: { blockIntervalMs: 1_000 } });
  await node.send();
  await node.clock.run(10);
  t.is(node.sequencer.status().wip.blockTxCount, 1);
  await refused(
    t,
    node,
    { gasPrice: String(9n * GWEI) },
    'TX_NONCE_TOO_LOW',
    'nonce too low: transaction with this nonce is already in the open block',
  );
  await node.clock.run(2_000);
  await refused(t, node, {}, 'TX_ALREADY_KNOWN', 'already known');
  await refused(t, node, { salt: 1 }, 'TX_NONCE_TOO_LOW', 'nonce too low: next nonce 1, tx nonce 0');
});

test('an included transaction is known also while the sequencer is halted', async (t) => {
  const node = await poolOnly({ sequence: true, sequencer: { blockIntervalMs: 100 } });
  await node.send();
  await node.clock.run(2_000);
  node.sequencer.halt('a test');
  await refused(t, node, {}, 'TX_ALREADY_KNOWN', 'already known');
  await refused(t, node, { salt: 1 }, 'SEQUENCER_HALTED', 'sequencer halted: a test');
});

test('pre-execution for gas limits over 100,000 only: what is below is admitted unexecuted', async (t) => {
  const calls: string[] = [];
  const latencyMs = (verb: string) => {
    calls.push(verb);
    return 0;
  };
  const node = await poolOnly({ pool: { preExecution: 'countersOnlyOver100kGas' }, latencyMs });
  const contract = { to: addressOf(0xc0), dataBytes: 4 };
  // The engine of these tests executes with a second call of `admit`.
  const admits = () => calls.filter((verb) => verb === 'admit').length;
  await node.send({ ...contract, gasLimit: 100_000, preStatus: PRE_STATUS.success });
  t.is(admits(), 1);
  await node.send({ ...contract, nonce: 1, gasLimit: 100_001, preStatus: PRE_STATUS.success });
  t.is(admits(), 3);
});

test('queued for a nonce, queued for funds: the state says what is missing', async (t) => {
  const node = await poolOnly();
  const gapped = await node.send({ nonce: 2 });
  t.like(node.pool.state(gapped), { status: 'pending', ready: false, missingNonce: 0n });
  const spend = String((ETHER * 6n) / 10n);
  const first = await node.send({ nonce: 0, value: spend });
  const second = await node.send({ nonce: 1, value: spend });
  t.like(node.pool.state(first), { ready: true, position: 0 });
  const lacks = (ETHER * 2n) / 10n + 2n * 21_000n * GWEI;
  t.like(node.pool.state(second), { ready: false, missingFundsWei: lacks });
  t.is(node.pool.pendingNonce(SENDER), 3n);
  t.is(node.pool.pendingNonce(addressOf(0xff)), 0n);
  t.deepEqual(node.pool.counts(), { pending: 3, queued: 0 });
});

test('content: contiguous nonces are pending, the others queued; pendingNonce does not build on a hole', async (t) => {
  const node = await poolOnly();
  for (const nonce of [0, 1, 3]) await node.send({ nonce });
  const { pending, queued } = node.pool.content();
  t.deepEqual(
    pending.get(SENDER)?.map((entry) => entry.nonce),
    [0n, 1n],
  );
  t.deepEqual(
    queued.get(SENDER)?.map((entry) => entry.nonce),
    [3n],
  );
  t.is(node.pool.pendingNonce(SENDER.toUpperCase().replace('0X', '0x')), 2n);
  t.deepEqual(node.pool.contentFrom(SENDER), { pending: pending.get(SENDER), queued: queued.get(SENDER) });
  t.deepEqual(node.pool.contentFrom(addressOf(0xff)), { pending: [], queued: [] });
  await node.send({ nonce: 2 });
  t.is(node.pool.contentFrom(SENDER).pending.length, 4);
});

test('limits: per account, and in all', async (t) => {
  const node = await poolOnly({ pool: { accountTxsMax: 2 } });
  await node.send();
  await node.send({ nonce: 1 });
  await refused(t, node, { nonce: 2 }, 'TX_ACCOUNT_LIMIT'.replace('TX_', 'POOL_'), 'account limit exceeded: limit 2');
  await node.send({ nonce: 1, gasPrice: String(2n * GWEI) });

  const small = await poolOnly({ pool: { txsMax: 2 } });
  await small.send();
  const gapped = await small.send({ nonce: 5, gasPrice: String(3n * GWEI) });
  const other = { sender: addressOf(0xa2) };
  await refused(t, small, { ...other, gasPrice: '3299999999' }, 'POOL_FULL', 'txpool is full');
  await small.send({ ...other, gasPrice: '3300000000' });
  t.like(small.pool.state(gapped), { status: 'expired', reason: 'evicted' });
  t.is(small.disk.pool.size, 2);
  t.regex(small.metrics.text(), /zknode_pool_evicted_total 1/);
});

test('expiry: queued sooner than pending', async (t) => {
  const node = await poolOnly({ pool: { queuedLifetimeMs: 60_000, pendingLifetimeMs: 600_000, expiryIntervalMs: 1_000 } });
  const ready = await node.send();
  const gapped = await node.send({ nonce: 2 });
  await node.clock.run(62_000);
  t.like(node.pool.state(gapped), { status: 'expired', reason: 'queued too long' });
  t.is(node.pool.state(ready)?.status, 'pending');
  await node.clock.run(600_000);
  t.like(node.pool.state(ready), { status: 'expired', reason: 'pending too long' });
  t.is(node.disk.pool.size, 0);
});

test('reload: pages, order of arrival, and what was used meanwhile is ended', async (t) => {
  const disk = new FakeDisk();
  const first = await poolOnly({ disk });
  const hashes: string[] = [];
  for (const nonce of [0, 1, 2, 3, 4]) hashes.push(await first.send({ nonce }));
  const other = await first.send({ sender: addressOf(0xa2) });
  disk.accounts.set(SENDER, { nonce: 2, balanceWei: ETHER });
  const second = await startSim({ disk, sequence: false, pool: { loadPageSize: 2 } });
  t.deepEqual(second.pool.counts(), { pending: 4, queued: 0 });
  t.like(second.pool.state(hashes[0] ?? ''), { status: 'failed', reason: 'nonce too low: next nonce 2, tx nonce 0' });
  t.is(second.pool.index.peek()?.hash, hashes[2]);
  t.not(second.pool.get(other), undefined);
  const later = await second.send({ nonce: 5 });
  const arrivals = [...second.pool.index.entries()].map((entry) => entry.arrival);
  t.is(second.pool.index.get(later)?.arrival, Math.max(...arrivals));
  t.is(new Set(arrivals).size, arrivals.length);
});

test('old end states are forgotten', async (t) => {
  const node = await poolOnly({ pool: { endStateRetentionMs: 7_200_000 } });
  const old = await node.send();
  await node.send({ gasPrice: String(2n * GWEI) });
  t.is(node.pool.state(old)?.status, 'replaced');
  await node.clock.run(4 * 3_600_000);
  t.is(node.pool.state(old), null);
});

test('listeners hear of durable transactions until they unsubscribe', async (t) => {
  const node = await poolOnly();
  const heard: string[] = [];
  const off = node.pool.onPending((transaction) => heard.push(transaction.hash));
  const hash = await node.send();
  off();
  await node.send({ nonce: 1 });
  t.deepEqual(heard, [hash]);
});
