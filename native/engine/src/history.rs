//! How far back states can be read in a running node, and the readers that keep one readable.

use zkevm_executor::StateDiff;
use zkevm_state_db::{StatePin, Store};

use crate::block_id::BlockId;
use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};

/// Change sets that go with each block beside twice as many as it adds: what a lowered setting leaves behind goes in the course of time.
const PRUNED_EXTRA: u64 = 1024;
/// The newest block moves while it is being looked up: so often, then it is no accident.
const PIN_ATTEMPTS: usize = 16;

/// Which states are kept.
#[derive(Debug)]
pub(crate) struct HistoryKeeper {
    /// So many blocks before the newest keep their state; `None` keeps every state.
    blocks: Option<u64>,
}

impl HistoryKeeper {
    pub(crate) const fn new(blocks: Option<u64>) -> Self {
        Self { blocks }
    }

    /// Refuses the states that are too old now that `head` is the newest block.
    pub(crate) fn advance(&self, store: &Store, head: u64) {
        if let Some(blocks) = self.blocks {
            store.raise_oldest_state(head.saturating_sub(blocks));
        }
    }
}

impl Engine {
    /// Forgets what is too old after a committed block; a bounded amount of work, proportional to what the block changed.
    pub(crate) fn forget_old_states(&self, diff: &StateDiff) {
        if self.history().blocks.is_none() {
            return;
        }
        self.history().advance(self.store(), self.published_block());
        let changed = (diff.accounts.len() + diff.storage.len()) as u64;
        // The block is committed: a failure here must not look like one of its commit. A failed write stops the store, and damage does
        // too, so that the next commit reports the first cause.
        let _ = self.store().prune_history(2 * changed + PRUNED_EXTRA);
    }

    /// The state of a block, kept readable. For the open block that is the newest durable one.
    ///
    /// # Errors
    /// [`EngineError::BlockNotFound`], `STATE_PRUNED`.
    pub(crate) fn pin_state(&self, block: BlockId) -> EngineResult<StatePin> {
        if let BlockId::Number(number) = block {
            self.check_block(number)?;
            return Ok(StatePin::new(self.store(), number)?);
        }
        let mut refusal = None;
        for _ in 0..PIN_ATTEMPTS {
            let newest = if block == BlockId::Pending { self.head_block() } else { self.published_block() };
            match StatePin::new(self.store(), newest) {
                Ok(pin) => return Ok(pin),
                Err(error) => refusal = Some(error),
            }
        }
        Err(refusal.map_or(EngineError::BlockNotFound, EngineError::from))
    }
}
