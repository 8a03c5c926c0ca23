/**
 * The engine as pool and sequencer see it in a replay. A call waits until the recording says that it was answered; only then the real engine
 * is asked, so its effects come in the order of the recording. What the recording holds of an answer is put over it, or compared with it.
 */

import type { ByteReader } from '../common/byte-codec.js';
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
import { packList, unpackList } from '../native/layouts.js';
import { applyFacts } from './admission-facts.js';
import { VERBS, type Verb } from './events.js';
import { unpackPage } from './pool-page.js';
import { accountKey, closingDigest, type DecisionEngine, forcedFacts, sealFacts, signedOf } from './recorded-engine.js';

/** Nonce and balance come first; nobody reads the rest. */
const ACCOUNT_ROW_BYTES = 80;

/** The replay went another way than the recording. */
export class Divergence extends Error {
  override readonly name = 'Divergence';
}

interface Pending {
  readonly verb: Verb;
  readonly answer: (facts: ByteReader) => Promise<void>;
  readonly reject: (error: Error) => void;
}

/** Calls that are under way, by their number. */
export class PendingCalls {
  readonly #pending = new Map<number, Pending>();
  #issued = 0;

  /** A call that `answer` will carry out when the recording says so. */
  call<T>(verb: Verb, answer: (facts: ByteReader) => Promise<T>): Promise<T> {
    const id = this.#issued++;
    return new Promise<T>((resolve, reject) => {
      const carryOut = async (facts: ByteReader): Promise<void> => resolve(await answer(facts));
      this.#pending.set(id, { verb, answer: carryOut, reject });
    });
  }

  /** The recording answers a call: carries it out. */
  async answer(body: ByteReader): Promise<void> {
    const call = this.#take(body);
    await call.answer(body);
  }

  /** The recording lets a call fail: the engine is not asked. */
  fail(body: ByteReader): void {
    const call = this.#take(body);
    const { code, message } = JSON.parse(body.bytes().toString()) as { code: string | null; message: string };
    call.reject(code === null ? new Error(message) : Object.assign(new Error(message), { code }));
  }

  /** Calls under way that change the chain, in the order in which they were made. */
  underWay(verbs: readonly Verb[]): { readonly verb: Verb; readonly carryOut: (facts: ByteReader) => Promise<void> }[] {
    const calls = [...this.#pending.values()].filter(({ verb }) => verbs.includes(verb));
    return calls.map(({ verb, answer }) => ({ verb, carryOut: answer }));
  }

  #take(body: ByteReader): Pending {
    const id = this.#issued - body.number();
    const verb = VERBS[body.byte()];
    const call = this.#pending.get(id);
    if (call === undefined || call.verb !== verb) {
      throw new Divergence(
        `the recording answers ${verb} as call ${id}, the replay ${call === undefined ? 'made no such call' : `called ${call.verb}`}`,
      );
    }
    this.#pending.delete(id);
    return call;
  }
}

/** Values that the running event read, by key. */
export class RecordedReads {
  readonly #values = new Map<string, Buffer[]>();

  /** The notes of the next event. */
  set(reads: Iterable<{ key: Buffer; value: Buffer }>): void {
    this.#values.clear();
    for (const { key, value } of reads) {
      const name = key.toString('hex');
      const known = this.#values.get(name);
      if (known === undefined) this.#values.set(name, [value]);
      else known.push(value);
    }
  }

  /** What was read; null where the recording has nothing, because it ends within this event. */
  take(key: Buffer): Buffer | null {
    const values = this.#values.get(key.toString('hex'));
    if (values === undefined) return null;
    // The last one stays: who reads more often than was recorded reads the same.
    return (values.length > 1 ? values.shift() : values[0]) ?? null;
  }
}

/** Answers pool and sequencer as the recording says. */
export class ReplayedEngine implements DecisionEngine {
  readonly #engine: DecisionEngine;
  readonly #calls: PendingCalls;
  readonly #reads: RecordedReads;

  constructor(engine: DecisionEngine, calls: PendingCalls, reads: RecordedReads) {
    this.#engine = engine;
    this.#calls = calls;
    this.#reads = reads;
  }

  head(): EngineHead {
    return this.#engine.head();
  }

  sealedHead(): EngineHead {
    return this.#engine.sealedHead();
  }

  account(address: Buffer, block: number): Buffer {
    const recorded = this.#reads.take(accountKey(address, block));
    if (recorded === null) return this.#engine.account(address, block);
    return Buffer.concat([recorded], ACCOUNT_ROW_BYTES);
  }

  transactionJson(hash: Buffer): string | null {
    const recorded = this.#reads.take(hash);
    if (recorded === null) return this.#engine.transactionJson(hash);
    return recorded[0] === 1 ? '{}' : null;
  }

  poolStatus(hash: Buffer): string | null {
    return this.#engine.poolStatus(hash);
  }

  admit(transactions: Buffer): Promise<Buffer> {
    return this.#calls.call('admit', (facts) => this.#rows(transactions, facts));
  }

  preExecute(transactions: Buffer): Promise<Buffer> {
    return this.#calls.call('preExecute', (facts) => this.#rows(signedOf(transactions), facts));
  }

  poolWrite(operations: Buffer): Promise<void> {
    return this.#calls.call('poolWrite', () => this.#engine.poolWrite(operations));
  }

  poolLoad(): Promise<Buffer> {
    return this.#calls.call('poolLoad', (facts) => unpackPage(facts, (transactions) => this.#engine.admit(transactions, false)));
  }

  poolPrune(beforeMs: number): Promise<number> {
    return this.#calls.call('poolPrune', async (facts) => {
      await this.#engine.poolPrune(beforeMs);
      return facts.number();
    });
  }

  openBlock(request: OpenBlockRequest): Promise<Buffer> {
    return this.#calls.call('openBlock', () => this.#engine.openBlock(request));
  }

  /** As many transactions as were reached then, without a limit of time. */
  execute(request: ExecuteRequest): Promise<Buffer> {
    return this.#calls.call('execute', (facts) => {
      const reached = facts.number();
      const transactions = packList(unpackList(request.transactions).slice(0, reached));
      return this.#engine.execute({ ...request, transactions, budgetNanos: 0 });
    });
  }

  finishBlock(request: SealRequest): Promise<SealedBlock> {
    return this.#calls.call('finishBlock', async (facts) => {
      const recorded = facts.remaining === 0 ? null : facts.bytes();
      const sealed = await this.#engine.finishBlock(request);
      const replayed = sealFacts(sealed, request);
      if (recorded !== null && !replayed.equals(recorded)) throw new Divergence(sealDifference(sealed, replayed, recorded, request));
      return sealed;
    });
  }

  /** As many blocks as then: here others may be finished by now. */
  commitBlocks(): Promise<CommittedBlocks> {
    return this.#calls.call('commitBlocks', (facts) => this.#engine.commitBlocks(facts.number()));
  }

  discardSealed(): Promise<void> {
    return this.#calls.call('discardSealed', () => this.#engine.discardSealed());
  }

  discardBlock(): Promise<void> {
    return this.#calls.call('discardBlock', async () => {
      // Where opening it failed after its effect, the recorded engine had a block to drop, and this one, which was not asked, has none.
      await this.#engine.discardBlock().catch(() => undefined);
    });
  }

  executeForcedBatch(request: ForcedBatchRequest): Promise<ForcedBatchOutcome> {
    return this.#calls.call('executeForcedBatch', async (facts) => {
      const outcome = await this.#engine.executeForcedBatch(request);
      if (facts.remaining > 0 && !forcedFacts(outcome).equals(facts.bytes())) {
        throw new Divergence(`forced batch ${request.number} comes out otherwise than in the recording: ${outcome.certificateJson}`);
      }
      return outcome;
    });
  }

  closeBatch(reason: string, detailJson: string, nowMs: number): Promise<ClosedBatch> {
    return this.#calls.call('closeBatch', async (facts) => {
      if (facts.remaining > 0 && !closingDigest(reason, detailJson).equals(facts.bytes())) {
        throw new Divergence(`the replay closes a batch with "${reason}" and another certificate than the recording: ${detailJson}`);
      }
      return this.#engine.closeBatch(reason, detailJson, nowMs);
    });
  }

  /** Decodes again, and puts over it what depended on the moment. */
  async #rows(transactions: Buffer, facts: ByteReader): Promise<Buffer> {
    const rows = Buffer.from(await this.#engine.admit(transactions, false));
    applyFacts(rows, facts);
    return rows;
  }
}

const HASH_BYTES = 32;

function sealDifference(sealed: SealedBlock, replayed: Buffer, recorded: Buffer, request: SealRequest): string {
  if (!replayed.subarray(0, HASH_BYTES).equals(recorded.subarray(0, HASH_BYTES))) {
    const hash = recorded.toString('hex', 0, HASH_BYTES);
    return `L2 block ${sealed.number} is 0x${hash} in the recording and ${sealed.hash} in the replay`;
  }
  const closing = request.closeBatch === undefined ? 'leaves its batch open' : `closes its batch: ${request.closeBatch.detailJson}`;
  return `L2 block ${sealed.number} is the same, but the replay ${closing}`;
}
