/**
 * The file: a head, then frames, each written by one call. A frame that was cut off by a kill is told by its length or its checksum, and
 * everything before it is whole.
 *
 *   head:  8 bytes MAGIC, u16 version, u16 zero
 *   frame: u32 length, u32 CRC-32, payload
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { CodedError, errorMessage } from '../common/errors.js';

const MAGIC = Buffer.from('ZKRECORD', 'ascii');
/** Version of the file: raised when an old replay could not read a new file. */
export const RECORDING_VERSION = 2;
const HEAD_BYTES = MAGIC.length + 4;
const FRAME_HEAD_BYTES = 8;
/** No event is longer: a longer frame is garbage, not a frame. */
const FRAME_BYTES_MAX = 0x7000_0000;

/** Where recorded bytes go. */
export interface RecordSink {
  /** Appends a frame; when it returns, the frame survives a kill of the process. */
  append(payload: Buffer): void;
  close(): void;
}

/** The head of a recording. */
export function recordingHead(): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head);
  head.writeUInt16LE(RECORDING_VERSION, MAGIC.length);
  return head;
}

/** A frame around its payload. */
export function frameOf(payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + payload.length);
  frame.writeUInt32LE(payload.length, 0);
  frame.writeUInt32LE(crc32(payload), 4);
  frame.set(payload, FRAME_HEAD_BYTES);
  return frame;
}

/** Frames of a recording as they come. `torn` is set at the end: bytes behind the last whole frame. */
export interface FrameSource {
  frames(): IterableIterator<Buffer>;
  readonly tornBytes: number;
}

/** Reads `length` bytes at a position; fewer at the end. */
type ReadAt = (position: number, length: number) => Buffer;

class Frames implements FrameSource {
  readonly #readAt: ReadAt;
  readonly #size: number;
  tornBytes = 0;

  constructor(readAt: ReadAt, size: number) {
    this.#readAt = readAt;
    this.#size = size;
  }

  /** Position behind the last whole frame. */
  get end(): number {
    return this.#size - this.tornBytes;
  }

  *frames(): IterableIterator<Buffer> {
    const head = this.#readAt(0, HEAD_BYTES);
    if (!head.subarray(0, MAGIC.length).equals(MAGIC)) throw new RangeError('it does not begin like a recording');
    const version = head.readUInt16LE(MAGIC.length);
    if (version !== RECORDING_VERSION) throw new RangeError(`its version is ${version}, this program reads ${RECORDING_VERSION}`);
    let at = HEAD_BYTES;
    while (at < this.#size) {
      const frameHead = this.#readAt(at, FRAME_HEAD_BYTES);
      const length = frameHead.length === FRAME_HEAD_BYTES ? frameHead.readUInt32LE(0) : 0;
      const fits = frameHead.length === FRAME_HEAD_BYTES && length <= FRAME_BYTES_MAX && at + FRAME_HEAD_BYTES + length <= this.#size;
      const payload = fits ? this.#readAt(at + FRAME_HEAD_BYTES, length) : null;
      if (payload === null || crc32(payload) !== frameHead.readUInt32LE(4)) break;
      at += FRAME_HEAD_BYTES + length;
      yield payload;
    }
    this.tornBytes = this.#size - at;
  }
}

/** The frames of a recording in memory. */
export function framesOf(bytes: Buffer): FrameSource {
  return new Frames((position, length) => bytes.subarray(position, position + length), bytes.length);
}

/** The frames of a file. Throws RECORDING_UNREADABLE. */
export function readFrames(path: string): FrameSource {
  const file = openOrFail(path, 'r');
  const source = fileFrames(file);
  return {
    get tornBytes() {
      return source.tornBytes;
    },
    *frames() {
      try {
        yield* source.frames();
      } catch (cause) {
        throw unreadable(path, cause);
      } finally {
        closeSync(file);
      }
    },
  };
}

/** A file that is appended to. A torn end is cut off, so that what follows can be read. Throws RECORDING_UNREADABLE. */
export class FileSink implements RecordSink {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openOrFail(path, 'a+');
    try {
      if (sizeOf(this.#file) === 0) {
        writeAll(this.#file, recordingHead());
        return;
      }
      const found = fileFrames(this.#file);
      for (const _ of found.frames());
      if (found.tornBytes > 0) ftruncateSync(this.#file, found.end);
    } catch (cause) {
      closeSync(this.#file);
      throw unreadable(path, cause);
    }
  }

  append(payload: Buffer): void {
    writeAll(this.#file, frameOf(payload));
  }

  close(): void {
    closeSync(this.#file);
  }
}

function fileFrames(file: number): Frames {
  return new Frames((position, length) => {
    const bytes = Buffer.allocUnsafe(length);
    const read = readSync(file, bytes, 0, length, position);
    return bytes.subarray(0, read);
  }, sizeOf(file));
}

function writeAll(file: number, bytes: Buffer): void {
  let at = 0;
  while (at < bytes.length) at += writeSync(file, bytes, at);
}

function sizeOf(file: number): number {
  return fstatSync(file).size;
}

function openOrFail(path: string, flags: string): number {
  try {
    return openSync(path, flags);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): CodedError {
  return new CodedError(`cannot use ${path} as a recording: ${errorMessage(cause)}`, { code: 'RECORDING_UNREADABLE', path }, { cause });
}
