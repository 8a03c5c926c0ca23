/**
 * Forced batches that wait: which one goes next, and by when. L1 says what waits (`ForcedBatchSource`), the engine which one was the newest
 * in the chain. They go in the order of their numbers; one that is missing holds up those after it, and says so.
 */
import type { Logger } from '../common/logger.js';
import type { ForcedBatchStatus } from '../rpc/modules.js';

/** Share of L1's `forceBatchTimeout` after which a forced batch is processed at the latest. */
const TIMEOUT_SHARE = 0.1;
/** Time after which a forced batch that was seen is processed at the latest. */
const SEEN_DELAY_MS = 60_000;

/** A forced batch as L1 has it; plain JSON, because recordings keep it. */
export interface WaitingForcedBatch {
  /** Its number among the forced batches. */
  readonly number: number;
  /** batchL2Data as it was forced, 0x hex. */
  readonly data: string;
  /** Timestamp of the L1 block in which it was forced, Unix seconds. */
  readonly forcedAt: number;
  /** Global exit root of that moment, 0x hex. */
  readonly globalExitRoot: string;
  /** Hash of the parent of that L1 block, 0x hex. */
  readonly l1ParentHash: string;
  /** Unix ms by which it has to be processed: see `forcedDeadlineMs`. */
  readonly deadlineMs: number;
}

/** What the L1 side knows of forced batches. */
export interface ForcedBatchSource {
  /** Those that are final enough to be processed, by number; such as are in the chain already may be among them. Asked in every turn. */
  waiting(): readonly WaitingForcedBatch[];
  /** Calls `listener` when more wait; answers an unsubscribe function. */
  onChange(listener: () => void): () => void;
}

/** By when a forced batch has to be processed: a share of the time that L1 leaves, and soon after it was seen in any case. */
export function forcedDeadlineMs(forcedAt: number, seenAtMs: number, forceBatchTimeoutSeconds: number): number {
  return Math.min((forcedAt + forceBatchTimeoutSeconds * TIMEOUT_SHARE) * 1000, seenAtMs + SEEN_DELAY_MS);
}

/** The one to process now. */
export interface DueForcedBatch {
  readonly batch: WaitingForcedBatch;
  /** The deadline that it is processed for. */
  readonly deadlineMs: number;
}

const NOTHING: readonly WaitingForcedBatch[] = [];

/** The forced batches that can be processed now, in order. */
export class ForcedBatches {
  readonly #source: ForcedBatchSource | null;
  readonly #next: () => number;
  readonly #log: Logger;
  /** Once one is due all that wait then are processed, whatever their own deadlines. */
  #run = { through: 0, deadlineMs: 0 };
  /** What `#queue` was made of, for as long as it holds. */
  #made: { readonly waiting: readonly WaitingForcedBatch[]; readonly next: number } = { waiting: NOTHING, next: 0 };
  #queue: readonly WaitingForcedBatch[] = NOTHING;
  #blocked = 0;
  #toldGap = 0;

  /** `next` is the number that the engine takes next. */
  constructor(source: ForcedBatchSource | undefined, next: () => number, log: Logger) {
    this.#source = source ?? null;
    this.#next = next;
    this.#log = log;
  }

  /** By when the open batch has to make room; null while nothing can be processed. */
  get deadlineMs(): number | null {
    const queue = this.#pending();
    const first = queue[0];
    if (first === undefined) return null;
    if (first.number <= this.#run.through) return this.#run.deadlineMs;
    // One that is due takes those before it along.
    return Math.min(...queue.map(({ deadlineMs }) => deadlineMs));
  }

  /** Null where none is due. */
  due(nowMs: number): DueForcedBatch | null {
    const { deadlineMs } = this;
    const queue = this.#pending();
    const [first, last] = [queue[0], queue.at(-1)];
    if (deadlineMs === null || nowMs < deadlineMs || first === undefined || last === undefined) return null;
    if (first.number > this.#run.through) this.#run = { through: last.number, deadlineMs };
    return { batch: first, deadlineMs };
  }

  /** Null where nothing feeds this node. */
  status(): ForcedBatchStatus | null {
    if (this.#source === null) return null;
    const pending = this.#pending().length;
    return { next: this.#next(), pending, blocked: this.#blocked, deadlineMs: this.deadlineMs };
  }

  #pending(): readonly WaitingForcedBatch[] {
    if (this.#source === null) return NOTHING;
    const waiting = this.#source.waiting();
    const next = this.#next();
    if (waiting !== this.#made.waiting || next !== this.#made.next) {
      this.#made = { waiting, next };
      this.#queue = this.#contiguous(waiting, next);
    }
    return this.#queue;
  }

  /** Those from `next` on, up to the first that is missing. */
  #contiguous(waiting: readonly WaitingForcedBatch[], next: number): readonly WaitingForcedBatch[] {
    const ahead = waiting.filter(({ number }) => number >= next).sort((a, b) => a.number - b.number);
    const queue: WaitingForcedBatch[] = [];
    for (const batch of ahead) if (batch.number === next + queue.length) queue.push(batch);
    this.#blocked = ahead.length - queue.length;
    const missing = next + queue.length;
    if (this.#blocked > 0 && this.#toldGap !== missing) {
      this.#toldGap = missing;
      this.#log.error('a forced batch is missing: those after it wait', { missing, blocked: this.#blocked, newest: ahead.at(-1)?.number });
    }
    return queue;
  }
}
