/**
 * Plays a recording: the same transactions, at the same moments, with the same answers of time and disk, through the same code, on an engine
 * of its own. What comes out is compared with what the recording says at every L2 block and every closed batch.
 */

import { ByteReader, ByteWriter } from '../common/byte-codec.js';
import { errorMessage } from '../common/errors.js';
import { type Logger, silentLogger } from '../common/logger.js';
import { EVENT, EventReader, type RecordedEvent, type Verb } from './events.js';
import type { FrameSource } from './frames.js';
import type { DecisionEngine } from './recorded-engine.js';
import { Divergence } from './replayed-engine.js';
import { ReplayedSession, settled } from './replayed-session.js';
import { decodeSession, type HeadMark, type SessionStart } from './session.js';

/** Calls that move the chain, by what they can do at a kill, when it is not known whether they took effect: sealing comes before commits. */
const CHAIN_VERBS: readonly (readonly Verb[])[] = [['finishBlock'], ['commitBlocks', 'closeBatch', 'executeForcedBatch']];

/** Where a replay plays. */
export interface ReplayHost {
  /** The engine at the start of a session; the same database for all sessions, without an open L2 block. */
  open(start: SessionStart): Promise<DecisionEngine>;
  readonly log?: Logger;
}

/** What came of a replay. */
export interface ReplayReport {
  readonly sessions: number;
  readonly events: number;
  /** Transactions that arrived. */
  readonly arrivals: number;
  /** Where the replay stands. */
  readonly head: HeadMark | null;
  /** True where the last session ended in good order; else it was killed, or still runs. */
  readonly endsCleanly: boolean;
  /** Bytes at the end that are no whole frame: a kill cut them off. */
  readonly tornBytes: number;
  /** What was different; null where nothing was. */
  readonly divergence: string | null;
}

/** The host has no engine for a session: nothing that the decisions did. */
class NoEngine extends Error {}

/** Plays all sessions of a recording. Throws where it cannot be read, or the host has no engine; a difference is part of the report. */
export async function replay(source: FrameSource, host: ReplayHost): Promise<ReplayReport> {
  const player = new Player(host);
  const reader = new EventReader();
  for (const frame of source.frames()) {
    for (const event of reader.read(new ByteReader(frame))) {
      if (!(await player.next(event))) return player.report(source.tornBytes);
    }
  }
  const last = reader.last();
  if (last !== null) await player.next(last);
  return player.report(source.tornBytes);
}

class Player {
  readonly #host: ReplayHost;
  readonly #log: Logger;
  #session: ReplayedSession | null = null;
  #sessions = 0;
  #events = 0;
  #arrivals = 0;
  #endsCleanly = false;
  #divergence: string | null = null;

  constructor(host: ReplayHost) {
    this.#host = host;
    this.#log = host.log ?? silentLogger;
  }

  /** Plays one event; false where the replay ends here. */
  async next(event: RecordedEvent): Promise<boolean> {
    this.#events++;
    this.#endsCleanly = event.kind === EVENT.end;
    try {
      if (event.kind === EVENT.session) await this.#begin(decodeSession(event.body), event.atMs);
      else if (this.#session === null) throw new RangeError('the recording does not begin with a session');
      else await this.#session.play(event);
      if (event.kind === EVENT.arrivals) this.#arrivals += new ByteReader(event.body).number();
      return true;
    } catch (error) {
      if (error instanceof NoEngine) throw error.cause;
      const what = error instanceof Divergence ? error.message : `the replay failed: ${errorMessage(error)}`;
      this.#divergence = `event ${this.#events}, ${new Date(event.atMs).toISOString()}: ${what}`;
      return false;
    }
  }

  report(tornBytes: number): ReplayReport {
    return {
      sessions: this.#sessions,
      events: this.#events,
      arrivals: this.#arrivals,
      head: this.#session?.head() ?? null,
      endsCleanly: this.#endsCleanly,
      tornBytes,
      divergence: this.#divergence,
    };
  }

  async #begin(start: SessionStart, atMs: number): Promise<void> {
    if (this.#session !== null) await finishUnderWay(this.#session, start.head);
    const engine = await this.#host.open(start).catch((cause: unknown) => {
      throw new NoEngine('no engine', { cause });
    });
    this.#session = new ReplayedSession(start, atMs, engine, this.#log);
    assertSameHead(this.#session.head(), start.head);
    this.#sessions++;
    this.#session.open();
    await settled();
  }
}

/**
 * The last session was killed: what it had under way is on disk or not, and the next one says which. A block may be on disk although its
 * sealing was not answered, with a commit that was under way; what is sealed and not on disk is gone.
 */
async function finishUnderWay(session: ReplayedSession, head: HeadMark): Promise<void> {
  const facts = {
    finishBlock: Buffer.alloc(0),
    closeBatch: Buffer.alloc(0),
    executeForcedBatch: Buffer.alloc(0),
    commitBlocks: new ByteWriter().number(head.blockNumber).view(),
  };
  for (const { verb, carryOut } of CHAIN_VERBS.flatMap((verbs) => session.calls.underWay(verbs))) {
    if (JSON.stringify(session.head()) === JSON.stringify(head)) break;
    await carryOut(new ByteReader(Buffer.from(facts[verb as keyof typeof facts])));
  }
  await session.dropSealed();
}

function assertSameHead(replayed: HeadMark, recorded: HeadMark): void {
  if (JSON.stringify(replayed) === JSON.stringify(recorded)) return;
  throw new Divergence(`the session starts at ${JSON.stringify(recorded)}, the replay stands at ${JSON.stringify(replayed)}`);
}
