/**
 * Long runs against real nodes: `npm run torture -- kill [ROUNDS] | pool [SECONDS] | reload [TRANSACTIONS]`. What fails throws, with the
 * seed that replays it; the short versions are tests of their own.
 */

import { freshSeed } from '../helpers/seeded.js';
import { killMany } from './kills.js';
import { median, type Phase } from './phases.js';
import { attackPool } from './pool.js';
import { reloadPool } from './reload.js';

const KILLS = 100;
const RELOADED = 100_000;
const RELOAD_MS_MAX = 10_000;
const POOL_SECONDS = 600;
/** Phases under attack last as long as the run says, in all, and about so long each; those without are shorter and as many. */
const ALONE_SECONDS = 8;
const ATTACKED_SECONDS = 30;
/** What one pair says depends on the moment: the database is small at first, and others use the machine. */
const PAIRS_MIN = 3;
/** More than the node takes, so that it is never waiting. */
const PREPARED_PER_SECOND = 10_000;
const BURNERS = 60;
const REGULARS = 2_000;
const ONCE_EACH_PER_SECOND = 8;
const HONEST_KEPT_MIN = 0.8;

/** Ends what was started, also when a run fails. */
class Runs {
  readonly #ends: (() => Promise<void>)[] = [];

  teardown(work: () => Promise<void>): void {
    this.#ends.push(work);
  }

  async end(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
  }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const TORTURES: Readonly<Record<string, (runs: Runs, amount: number | undefined) => Promise<unknown>>> = {
  pool: async (runs, seconds = POOL_SECONDS) => {
    const pairs = Math.max(PAIRS_MIN, Math.round(seconds / ATTACKED_SECONDS));
    const attackedSeconds = seconds / pairs;
    const plan = {
      pairs,
      aloneSeconds: ALONE_SECONDS,
      attackedSeconds,
      aloneTxs: ALONE_SECONDS * PREPARED_PER_SECOND,
      attackedTxs: Math.ceil(attackedSeconds * PREPARED_PER_SECOND),
      crowd: { burners: BURNERS, regulars: REGULARS, onceEach: Math.ceil(seconds * ONCE_EACH_PER_SECOND) },
    };
    const { kept, alone, attacked } = await attackPool(runs, plan, freshSeed(), say);
    const cpu = (phases: readonly Phase[]): number => median(phases.map(({ nodeCpuUs }) => nodeCpuUs));
    say(
      `honest throughput kept: ${(100 * kept).toFixed(1)} %, by CPU time of the node ${((100 * cpu(alone)) / cpu(attacked)).toFixed(1)} %`,
    );
    if (kept < HONEST_KEPT_MIN) throw new Error(`honest transactions keep ${kept.toFixed(3)} of their throughput, want ${HONEST_KEPT_MIN}`);
  },
  reload: async (runs, count = RELOADED) => {
    const { loadMs } = await reloadPool(runs, count, say);
    if (loadMs >= RELOAD_MS_MAX) throw new Error(`the pool was loaded in ${loadMs} ms, want less than ${RELOAD_MS_MAX}`);
  },
  kill: (runs, rounds = KILLS) => killMany(runs, rounds, freshSeed(), say),
};

const [name = '', amount] = process.argv.slice(2);
const torture = TORTURES[name];
if (torture === undefined || (amount !== undefined && !/^\d+$/.test(amount))) {
  say(`Which torture? There are ${Object.keys(TORTURES).join(', ')}: npm run torture -- NAME [AMOUNT]`);
  process.exitCode = 2;
} else {
  const runs = new Runs();
  try {
    await torture(runs, amount === undefined ? undefined : Number(amount));
    say(`torture ${name}: everything held`);
  } finally {
    await runs.end();
  }
}
