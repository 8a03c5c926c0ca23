/**
 * The closing certificate of a batch: why it was closed and how full it was, in numbers from which the verdict can be computed again.
 * Stored as JSON with the batch.
 */
import type { PoolEntry } from '../pool/entry.js';
import type { ClosingVerdict } from './closing/types.js';
import type { ResourceLedger, Shortfall } from './resource-ledger.js';
import { RESOURCE_NAMES, RESOURCE_ORDER } from './resources.js';

/** Version of the certificate's shape. */
export const CERTIFICATE_VERSION = 1;

/** The best transaction that is not in the batch. */
export interface LeftOut {
  readonly hash: string;
  readonly gasPriceWei: string;
  readonly why: string;
  readonly resource?: string;
  readonly needed?: number;
  readonly remaining?: number;
}

/** Book of one resource at the close. */
export interface ResourceReport {
  readonly limit: number;
  readonly used: number;
  /** Slack that had to stay free. */
  readonly high: number;
  readonly remaining: number;
  /** Used share in parts per million. */
  readonly fillPpm: number;
}

/** The certificate. */
export interface Certificate {
  readonly version: number;
  readonly batch: number;
  readonly reason: string;
  /** The resource that closed the batch, or else the fullest one. */
  readonly binding: string;
  /** True where the binding resource is the reason of the close. */
  readonly closedByResource: boolean;
  readonly marginPercent: number;
  /**
   * What the verdict was compared with, where that is no margin: transactions (`Max transactions`), milliseconds of age (`Max delta timestamp`), Unix
   * ms (`Forced batch deadline`), or what the marker of one more L2 block needs of the binding resource (`Resource exhausted`). Else null.
   */
  readonly bound: number | null;
  readonly txCount: number;
  readonly blockCount: number;
  readonly openedAtMs: number;
  readonly closedAtMs: number;
  readonly resources: Readonly<Record<string, ResourceReport>>;
  /** Transactions that were ready, and those that did not fit. */
  readonly readyCount: number;
  readonly misfitCount: number;
  readonly leftOut: LeftOut | null;
}

/** What a certificate is made from. */
export interface CertificateInput {
  readonly batch: number;
  readonly verdict: ClosingVerdict;
  readonly ledger: ResourceLedger;
  readonly marginPercent: number;
  readonly txCount: number;
  readonly blockCount: number;
  readonly openedAtMs: number;
  readonly closedAtMs: number;
  readonly readyCount: number;
  readonly misfitCount: number;
  readonly leftOut: { readonly entry: PoolEntry; readonly shortfall: Shortfall | null } | null;
}

/** Makes the certificate. */
export function makeCertificate(input: CertificateInput): Certificate {
  const { ledger, verdict, leftOut } = input;
  const resources: Record<string, ResourceReport> = {};
  for (const [i, name] of RESOURCE_NAMES.entries()) {
    resources[name] = {
      limit: ledger.limits[i] ?? 0,
      used: ledger.used[i] ?? 0,
      high: ledger.high[i] ?? 0,
      remaining: ledger.remainingOf(i),
      fillPpm: Math.floor(ledger.fill(i) * 1_000_000),
    };
  }
  const binding = verdict.resource ?? leftOut?.shortfall?.resource ?? fullest(ledger);
  return {
    version: CERTIFICATE_VERSION,
    batch: input.batch,
    reason: verdict.reason,
    binding: RESOURCE_NAMES[binding] ?? String(binding),
    closedByResource: verdict.resource !== undefined,
    marginPercent: input.marginPercent,
    bound: verdict.bound ?? null,
    txCount: input.txCount,
    blockCount: input.blockCount,
    openedAtMs: input.openedAtMs,
    closedAtMs: input.closedAtMs,
    resources,
    readyCount: input.readyCount,
    misfitCount: input.misfitCount,
    leftOut: leftOut === null ? null : describeLeftOut(leftOut.entry, leftOut.shortfall),
  };
}

/** Text of a shortfall: `poseidon short by 1204`. */
export function describeShortfall(shortfall: Shortfall): string {
  return `${RESOURCE_NAMES[shortfall.resource] ?? shortfall.resource} short by ${shortfall.needed - shortfall.remaining}`;
}

function describeLeftOut(entry: PoolEntry, shortfall: Shortfall | null): LeftOut {
  const base = { hash: entry.hash, gasPriceWei: entry.gasPrice.toString() };
  if (shortfall === null) return { ...base, why: 'the batch was closed before its turn' };
  const resource = RESOURCE_NAMES[shortfall.resource] ?? String(shortfall.resource);
  return { ...base, why: describeShortfall(shortfall), resource, needed: shortfall.needed, remaining: shortfall.remaining };
}

/** The resource with the largest used share; in order of inspection among equals. */
function fullest(ledger: ResourceLedger): number {
  let best = RESOURCE_ORDER[0] ?? 0;
  for (const resource of RESOURCE_ORDER) if (ledger.fill(resource) > ledger.fill(best)) best = resource;
  return best;
}
