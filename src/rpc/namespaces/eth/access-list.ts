/**
 * eth_createAccessList: what a transaction touches, and its gas when that is announced. The chain takes legacy transactions only: the list
 * informs, it cannot be sent.
 */
import { bigIntFromBytes, toHex, toQuantity } from '../../../common/bytes.js';
import type { CallRequest } from '../../../native/engine.js';
import { addOverrides, callError, parseCall } from '../../call.js';
import { type MethodTable, method, type Params } from '../../method.js';
import type { RpcServices } from '../../services.js';
import { runTrace, traceOptions } from '../../trace-request.js';

/** A list may change what is touched (it changes the gas that is left): as often it is made anew. */
const ROUNDS_MAX = 4;
/** Precompiles are warm by nature; the highest is that of P-256. */
const PRECOMPILE_MAX = 0x100n;
/** Its slots are read by BLOCKHASH, which costs the same however warm they are. */
const SYSTEM_CONTRACT = '0x000000000000000000000000000000005ca1ab1e';

interface AccessListEntry {
  readonly address: string;
  readonly storageKeys: readonly string[];
}

type Prestate = Readonly<Record<string, { readonly storage?: Readonly<Record<string, string>> }>>;

export function accessListMethods(services: RpcServices): MethodTable {
  return { eth_createAccessList: method(1, 3, (params) => createAccessList(services, params)) };
}

async function createAccessList(services: RpcServices, params: Params): Promise<string> {
  const { engine, config, blocks, gate } = services;
  const request = parseCall(params, 0, {
    gasCap: config.callGasCap,
    timeoutMs: config.callTimeoutMs,
    chainId: engine.head().chainId,
  });
  addOverrides(request, [params[2]], 0);
  const block = blocks.state(params, 1);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const listed = JSON.stringify(await touched(services, request, block));
    if (listed === request.accessListJson) break;
    request.accessListJson = listed;
  }
  const outcome = await gate.run(() => engine.call(request, block));
  return JSON.stringify({
    accessList: JSON.parse(request.accessListJson ?? '[]') as AccessListEntry[],
    gasUsed: toQuantity(outcome.gasUsed),
    ...(outcome.status === 1 ? {} : { error: callError(outcome).message }),
  });
}

/** Accounts and slots that the call reads, without those that are warm from the start. */
async function touched(services: RpcServices, request: CallRequest, block: number): Promise<AccessListEntry[]> {
  const options = { tracer: 'prestateTracer', tracerConfig: { disableCode: true, includeEmpty: true } };
  const trace = traceOptions(services, { form: 'debug', options }, request.timeoutMs);
  const prestate = JSON.parse(await runTrace(services, () => services.engine.traceCall(request, block, trace))) as Prestate;
  const parties = [request.from, request.to].map((address) => (address === undefined ? undefined : toHex(address)));
  const { miner } = JSON.parse(services.engine.blockJson(block, false, false) ?? '{}') as { miner?: string };
  return Object.entries(prestate)
    .filter(([address]) => address !== SYSTEM_CONTRACT)
    .map(([address, { storage = {} }]) => ({ address, storageKeys: Object.keys(storage) }))
    .filter(({ address, storageKeys }) => {
      const isKnown = parties.includes(address) || address === miner;
      const isPrecompile = bigIntFromBytes(Buffer.from(address.slice(2), 'hex')) <= PRECOMPILE_MAX;
      return storageKeys.length > 0 || !(isKnown || isPrecompile);
    });
}
