/** Brings the pending records back at start: one scan by pages, queues rebuilt in order of arrival, what passed meanwhile ended. */
import type { NativeEngine } from '../native/engine.js';
import { ADMISSION_ROW, DECODE_CODES, POOL_ITEM, unpackList } from '../native/layouts.js';
import { AdmissionRow } from './admission-row.js';
import { PoolEntry } from './entry.js';
import type { FreeClaims } from './free-claims.js';
import type { PoolIndex } from './pool-index.js';
import type { EndState } from './pool-writer.js';

/** What a reload found. */
export interface Reloaded {
  readonly loaded: number;
  /** Records that cannot be pending any more. */
  readonly ends: readonly EndState[];
  /** Highest rank of arrival; -1 when nothing was there. */
  readonly lastArrival: number;
}

interface Loaded {
  readonly row: AdmissionRow;
  readonly raw: Buffer;
  readonly arrival: number;
  readonly receivedAtMs: number;
}

/** Reads every pending record into the index. */
export async function reloadPool(
  engine: Pick<NativeEngine, 'poolLoad'>,
  index: PoolIndex,
  freeClaims: FreeClaims,
  options: { pageSize: number; nowMs: number; chainId: bigint; minimumWei: bigint },
): Promise<Reloaded> {
  const items = await readAll(engine, options.pageSize);
  items.sort((a, b) => a.arrival - b.arrival);
  const ends: EndState[] = [];
  for (const item of items) {
    const deposit = freeClaims.depositOf(item.row, item.raw);
    const reason = refusal(item.row, options.chainId) ?? unpaid(item.row, deposit, options.minimumWei);
    if (reason !== null) {
      ends.push({ hash: item.row.hash, ...reason, atMs: options.nowMs });
      continue;
    }
    const state = { nonce: item.row.senderNonce, balanceWei: item.row.senderBalance };
    const account = index.ensureAccount(item.row.sender, state);
    const free = deposit === null ? null : { deposit, rankWei: options.minimumWei };
    const displaced = index.insert(new PoolEntry(account, item.row, item.raw, item.arrival, item.receivedAtMs, free));
    if (displaced !== undefined) {
      ends.push({ hash: displaced.hash, status: 'replaced', reason: 'replaced transaction', atMs: options.nowMs, related: item.row.hash });
    }
  }
  return { loaded: items.length - ends.length, ends, lastArrival: items[items.length - 1]?.arrival ?? -1 };
}

async function readAll(engine: Pick<NativeEngine, 'poolLoad'>, pageSize: number): Promise<Loaded[]> {
  const items: Loaded[] = [];
  let after: Buffer = Buffer.alloc(0);
  for (;;) {
    const page = unpackList(await engine.poolLoad(after, pageSize));
    for (const bytes of page) items.push(parse(bytes));
    const last = page[page.length - 1];
    if (last === undefined || page.length < pageSize) return items;
    const at = POOL_ITEM.row + ADMISSION_ROW.hash;
    after = Buffer.from(last.subarray(at, at + 32));
  }
}

function parse(bytes: Buffer): Loaded {
  return {
    row: new AdmissionRow(bytes, POOL_ITEM.row),
    // A copy: a view would keep its whole page alive as long as one transaction of it.
    raw: Buffer.from(bytes.subarray(POOL_ITEM.raw)),
    arrival: Number(bytes.readBigUInt64LE(POOL_ITEM.arrival)),
    receivedAtMs: Number(bytes.readBigUInt64LE(POOL_ITEM.receivedAtMs)),
  };
}

/** Why a stored record is not pending any more; null when it is. */
function refusal(row: AdmissionRow, chainId: bigint): Pick<EndState, 'status' | 'reason'> | null {
  const code = DECODE_CODES[row.code];
  if (code !== 'OK') return { status: 'invalid', reason: `stored transaction does not decode: ${code ?? row.code}` };
  if (row.has('eip155') && row.chainId !== chainId) return { status: 'invalid', reason: 'invalid chain id for signer' };
  if (row.nonce < row.senderNonce) {
    return { status: 'failed', reason: `nonce too low: next nonce ${row.senderNonce}, tx nonce ${row.nonce}` };
  }
  return null;
}

/** Why a transaction that pays nothing is not pending any more: it was admitted as a free claim, and there are none now. */
function unpaid(row: AdmissionRow, deposit: string | null, minimumWei: bigint): Pick<EndState, 'status' | 'reason'> | null {
  if (row.gasPrice !== 0n || deposit !== null || minimumWei === 0n) return null;
  return { status: 'failed', reason: `transaction underpriced: gas price 0, minimum needed ${minimumWei}: claims are not free any more` };
}
