/**
 * `eth_feeHistory`: base fees are zero, rewards are percentiles of the effective gas price weighted by gas used, and the gas used ratio is
 * relative to a display capacity, because the protocol's block gas limit of 2^50 would always show 0. What a block contributes is kept, so
 * that a client that asks again and again costs nothing.
 */
import { toQuantity } from '../../../common/bytes.js';
import { invalidArgument, rpcError } from '../../errors.js';
import type { Params } from '../../method.js';
import { countValue } from '../../params.js';
import type { RpcServices } from '../../services.js';

const BLOCKS_MAX = 1024;
const PERCENTILES_MAX = 100;

/** What one block contributes. */
interface BlockFees {
  readonly gasUsed: number;
  /** Ascending by price. */
  readonly prices: readonly { readonly price: bigint; readonly gasUsed: number }[];
}

export class FeeHistory {
  readonly #services: RpcServices;
  readonly #capacityGas: number;
  readonly #known = new Map<string, BlockFees>();

  constructor(services: RpcServices) {
    this.#services = services;
    this.#capacityGas = (services.config.displayGasPerSecond * services.identity.blockIntervalMs) / 1000;
  }

  answer(params: Params): string {
    const count = Math.min(countValue(params[0], 0, 'block count'), BLOCKS_MAX);
    const percentiles = parsePercentiles(params[2]);
    if (count === 0) return '{"oldestBlock":"0x0","gasUsedRatio":[]}';
    const newest = this.#newest(params);
    const oldest = Math.max(0, newest - count + 1);
    const gasUsedRatio: number[] = [];
    const reward: string[][] = [];
    for (let number = oldest; number <= newest; number++) {
      const fees = this.#block(number);
      gasUsedRatio.push(Math.min(1, fees.gasUsed / this.#capacityGas));
      if (percentiles !== null) reward.push(percentiles.map((percentile) => toQuantity(percentileOf(fees, percentile))));
    }
    return JSON.stringify({
      oldestBlock: toQuantity(oldest),
      baseFeePerGas: new Array(newest - oldest + 2).fill('0x0'),
      gasUsedRatio,
      ...(percentiles === null ? {} : { reward }),
    });
  }

  #newest(params: Params): number {
    const { blocks, engine } = this.#services;
    const number = blocks.concrete(blocks.state(params, 1));
    const head = engine.blockNumber();
    if (number > head) throw rpcError('RPC_INVALID_PARAMS', `request beyond head block: requested ${number}, head ${head}`);
    return number;
  }

  #block(number: number): BlockFees {
    const { engine } = this.#services;
    const json = engine.blockJson(number, false, false);
    if (json === null) throw rpcError('BLOCK_NOT_FOUND', `block ${number} is missing`);
    const header = JSON.parse(json) as { hash: string; gasUsed: string };
    const known = this.#known.get(header.hash);
    if (known !== undefined) return known;
    const receipts = JSON.parse(engine.blockReceiptsJson(number) ?? '[]') as { gasUsed: string; effectiveGasPrice: string }[];
    const prices = receipts.map((receipt) => ({ price: BigInt(receipt.effectiveGasPrice), gasUsed: Number(receipt.gasUsed) }));
    prices.sort((a, b) => (a.price < b.price ? -1 : a.price > b.price ? 1 : 0));
    const fees = { gasUsed: Number(header.gasUsed), prices };
    this.#known.set(header.hash, fees);
    if (this.#known.size > 2 * BLOCKS_MAX) {
      const oldest = this.#known.keys().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    return fees;
  }
}

function parsePercentiles(value: unknown): number[] | null {
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value) || value.length > PERCENTILES_MAX)
    throw invalidArgument(2, `reward percentiles must be an array of at most ${PERCENTILES_MAX}`);
  for (const [i, percentile] of value.entries()) {
    if (typeof percentile !== 'number' || !(percentile >= 0 && percentile <= 100))
      throw invalidArgument(2, `invalid reward percentile: ${String(percentile)}`);
    if (i > 0 && percentile < (value[i - 1] as number))
      throw invalidArgument(2, `invalid reward percentile: #${i - 1}:${String(value[i - 1])} > #${i}:${percentile}`);
  }
  return value as number[];
}

/** Price below which `percentile` per cent of the block's gas was used; 0 for an empty block. */
function percentileOf(fees: BlockFees, percentile: number): bigint {
  const total = fees.prices.reduce((sum, { gasUsed }) => sum + gasUsed, 0);
  const threshold = (total * percentile) / 100;
  let seen = 0;
  for (const { price, gasUsed } of fees.prices) {
    seen += gasUsed;
    if (seen >= threshold) return price;
  }
  return 0n;
}
