/** What the admin namespace needs from the rest of the node: interfaces owned by their consumer. */
import type { LogLevel } from '../common/logger.js';
import type { NativeEngine } from '../native/engine.js';
import type { RollbackReport } from '../native/maintenance.js';
import type { Finality } from './finality.js';
import type { SequencerStatus } from './modules.js';

/** Who may send and deploy, as the pool keeps it. */
export interface AdminAccessPolicy {
  readonly sendMode: 'off' | 'allow' | 'deny';
  readonly send: readonly string[];
  readonly deployMode: 'off' | 'allow' | 'deny';
  readonly deploy: readonly string[];
  readonly blockedRecipients: readonly string[];
}

/** The access policy and its changes; a change is durable when its promise resolves. */
export interface AdminAccess {
  readonly policy: AdminAccessPolicy;
  /** True where it was changed at run time, so that the configured one is not in force. */
  readonly isStored: boolean;
  change(edit: (policy: AdminAccessPolicy) => AdminAccessPolicy): Promise<AdminAccessPolicy>;
  reset(): Promise<AdminAccessPolicy>;
}

/** What an operator tells the sequencer. */
export interface AdminSequencer {
  status(): SequencerStatus;
  /** Asks for the open batch to be closed; its number, or null where it holds nothing. */
  requestBatchClose(): number | null;
  pause(): void;
  /** Takes the chain back to the end of a closed batch, while paused or halted. */
  rollback(toBatch: number): Promise<RollbackReport>;
  resume(): void;
}

/** Level of the log. */
export interface AdminLog {
  readonly level: LogLevel;
  setLevel(level: LogLevel): void;
}

/** Copies of the database while the node goes on. */
export interface AdminSnapshots {
  /** Where they go; null = nowhere. */
  readonly directory: string | null;
  readonly engine: Pick<NativeEngine, 'head' | 'snapshot'>;
}

/** Transactions on which the executor failed twice. */
export interface AdminQuarantine {
  /** Newest last; JSON as it is shown. */
  list(): readonly {
    readonly hash: string;
    readonly sender: string;
    readonly nonce: number;
    readonly to: string | null;
    readonly stage: string;
    readonly failures: number;
    readonly atMs: number;
    readonly raw: string | null;
  }[];
}

export interface AdminModules {
  readonly quarantine: AdminQuarantine;
  readonly snapshots: AdminSnapshots;
  readonly sequencer: AdminSequencer;
  readonly access: AdminAccess;
  /** How far L1 knows the chain; nothing of it where absent. */
  readonly finality?: Pick<Finality, 'virtualBatch'>;
  readonly log: AdminLog;
  /** Starts the graceful stop of the whole node. */
  readonly stop: () => void;
}
