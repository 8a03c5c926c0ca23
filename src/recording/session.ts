/** What a session starts with: everything that its decisions depend on from the beginning, as JSON. */
import type { EngineHead } from '../native/engine.js';
import type { AccessPolicy } from '../pool/access-list.js';
import type { PoolConfig } from '../pool/config.js';
import type { SequencerConfig } from '../sequencer/config.js';
import { readResources } from '../sequencer/resources.js';

/** The chain that the session runs on. */
export interface SessionChain {
  readonly chainId: number;
  readonly forkId: number;
  readonly genesisJson: string;
  /** Lower-case 0x address. */
  readonly sequencerAddress: string;
}

/** What the node was configured with, as far as decisions depend on it. */
export interface SessionSetup {
  readonly chain: SessionChain;
  readonly pool: PoolConfig;
  readonly sequencer: SequencerConfig;
  readonly access: AccessPolicy | null;
  /** Whether an L1 node is asked for its gas price. */
  readonly readsL1GasPrice?: boolean;
}

/** Where the chain stood. */
export interface HeadMark {
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly openBatch: number;
}

/** The start of a session as it is recorded. */
export interface SessionStart extends SessionSetup {
  readonly version: string;
  readonly nodeVersion: string;
  readonly head: HeadMark;
  /** True where the session made its database. */
  readonly created: boolean;
  /** Resources that the sequencer plans with. */
  readonly limits: readonly number[];
}

/** The mark of a head. */
export function headMark(head: EngineHead): HeadMark {
  return { blockNumber: head.blockNumber, blockHash: head.blockHash, openBatch: head.openBatch };
}

/** The start of a session on the engine's present state. */
export function sessionStart(setup: SessionSetup, head: EngineHead, version: string): SessionStart {
  return {
    ...setup,
    version,
    nodeVersion: process.version,
    head: headMark(head),
    created: head.created,
    limits: readResources(head.budgetLimits),
  };
}

/** JSON has no bigint: amounts are written as `{"wei": "..."}`. */
export function encodeSession(start: SessionStart): Buffer {
  const text = JSON.stringify(start, (_key, value: unknown) => (typeof value === 'bigint' ? { wei: value.toString() } : value));
  return Buffer.from(text, 'utf8');
}

/** Throws SyntaxError where the text is no JSON. */
export function decodeSession(body: Buffer): SessionStart {
  return JSON.parse(body.toString('utf8'), (_key, value: unknown) => (isWei(value) ? BigInt(value.wei) : value)) as SessionStart;
}

function isWei(value: unknown): value is { wei: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).join() === 'wei' &&
    typeof (value as { wei: unknown }).wei === 'string'
  );
}
