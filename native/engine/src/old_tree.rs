//! The state tree as it was at the end of an older block.
//!
//! The database keeps the pages of the newest tree only. What older blocks need is rebuilt in memory: every key that changed since gets
//! the value back that it had, in one pass over the newest pages of a snapshot. The root that comes out must be the one that the block
//! recorded, so nothing wrong can leave here. The work is bounded by the number of changed keys, which the caller limits.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256};
use zkevm_executor::{AccountDiff, StateDiff, StorageDiff};
use zkevm_state_db::records::BlockRecord;
use zkevm_state_db::{DbError, DbResult, Snapshot, schema};
use zkevm_state_tree::{H4, PageError, PageKeyBytes, PageSource, StateTree, TreeConfig, TreeError};

use crate::commit::{leaf_writes, state_of};
use crate::error::{EngineError, EngineResult};

/// Pages that were only read; those that the pass changed come on top.
const CACHE_BYTES: usize = 16 << 20;

/// The tree pages of a snapshot.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotPages<'a>(&'a Snapshot<'a>);

impl PageSource for SnapshotPages<'_> {
    fn page(&self, key: &[u8]) -> Result<Option<Vec<u8>>, PageError> {
        self.0.get(schema::TREE, key).map_err(PageError::new)
    }

    fn pages(&self, keys: &[PageKeyBytes]) -> Result<Vec<Option<Vec<u8>>>, PageError> {
        self.0.get_many(schema::TREE, keys).map_err(PageError::new)
    }
}

/// An older tree, and the block it belongs to.
#[derive(Debug)]
pub struct OldTree<'a> {
    /// The tree.
    pub tree: StateTree<SnapshotPages<'a>>,
    /// The block.
    pub block: BlockRecord,
}

/// The tree at the end of block `number`.
///
/// # Errors
/// [`EngineError::BlockNotFound`] above the head, [`DbError::StatePruned`] when its state is not kept any more,
/// [`EngineError::TooManyChanges`] when more than `changes_max` keys changed since, and those of the database.
pub fn tree_at<'a>(snapshot: &'a Snapshot<'a>, number: u64, changes_max: usize) -> EngineResult<OldTree<'a>> {
    let head = snapshot.head()?;
    if number > head.block {
        return Err(EngineError::BlockNotFound);
    }
    snapshot.check_state(number)?;
    let block = snapshot.block(number)?.ok_or_else(|| DbError::corrupt(format!("block {number} is missing")))?;
    let mut tree = open(snapshot, &head.state_root)?;
    let changed = changed_since(snapshot, number, head.block, changes_max)?;
    let writes = leaf_writes(&reverse(snapshot, number, &changed)?);
    drop(changed);
    let root = tree.update(&writes).map_err(failed)?.root.to_b256();
    if root != block.state_root {
        let what = format!("undoing the changes since block {number} gives root {root}, not {}", block.state_root);
        return Err(EngineError::Tree(what));
    }
    Ok(OldTree { tree, block })
}

fn open<'a>(snapshot: &'a Snapshot<'a>, root: &B256) -> EngineResult<StateTree<SnapshotPages<'a>>> {
    let root = H4::from_b256(root).map_err(|error| EngineError::Tree(error.to_string()))?;
    // One thread: the other cores belong to sequencing.
    let config = TreeConfig { cache_bytes: CACHE_BYTES, threads: 1 };
    StateTree::open(SnapshotPages(snapshot), root, config).map_err(failed)
}

/// Keys that changed, each once.
#[derive(Default)]
pub(crate) struct Changed {
    accounts: BTreeSet<Address>,
    slots: BTreeSet<(Address, U256)>,
}

/// The keys that the blocks after `number` changed.
pub(crate) fn changed_since(
    snapshot: &Snapshot<'_>,
    number: u64,
    head: u64,
    changes_max: usize,
) -> EngineResult<Changed> {
    let mut keys = Changed::default();
    for later in number + 1..=head {
        let changes = snapshot.change_set(later)?;
        keys.accounts.extend(changes.accounts);
        keys.slots.extend(changes.slots);
        if keys.accounts.len() + keys.slots.len() > changes_max {
            return Err(EngineError::TooManyChanges { block: number, max: changes_max });
        }
    }
    Ok(keys)
}

/// What turns the newest state into that of block `number`.
pub(crate) fn reverse(snapshot: &Snapshot<'_>, number: u64, changed: &Changed) -> DbResult<StateDiff> {
    let accounts = changed.accounts.iter().map(|address| {
        let old = state_of(&snapshot.account(address)?);
        Ok(AccountDiff { address: *address, old, new: state_of(&snapshot.account_at(address, number)?) })
    });
    let storage = changed.slots.iter().map(|(address, slot)| {
        let new = snapshot.storage_at(address, slot, number)?;
        Ok(StorageDiff { address: *address, slot: *slot, old: snapshot.storage(address, slot)?, new })
    });
    let mut diff = StateDiff { accounts: accounts.collect::<DbResult<_>>()?, ..StateDiff::default() };
    diff.storage = storage.collect::<DbResult<_>>()?;
    diff.storage.retain(|slot| slot.old != slot.new);
    Ok(diff)
}

/// A tree that cannot be read.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(crate) fn failed(error: TreeError) -> EngineError {
    EngineError::Tree(error.to_string())
}
