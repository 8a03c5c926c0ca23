/** Reads the gas price of L1 nodes over JSON-RPC. */

/** An L1 node that takes longer is as good as unreachable; the last value stays in use. */
const TIMEOUT_MS = 10_000;

/**
 * A function that answers the L1 gas price in wei: of one node, or the median of several (`addresses` separated by commas), so that one that is
 * wrong is outvoted. Those that do not answer do not count; it rejects when none does.
 */
export function l1GasPriceSource(addresses: string): () => Promise<bigint> {
  const urls = addresses
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '');
  return async () => {
    const answers = await Promise.allSettled(urls.map(gasPriceOf));
    const prices = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    if (prices.length > 0) return medianOf(prices);
    const reasons = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    throw reasons.length === 1 ? reasons[0] : new AggregateError(reasons, 'no L1 node answered its gas price');
  };
}

/** The middle one of some values; between two, their mean. */
export function medianOf(values: readonly bigint[]): bigint {
  const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const upper = sorted[sorted.length >> 1];
  if (upper === undefined) throw new RangeError('no values');
  const lower = sorted.length % 2 === 0 ? (sorted[(sorted.length >> 1) - 1] ?? upper) : upper;
  return (lower + upper) / 2n;
}

async function gasPriceOf(url: string): Promise<bigint> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"jsonrpc":"2.0","id":1,"method":"eth_gasPrice","params":[]}',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const { result } = (await response.json()) as { result?: unknown };
  if (typeof result !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(result))
    throw new Error(`L1 node answered no gas price (HTTP ${response.status})`);
  return BigInt(result);
}
