/**
 * Records what decisions depend on. Everything that enters pool and sequencer from outside passes through here as an event: it is written
 * down, then it runs to its end, and only then the next one begins. Within an event the clock stands still. So the order of events, and the
 * little that each brought with it, is all that a replay needs.
 *
 *   arrivals ─┐
 *   answers   ├─► one event at a time ─► pool, sequencer ─► calls of the engine
 *   timers    │         │
 *   commands ─┘         └─► file, in whole frames, before any call that changes the disk
 *
 * A recording that cannot be written ends, and says so; the node goes on without it.
 */

import { ByteWriter } from '../common/byte-codec.js';
import type { Cancel, Clock } from '../common/clock.js';
import { errorCode, errorMessage } from '../common/errors.js';
import type { Logger } from '../common/logger.js';
import { EVENT, EventWriter, VERBS, type Verb } from './events.js';
import type { RecordSink } from './frames.js';
import { encodeSession, type HeadMark, type SessionStart } from './session.js';

/** Bytes after which a frame is written, whether or not something waits for it. */
const FRAME_BYTES = 65_536;
/** Time after which a frame is written: what an idle node did last is on record soon. */
const FLUSH_MS = 200;

/** An event that waits for its turn. */
interface Entry {
  readonly kind: number;
  readonly body: () => Uint8Array;
  readonly run: () => void;
}

/** A raw transaction on its way into the pool. */
interface Arrival {
  readonly raw: Buffer;
  readonly run: () => void;
}

/** What a recorder works with. */
export interface RecorderModules {
  readonly sink: RecordSink;
  /** The real clock. */
  readonly clock: Clock;
  readonly log: Logger;
}

/** Records one session. */
export class Recorder {
  /** Time as decisions see it: it stands still within an event. */
  readonly clock: Clock;
  readonly #modules: RecorderModules;
  readonly #events = new EventWriter();
  readonly #waiting: Entry[] = [];
  #drainScheduled = false;
  #arrivals: Arrival[] = [];
  #frozenMs: number | null = null;
  #window = 0;
  #timers = 0;
  #calls = 0;
  readonly #inputs = new Map<string, string>();
  readonly #sampled = new Set<string>();
  #cancelFlush: Cancel | null = null;
  /** Nothing is written any more; what comes through still runs. */
  #ended = false;
  #abandoned = false;

  constructor(modules: RecorderModules) {
    this.#modules = modules;
    this.clock = {
      nowMs: () => this.#frozenMs ?? modules.clock.nowMs(),
      monotonicMs: () => modules.clock.monotonicMs(),
      schedule: (delayMs, task) => this.#schedule((fire) => modules.clock.schedule(delayMs, fire), task),
    };
  }

  /** The session begins, before anything else: `run` builds what is recorded. */
  begin<T>(start: SessionStart, run: () => T): T {
    let built: { value: T } | null = null;
    this.#run({
      kind: EVENT.session,
      body: () => encodeSession(start),
      run: () => {
        built = { value: run() };
      },
    });
    return (built as unknown as { value: T }).value;
  }

  /** The session ended in good order; nothing is recorded after it. */
  end(head: HeadMark): void {
    if (!this.#ended) {
      this.#events.event(EVENT.end, this.#modules.clock.nowMs(), jsonBytes(head));
      this.flush();
    }
    this.#finish();
  }

  /** As if the process were killed: what is not written is lost, and nothing runs any more. For tests. */
  abandon(): void {
    this.#abandoned = true;
    this.#events.take();
    this.#finish();
  }

  /** Lets a raw transaction in. What arrives before the event loop turns makes one event. */
  arrive<T>(raw: Buffer, add: (raw: Buffer) => Promise<T>): Promise<T> {
    if (this.#ended) return add(raw);
    return new Promise((resolve, reject) => {
      this.#arrivals.push({ raw, run: () => void add(raw).then(resolve, reject) });
      if (this.#arrivals.length === 1) setImmediate(() => this.#enterArrivals());
    });
  }

  /** Lets a wish of an operator, or of another part of the node, in. */
  command(name: string, argument: string | null, run: () => void): void {
    const body = (): Uint8Array => new ByteWriter().text(name).text(JSON.stringify(argument)).view();
    setImmediate(() => this.#enter({ kind: EVENT.command, body, run }));
  }

  /** Runs a task at the end of a turn of the event loop. */
  atTurnEnd(task: () => void): void {
    this.#schedule((fire) => {
      const immediate = setImmediate(fire);
      return () => clearImmediate(immediate);
    }, task);
  }

  /** A call of the outside: `facts` is what of its answer a replay cannot compute. With `changesDisk` everything is on record before it. */
  call<T>(verb: Verb, issue: () => Promise<T>, facts: (answer: T, out: ByteWriter) => void, changesDisk = false): Promise<T> {
    const id = this.#calls++;
    if (changesDisk) this.flush();
    const head = (): ByteWriter => new ByteWriter().number(this.#calls - id).byte(VERBS.indexOf(verb));
    return new Promise<T>((resolve, reject) => {
      issue().then(
        (answer) => {
          const body = (): Uint8Array => {
            const out = head();
            facts(answer, out);
            return out.view();
          };
          this.#enter({ kind: EVENT.answered, body, run: () => resolve(answer) });
        },
        (error: unknown) => {
          const failure = { code: errorCode(error) ?? null, message: errorMessage(error) };
          this.#enter({ kind: EVENT.failed, body: () => head().bytes(jsonBytes(failure)).view(), run: () => reject(error) });
        },
      );
    });
  }

  /** A value that an event read from the engine: recorded only where an event runs, for only then may it decide something. */
  read(key: Uint8Array, value: Uint8Array): void {
    if (this.#ended || this.#frozenMs === null) return;
    this.#events.note(EVENT.read, new ByteWriter().bytes(key).bytes(value).view());
  }

  /** A value from outside that changes at its own pace: asked once an event, recorded where it changed. */
  input<T>(key: string, read: () => T): T {
    const known = this.#inputs.get(key);
    if (this.#ended || this.#frozenMs === null) return read();
    if (known !== undefined && this.#sampled.has(key)) return JSON.parse(known) as T;
    this.#sampled.add(key);
    const value = read();
    const text = JSON.stringify(value);
    if (text !== known) {
      this.#inputs.set(key, text);
      this.#events.note(EVENT.input, new ByteWriter().text(key).text(text).view());
    }
    return value;
  }

  /** Hands everything recorded so far to the operating system. */
  flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    if (this.#ended || this.#events.length === 0) return;
    try {
      this.#modules.sink.append(this.#events.take());
    } catch (error) {
      this.#modules.log.error('the recording cannot be written: it ends here', { error });
      this.#finish();
    }
  }

  // --- one event at a time ---------------------------------------------------------------------------------------------------------

  #enter(entry: Entry): void {
    if (this.#frozenMs === null && this.#waiting.length === 0) {
      this.#run(entry);
      return;
    }
    this.#waiting.push(entry);
    this.#scheduleDrain();
  }

  #scheduleDrain(): void {
    if (this.#drainScheduled) return;
    this.#drainScheduled = true;
    setImmediate(() => {
      this.#drainScheduled = false;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#run(next);
      if (this.#waiting.length > 0) this.#scheduleDrain();
    });
  }

  #run({ kind, body, run }: Entry): void {
    if (this.#abandoned) return;
    if (this.#ended) {
      run();
      return;
    }
    const nowMs = Math.floor(this.#modules.clock.nowMs());
    this.#events.event(kind, nowMs, body());
    if (this.#events.length >= FRAME_BYTES) this.flush();
    this.#cancelFlush ??= this.#modules.clock.schedule(FLUSH_MS, () => this.flush());
    this.#frozenMs = nowMs;
    this.#sampled.clear();
    this.#closeAfterwards();
    run();
  }

  /**
   * The event is over when nothing that it resolved is left to run. A callback of `nextTick` runs after all microtasks, unless it was asked
   * for outside of them: so it is asked for twice, the second time from within.
   */
  #closeAfterwards(): void {
    const window = ++this.#window;
    const close = (): void => {
      if (this.#window === window) this.#frozenMs = null;
    };
    process.nextTick(() => queueMicrotask(() => process.nextTick(close)));
  }

  #enterArrivals(): void {
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    const body = (): Uint8Array => {
      const out = new ByteWriter().number(arrivals.length);
      for (const { raw } of arrivals) out.bytes(raw);
      return out.view();
    };
    const run = (): void => {
      for (const arrival of arrivals) arrival.run();
    };
    this.#enter({ kind: EVENT.arrivals, body, run });
  }

  #schedule(start: (fire: () => void) => Cancel, task: () => void): Cancel {
    const id = this.#timers++;
    let cancelled = false;
    const entry: Entry = { kind: EVENT.timer, body: () => new ByteWriter().number(id).view(), run: task };
    const cancel = start(() => {
      if (!cancelled) this.#enter(entry);
    });
    return () => {
      cancelled = true;
      // It may have fired already, and wait behind another event.
      const at = this.#waiting.indexOf(entry);
      if (at >= 0) this.#waiting.splice(at, 1);
      cancel();
    };
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#frozenMs = null;
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    try {
      this.#modules.sink.close();
    } catch (error) {
      this.#modules.log.warn('the recording did not close cleanly', { error });
    }
  }
}

function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}
