/** The engine as pool and sequencer see it while a session is recorded: every answer enters as an event, every read leaves a note. */
import { createHash } from 'node:crypto';
import type {
  ClosedBatch,
  CommittedBlocks,
  EngineHead,
  ExecuteRequest,
  ForcedBatchOutcome,
  ForcedBatchRequest,
  OpenBlockRequest,
  SealedBlock,
  SealRequest,
} from '../native/engine.js';
import { OUTCOME_HEADER, packList, unpackList } from '../native/layouts.js';
import type { PoolEngine } from '../pool/pool.js';
import type { SequencingEngine } from '../sequencer/finalizer.js';
import { packFacts } from './admission-facts.js';
import { packPage } from './pool-page.js';
import type { Recorder } from './recorder.js';

/** What pool and sequencer take of the engine. */
export type DecisionEngine = PoolEngine & SequencingEngine;

/** Bytes of an item of a pre-execution before the signed transaction. */
const SENDER_BYTES = 20;
const CERTIFICATE_DIGEST_BYTES = 16;
/** Nonce and balance of an account row: what the pool reads of it. */
const ACCOUNT_FACT_BYTES = 40;

/** Key of a read account. */
export function accountKey(address: Uint8Array, block: number): Buffer {
  return Buffer.concat([Buffer.from([block & 0xff]), address]);
}

/** Tells two closing certificates apart. */
export function closingDigest(reason: string, detailJson: string): Buffer {
  return createHash('sha256').update(`${reason}\n${detailJson}`).digest().subarray(0, CERTIFICATE_DIGEST_BYTES);
}

/** What of a sealed block is compared in a replay. */
export function sealFacts(sealed: SealedBlock, request: SealRequest): Buffer {
  const { closeBatch } = request;
  const closing = closeBatch === undefined ? Buffer.alloc(0) : closingDigest(closeBatch.reason, closeBatch.detailJson ?? '');
  return Buffer.concat([Buffer.from(sealed.hash.slice(2), 'hex'), closing]);
}

/** What of a forced batch is compared in a replay: its block, and its certificate. */
export function forcedFacts({ block, certificateJson }: ForcedBatchOutcome): Buffer {
  return closingDigest(block?.hash ?? '', certificateJson);
}

/** The signed transactions of a list of pre-executions, whose items begin with the sender. */
export function signedOf(transactions: Buffer): Buffer {
  return packList(unpackList(transactions).map((item) => item.subarray(SENDER_BYTES)));
}

/** Records what `engine` answers. */
export class RecordedEngine implements DecisionEngine {
  readonly #engine: DecisionEngine;
  readonly #recorder: Recorder;

  constructor(engine: DecisionEngine, recorder: Recorder) {
    this.#engine = engine;
    this.#recorder = recorder;
  }

  head(): EngineHead {
    return this.#engine.head();
  }

  /** Moves only with calls that are recorded. */
  sealedHead(): EngineHead {
    return this.#engine.sealedHead();
  }

  account(address: Buffer, block: number): Buffer {
    const row = this.#engine.account(address, block);
    this.#recorder.read(accountKey(address, block), row.subarray(0, ACCOUNT_FACT_BYTES));
    return row;
  }

  transactionJson(hash: Buffer): string | null {
    const json = this.#engine.transactionJson(hash);
    this.#recorder.read(hash, Buffer.from([json === null ? 0 : 1]));
    return json;
  }

  /** Nothing is decided by it. */
  poolStatus(hash: Buffer): string | null {
    return this.#engine.poolStatus(hash);
  }

  admit(transactions: Buffer, preExecute: boolean): Promise<Buffer> {
    const issue = (): Promise<Buffer> => this.#engine.admit(transactions, preExecute);
    return this.#recorder.call('admit', issue, (rows, out) => out.raw(packFacts(rows)));
  }

  preExecute(transactions: Buffer, limitsDivisor: number): Promise<Buffer> {
    const engine = this.#engine;
    const issue = (): Promise<Buffer> =>
      // An engine without the verb recovers the senders once more.
      engine.preExecute === undefined ? engine.admit(signedOf(transactions), true) : engine.preExecute(transactions, limitsDivisor);
    return this.#recorder.call('preExecute', issue, (rows, out) => out.raw(packFacts(rows)));
  }

  poolWrite(operations: Buffer): Promise<void> {
    return this.#recorder.call('poolWrite', () => this.#engine.poolWrite(operations), nothing, true);
  }

  poolLoad(after: Buffer, max: number): Promise<Buffer> {
    return this.#recorder.call(
      'poolLoad',
      () => this.#engine.poolLoad(after, max),
      (page, out) => packPage(out, page),
    );
  }

  poolPrune(beforeMs: number): Promise<number> {
    return this.#recorder.call(
      'poolPrune',
      () => this.#engine.poolPrune(beforeMs),
      (count, out) => out.number(count),
    );
  }

  openBlock(request: OpenBlockRequest): Promise<Buffer> {
    return this.#recorder.call('openBlock', () => this.#engine.openBlock(request), nothing);
  }

  /** How far a slice came within its time is what a replay cannot know. */
  execute(request: ExecuteRequest): Promise<Buffer> {
    return this.#recorder.call(
      'execute',
      () => this.#engine.execute(request),
      (answer, out) => out.number(answer.readUInt32LE(OUTCOME_HEADER.rows)),
    );
  }

  /** A commit that is under way may take the block with it, so the disk changes here already. */
  finishBlock(request: SealRequest): Promise<SealedBlock> {
    const issue = (): Promise<SealedBlock> => this.#engine.finishBlock(request);
    return this.#recorder.call('finishBlock', issue, (sealed, out) => out.bytes(sealFacts(sealed, request)), true);
  }

  /** How many blocks were finished in time for it is what a replay cannot know. */
  commitBlocks(): Promise<CommittedBlocks> {
    const issue = (): Promise<CommittedBlocks> => this.#engine.commitBlocks();
    return this.#recorder.call('commitBlocks', issue, ({ blockNumber }, out) => out.number(blockNumber), true);
  }

  discardSealed(): Promise<void> {
    return this.#recorder.call('discardSealed', () => this.#engine.discardSealed(), nothing);
  }

  discardBlock(): Promise<void> {
    return this.#recorder.call('discardBlock', () => this.#engine.discardBlock(), nothing);
  }

  executeForcedBatch(request: ForcedBatchRequest): Promise<ForcedBatchOutcome> {
    const issue = (): Promise<ForcedBatchOutcome> => this.#engine.executeForcedBatch(request);
    return this.#recorder.call('executeForcedBatch', issue, (outcome, out) => out.bytes(forcedFacts(outcome)), true);
  }

  closeBatch(reason: string, detailJson: string, nowMs: number): Promise<ClosedBatch> {
    const issue = (): Promise<ClosedBatch> => this.#engine.closeBatch(reason, detailJson, nowMs);
    return this.#recorder.call('closeBatch', issue, (_closed, out) => out.bytes(closingDigest(reason, detailJson)), true);
  }
}

function nothing(): void {
  // The answer follows from the call.
}
