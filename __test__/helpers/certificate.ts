/** Computes a closed batch's verdict again from its certificate and from what is stored, as anybody outside can do it. */
import type { Certificate, ResourceReport } from '../../src/sequencer/certificate.js';
import { RESOURCE_NAMES, RESOURCE_ORDER } from '../../src/sequencer/resources.js';
import { result } from './rpc.js';

/** Name in `countersUsed` of each resource of a certificate. */
const STORED_NAME: Readonly<Record<string, string>> = {
  steps: 'steps',
  arith: 'arithmetics',
  binary: 'binaries',
  memAlign: 'memAligns',
  keccaks: 'keccakHashes',
  padding: 'poseidonPaddings',
  poseidon: 'poseidonHashes',
  sha256: 'SHA256Hashes',
  bytes: 'bytes',
  gas: 'gas',
};

export interface ClosedBatch {
  readonly number: string;
  readonly closingReason: string;
  readonly certificate: Certificate;
  readonly transactions: readonly string[];
}

function equal(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)}, expected ${String(expected)}`);
}

/** Reads a closed batch and checks its certificate against the batch itself; throws on the first thing that does not agree. */
export async function checkedBatch(url: string, number: number): Promise<ClosedBatch> {
  const batch = await result(url, 'zkevm_getBatchByNumber', [number, false]);
  if (!batch.closed) throw new Error(`batch ${number} is open`);
  const certificate = batch.closingCertificate as Certificate;
  const where = `batch ${number}, ${batch.closingReason}`;
  equal(`${where}: batch`, certificate.batch, number);
  equal(`${where}: reason`, certificate.reason, batch.closingReason);
  equal(`${where}: transactions`, certificate.txCount, batch.transactions.length);
  equal(`${where}: blocks`, certificate.blockCount, batch.blocks.length);
  equal(`${where}: bytes`, certificate.resources['bytes']?.used, (batch.batchL2Data.length - 2) / 2);
  for (const [name, report] of Object.entries(certificate.resources)) {
    equal(`${where}: ${name} used`, report.used, Number(batch.countersUsed[STORED_NAME[name] ?? '']));
    equal(`${where}: ${name} remaining`, report.remaining, Math.max(0, report.limit - report.used));
    equal(`${where}: ${name} fill`, report.fillPpm, Math.floor((report.used / report.limit) * 1_000_000));
    if (report.used + report.high > report.limit) throw new Error(`${where}: ${name} ${report.used} + ${report.high} of ${report.limit}`);
    if (report.limit > Number(batch.countersLimit[STORED_NAME[name] ?? ''])) throw new Error(`${where}: ${name} is planned over the limit`);
  }
  await checkGas(url, batch, certificate, where);
  checkVerdict(certificate, where);
  checkLeftOut(certificate, batch.transactions, where);
  return { number: batch.number, closingReason: batch.closingReason, certificate, transactions: batch.transactions };
}

async function checkGas(url: string, batch: { blocks: string[] }, certificate: Certificate, where: string): Promise<void> {
  let gas = 0;
  for (const hash of batch.blocks) gas += Number((await result(url, 'eth_getBlockByHash', [hash, false])).gasUsed);
  equal(`${where}: gas`, certificate.resources['gas']?.used, gas);
}

/** The numbers lead to the reason. */
function checkVerdict(certificate: Certificate, where: string): void {
  const { reason, binding, leftOut, marginPercent, bound: reached } = certificate;
  const bound = certificate.resources[binding];
  if (bound === undefined) throw new Error(`${where}: no resource ${binding}`);
  if (!certificate.closedByResource && leftOut?.resource === undefined) equal(`${where}: binding`, binding, fullest(certificate.resources));
  const measure = measureOf(certificate, bound);
  equal(`${where}: has a bound`, reached !== null, measure !== null);
  if (reached !== null && measure !== null && !measure(reached)) throw new Error(`${where}: the bound ${reached} is not reached`);
  if (reason === 'Resource margin exhausted' && bound.remaining * 100 > bound.limit * marginPercent) {
    throw new Error(`${where}: ${bound.remaining} of ${bound.limit} left of ${binding} is more than ${marginPercent} %`);
  }
  if (reason === 'No transaction fits') {
    equal(`${where}: binding`, leftOut?.resource, binding);
    // It was tried when at least as much was left as at the end.
    if ((leftOut?.remaining ?? 0) < bound.remaining)
      throw new Error(`${where}: the rest grew from ${leftOut?.remaining} to ${bound.remaining}`);
    if ((leftOut?.needed ?? 0) <= bound.remaining) throw new Error(`${where}: the transaction left out would have fit`);
  }
}

/** Whether a bound is reached by what the certificate says; null where the reason has none. */
function measureOf(certificate: Certificate, binding: ResourceReport): ((bound: number) => boolean) | null {
  switch (certificate.reason) {
    case 'Max transactions':
      return (bound) => certificate.txCount >= bound;
    case 'Max delta timestamp':
      return (bound) => certificate.closedAtMs - certificate.openedAtMs >= bound;
    case 'Forced batch deadline':
      return (bound) => certificate.closedAtMs >= bound;
    case 'Resource exhausted':
      return (bound) => bound > binding.remaining;
    default:
      return null;
  }
}

/** The resource of which the largest share is used; in order of inspection among equals. */
function fullest(resources: Certificate['resources']): string {
  const share = (name: string): number => (resources[name]?.used ?? 0) / (resources[name]?.limit ?? 1);
  const names = RESOURCE_ORDER.map((resource) => RESOURCE_NAMES[resource] ?? '');
  return names.reduce((best, name) => (share(name) > share(best) ? name : best));
}

/** Somebody is left out exactly where somebody was ready or did not fit, and is not in the batch. */
function checkLeftOut({ leftOut, readyCount, misfitCount }: Certificate, transactions: readonly string[], where: string): void {
  if (leftOut === null) {
    if (readyCount > 0) throw new Error(`${where}: ${readyCount} were ready, and nobody is left out`);
    return;
  }
  if (readyCount + misfitCount === 0) throw new Error(`${where}: ${leftOut.hash} is left out although nobody waited`);
  if (transactions.includes(leftOut.hash)) throw new Error(`${where}: ${leftOut.hash} is in the batch and left out of it`);
  if (leftOut.resource === undefined) return;
  const [needed, remaining] = [leftOut.needed ?? 0, leftOut.remaining ?? 0];
  equal(`${where}: left out`, leftOut.why, `${leftOut.resource} short by ${needed - remaining}`);
}
