/**
 * The closing reasons that L1 gives cause to, on the real engine. There is no L1 side yet, so that deadline and fork come from the hooks
 * that it will use; everything behind them is real: admission, execution, tree, commit, the stored batch.
 */
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/common/clock.js';
import { silentLogger } from '../../src/common/logger.js';
import { MetricsRegistry } from '../../src/common/metrics.js';
import { devAccounts, devGenesisJson } from '../../src/config/dev-chain.js';
import { openEngine } from '../../src/native/index.js';
import { POOL_DEFAULTS } from '../../src/pool/config.js';
import { byPrice } from '../../src/pool/entry.js';
import { GasPrice } from '../../src/pool/gas-price.js';
import { Pool } from '../../src/pool/pool.js';
import type { Certificate } from '../../src/sequencer/certificate.js';
import { SEQUENCER_DEFAULTS } from '../../src/sequencer/config.js';
import { batchLimits } from '../../src/sequencer/limits.js';
import type { SequencerModules } from '../../src/sequencer/modules.js';
import { Sequencer } from '../../src/sequencer/sequencer.js';
import { account, signed } from '../helpers/accounts.js';
import { ForcedSource, forcedBatch } from '../helpers/forced-source.js';
import { until } from '../helpers/node.js';
import { temporaryFolder } from '../helpers/paths.js';

type Hooks = Pick<SequencerModules, 'forcedBatches' | 'forkChangesAfter'>;

async function chain(t: ExecutionContext, hooks: Hooks) {
  const path = await temporaryFolder(t);
  const engine = await openEngine({
    path,
    chainId: 1001,
    forkId: 9,
    genesisJson: devGenesisJson(devAccounts()),
    sequencerAddress: Buffer.alloc(20, 7),
    cacheBytes: 64 * 1024 * 1024,
    preExecutionBytes: 0,
    syncWrites: true,
  });
  const [clock, log, metrics] = [systemClock, silentLogger, new MetricsRegistry()];
  const config = { ...SEQUENCER_DEFAULTS, blockIntervalMs: 50, batchMaxAgeMs: 3_600_000 };
  const gasPrice = new GasPrice(POOL_DEFAULTS.gasPrice, { clock, log, effectiveGasPrice: POOL_DEFAULTS.effectiveGasPrice });
  const limits = batchLimits(engine.head().budgetLimits, config);
  const pool = await Pool.open({ engine, config: POOL_DEFAULTS, clock, log, metrics, gasPrice, order: byPrice, batchLimits: limits });
  const sequencer = new Sequencer({ engine, pool, config, clock, log, metrics, ...hooks });
  sequencer.start();
  t.teardown(async () => {
    await sequencer.stop();
    await pool.close();
    await engine.close();
  });
  const closed = (number: number) =>
    until(`batch ${number} is closed`, async () => {
      const json = engine.batchJson(number, false);
      const batch = json === null ? null : (JSON.parse(json) as { closed: boolean; closingCertificate: Certificate });
      return batch?.closed === true ? batch.closingCertificate : null;
    });
  const send = async (nonce: number) => pool.add(Buffer.from((await signed(account(0), { nonce })).slice(2), 'hex'));
  return { engine, closed, send };
}

test('forced batch deadline: the open batch is closed at the deadline, not before', async (t) => {
  const forcedBatches = new ForcedSource();
  const { closed, send } = await chain(t, { forcedBatches });
  const deadlineMs = Date.now() + 700;
  await send(0);
  forcedBatches.add(forcedBatch(1, Buffer.alloc(0), { deadlineMs }));
  const certificate = await closed(1);
  t.is(certificate.reason, 'Forced batch deadline');
  t.true(certificate.closedAtMs >= deadlineMs, `${certificate.closedAtMs} and ${deadlineMs}`);
  t.is(certificate.txCount, 1);
  t.false(certificate.closedByResource);
  t.is((await closed(2)).reason, 'Forced batch');
});

test('fork change: the last batch of a fork is closed before the next block', async (t) => {
  const { closed, send, engine } = await chain(t, { forkChangesAfter: (batch) => batch === 1 });
  await send(0);
  t.is((await closed(1)).reason, 'Fork change');
  await send(1);
  await until('block 2', async () => (engine.blockNumber() === 2 ? true : null));
  t.is(engine.batchNumberByBlock(2), 2);
  t.is(engine.head().closedBatch, 1, 'batch 2 goes on');
});
