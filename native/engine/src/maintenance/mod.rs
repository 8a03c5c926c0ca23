//! What an operator does with a database as a whole: check it, look at its sizes, compact it, forget old states, copy it and bring a copy
//! back. [`Database`] is a database without an engine: nothing is executed, and no node may have it open.

mod chain_check;
mod difference;
mod flat_leaves;
mod history_check;
mod progress;
mod record_check;
mod snapshot;
mod state_check;
mod stats;
mod verify;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use zkevm_state_db::{Store, StoreOptions, schema};

pub use difference::Difference;
pub use progress::Progress;
pub use snapshot::{RestoreReport, SnapshotReport, restore, snapshot};
pub use stats::{FamilyView, StatsReport};
pub use verify::VerifyReport;

use crate::error::EngineResult;
use crate::rollback::{Rollback, RollbackReport};
use crate::tree::Tree;

/// Change sets that are removed in one write.
const PRUNED_IN_A_WRITE: u64 = 100_000;

/// A database that no engine runs on.
#[derive(Debug)]
pub struct Database {
    store: Arc<Store>,
    progress: Arc<Progress>,
    cache_bytes: usize,
}

/// What compaction did to the table files.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompactReport {
    /// Bytes before.
    pub bytes_before: u64,
    /// Bytes after.
    pub bytes_after: u64,
}

/// What pruning removed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PruneReport {
    /// Previous values removed.
    pub removed: u64,
    /// The oldest block whose state can be read now.
    pub oldest_state: u64,
    /// The newest block.
    pub head_block: u64,
}

impl Database {
    /// Opens an existing database; half of `cache_bytes` is for RocksDB.
    ///
    /// # Errors
    /// `DATA_DIR_MISSING`, `DATA_DIR_LOCKED` while a node runs on it, and the others of [`Store::open`].
    pub fn open(path: &Path, cache_bytes: usize, progress: Arc<Progress>) -> EngineResult<Self> {
        let store = Store::open(&StoreOptions {
            path: path.to_path_buf(),
            block_cache_bytes: cache_bytes / 2,
            sync_writes: true,
            creates: false,
        })?;
        Ok(Self { store: Arc::new(store), progress, cache_bytes })
    }

    /// The records and tables.
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// How far a running verb is.
    pub const fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Compares everything with everything; the report names the first difference.
    ///
    /// # Errors
    /// Only what keeps it from looking, such as a disk that does not answer; damage is a difference.
    pub fn verify(&self) -> EngineResult<VerifyReport> {
        verify::verify(&self.store, &self.progress, self.cache_bytes / 2)
    }

    /// Sizes of the tables and of the chain.
    ///
    /// # Errors
    /// Those of the store.
    pub fn stats(&self) -> EngineResult<StatsReport> {
        stats::stats(&self.store, &self.progress)
    }

    /// Rewrites all tables without what was deleted or overwritten.
    ///
    /// # Errors
    /// Those of [`Store::compact`].
    pub fn compact(&self) -> EngineResult<CompactReport> {
        let bytes = || self.store.property_sum("rocksdb.total-sst-files-size");
        let bytes_before = bytes();
        self.progress.begin("compact", schema::ALL.len() as u64);
        for family in schema::ALL {
            self.store.compact(family)?;
            self.progress.add(1);
        }
        Ok(CompactReport { bytes_before, bytes_after: bytes() })
    }

    /// Forgets the states that are older than `keep` blocks before the newest.
    ///
    /// # Errors
    /// Those of the store.
    pub fn prune(&self, keep: u64) -> EngineResult<PruneReport> {
        let head_block = verify::head_of(&self.store)?.block;
        let from = self.store.oldest_state();
        self.store.raise_oldest_state(head_block.saturating_sub(keep));
        let oldest_state = self.store.oldest_state();
        self.progress.begin("prune", oldest_state - from);
        let mut removed = 0;
        loop {
            let step = self.store.prune_history(PRUNED_IN_A_WRITE)?;
            removed += step.removed;
            self.progress.set(self.store.removed_to() - from);
            if step.is_done {
                break;
            }
        }
        self.store.flush()?;
        Ok(PruneReport { removed, oldest_state, head_block })
    }

    /// Takes the chain back to the end of a closed batch; see [`crate::rollback`].
    ///
    /// # Errors
    /// `ROLLBACK_REFUSED` says why it cannot be; those of the database.
    pub fn rollback(&self, to_batch: u64) -> EngineResult<RollbackReport> {
        let mut plan = Rollback::plan(&self.store, to_batch)?;
        let head = verify::head_of(&self.store)?;
        let mut tree = Tree::open(Arc::clone(&self.store), head.state_root, head.tree_depth, self.cache_bytes / 2)?;
        let report = plan.run(&mut tree, &self.progress)?;
        self.store.flush()?;
        Ok(report)
    }

    /// A copy of the database in a folder that does not exist yet.
    ///
    /// # Errors
    /// See [`snapshot()`].
    pub fn snapshot(&self, folder: &Path) -> EngineResult<SnapshotReport> {
        self.progress.begin("snapshot", 1);
        let report = snapshot(&self.store, folder)?;
        self.progress.add(1);
        Ok(report)
    }
}
