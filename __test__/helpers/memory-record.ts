/** A recording in memory: what was appended survives the kill of a simulated node. */
import { type FrameSource, frameOf, framesOf, type RecordSink, recordingHead } from '../../src/recording/frames.js';

export class MemoryRecord {
  readonly #parts: Buffer[] = [recordingHead()];

  /** A sink for one life of the node. */
  sink(): RecordSink {
    return { append: (payload) => void this.#parts.push(frameOf(payload)), close: () => undefined };
  }

  /** Everything recorded, as the file would be. */
  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  source(): FrameSource {
    return framesOf(this.bytes());
  }
}
