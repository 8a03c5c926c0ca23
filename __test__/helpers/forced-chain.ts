/** Pool and sequencer on the real engine, with a source of forced batches: what stands in for an L1 side until there is one. */
import { systemClock } from '../../src/common/clock.js';
import { type Logger, silentLogger } from '../../src/common/logger.js';
import { MetricsRegistry } from '../../src/common/metrics.js';
import { devAccounts, devGenesisJson } from '../../src/config/dev-chain.js';
import type { NativeEngine, SealedBlock } from '../../src/native/engine.js';
import { openEngine } from '../../src/native/index.js';
import { type AccessPolicy, OPEN_ACCESS } from '../../src/pool/access-list.js';
import { POOL_DEFAULTS } from '../../src/pool/config.js';
import { byPrice } from '../../src/pool/entry.js';
import { GasPrice } from '../../src/pool/gas-price.js';
import { Pool } from '../../src/pool/pool.js';
import { SEQUENCER_DEFAULTS } from '../../src/sequencer/config.js';
import { batchLimits } from '../../src/sequencer/limits.js';
import type { SequencerModules } from '../../src/sequencer/modules.js';
import { Sequencer } from '../../src/sequencer/sequencer.js';
import { ForcedSource } from './forced-source.js';

export interface ForcedChain {
  readonly engine: NativeEngine;
  readonly pool: Pool;
  readonly sequencer: Sequencer;
  readonly source: ForcedSource;
  readonly metrics: MetricsRegistry;
  readonly published: SealedBlock[];
  close(): Promise<void>;
}

export interface ForcedChainOptions extends Pick<SequencerModules, 'forkChangesAfter'> {
  readonly access?: AccessPolicy;
  readonly log?: Logger;
}

/** A batch is closed by a forced one, an operator, or the end; nothing else comes in time. */
export async function openForcedChain(
  path: string,
  { access = OPEN_ACCESS, log = silentLogger, forkChangesAfter }: ForcedChainOptions = {},
): Promise<ForcedChain> {
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
  const [clock, metrics, source] = [systemClock, new MetricsRegistry(), new ForcedSource()];
  const config = { ...SEQUENCER_DEFAULTS, blockIntervalMs: 30, batchMaxAgeMs: 3_600_000 };
  const gasPrice = new GasPrice(POOL_DEFAULTS.gasPrice, { clock, log, effectiveGasPrice: POOL_DEFAULTS.effectiveGasPrice });
  const limits = batchLimits(engine.head().budgetLimits, config);
  const common = { engine, clock, log, metrics };
  const pool = await Pool.open({ ...common, config: POOL_DEFAULTS, gasPrice, order: byPrice, batchLimits: limits, accessPolicy: access });
  const sequencer = new Sequencer({ ...common, pool, config, forcedBatches: source, ...(forkChangesAfter && { forkChangesAfter }) });
  const published: SealedBlock[] = [];
  sequencer.onBlock((block) => published.push(block));
  sequencer.start();
  const close = async (): Promise<void> => {
    await sequencer.stop();
    await pool.close();
    await engine.close();
  };
  return { engine, pool, sequencer, source, metrics, published, close };
}
