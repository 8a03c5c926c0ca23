//! `db stats`: sizes.

use alloy_primitives::B256;
use serde::Serialize;
use zkevm_state_db::maintenance::FamilyStats;
use zkevm_state_db::{Store, schema};

use super::difference::Stop;
use super::flat_leaves;
use super::progress::Progress;
use super::verify::head_of;
use crate::error::{EngineError, EngineResult};

/// A column family.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FamilyView {
    /// Its name.
    pub name: &'static str,
    /// Keys, as RocksDB estimates them.
    pub keys_estimated: u64,
    /// Bytes of its table files.
    pub file_bytes: u64,
    /// Bytes of its memory tables.
    pub memtable_bytes: u64,
    /// Table files of each level.
    pub level_files: Vec<u64>,
}

impl From<FamilyStats> for FamilyView {
    fn from(stats: FamilyStats) -> Self {
        let FamilyStats { name, keys_estimated, file_bytes, memtable_bytes, level_files } = stats;
        Self { name, keys_estimated, file_bytes, memtable_bytes, level_files }
    }
}

/// Sizes of the chain and of its tables.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatsReport {
    /// Format version of the database.
    pub format: u32,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Fork id of the first batch.
    pub fork_id: u64,
    /// Newest block.
    pub head_block: u64,
    /// State root of the newest block.
    pub state_root: B256,
    /// Newest closed batch.
    pub closed_batch: u64,
    /// Oldest block whose state can be read.
    pub oldest_state: u64,
    /// Blocks.
    pub blocks: u64,
    /// Batches, the open one included.
    pub batches: u64,
    /// Transactions.
    pub transactions: u64,
    /// Pending transactions.
    pub pool_pending: u64,
    /// End states of transactions.
    pub pool_ended: u64,
    /// Accounts.
    pub accounts: u64,
    /// Storage slots.
    pub slots: u64,
    /// Leaves of the state tree.
    pub leaves: u64,
    /// Longest path in the state tree so far, as virtual counters take it.
    pub tree_depth: u64,
    /// Bytes of all table files.
    pub file_bytes: u64,
    /// Column families.
    pub families: Vec<FamilyView>,
}

pub(super) fn stats(store: &Store, progress: &Progress) -> EngineResult<StatsReport> {
    progress.begin("count", 0);
    let head = head_of(store)?;
    let chain = store.chain()?.ok_or_else(|| zkevm_state_db::DbError::corrupt("the chain record is missing"))?;
    let mut leaves = 0;
    flat_leaves::for_each(store, |_, _| {
        leaves += 1;
        progress.add(1);
        Ok(())
    })
    .map_err(|stop| match stop {
        Stop::Failed(error) => error,
        Stop::Difference(difference) => {
            EngineError::Db(zkevm_state_db::DbError::corrupt(format!("{}: {}", difference.what, difference.found)))
        }
    })?;
    let families: Vec<FamilyView> = store.family_stats().into_iter().map(FamilyView::from).collect();
    Ok(StatsReport {
        format: schema::FORMAT_VERSION,
        chain_id: chain.chain_id,
        fork_id: chain.fork_id,
        head_block: head.block,
        state_root: head.state_root,
        closed_batch: head.closed_batch,
        oldest_state: store.oldest_state(),
        blocks: store.count(schema::BLOCK)?,
        batches: store.count(schema::BATCH)?,
        transactions: store.count(schema::TRANSACTION)?,
        pool_pending: store.count(schema::POOL)?,
        pool_ended: store.count(schema::POOL_END)?,
        accounts: store.count(schema::FLAT_ACCOUNT)?,
        slots: store.count(schema::FLAT_STORAGE)?,
        leaves,
        tree_depth: head.tree_depth,
        file_bytes: families.iter().map(|family| family.file_bytes).sum(),
        families,
    })
}
