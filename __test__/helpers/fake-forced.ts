/** What the fake engine makes of a forced batch: at most one block, made durable with its batch at once. */
import type { ForcedBatchOutcome, ForcedBatchRequest } from '../../src/native/engine.js';
import { packList, RESOURCE_COUNT, unpackList } from '../../src/native/layouts.js';
import { writeResources } from '../../src/sequencer/resources.js';
import { emptyBatch, type FakeAccount, type FakeBatch, type FakeDisk } from './fake-disk.js';
import { FakeExecution, type OpenBlock } from './fake-execution.js';
import { executionAnswer, sealedBlock, sha256, touchedRow } from './fake-rows.js';
import { parseRaw } from './fake-transaction.js';

/** ROM error of data that are no packed list of fake transactions. */
export const FAKE_FORCED_ERROR = 'INVALID_RLP';
const ENOUGH = 2 ** 50;

interface Forced {
  readonly disk: FakeDisk;
  readonly request: ForcedBatchRequest;
  /** Of the L2 block that it makes, if it makes one. */
  readonly number: number;
  readonly timestamp: number;
  readonly parentHash: string;
  readonly pending: (address: string) => FakeAccount;
}

/** Takes effect on the disk at once. */
export function forceBatch({ disk, request, number, timestamp, parentHash, pending }: Forced): ForcedBatchOutcome {
  const raws = transactionsOf(request.data);
  const romError = raws === null ? FAKE_FORCED_ERROR : '';
  const makesBlock = raws !== null && request.data.length > 0;
  const block = emptyBlock(number, timestamp, request.nowMs);
  const touched = makesBlock ? execute(block, raws, pending) : [];
  const batch: FakeBatch = {
    ...emptyBatch(disk.open.number),
    used: block.used,
    txHashes: block.txHashes,
    blockCount: makesBlock ? 1 : 0,
    openedAtMs: request.nowMs,
    reason: 'Forced batch',
  };
  const certificateJson = JSON.stringify({ forcedBatchNumber: request.number, bound: request.deadlineMs, romError, txs: block.txHashes });
  batch.detailJson = certificateJson;
  disk.forced.set(request.number, batch.number);
  const content = { number, batch: batch.number, txHashes: block.txHashes, timestamp };
  const hash = sha256(JSON.stringify([parentHash === '0x' ? undefined : parentHash, content]));
  if (makesBlock) disk.commit({ overlay: block.overlay, stored: { ...content, hash }, batch });
  else {
    disk.open = batch;
    disk.close('Forced batch', certificateJson);
  }
  return {
    batchNumber: batch.number,
    ...(makesBlock && { block: sealedBlock(block, batch.number, hash) }),
    romError,
    skipped: (raws?.length ?? 0) - block.txHashes.length,
    certificateJson,
    used: writeResources(block.used),
    touched: executionAnswer([], touched),
  };
}

function transactionsOf(data: Buffer): Buffer[] | null {
  try {
    const raws = data.length === 0 ? [] : unpackList(data);
    for (const raw of raws) parseRaw(raw);
    return raws;
  } catch {
    return null;
  }
}

function emptyBlock(number: number, timestamp: number, openedAtMs: number): OpenBlock {
  const zero = (): number[] => new Array<number>(RESOURCE_COUNT).fill(0);
  return { number, overlay: new Map(), txHashes: [], used: zero(), high: zero(), openedAtMs, timestamp, gasUsed: 0 };
}

/** Each for itself: what is not valid is skipped, and those after it go on. Answers the rows of touched accounts. */
function execute(block: OpenBlock, raws: readonly Buffer[], before: (address: string) => FakeAccount): Buffer[] {
  const pending = (address: string): FakeAccount => block.overlay.get(address) ?? before(address);
  for (const raw of raws) {
    const item = Buffer.concat([Buffer.from(parseRaw(raw).sender.slice(2), 'hex'), Buffer.from([255]), raw]);
    const unlimited = writeResources(new Array<number>(RESOURCE_COUNT).fill(ENOUGH));
    const none = writeResources(new Array<number>(RESOURCE_COUNT).fill(0));
    const request = { transactions: packList([item]), remaining: unlimited, high: none, maxMisfits: 1, budgetNanos: 0 };
    new FakeExecution(block, request, pending).run();
  }
  return [...block.overlay].map(([address, account]) => touchedRow(address, account));
}
