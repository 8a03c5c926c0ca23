/** How far the chain is virtual and verified on L1: what the tags `safe` and `finalized` and the zkevm namespace ask. */

export interface Finality {
  /** Last batch in a mined sequence; 0 = only the genesis. */
  virtualBatch(): number;
  /** Last batch with an accepted proof; 0 = only the genesis. */
  verifiedBatch(): number;
  /** Last block of the last verified batch; 0 = only the genesis. */
  verifiedBlock(): number;
  /** Block of the tag `safe`; null while nothing is verified. */
  safeBlock(): number | null;
  /** Block of the tag `finalized`; null while nothing is verified. */
  finalizedBlock(): number | null;
}

/** A chain without L1: every block is trusted and none is more than that. */
export const trustedOnly: Finality = {
  virtualBatch: () => 0,
  verifiedBatch: () => 0,
  verifiedBlock: () => 0,
  safeBlock: () => null,
  finalizedBlock: () => null,
};
