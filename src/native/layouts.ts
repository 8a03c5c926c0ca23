/**
 * Flat layouts that cross the N-API boundary. Little-endian, fixed width; the Rust twin is `native/codec/src/layout.rs`, and the addon
 * exports its own sizes (`layoutSizes()`), which `assertLayouts` compares at load, so that a drift stops the node at start.
 */

/** Version word at the head of every packed list. */
export const LAYOUT_VERSION = 1;
/** Bytes before the first item of a packed list: u16 version, u16 zero, u32 count. */
export const LIST_HEADER_BYTES = 8;

/** The eight trace-row counters, in the order of every counter vector that crosses the boundary. */
export const COUNTER_NAMES = ['steps', 'arith', 'binary', 'memAlign', 'keccaks', 'padding', 'poseidon', 'sha256'] as const;
export type CounterName = (typeof COUNTER_NAMES)[number];
export const COUNTER_COUNT = 8;

/** Batch resources: the eight counters, then encoded bytes, then gas; u64 each. */
export const RESOURCE_COUNT = 10;
export const RESOURCE_BYTES = 8;
export const RESOURCE_GAS = 9;

/**
 * One row for each transaction handed to `admit` (and for each row of `poolLoad`): what admission has to judge.
 * u256 are 32 bytes little-endian.
 */
export const ADMISSION_ROW = {
  bytes: 320,
  /** u16: 0 decoded and recovered, else an index into DECODE_CODES. */
  code: 0,
  /** u8 bit set, see ADMISSION_FLAG. */
  flags: 2,
  /** u32: bytes of the transaction inside batchL2Data (list + r, s, v, effective percentage). */
  batchBytes: 4,
  /** u32: bytes of its data field. */
  dataBytes: 8,
  /** u32: bytes of the signed RLP as received. */
  rawBytes: 12,
  nonce: 16,
  gasLimit: 24,
  /** u64: 21000 or 53000 plus calldata cost. */
  intrinsicGas: 32,
  chainId: 40,
  /** u64: nonce of the sender in the pending view (open L2 block included). */
  senderNonce: 48,
  gasPrice: 64,
  value: 96,
  /** u256: balance of the sender in the pending view. */
  senderBalance: 128,
  hash: 160,
  sender: 192,
  to: 212,
  /** u64: gas used by pre-execution, 0 when it did not run. */
  preGasUsed: 232,
  /** 8 x u32: counters used by pre-execution (rlpParsing and processTx included); where it was stopped, those of the execution until then. */
  preCounters: 240,
  /** u8: see PRE_STATUS. */
  preStatus: 272,
  /** u8: ROM error number of pre-execution (1 = none). */
  preRomError: 273,
  /** u8: index of the exhausted counter where preStatus is outOfCounters or unfinished. */
  preCounter: 274,
  /** u32: zero bytes among batchBytes (data cost of the effective gas price). */
  zeroBytes: 280,
  /** 8 x u32: what should be reserved for the counters of pre-execution (on a deeper tree); >= preCounters. */
  preReserved: 288,
} as const;

export const ADMISSION_FLAG = {
  create: 1,
  eip155: 2,
  senderHasCode: 4,
  /** No data, and the recipient has no code: costs are constants, pre-execution is not needed. */
  plainTransfer: 8,
} as const;

/**
 * `outOfCounters`: it fits no batch; `internal`: the executor failed on it; `unfinished`: it needs more than the part of the counters that it
 * got; `unavailable`: state or time were not to be had, which is not its fault.
 */
export const PRE_STATUS = {
  notRun: 0,
  success: 1,
  failed: 2,
  skipped: 3,
  outOfCounters: 4,
  internal: 5,
  unfinished: 6,
  unavailable: 7,
} as const;

/** Why a raw transaction was not decoded; index = `code` of the admission row. */
export const DECODE_CODES = [
  'OK',
  'TX_RLP_INVALID',
  'TX_TYPE_NOT_SUPPORTED',
  'TX_SIGNATURE_INVALID',
  'TX_FIELD_OVERFLOW',
  'TX_TOO_LARGE',
] as const;
export type DecodeCode = (typeof DECODE_CODES)[number];

/** Head of the answer of `openBlock` and `execute`: u16 version, u16 zero, u32 rows, u32 touched accounts, u32 zero. */
export const OUTCOME_HEADER = { bytes: 16, rows: 4, touched: 8 } as const;

/** One row for each transaction handed to `execute`, in order; one row for the changeL2Block of `openBlock`. */
export const OUTCOME_ROW = {
  bytes: 104,
  /** u8: see OUTCOME. */
  result: 0,
  /** u8: ROM error number (1 = none). */
  romError: 1,
  /** u8: resource index (0..9) that did not fit, 255 where not applicable. */
  resource: 2,
  /** u8: receipt status, 1 success, 0 failed. */
  status: 3,
  /** u32: bytes added to batchL2Data. */
  batchBytes: 4,
  gasUsed: 8,
  cumulativeGasUsed: 16,
  /** 8 x u32: counters used, the keccaks of the grown batch data included. */
  used: 24,
  /** 8 x u32: counters to reserve (worst case on a deeper tree); >= used. */
  reserved: 56,
  /** u64: nanoseconds of execution. */
  nanos: 88,
  /** u32: index in the L2 block where included. */
  txIndex: 96,
  /** u8: effective percentage that it is charged, where included. */
  percentage: 100,
  /** u8: how it came to that percentage, see PRICED. */
  priced: 101,
} as const;

export const OUTCOME = {
  /** In the open L2 block, with `status`. */
  included: 0,
  /** Failed an intrinsic check (`romError`), state untouched. */
  skipped: 1,
  /** Executed or aborted at the limit, then undone: `resource` did not fit the remaining resources. */
  doesNotFit: 2,
  /** The core failed on it (panic or state error); undone. */
  internalError: 3,
  /** An earlier transaction of the same sender was not included, so this one was not tried. */
  notAttempted: 4,
  /** It failed (`romError`) although it had to succeed; undone. */
  hadToSucceed: 5,
} as const;

/** How an included transaction came to its effective percentage. */
export const PRICED = {
  /** By the one it was handed over with. */
  asExpected: 0,
  /** The gas used asked for another one; nothing but what it pays changed. */
  adjusted: 1,
  /** The same, and it could tell its price, so it was executed again, at the full one. */
  executedAgain: 2,
} as const;

/**
 * How the transactions of a slice are priced again once their gas is known (`ExecuteRequest.repricing`): u256 LE prices, u64 LE factors, then
 * u64 LE for each transaction, the gas that its percentage was chosen for.
 */
export const REPRICING = {
  l1GasPrice: 0,
  l2GasPrice: 32,
  ethTransferGasPrice: 64,
  l1GasPriceFactorPpm: 96,
  byteGasCost: 104,
  zeroByteGasCost: 112,
  netProfitPpm: 120,
  ethTransferL1GasPriceFactorPpm: 128,
  finalDeviationPpm: 136,
  /** The first transaction's gas; the bytes before it are the rule. */
  gas: 144,
} as const;

/** Accounts changed by the included transactions, after the last row: 20 bytes address, 4 zero, u64 nonce, u256 balance. */
export const TOUCHED_ROW = { bytes: 64, address: 0, nonce: 24, balance: 32 } as const;

/** Statuses of a pool record. */
export const POOL_STATUS = ['pending', 'selected', 'failed', 'invalid', 'replaced', 'expired'] as const;
export type PoolStatus = (typeof POOL_STATUS)[number];

/** Item kinds of `poolWrite`. */
export const POOL_OP = {
  /** u8 0, hash 32, sender 20, u64 nonce, u64 receivedAtMs, u64 arrival, raw signed RLP. */
  put: 0,
  /** u8 1, hash 32, u8 status, u64 atMs, related hash 32 (zeros: none), reason UTF-8. Leaves the pending set, stays readable by `poolStatus`. */
  end: 1,
} as const;

/** An item of `poolLoad`: u64 receivedAtMs, u64 arrival, then an ADMISSION_ROW, then the raw signed RLP. */
export const POOL_ITEM = { receivedAtMs: 0, arrival: 8, row: 16, raw: 16 + ADMISSION_ROW.bytes } as const;

const U64_MAX = (1n << 64n) - 1n;
const U256_MAX = (1n << 256n) - 1n;

/** Packs byte strings as a list: header, then u32 length and bytes of each item. */
export function packList(items: readonly Uint8Array[]): Buffer {
  return packListOf(items, lengthOf, writeBytes);
}

const lengthOf = (item: Uint8Array): number => item.length;
const writeBytes = (item: Uint8Array, out: Buffer, at: number): void => out.set(item, at);

/** Packs a list without a Buffer for each item: `sizeOf` says how long an item is, `write` writes it at its place. */
export function packListOf<T>(items: readonly T[], sizeOf: (item: T) => number, write: (item: T, out: Buffer, at: number) => void): Buffer {
  let total = LIST_HEADER_BYTES;
  for (const item of items) total += 4 + sizeOf(item);
  const out = Buffer.allocUnsafe(total);
  writeListHead(out, items.length);
  let at = LIST_HEADER_BYTES;
  for (const item of items) {
    const size = sizeOf(item);
    out.writeUInt32LE(size, at);
    write(item, out, at + 4);
    at += 4 + size;
  }
  return out;
}

function writeListHead(out: Buffer, count: number): void {
  out.writeUInt16LE(LAYOUT_VERSION, 0);
  out.writeUInt16LE(0, 2);
  out.writeUInt32LE(count, 4);
}

/** Views (no copy) of the items of a packed list. Throws RangeError on a wrong version or a truncated list. */
export function unpackList(list: Buffer): Buffer[] {
  if (list.length < LIST_HEADER_BYTES || list.readUInt16LE(0) !== LAYOUT_VERSION) {
    throw new RangeError(`packed list: expected layout version ${LAYOUT_VERSION}`);
  }
  const count = list.readUInt32LE(4);
  const items: Buffer[] = [];
  let at = LIST_HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    const length = list.readUInt32LE(at);
    if (at + 4 + length > list.length) throw new RangeError('packed list: truncated item');
    items.push(list.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return items;
}

/** Reads a 256-bit little-endian integer. */
export function readU256(bytes: Buffer, at: number): bigint {
  return (
    bytes.readBigUInt64LE(at) |
    (bytes.readBigUInt64LE(at + 8) << 64n) |
    (bytes.readBigUInt64LE(at + 16) << 128n) |
    (bytes.readBigUInt64LE(at + 24) << 192n)
  );
}

/** Writes a 256-bit little-endian integer; what is larger becomes the largest. */
export function writeU256(bytes: Buffer, at: number, value: bigint): void {
  const bounded = value < U256_MAX ? value : U256_MAX;
  for (let word = 0; word < 4; word++) bytes.writeBigUInt64LE((bounded >> BigInt(64 * word)) & U64_MAX, at + 8 * word);
}

/** Reads eight u32 counters. */
export function readCounters(bytes: DataView, at: number): number[] {
  const counters: number[] = new Array<number>(COUNTER_COUNT);
  for (let i = 0; i < COUNTER_COUNT; i++) counters[i] = bytes.getUint32(at + 4 * i, true);
  return counters;
}
