//! Making sealed blocks durable: everything that is sealed goes into one write, so that one wait for the disk serves many blocks. Closing a
//! batch that has no open block is here too, because it is a write of its own.
//!
//! Nothing of a block is visible to reads of `latest` before its write is on disk and published (`published.rs`). After a write that fails
//! the store refuses more until it is opened again: no sealed block can become durable any more, and what is left to do is to go back to
//! the newest durable one.

use std::sync::{PoisonError, TryLockError};
use std::time::Instant;

use zkevm_state_db::{Store, WriteBatch};

use crate::ahead::SealedAhead;
use crate::commit::put_state;
use crate::engine::{ChainState, Engine, empty_batch};
use crate::error::{EngineError, EngineResult};
use crate::layout::RESOURCE_BYTES;
use crate::seal::{BatchClosing, ClosedBatch, close};
use crate::tree::Tree;

/// What a commit made durable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// Newest durable L2 block.
    pub block: u64,
    /// Blocks of this commit.
    pub blocks: u32,
    /// Time of the write.
    pub nanos: u64,
}

impl Engine {
    /// Writes the sealed blocks up to number `through`; they are durable when this returns.
    ///
    /// # Errors
    /// Those of the write. None of the blocks is durable then as far as anybody knows, and the store takes no more writes:
    /// [`Engine::discard_sealed`] goes back to the newest durable block.
    pub fn commit_sealed(&self, through: u64) -> EngineResult<Committed> {
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let started = Instant::now();
        let mut blocks = self.ahead().blocks();
        blocks.retain(|block| block.head.block <= through);
        let Some(newest) = blocks.last() else {
            return Ok(Committed { block: self.head_block(), ..Committed::default() });
        };
        let mut batch = self.store().large_batch();
        for block in &blocks {
            put_block(self.store(), &mut batch, block)?;
        }
        self.store().put_batch(&mut batch, &newest.batch)?;
        self.store().put_head(&mut batch, &newest.head)?;
        self.published().begin_write(newest.head.block);
        self.store().write_large(batch)?;
        *self.write_chain() = self.chain_after(newest);
        self.ahead().settle(blocks.len());
        for block in &blocks {
            self.forget_old_states(&block.diff);
        }
        let committed = Committed {
            block: newest.head.block,
            blocks: u32::try_from(blocks.len()).unwrap_or(u32::MAX),
            nanos: started.elapsed().as_nanos() as u64,
        };
        self.written.lock().unwrap_or_else(PoisonError::into_inner).extend(blocks);
        drop(writing);
        // While another block is being hashed, that one does it.
        match self.tree.try_lock() {
            Ok(mut tree) => self.settle_tree(&mut tree),
            Err(TryLockError::Poisoned(tree)) => self.settle_tree(&mut tree.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
        Ok(committed)
    }

    /// Tells the tree which of its changes are durable.
    pub(crate) fn settle_tree(&self, tree: &mut Tree) {
        for block in self.written.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            tree.settle(&block.update);
        }
    }

    /// Head and open batch after a block.
    pub(crate) fn chain_after(&self, block: &SealedAhead) -> ChainState {
        let (head, batch) = (block.head.clone(), &block.batch);
        let batch = if batch.is_closed() { empty_batch(batch.number + 1, self.config(), &head) } else { batch.clone() };
        ChainState { head, batch }
    }

    /// Back to the newest durable block: forgets the open block and every sealed one that is not durable.
    pub fn discard_sealed(&self) {
        let mut slot = self.lock_open();
        *slot = None;
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        self.settle_tree(&mut tree);
        let dropped = self.ahead().drop_all(self.chain());
        // Discarding a pass of the tree discards the later ones with it.
        if let Some(oldest) = dropped.first() {
            tree.discard(&oldest.update);
            self.cache().clear();
        }
        self.write_pending().clear();
    }

    /// Closes the open batch, which holds at least one sealed block and no open one; what is sealed becomes durable before.
    ///
    /// # Errors
    /// [`EngineError::WrongState`] when a block is open or the batch is empty.
    pub fn close_batch(&self, now_ms: u64, closing: &BatchClosing) -> EngineResult<ClosedBatch> {
        let slot = self.lock_open();
        if slot.is_some() {
            return Err(EngineError::WrongState("an L2 block is open"));
        }
        self.commit_sealed(u64::MAX)?;
        let ChainState { mut head, mut batch } = self.chain();
        if batch.block_count == 0 {
            return Err(EngineError::WrongState("the open batch has no L2 block"));
        }
        close(&mut batch, closing, now_ms);
        head.closed_batch = batch.number;
        let mut write = WriteBatch::default();
        self.store().put_batch(&mut write, &batch)?;
        self.store().put_head(&mut write, &head)?;
        self.store().write(write)?;
        let next = ChainState { batch: empty_batch(batch.number + 1, self.config(), &head), head };
        self.ahead().set_chain(next.clone());
        *self.write_chain() = next;
        drop(slot);
        Ok(ClosedBatch {
            number: batch.number,
            state_root: batch.state_root,
            local_exit_root: batch.local_exit_root,
            closing_reason: batch.closing_reason,
            block_count: batch.block_count,
            tx_count: batch.tx_count,
            bytes: batch.used[RESOURCE_BYTES],
        })
    }
}

/// Puts one block into the write. The newest block's batch record and head follow once, after the last.
fn put_block(store: &Store, batch: &mut WriteBatch, block: &SealedAhead) -> EngineResult<()> {
    let records = &block.records;
    let number = records.block.number;
    put_state(store, batch, number, &block.diff, block.head.tree_depth)?;
    block.update.put(store, batch)?;
    store.put_block(batch, &records.block)?;
    for (index, (transaction, receipt)) in (0_u32..).zip(&records.transactions) {
        store.put_transaction(batch, (number, index), transaction, receipt)?;
        store.remove_pool(batch, &transaction.hash)?;
    }
    for (index, log) in (0_u32..).zip(&records.logs) {
        store.put_log(batch, number, index, log)?;
    }
    // A batch that this block closed: the next block belongs to another record.
    if block.batch.is_closed() {
        store.put_batch(batch, &block.batch)?;
    }
    Ok(store.put_batch_data(batch, block.batch.number, number, &block.data)?)
}
