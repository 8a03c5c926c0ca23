/** ethers' provider over connections of one request each. */
import { Agent } from 'node:http';
import { FetchRequest, JsonRpcProvider } from 'ethers';

/**
 * A provider that asks often and keeps no connection: a test that is busy for long (it compiles, it signs) would use one again at the moment
 * at which the node closes it as idle, and ethers takes that for a failure.
 */
export function providerOf(url: string): JsonRpcProvider {
  const request = new FetchRequest(url);
  request.getUrlFunc = FetchRequest.createGetUrlFunc({ agent: new Agent({ keepAlive: false }) });
  return new JsonRpcProvider(request, undefined, { pollingInterval: 50, cacheTimeout: -1 });
}
