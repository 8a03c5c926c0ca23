/**
 * The state that a recording starts from. A recording holds what was decided, not the state it was decided on: where a session does not begin
 * on a new data directory, nor where the recording already leads, a copy of the database is kept beside the file.
 */
import { existsSync, statSync } from 'node:fs';
import { ByteReader } from '../common/byte-codec.js';
import type { EngineHead } from '../native/engine.js';
import { EVENT, EventReader, type RecordedEvent, VERBS } from './events.js';
import { readFrames } from './frames.js';
import { decodeSession, type HeadMark, headMark } from './session.js';

/** Newest L2 blocks of a recording that are looked at: more cannot be sealed and not durable when a node is killed. */
const BLOCKS_AHEAD = 16;
const HASH_BYTES = 32;
const FINISH_BLOCK = VERBS.indexOf('finishBlock');

/** What copies the database. */
export interface BaseEngine {
  head(): EngineHead;
  snapshot(target: string): Promise<string>;
}

/** Folder of the database as it was where a session began, beside the recording. */
export function baseFolder(file: string, { blockNumber, blockHash }: HeadMark): string {
  return `${file}.base-${blockNumber}-${blockHash.slice(2, 10)}`;
}

/**
 * Makes sure that a session which begins now can be replayed: copies the database where the recording does not lead to it. Answers the
 * folder of a new copy, null where none was needed. Rejects with RECORDING_UNREADABLE and the codes of a snapshot.
 */
export async function ensureBase(file: string, engine: BaseEngine): Promise<string | null> {
  const head = engine.head();
  const known = newestBlocks(file);
  const leadsHere = known.length === 0 ? head.created : known.includes(head.blockHash);
  if (leadsHere) return null;
  const folder = baseFolder(file, headMark(head));
  // A copy with this name is of this very block: an earlier start ended before its session began.
  if (existsSync(folder)) return null;
  await engine.snapshot(folder);
  return folder;
}

/** Hashes of the blocks at which the recorded node may have been when its last session ended; none where there was no session. */
function newestBlocks(file: string): string[] {
  if (!existsSync(file) || statSync(file).size === 0) return [];
  const reader = new EventReader();
  let hashes: string[] = [];
  const take = (event: RecordedEvent): void => {
    hashes = blocksAfter(hashes, event);
  };
  for (const frame of readFrames(file).frames()) {
    for (const event of reader.read(new ByteReader(frame))) take(event);
  }
  const last = reader.last();
  if (last !== null) take(last);
  return hashes;
}

function blocksAfter(hashes: string[], event: RecordedEvent): string[] {
  switch (event.kind) {
    case EVENT.session:
      return [decodeSession(event.body).head.blockHash];
    case EVENT.end:
      return [(JSON.parse(event.body.toString()) as HeadMark).blockHash];
    case EVENT.answered: {
      const sealed = sealedHash(new ByteReader(event.body));
      return sealed === null ? hashes : [...hashes, sealed].slice(-BLOCKS_AHEAD);
    }
    default:
      return hashes;
  }
}

/** Hash of the block that an answer sealed. */
function sealedHash(body: ByteReader): string | null {
  body.number();
  if (body.byte() !== FINISH_BLOCK) return null;
  return `0x${body.bytes().toString('hex', 0, HASH_BYTES)}`;
}
