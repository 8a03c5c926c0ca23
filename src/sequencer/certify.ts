/** Makes the closing certificate of the open batch from the books at the moment of the verdict. */
import type { PoolEntry } from '../pool/entry.js';
import type { PoolIndex } from '../pool/pool-index.js';
import { type Certificate, type CertificateInput, makeCertificate } from './certificate.js';
import type { ClosingVerdict } from './closing/types.js';
import type { SequencerConfig } from './config.js';
import type { Finalizer } from './finalizer.js';
import type { Shortfall } from './resource-ledger.js';

/** Where the books are. */
export interface Books {
  readonly finalizer: Finalizer;
  readonly index: PoolIndex;
  readonly misfits: ReadonlyMap<PoolEntry, Shortfall>;
  readonly config: SequencerConfig;
}

/** The certificate of the open batch; an open L2 block counts where it holds transactions, because then it is sealed with the batch. */
export function certify(verdict: ClosingVerdict, closedAtMs: number, books: Books): Certificate {
  const { finalizer, index, misfits, config } = books;
  const { batch, block } = finalizer;
  const sealsBlock = block !== null && block.entries.length > 0;
  return makeCertificate({
    batch: batch.number,
    verdict,
    ledger: batch.ledger,
    marginPercent: config.resourceMarginPercent,
    txCount: batch.txCount,
    blockCount: batch.blockCount + (sealsBlock ? 1 : 0),
    openedAtMs: batch.openedAtMs,
    closedAtMs,
    readyCount: index.readyCount,
    misfitCount: misfits.size,
    leftOut: bestLeftOut(index, misfits),
  });
}

/** The best transaction that is ready and not in the batch: next in line, or set aside. */
function bestLeftOut(index: PoolIndex, misfits: ReadonlyMap<PoolEntry, Shortfall>): CertificateInput['leftOut'] {
  const next = index.peek();
  let best: CertificateInput['leftOut'] = next === null ? null : { entry: next, shortfall: null };
  for (const entry of index.asideEntries()) {
    if (best === null || index.order(entry, best.entry) < 0) best = { entry, shortfall: misfits.get(entry) ?? null };
  }
  return best;
}
