/**
 * What a recording consists of. An event is one entry into the decisions (pool, sequencer, gas price): it runs to its end, with everything
 * that it resolves, before the next one begins. A note belongs to the event before it: what the event read from outside.
 *
 *   event: u8 kind, signed milliseconds since the event before, length, body
 */
import { type ByteReader, ByteWriter } from '../common/byte-codec.js';

/** Kinds of events, and of notes to them. */
export const EVENT = {
  /** The node started. Body: the session, JSON. */
  session: 1,
  /** Raw transactions arrived, in this order. Body: count, byte strings. */
  arrivals: 2,
  /** A call was answered. Body: calls issued since it, verb, facts of the answer. */
  answered: 3,
  /** A call failed. Body: calls issued since it, verb, JSON `{code, message}`. */
  failed: 4,
  /** A scheduled task ran. Body: its number, in the order of scheduling. */
  timer: 5,
  /** An operator, or another part of the node, asked for something. Body: name, JSON of the argument. */
  command: 6,
  /** The session ended in good order. Body: number and hash of the newest L2 block, open batch. */
  end: 7,
  /** Note. A value was read from the engine. Body: key, value. */
  read: 16,
  /** Note. An input from outside changed. Body: key, JSON of the value. */
  input: 17,
} as const;

const FIRST_NOTE = EVENT.read;

/** Calls whose answers are recorded, by their number in the file. */
export const VERBS = [
  'admit',
  'preExecute',
  'poolWrite',
  'poolLoad',
  'poolPrune',
  'openBlock',
  'execute',
  'finishBlock',
  'discardBlock',
  'closeBatch',
  'l1GasPrice',
  'commitBlocks',
  'discardSealed',
  'executeForcedBatch',
] as const;
export type Verb = (typeof VERBS)[number];

/** A note to an event. */
export interface Note {
  readonly kind: number;
  readonly body: Buffer;
}

/** An event with its notes. */
export interface RecordedEvent {
  readonly kind: number;
  /** Unix ms by the clock of the recorded node. */
  readonly atMs: number;
  readonly body: Buffer;
  readonly notes: readonly Note[];
}

/** Appends events to a buffer. */
export class EventWriter {
  readonly #out = new ByteWriter();
  #lastMs = 0;

  get length(): number {
    return this.#out.length;
  }

  event(kind: number, atMs: number, body: Uint8Array): void {
    // The clock of a session may be behind the last one's, and fractions mean nothing to decisions.
    const wholeMs = Math.floor(atMs);
    if (kind === EVENT.session) this.#lastMs = 0;
    this.#out
      .byte(kind)
      .signed(wholeMs - this.#lastMs)
      .bytes(body);
    this.#lastMs = wholeMs;
  }

  note(kind: number, body: Uint8Array): void {
    this.#out.byte(kind).signed(0).bytes(body);
  }

  /** What was appended since the last call. */
  take(): Buffer {
    const bytes = this.#out.copy();
    this.#out.clear();
    return bytes;
  }
}

/** Reads the events of a recording, in order. */
export class EventReader {
  #lastMs = 0;
  #pending: { kind: number; atMs: number; body: Buffer; notes: Note[] } | null = null;

  /** Takes one frame; answers the events that are complete with their notes. */
  *read(frame: ByteReader): IterableIterator<RecordedEvent> {
    while (frame.remaining > 0) {
      const kind = frame.byte();
      const deltaMs = frame.signed();
      const body = frame.bytes();
      if (kind >= FIRST_NOTE) {
        if (this.#pending === null) throw new RangeError('a recording begins with a note');
        this.#pending.notes.push({ kind, body });
        continue;
      }
      if (this.#pending !== null) yield this.#pending;
      this.#lastMs = (kind === EVENT.session ? 0 : this.#lastMs) + deltaMs;
      this.#pending = { kind, atMs: this.#lastMs, body, notes: [] };
    }
  }

  /** The last event: more notes to it may have been lost. */
  last(): RecordedEvent | null {
    const last = this.#pending;
    this.#pending = null;
    return last;
  }
}
