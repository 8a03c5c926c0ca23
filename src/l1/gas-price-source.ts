/** Reads the gas price of an L1 node over JSON-RPC. */

/** An L1 node that takes longer is as good as unreachable; the last value stays in use. */
const TIMEOUT_MS = 10_000;

/** A function that answers the L1 gas price in wei; rejects when the node does not answer one. */
export function l1GasPriceSource(url: string): () => Promise<bigint> {
  return async () => {
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
  };
}
