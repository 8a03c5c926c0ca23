//! Results of pre-execution, kept until their transactions come into a block. In memory only: without one the transaction is executed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alloy_primitives::B256;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use zkevm_executor::PreExecution;

/// Results of fewer main-machine rows are not kept: executing them again costs no more than checking what they depend on.
const STEPS_MIN: u64 = 5_000;
/// Bookkeeping of the cache for an entry.
const ENTRY_BYTES: usize = 96;
/// What a result of a simple contract call takes; only for the cache's first allocation.
const TYPICAL_BYTES: usize = 1_024;

/// Kept results by transaction hash.
pub(crate) struct PreExecutions {
    kept: Option<Cache<B256, Arc<PreExecution>, ByBytes>>,
    taken: AtomicU64,
    changed: AtomicU64,
    absent: AtomicU64,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<B256, Arc<PreExecution>> for ByBytes {
    fn weight(&self, _: &B256, kept: &Arc<PreExecution>) -> u64 {
        (kept.bytes() + ENTRY_BYTES) as u64
    }
}

impl PreExecutions {
    /// Keeps at most about `bytes` bytes; none at all with 0.
    pub(crate) fn new(bytes: usize) -> Self {
        let kept = (bytes > 0).then(|| Cache::with_weighter(bytes / TYPICAL_BYTES, bytes as u64, ByBytes));
        Self { kept, taken: AtomicU64::new(0), changed: AtomicU64::new(0), absent: AtomicU64::new(0) }
    }

    /// Keeps the result of a transaction if that is worth it.
    pub(crate) fn keep(&self, hash: B256, result: PreExecution) {
        if let Some(kept) = self.kept.as_ref().filter(|_| result.steps() >= STEPS_MIN) {
            kept.insert(hash, Arc::new(result));
        }
    }

    /// The result of a transaction that is about to get its place.
    pub(crate) fn get(&self, hash: &B256) -> Option<Arc<PreExecution>> {
        let found = self.kept.as_ref()?.get(hash);
        if found.is_none() {
            self.absent.fetch_add(1, Ordering::Relaxed);
        }
        found
    }

    /// A transaction has its place: its result is not needed any more. `was_taken` says whether it was of use.
    pub(crate) fn settle(&self, hash: &B256, was_taken: bool) {
        let count = if was_taken { &self.taken } else { &self.changed };
        count.fetch_add(1, Ordering::Relaxed);
        if let Some(kept) = &self.kept {
            kept.remove(hash);
        }
    }

    /// Prometheus text.
    pub(crate) fn metrics_text(&self) -> String {
        let mut text = String::from("# TYPE zknode_pre_execution_results_total counter\n");
        for (outcome, count) in [("taken", &self.taken), ("changed", &self.changed), ("absent", &self.absent)] {
            let count = count.load(Ordering::Relaxed).to_string();
            text.extend(["zknode_pre_execution_results_total{outcome=\"", outcome, "\"} ", &count, "\n"]);
        }
        let bytes = self.kept.as_ref().map_or(0, Cache::weight).to_string();
        text.extend(["# TYPE zknode_pre_execution_kept_bytes gauge\nzknode_pre_execution_kept_bytes ", &bytes, "\n"]);
        text
    }
}
