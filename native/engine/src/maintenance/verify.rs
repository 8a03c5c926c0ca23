//! `db verify`: everything that the database says twice is compared, everything that has a hash is hashed.

use std::sync::Arc;
use std::time::Instant;

use alloy_primitives::B256;
use serde::Serialize;
use zkevm_state_db::records::HeadRecord;
use zkevm_state_db::{DbError, Store};

use super::difference::{Checked, Difference, Stop};
use super::progress::Progress;
use super::{chain_check, history_check, record_check, state_check};
use crate::error::EngineResult;

/// What was found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// Whether all is as it should be.
    pub ok: bool,
    /// The first difference.
    pub difference: Option<Difference>,
    /// What was checked up to there.
    pub checked: Checks,
    /// Time it took.
    pub millis: u64,
}

/// Numbers of what was checked.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checks {
    /// Newest block.
    pub head_block: u64,
    /// State root of the newest block.
    pub state_root: B256,
    /// Oldest block whose state can be read.
    pub oldest_state: u64,
    /// Leaves of the state tree, each with its value in the flat tables.
    pub leaves: u64,
    /// Inner nodes of the state tree.
    pub inner_nodes: u64,
    /// Pages of the state tree.
    pub pages: u64,
    /// Depth of the deepest leaf.
    pub leaf_depth_max: u64,
    /// Blocks.
    pub blocks: u64,
    /// Transactions with their receipts.
    pub transactions: u64,
    /// Logs.
    pub logs: u64,
    /// Batches.
    pub batches: u64,
    /// Codes.
    pub codes: u64,
    /// Previous values in the change sets.
    pub previous_values: u64,
    /// Pending transactions.
    pub pool_pending: u64,
    /// End states of transactions.
    pub pool_ended: u64,
    /// Records of what became of transactions in batches.
    pub explanations: u64,
}

/// The head pointers, which every chain has.
pub(super) fn head_of(store: &Store) -> EngineResult<HeadRecord> {
    Ok(store.head()?.ok_or_else(|| DbError::corrupt("the head pointers are missing"))?)
}

pub(super) fn verify(store: &Arc<Store>, progress: &Progress, memory_bytes: usize) -> EngineResult<VerifyReport> {
    let started = Instant::now();
    let mut checked = Checks::default();
    let result = check_all(store, progress, memory_bytes, &mut checked);
    let millis = started.elapsed().as_millis() as u64;
    match result {
        Ok(()) => Ok(VerifyReport { ok: true, difference: None, checked, millis }),
        Err(Stop::Difference(difference)) => {
            Ok(VerifyReport { ok: false, difference: Some(difference), checked, millis })
        }
        Err(Stop::Failed(error)) => Err(error),
    }
}

fn check_all(store: &Arc<Store>, progress: &Progress, memory_bytes: usize, checked: &mut Checks) -> Checked {
    let chain = store.chain()?;
    if chain.is_none() {
        return Err(Stop::difference("the chain record", "a record", "none"));
    }
    let head = head_of(store)?;
    checked.head_block = head.block;
    checked.state_root = head.state_root;
    checked.oldest_state = store.oldest_state();
    let tree = state_check::check(store, &head, progress, memory_bytes)?;
    checked.leaves = tree.leaf_count;
    checked.inner_nodes = tree.inner_count;
    checked.pages = tree.page_count;
    checked.leaf_depth_max = u64::from(tree.leaf_depth_max);
    checked.codes = record_check::check_codes(store, progress)?;
    let counts = chain_check::check(store, &head, progress)?;
    checked.blocks = counts.blocks;
    checked.transactions = counts.transactions;
    checked.logs = counts.logs;
    checked.batches = counts.batches;
    if let (Some(chain), Some(genesis)) = (chain, store.block(0)?) {
        super::difference::same(|| "genesis root".into(), &genesis.state_root, &chain.genesis_root)?;
    }
    checked.previous_values = history_check::check(store, &head, progress)?;
    (checked.pool_pending, checked.pool_ended) = record_check::check_pool(store, progress)?;
    checked.explanations = record_check::check_rest(store, &head, progress)?;
    Ok(())
}
