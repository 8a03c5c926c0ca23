/** Clients of other libraries: they go on asking for ever, so each ends with its test, and a test that waits for one in vain ends too. */
import { Agent } from 'node:http';
import type { ExecutionContext } from 'ava';
import { FetchRequest, JsonRpcProvider, WebSocketProvider } from 'ethers';

/** Without an assertion for so long a test waits for something that does not come: no machine is that busy. */
const TEST_MS = 300_000;

/** What a client needs of its test. */
export type ClientTest = Pick<ExecutionContext, 'teardown' | 'timeout'>;

/** Ends a test that waits for an answer of a client without end. */
export function endWhenStuck(t: ClientTest): void {
  t.timeout(TEST_MS, 'a client waits for something that does not come');
}

/**
 * ethers' provider, which asks often and keeps no connection: a test that is busy for long (it compiles, it signs) would use one again at the
 * moment at which the node closes it as idle, and ethers takes that for a failure.
 */
export function providerOf(t: ClientTest, url: string): JsonRpcProvider {
  const request = new FetchRequest(url);
  request.getUrlFunc = FetchRequest.createGetUrlFunc({ agent: new Agent({ keepAlive: false }) });
  const provider = new JsonRpcProvider(request, undefined, { pollingInterval: 50, cacheTimeout: -1 });
  endWhenStuck(t);
  t.teardown(() => provider.destroy());
  return provider;
}

/** ethers' provider over one WebSocket. */
export function socketProviderOf(t: ClientTest, url: string): WebSocketProvider {
  const provider = new WebSocketProvider(url);
  endWhenStuck(t);
  t.teardown(() => provider.destroy());
  return provider;
}
