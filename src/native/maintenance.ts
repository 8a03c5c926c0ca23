/**
 * What an operator does with a database that no node runs on (docs/operations.md). Each verb opens it, works off the event loop, closes it,
 * and answers a report as JSON text. Rejects with `DATA_DIR_LOCKED` while a node has it open, `DATA_DIR_MISSING` where there is none.
 */

/** Phase of the present verb, steps done, and steps in all (0 where that is not known). */
export interface MaintenanceProgress {
  phase: string;
  done: number;
  total: number;
}

export interface NativeMaintenance {
  /** Compares everything with everything; `VerifyReport`. */
  verify(path: string): Promise<string>;
  /** Sizes; `StatsReport`. */
  stats(path: string): Promise<string>;
  /** Rewrites all tables; `CompactReport`. */
  compact(path: string): Promise<string>;
  /** Forgets states older than so many blocks before the newest; `PruneReport`. */
  prune(path: string, keepBlocks: number): Promise<string>;
  /** Takes the chain back to the end of a closed batch; `RollbackReport`. Rejects with `ROLLBACK_REFUSED` where that cannot be. */
  rollback(path: string, toBatch: number): Promise<string>;
  /** Copies the database into a folder that does not exist yet; `SnapshotReport`. */
  snapshot(path: string, target: string): Promise<string>;
  /** Makes a database from a snapshot, checked first; the target must not exist or be empty; `RestoreReport`. */
  restore(snapshot: string, target: string): Promise<string>;
  /** How far the present verb is. */
  progress(): MaintenanceProgress;
}

/** Two places of a database that should agree and do not, or one that is damaged. */
export interface Difference {
  what: string;
  expected: string;
  found: string;
}

export interface VerifyReport {
  ok: boolean;
  difference: Difference | null;
  /** Numbers of what was checked. */
  checked: Record<string, number | string>;
  millis: number;
}

export interface FamilyStats {
  name: string;
  keysEstimated: number;
  fileBytes: number;
  memtableBytes: number;
  levelFiles: number[];
}

export interface StatsReport {
  families: FamilyStats[];
  [fact: string]: unknown;
}

export interface CompactReport {
  bytesBefore: number;
  bytesAfter: number;
}

export interface PruneReport {
  removed: number;
  oldestState: number;
  headBlock: number;
}

export interface RollbackReport {
  batch: number;
  headBlock: number;
  blockHash: string;
  stateRoot: string;
  removedBatches: number;
  removedBlocks: number;
  pendingAgain: number;
}

export interface SnapshotReport {
  path: string;
  block: number;
  blockHash: string;
  stateRoot: string;
  bytes: number;
}

export interface RestoreReport {
  path: string;
  block: number;
  stateRoot: string;
  bytes: number;
  verified: VerifyReport;
}
