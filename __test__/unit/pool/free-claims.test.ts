import test, { type ExecutionContext } from 'ava';
import { PRE_STATUS } from '../../../src/native/layouts.js';
import { OPEN_ACCESS } from '../../../src/pool/access-list.js';
import { FakeDisk } from '../../helpers/fake-disk.js';
import { addressOf, type FakeTransaction, GWEI } from '../../helpers/fake-transaction.js';
import { type SimNode, type SimOptions, startSim } from '../../helpers/sim-node.js';

const BRIDGE = addressOf(0xb00);
const CLAIM_ASSET = 'ccaa2d11';
const CLAIM_MESSAGE = 'f5efcd79';
const MAINNET = 1n << 64n;

/** Calldata of a claim. */
function claimData(globalIndex: bigint, selector = CLAIM_ASSET): string {
  const word = (value: bigint) => value.toString(16).padStart(64, '0');
  return selector + word(7n).repeat(64) + word(globalIndex) + word(0n).repeat(9);
}

function claim(globalIndex: bigint, changes: Partial<FakeTransaction> = {}): Partial<FakeTransaction> {
  const data = claimData(globalIndex);
  return {
    sender: addressOf(0xc1),
    to: BRIDGE,
    gasPrice: '0',
    value: '0',
    gasLimit: 300_000,
    gasUsed: 120_000,
    preStatus: PRE_STATUS.success,
    dataBytes: data.length / 2,
    data,
    ...changes,
  };
}

const FREE = { freeClaims: true, bridgeAddress: BRIDGE };

function start(options: SimOptions = {}): Promise<SimNode> {
  const disk = options.disk ?? new FakeDisk();
  disk.fund(addressOf(0xa1), 10n ** 20n);
  return startSim({ sequencer: { blockIntervalMs: 100 }, ...options, disk, pool: { ...FREE, ...options.pool } });
}

async function refused(t: ExecutionContext, node: SimNode, changes: Partial<FakeTransaction>, rule: string): Promise<void> {
  const error = await t.throwsAsync(() => node.send(changes));
  const message = `transaction underpriced: gas price 0, minimum needed 1000000000${rule === '' ? '' : `: a claim is free only if ${rule}`}`;
  t.is(error.message, message);
}

test('a claim of a sender who has nothing is included for nothing', async (t) => {
  const node = await start();
  const hash = await node.send(claim(MAINNET));
  await node.clock.run(150);
  t.deepEqual(node.disk.blocks[0]?.txHashes, [hash]);
  t.is(node.pool.state(hash)?.status, 'selected');
  const message = claimData(5n, CLAIM_MESSAGE);
  t.is(typeof (await node.send(claim(0n, { nonce: 1, data: message, dataBytes: message.length / 2 }))), 'string');
});

test('off by default, and everything else at price 0 is underpriced', async (t) => {
  const off = await start({ pool: { freeClaims: false } });
  await refused(t, off, claim(1n), '');
  const node = await start();
  await refused(t, node, claim(1n, { to: addressOf(0xb01) }), '');
  const other = claimData(1n, 'a9059cbb');
  await refused(t, node, claim(1n, { data: other, dataBytes: other.length / 2 }), '');
  const short = claimData(1n).slice(0, -64);
  await refused(t, node, claim(1n, { data: short, dataBytes: short.length / 2 }), '');
  const paid = await node.send(claim(1n, { sender: addressOf(0xa1), gasPrice: GWEI.toString(), reverts: true }));
  await node.clock.run(150);
  t.true(node.disk.included.has(paid), 'a claim that pays may fail');
});

test('the rules of a free claim', async (t) => {
  const node = await start({ sequence: false });
  await refused(t, node, claim(1n, { value: '1' }), 'it sends no value');
  await refused(t, node, claim(1n, { gasLimit: 500_001 }), 'its gas limit is at most 500000');
  await refused(t, node, claim(1n, { nonce: 1 }), 'it is the next transaction of its sender');
  for (const preStatus of [PRE_STATUS.failed, PRE_STATUS.skipped]) await refused(t, node, claim(1n, { preStatus }), 'it succeeds');
  node.pool.access.set({ ...OPEN_ACCESS, sendMode: 'deny', send: [addressOf(0xc1)] });
  await t.throwsAsync(() => node.send(claim(1n)), { message: 'sender blocked' });
  node.pool.access.set(OPEN_ACCESS);
  await node.send(claim(1n, { gasLimit: 500_000 }));
  t.is(node.disk.pool.size, 1);
});

for (const preExecution of ['off', 'countersOnlyOver100kGas'] as const) {
  test(`a free claim has to be seen to succeed with pre-execution ${preExecution} too`, async (t) => {
    const node = await start({ sequence: false, pool: { preExecution } });
    await refused(t, node, claim(1n, { preStatus: PRE_STATUS.failed, gasLimit: 90_000 }), 'it succeeds');
    await node.send(claim(1n, { gasLimit: 90_000 }));
    await node.send({ preStatus: PRE_STATUS.failed });
    t.is(node.disk.pool.size, 2);
  });
}

test('one free claim of a deposit is in flight, however its global index is written', async (t) => {
  const node = await start({ sequence: false });
  const other = (globalIndex: bigint, i: number) => claim(globalIndex, { sender: addressOf(0xd0 + i) });
  const rule = 'no other free claim of its deposit waits';
  await node.send(claim(MAINNET + 5n));
  await refused(t, node, other(MAINNET + 5n, 1), rule);
  await refused(t, node, other((9n << 70n) + MAINNET + (3n << 32n) + 5n, 1), rule);
  await node.send(other(5n, 2));
  await refused(t, node, other((1n << 65n) + 5n, 3), rule);
  await node.send(other((1n << 32n) + 5n, 4));
  await node.send(other(MAINNET + 6n, 5));
  await node.send({ ...claim(MAINNET + 5n), sender: addressOf(0xa1), gasPrice: GWEI.toString() });
  t.is(node.disk.pool.size, 5, 'and one that pays is not held up');
});

test('a free claim is replaced only by what pays, and then its deposit is free again', async (t) => {
  const disk = new FakeDisk();
  disk.fund(addressOf(0xc1), 10n ** 20n);
  const node = await start({ sequence: false, disk });
  const hash = await node.send(claim(1n));
  await t.throwsAsync(() => node.send(claim(2n)), {
    message: 'replacement transaction underpriced: gas price 0, minimum needed 1100000000',
  });
  const paying = await node.send(claim(1n, { gasPrice: '1100000000' }));
  t.like(node.pool.state(hash), { status: 'replaced', replacedBy: paying });
  await node.send(claim(1n, { sender: addressOf(0xc2) }));
});

test('a free claim that fails when it is sequenced is dropped, and so is who tries again at once', async (t) => {
  const node = await start();
  const hash = await node.send(claim(MAINNET, { reverts: true }));
  const paying = await node.send();
  await node.clock.run(150);
  t.deepEqual(node.disk.blocks[0]?.txHashes, [paying]);
  t.deepEqual(node.pool.state(hash), {
    status: 'failed',
    reason: 'the claim is free and failed when it was sequenced: it is not included',
    receivedAtMs: null,
  });
  t.is(node.disk.pool.size, 0);
  t.regex(node.metrics.text(), /zknode_tx_total\{result="free_claim_failed"\} 1/);
  const again = claim(MAINNET, { sender: addressOf(0xc2) });
  await refused(t, node, again, 'none of its deposit failed in the last minutes');
  await node.clock.run(600_000);
  const later = await node.send(again);
  await node.clock.run(150);
  t.true(node.disk.included.has(later));
});

test('a free claim goes with those that pay the least: by age, and within maxWait before those that pay more', async (t) => {
  const disk = new FakeDisk();
  for (let i = 0; i < 20; i++) disk.fund(addressOf(i + 1), 10n ** 20n);
  const node = await start({
    disk,
    sequencer: { blockIntervalMs: 50, batchTxsMax: 5, maxWaitMs: 2_000 },
    latencyMs: (verb) => (verb === 'execute' || verb === 'finishBlock' ? 20 : 0),
  });
  node.sequencer.pause();
  const before = await node.send({ sender: addressOf(1) });
  const free = await node.send(claim(MAINNET));
  const after = await node.send({ sender: addressOf(2) });
  const richer = await node.send({ sender: addressOf(3), gasPrice: (GWEI + 1n).toString() });
  t.deepEqual(
    [richer, before, free, after].map((hash) => node.pool.state(hash)?.position),
    [0, 1, 2, 3],
  );
  for (let nonce = 0; nonce < 30; nonce++) {
    for (let sender = 4; sender <= 20; sender++) await node.send({ sender: addressOf(sender), nonce, gasPrice: String(5n * GWEI) });
  }
  node.sequencer.resume();
  await node.clock.run(1_900);
  t.false(disk.included.has(free));
  await node.clock.run(500);
  t.true(disk.included.has(free), 'it waited long enough');
  t.true(disk.pool.size > 100, 'others that pay more still wait');
});

test('a full pool gives up a free claim as one that pays the least', async (t) => {
  const disk = new FakeDisk();
  disk.fund(addressOf(1), 10n ** 20n);
  const node = await start({ sequence: false, disk, pool: { txsMax: 2 } });
  await node.send();
  const free = await node.send(claim(MAINNET));
  await t.throwsAsync(() => node.send({ sender: addressOf(1), gasPrice: '1099999999' }), { message: 'txpool is full' });
  await t.throwsAsync(() => node.send(claim(MAINNET + 1n, { sender: addressOf(0xc2) })), { message: 'txpool is full' });
  await node.send({ sender: addressOf(1), gasPrice: '1100000000' });
  t.like(node.pool.state(free), { status: 'expired', reason: 'evicted' });
});

/** A disk with a free claim that fails when it is sequenced. */
async function restartable() {
  const disk = new FakeDisk();
  const node = await start({ disk, sequence: false });
  const hash = await node.send(claim(MAINNET, { reverts: true }));
  await node.clock.runUntil(node.pool.close());
  return { disk, clock: node.clock, hash };
}

test('after a restart they are ended where claims are not free any more', async (t) => {
  const { disk, clock, hash } = await restartable();
  const off = await start({ disk, clock, pool: { freeClaims: false } });
  t.like(off.pool.state(hash), { status: 'failed' });
  t.regex(off.pool.state(hash)?.reason ?? '', /^transaction underpriced: gas price 0, .*claims are not free any more$/);
});

test('after a restart a free claim is what it was', async (t) => {
  const { disk, clock, hash } = await restartable();
  const on = await start({ disk, clock });
  await on.clock.run(150);
  t.false(on.disk.included.has(hash));
  t.like(on.pool.state(hash), { status: 'failed' });
});
