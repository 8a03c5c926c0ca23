//! Taking the chain back to the end of a closed batch.
//!
//! One step removes the newest batch, in one write: blocks, transactions, receipts, logs, indexes, batch, explanations, the flat state and
//! the tree as they were before it, its change sets, and the head pointers. Its transactions wait in the pool again. Between two steps the
//! database is that of a chain which ends with a closed batch, so that whatever ends the work leaves a sound one, and the same command goes
//! on from there.
//!
//! The state before a batch comes from the change sets: what history does not reach any more cannot be left. Codes that removed
//! blocks deployed stay; they are found by their hash, and nothing leads to them.

use std::sync::{Arc, PoisonError};

use alloy_primitives::B256;
use serde::Serialize;
use zkevm_codec::L2Transaction;
use zkevm_state_db::records::{BatchKind, BatchRecord, BlockRecord, HeadRecord, PoolRecord, TransactionRecord};
use zkevm_state_db::{ChangeSet, DbError, Store, WriteBatch};

use crate::commit::{leaf_writes, record_of};
use crate::engine::{ChainState, Engine, empty_batch};
use crate::error::{EngineError, EngineResult};
use crate::maintenance::Progress;
use crate::old_tree::{changed_since, reverse};
use crate::tree::Tree;

/// What a rollback did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RollbackReport {
    /// The newest batch now; it is closed.
    pub batch: u64,
    /// The newest L2 block now.
    pub head_block: u64,
    /// Its hash.
    pub block_hash: B256,
    /// Its state root.
    pub state_root: B256,
    /// Batches removed, the open one included.
    pub removed_batches: u64,
    /// L2 blocks removed.
    pub removed_blocks: u64,
    /// Transactions that wait in the pool again.
    pub pending_again: u64,
}

/// A rollback that was found possible.
pub(crate) struct Rollback<'a> {
    store: &'a Arc<Store>,
    to_batch: u64,
    /// The newest batch with a record: closed, or open with blocks.
    newest: u64,
    head: HeadRecord,
    report: RollbackReport,
    /// The rank of arrival of the oldest pending transaction: what goes back to the pool came before it.
    first_arrival: u64,
}

impl<'a> Rollback<'a> {
    /// Looks at everything that could stand against it. Nothing is changed.
    ///
    /// # Errors
    /// [`EngineError::RollbackRefused`] says what does; [`EngineError::Db`].
    pub(crate) fn plan(store: &'a Arc<Store>, to_batch: u64) -> EngineResult<Self> {
        let head = store.head()?.ok_or_else(|| DbError::corrupt("head pointers are missing"))?;
        if to_batch > head.closed_batch {
            let newest = head.closed_batch;
            return Err(refused(format!("batch {to_batch} is not closed: the newest closed one is {newest}")));
        }
        let open = head.closed_batch + 1;
        let newest = if store.batch(open)?.is_some() { open } else { head.closed_batch };
        let mut transactions = 0;
        for number in to_batch + 1..=newest {
            let record = batch(store, number)?;
            if record.kind != BatchKind::Sequenced as u8 {
                return Err(refused(format!(
                    "batch {number} does not come from the sequencer: it was injected or forced"
                )));
            }
            transactions += record.tx_count;
        }
        let target = last_block_of(&batch(store, to_batch)?);
        let oldest = store.change_sets_from();
        if target < oldest {
            let what = format!(
                "the state of block {target}, with which batch {to_batch} ends, is pruned: {oldest} is the oldest that is kept"
            );
            return Err(refused(what));
        }
        let report = RollbackReport {
            batch: to_batch,
            head_block: head.block,
            block_hash: head.block_hash,
            state_root: head.state_root,
            removed_batches: newest - to_batch,
            removed_blocks: head.block - target,
            pending_again: transactions,
        };
        Ok(Self { store, to_batch, newest, head, report, first_arrival: 0 })
    }

    /// The head pointers now.
    pub(crate) const fn head(&self) -> &HeadRecord {
        &self.head
    }

    /// The head pointers when it is done.
    pub(crate) fn target(&self) -> EngineResult<HeadRecord> {
        let block = self.head.block - self.report.removed_blocks;
        head_after(self.store, self.to_batch, &stored_block(self.store, block)?, &self.head)
    }

    /// Removes batch after batch on `tree`, which is that of the head. What was written when an error is answered stays: `tree` and database
    /// then are those of a later batch than asked for, unless the last write failed in an unknown way, after which nothing more is written.
    ///
    /// # Errors
    /// Those of the database; [`EngineError::Tree`] when what history says does not lead to the root that a block has.
    pub(crate) fn run(&mut self, tree: &mut Tree, progress: &Progress) -> EngineResult<RollbackReport> {
        progress.begin("rollback", self.report.removed_batches);
        self.make_room()?;
        for number in (self.to_batch + 1..=self.newest).rev() {
            self.remove(number, tree)?;
            progress.add(1);
        }
        let HeadRecord { block, block_hash, state_root, .. } = self.head;
        Ok(RollbackReport { head_block: block, block_hash, state_root, ..self.report.clone() })
    }

    /// Transactions that go back to the pool came before those that wait there, and are ranked so.
    fn make_room(&mut self) -> EngineResult<()> {
        let needed = self.report.pending_again;
        let first = match self.store.first_arrival()? {
            None => needed,
            Some(first) if first >= needed => first,
            Some(first) => {
                self.store.delay_arrivals(needed - first)?;
                needed
            }
        };
        self.first_arrival = first;
        Ok(())
    }

    fn remove(&mut self, number: u64, tree: &mut Tree) -> EngineResult<()> {
        let record = batch(self.store, number)?;
        let mut write = WriteBatch::default();
        let parent = stored_block(self.store, record.first_block - 1)?;
        let mut transactions = Vec::new();
        for block in record.first_block..record.first_block + record.block_count {
            let block = stored_block(self.store, block)?;
            let of_block = self.store.remove_block(&mut write, &block)?;
            transactions.extend(of_block.into_iter().map(|transaction| (block.timestamp, transaction)));
        }
        self.put_pending(&mut write, &transactions)?;
        self.store.remove_batch(&mut write, number)?;
        if self.store.checked_batch()?.is_some_and(|checked| checked >= number) {
            self.store.put_checked_batch(&mut write, number - 1)?;
        }
        let head = head_after(self.store, number - 1, &parent, &self.head)?;
        self.store.put_head(&mut write, &head)?;
        self.undo_state(&mut write, &parent, tree)?;
        tree.set_depth(head.tree_depth);
        self.first_arrival -= transactions.len() as u64;
        self.head = head;
        self.store.head_went_back(parent.number);
        Ok(())
    }

    /// Transactions of removed blocks, in their order, with the time of their block.
    fn put_pending(&self, write: &mut WriteBatch, transactions: &[(u64, TransactionRecord)]) -> EngineResult<()> {
        let first = self.first_arrival - transactions.len() as u64;
        for (arrival, (timestamp, transaction)) in (first..).zip(transactions) {
            let decoded = L2Transaction::decode_signed(&transaction.raw)
                .map_err(|error| DbError::corrupt(format!("transaction {}: {error}", transaction.hash)))?;
            let record = PoolRecord {
                sender: transaction.sender,
                nonce: decoded.nonce,
                received_at_ms: timestamp * 1000,
                arrival,
                raw: transaction.raw.clone(),
            };
            self.store.put_pool(write, &transaction.hash, &record)?;
        }
        Ok(())
    }

    /// Flat state, tree and change sets as they were after `parent`; completes the write and makes it durable.
    fn undo_state(&self, write: &mut WriteBatch, parent: &BlockRecord, tree: &mut Tree) -> EngineResult<()> {
        let diff = {
            let snapshot = self.store.snapshot();
            let changed = changed_since(&snapshot, parent.number, self.head.block, usize::MAX)?;
            reverse(&snapshot, parent.number, &changed)?
        };
        for account in &diff.accounts {
            self.store.put_account(write, &account.address, &record_of(&account.new))?;
        }
        for slot in &diff.storage {
            self.store.put_storage(write, &slot.address, &slot.slot, &slot.new)?;
        }
        for block in parent.number + 1..=self.head.block {
            let changes = change_set(self.store, block)?;
            self.store.delete_change_set(write, block, &changes)?;
        }
        let update = tree.update(&leaf_writes(&diff))?;
        let written = if update.root() == parent.state_root {
            update.put(self.store, write).and_then(|()| Ok(self.store.write(std::mem::take(write))?))
        } else {
            let (number, found, expected) = (parent.number, update.root(), parent.state_root);
            Err(EngineError::Tree(format!(
                "undoing the changes since block {number} gives root {found}, not {expected}"
            )))
        };
        match written {
            Ok(()) => tree.settle(&update),
            Err(_) => tree.discard(&update),
        }
        written
    }
}

impl Engine {
    /// Takes the chain back to the end of a closed batch while the engine is open; there is no open L2 block. Whoever reads `latest`
    /// meanwhile is answered from the block that it goes back to, as far as that is restored.
    ///
    /// # Errors
    /// [`EngineError::RollbackRefused`] says why it cannot be, [`EngineError::WrongState`] when an L2 block is open; those of the database:
    /// the chain then ends where the last finished step left it.
    pub fn rollback(&self, to_batch: u64) -> EngineResult<RollbackReport> {
        let slot = self.lock_open();
        if slot.is_some() {
            return Err(EngineError::WrongState("an L2 block is open"));
        }
        self.commit_sealed(u64::MAX)?;
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        self.settle_tree(&mut tree);
        let mut plan = Rollback::plan(self.store(), to_batch)?;
        let target = plan.target()?;
        // Before anybody looks for the newest state there.
        self.store().head_went_back(target.block);
        self.set_head(target)?;
        let outcome = plan.run(&mut tree, &Progress::default());
        let head = plan.head().clone();
        drop((tree, writing));
        self.cache().clear();
        self.write_pending().clear();
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = (0, 0);
        self.set_head(head)?;
        self.published().begin_write(self.head_block());
        drop(slot);
        outcome
    }

    /// The durable chain ends here.
    fn set_head(&self, head: HeadRecord) -> EngineResult<()> {
        let number = head.closed_batch + 1;
        let open = self.store().batch(number)?.filter(|batch| batch.first_block <= head.block);
        let batch = open.unwrap_or_else(|| empty_batch(number, self.config(), &head));
        let chain = ChainState { head, batch };
        self.ahead().set_chain(chain.clone());
        self.published().go_back_to(&chain);
        *self.write_chain() = chain;
        Ok(())
    }
}

/// The head pointers of a chain that ends with `block`, the last one of a closed batch. Forced batches are not removed: the newest one stays
/// that of `head`.
fn head_after(store: &Store, closed_batch: u64, block: &BlockRecord, head: &HeadRecord) -> EngineResult<HeadRecord> {
    Ok(HeadRecord {
        block: block.number,
        block_hash: block.hash,
        timestamp: block.timestamp,
        state_root: block.state_root,
        closed_batch,
        tree_depth: change_set(store, block.number)?.tree_depth,
        forced_batch: head.forced_batch,
    })
}

fn refused(why: String) -> EngineError {
    EngineError::RollbackRefused(why)
}

fn batch(store: &Store, number: u64) -> EngineResult<BatchRecord> {
    Ok(store.batch(number)?.ok_or_else(|| DbError::corrupt(format!("batch {number} is missing")))?)
}

fn stored_block(store: &Store, number: u64) -> EngineResult<BlockRecord> {
    Ok(store.block(number)?.ok_or_else(|| DbError::corrupt(format!("block {number} is missing")))?)
}

fn change_set(store: &Store, block: u64) -> EngineResult<ChangeSet> {
    Ok(store
        .change_set(block)?
        .ok_or_else(|| DbError::corrupt(format!("the change set of block {block} is missing")))?)
}

fn last_block_of(record: &BatchRecord) -> u64 {
    (record.first_block + record.block_count).saturating_sub(1)
}
