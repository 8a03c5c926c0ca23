/** Which versions of the node have run on a data directory, and since when: kept in the database, answered by `zkevm_getVersionHistory`. */
import type { NativeEngine } from '../native/engine.js';

/** Name of the stored text. */
const SETTING = 'versions';
/** Entries that are kept: who changes versions more often wants the newest. */
const ENTRIES_MAX = 256;

/** Version by the moment of its first start, ISO 8601; oldest first. */
export type VersionHistory = Record<string, string>;

/** The versions that have run. */
export function versionHistory(engine: Pick<NativeEngine, 'setting'>): VersionHistory {
  const stored = engine.setting(SETTING);
  return stored === null ? {} : (JSON.parse(stored) as VersionHistory);
}

/** Adds a version where it is not the one that ran last. */
export async function noteVersion(engine: Pick<NativeEngine, 'setting' | 'putSetting'>, version: string, nowMs: number): Promise<void> {
  const entries = Object.entries(versionHistory(engine));
  if (entries.at(-1)?.[1] === version) return;
  entries.push([new Date(nowMs).toISOString(), version]);
  await engine.putSetting(SETTING, JSON.stringify(Object.fromEntries(entries.slice(-ENTRIES_MAX))));
}
