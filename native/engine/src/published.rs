//! What of the durable chain is told: the block that `latest` means for whoever asks from outside.
//!
//! A commit ends on a thread of its own, at any moment. Whoever answers several questions in one go (a JSON-RPC batch, a turn of the event
//! loop) must not see the chain move between two of them: a client that hears of no receipt first and of the block that has it right
//! after waits for the next block, which on a quiet chain may never come. So the owner of the engine says with [`Engine::publish`] when
//! reads go on to what is durable. An owner that never does reads what is durable.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use alloy_primitives::B256;
use zkevm_state_db::DbResult;
use zkevm_state_db::records::{BatchRecord, BlockRecord};

use crate::engine::{ChainState, Engine};
use crate::error::EngineResult;

/// The published chain.
#[derive(Debug, Default)]
pub(crate) struct Published {
    // None as long as nobody publishes.
    chain: RwLock<Option<ChainState>>,
    // Newest block whose write has begun: the newest state in the store may be that of any block from the published one up to it.
    written: AtomicU64,
}

impl Published {
    /// To be called before the write of `block` begins.
    pub(crate) fn begin_write(&self, block: u64) {
        self.written.store(block, Ordering::SeqCst);
    }

    /// Moves to `chain`, where somebody publishes.
    pub(crate) fn go_back_to(&self, chain: &ChainState) {
        if let Some(published) = self.chain.write().unwrap_or_else(PoisonError::into_inner).as_mut() {
            *published = chain.clone();
        }
    }

    fn with<T>(&self, engine: &Engine, read: impl FnOnce(&ChainState) -> T) -> T {
        match self.chain.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(chain) => read(chain),
            None => read(&engine.read_chain()),
        }
    }
}

impl Engine {
    /// From here on reads see everything that is durable now, and nothing newer until this is called again.
    pub fn publish(&self) {
        let chain = self.chain();
        *self.published().chain.write().unwrap_or_else(PoisonError::into_inner) = Some(chain);
    }

    /// Head pointers and the open batch, as published.
    pub fn published_chain(&self) -> ChainState {
        self.published().with(self, ChainState::clone)
    }

    /// The newest published L2 block.
    pub fn published_block(&self) -> u64 {
        self.published().with(self, |chain| chain.head.block)
    }

    /// A published block. Who waits for the next one asks for it again and again: that takes no look into the database.
    pub(crate) fn published_record(&self, number: u64) -> EngineResult<Option<BlockRecord>> {
        if number > self.published_block() { Ok(None) } else { Ok(self.store().block(number)?) }
    }

    /// A batch as far as it is published.
    pub(crate) fn published_batch(&self, number: u64) -> EngineResult<Option<BatchRecord>> {
        let open = self.published().with(self, |ChainState { head, batch }| {
            (number > head.closed_batch).then(|| Some(batch).filter(|batch| batch.number == number).cloned())
        });
        match open {
            Some(batch) => Ok(batch.filter(|batch| batch.block_count > 0)),
            None => Ok(self.store().batch(number)?),
        }
    }

    /// The number of a published block.
    ///
    /// # Errors
    /// [`crate::EngineError::Db`].
    pub fn block_number_by_hash(&self, hash: &B256) -> EngineResult<Option<u64>> {
        Ok(self.store().block_number_by_hash(hash)?.filter(|number| *number <= self.published_block()))
    }

    /// Block and index of a transaction of a published block.
    pub(crate) fn position(&self, hash: &B256) -> EngineResult<Option<(u64, u32)>> {
        Ok(self.store().transaction_position(hash)?.filter(|(block, _)| *block <= self.published_block()))
    }

    /// Something of the newest published state. `newest` reads it of the newest state in the store, which takes one look; `at` at the
    /// end of a block, for the time between a write and its publication.
    pub(crate) fn latest<T>(
        &self,
        newest: impl FnOnce() -> DbResult<T>,
        at: impl FnOnce(u64) -> DbResult<T>,
    ) -> EngineResult<T> {
        let block = self.published_block();
        let value = newest()?;
        // After the look: a write that it saw had begun before.
        if self.published().written.load(Ordering::SeqCst) <= block {
            return Ok(value);
        }
        Ok(at(block)?)
    }
}
