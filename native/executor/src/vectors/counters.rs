//! Virtual counters as the vectors name them.

use serde::{Deserialize, Serialize};
use zkevm_primitives::Counters;

/// The `virtualCounters` object, read and written.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VectorCounters {
    steps: u64,
    arith: u64,
    binary: u64,
    mem_align: u64,
    keccaks: u64,
    padding: u64,
    poseidon: u64,
    /// Absent from vectors of forks that did not count it.
    #[serde(default)]
    sha256: u64,
}

impl From<Counters> for VectorCounters {
    fn from(counters: Counters) -> Self {
        let Counters { steps, arith, binary, mem_align, keccaks, padding, poseidon, sha256 } = counters;
        Self { steps, arith, binary, mem_align, keccaks, padding, poseidon, sha256 }
    }
}

impl From<VectorCounters> for Counters {
    fn from(counters: VectorCounters) -> Self {
        let VectorCounters { steps, arith, binary, mem_align, keccaks, padding, poseidon, sha256 } = counters;
        Self { steps, arith, binary, mem_align, keccaks, padding, poseidon, sha256 }
    }
}
