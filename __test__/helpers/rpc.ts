/** Plain JSON-RPC over HTTP: what is sent and answered is visible, byte for byte. */

export interface RpcAnswer {
  readonly jsonrpc?: string;
  readonly id?: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: the shapes of JSON-RPC results are what the tests check.
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: string };
}

/** One request, one answer. */
export async function rpc(url: string, method: string, params: readonly unknown[] = []): Promise<RpcAnswer> {
  const { body } = await post(url, JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
  return JSON.parse(body) as RpcAnswer;
}

/** The result of a request that has to succeed. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
export async function result(url: string, method: string, params: readonly unknown[] = []): Promise<any> {
  const answer = await rpc(url, method, params);
  if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.code} ${answer.error.message}`);
  return answer.result;
}

/** Requests in one JSON-RPC batch: the default limit of the node. */
const BATCH_ITEMS = 100;

/** The results of one method for many parameter lists, in order, over JSON-RPC batches; every one has to succeed. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
export async function results(url: string, method: string, list: readonly (readonly unknown[])[]): Promise<any[]> {
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  const found: any[] = [];
  for (let from = 0; from < list.length; from += BATCH_ITEMS) {
    for (const answer of await batch(url, method, list.slice(from, from + BATCH_ITEMS))) {
      if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.code} ${answer.error.message}`);
      found.push(answer.result);
    }
  }
  return found;
}

/** One JSON-RPC batch of one method; the answers in order. */
export async function batch(url: string, method: string, list: readonly (readonly unknown[])[]): Promise<RpcAnswer[]> {
  const { body } = await post(url, JSON.stringify(list.map((params, id) => ({ jsonrpc: '2.0', id, method, params }))));
  return JSON.parse(body) as RpcAnswer[];
}

/** Any body, as it is. */
export async function post(url: string, body: string | Uint8Array<ArrayBuffer>): Promise<{ status: number; body: string }> {
  const send = async () => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return { status: response.status, body: await response.text() };
  };
  return send().catch((error: unknown) => {
    if (!isClosedIdle(error)) throw error;
    return send();
  });
}

/** The node closed a connection that was idle for long (the test was busy with something else) just when it was used again. */
function isClosedIdle(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: string } };
  return cause?.code === 'UND_ERR_SOCKET' || cause?.code === 'ECONNRESET';
}
