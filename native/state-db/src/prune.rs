//! Pruning of history: which states can still be read, and the removal of the change sets that nobody needs.
//!
//! Two bounds: reads below the *oldest state* are refused at once when the bound moves; the change sets behind it go afterwards, a bounded
//! number at a time. Whoever reads for longer than one look-up holds a [`StatePin`], and nothing that a pin needs is removed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy_primitives::{Address, U256};
use rocksdb::WriteBatch;

use crate::change_set::ChangeSet;
use crate::error::{DbError, DbResult};
use crate::records::AccountRecord;
use crate::schema;
use crate::store::Store;

/// What is known about readable states, beside the change sets themselves.
#[derive(Debug, Default)]
pub(crate) struct StateBounds {
    /// Reads below are refused.
    pub(crate) oldest: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    /// The change sets of blocks below are gone; as [`schema::meta::OLDEST_STATE`] says.
    pub(crate) removed_to: u64,
    /// Blocks whose state is being read, with the number of readers.
    pins: BTreeMap<u64, usize>,
    /// The change sets from this block on are needed by who verifies batches; `None` where nobody does.
    pub(crate) needed_from: Option<u64>,
}

impl StateBounds {
    /// From what is stored.
    pub(crate) fn new(oldest: u64) -> Self {
        Self { oldest: AtomicU64::new(oldest), inner: Mutex::new(Inner { removed_to: oldest, ..Inner::default() }) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one step of pruning did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PruneStep {
    /// Change sets removed.
    pub removed: u64,
    /// Whether everything that may go is gone.
    pub is_done: bool,
}

/// The state of one block, which stays readable as long as this lives.
#[derive(Debug)]
pub struct StatePin {
    store: Arc<Store>,
    block: u64,
}

impl StatePin {
    /// Pins the state at the end of `block`.
    ///
    /// # Errors
    /// [`DbError::StatePruned`] when it is gone already.
    pub fn new(store: &Arc<Store>, block: u64) -> DbResult<Self> {
        // The bound moves under the same lock: it cannot pass this block once the pin is in.
        let mut inner = store.bounds().lock();
        store.check_state(block)?;
        *inner.pins.entry(block).or_default() += 1;
        drop(inner);
        Ok(Self { store: Arc::clone(store), block })
    }

    /// The block.
    pub const fn block(&self) -> u64 {
        self.block
    }

    /// The database.
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The account at the end of the block.
    ///
    /// # Errors
    /// As [`Store::account`].
    pub fn account(&self, address: &Address) -> DbResult<AccountRecord> {
        self.store.account_at_unchecked(address, self.block)
    }

    /// The value of a slot at the end of the block.
    ///
    /// # Errors
    /// As [`Store::storage`].
    pub fn storage(&self, address: &Address, slot: &U256) -> DbResult<U256> {
        self.store.storage_at_unchecked(address, slot, self.block)
    }
}

impl Drop for StatePin {
    fn drop(&mut self) {
        let mut inner = self.store.bounds().lock();
        if let Some(readers) = inner.pins.get_mut(&self.block) {
            *readers -= 1;
            if *readers == 0 {
                inner.pins.remove(&self.block);
            }
        }
    }
}

impl Store {
    /// The oldest L2 block whose state can be read.
    pub fn oldest_state(&self) -> u64 {
        self.bounds().oldest.load(Ordering::Acquire)
    }

    /// The change sets of blocks below are gone.
    pub fn removed_to(&self) -> u64 {
        self.bounds().lock().removed_to
    }

    /// Refuses reads of states below `oldest` from now on; the bound never goes down.
    pub fn raise_oldest_state(&self, oldest: u64) {
        let inner = self.bounds().lock();
        self.bounds().oldest.fetch_max(oldest, Ordering::AcqRel);
        drop(inner);
    }

    /// The first block whose change set, and all later ones, are still there.
    pub fn change_sets_from(&self) -> u64 {
        self.bounds().lock().removed_to
    }

    /// Keeps the change sets of `block` and later ones whatever may be read, until this is called with a later one.
    pub fn need_change_sets_from(&self, block: u64) {
        self.bounds().lock().needed_from = Some(block);
    }

    /// Removes the change sets of blocks that no readable state needs, whole blocks until `keys_max` keys are reached. The write is not
    /// synced: what a power cut undoes is removed again later.
    ///
    /// # Errors
    /// As [`Store::write`]; [`DbError::Corrupt`].
    pub fn prune_history(&self, keys_max: u64) -> DbResult<PruneStep> {
        let (from, limit) = {
            let inner = self.bounds().lock();
            let pinned = inner.pins.keys().next().copied().unwrap_or(u64::MAX);
            let needed = inner.needed_from.unwrap_or(u64::MAX);
            (inner.removed_to, self.oldest_state().min(pinned).min(needed))
        };
        let mut step = PruneStep { removed: 0, is_done: true };
        if from >= limit {
            return Ok(step);
        }
        let mut batch = WriteBatch::default();
        let mut reached = from;
        let mut blocks = 0_u64;
        for item in self.scan(schema::CHANGE_SET, &schema::number_key(from))? {
            let (key, value) = item?;
            let block = schema::parse_number_key(&key).ok_or_else(|| self.corrupt("key of a change set"))?;
            if block >= limit {
                break;
            }
            if step.removed + blocks >= keys_max {
                step.is_done = false;
                break;
            }
            let changes = ChangeSet::from_bytes(&value).map_err(|error| self.stopping(error))?;
            self.delete_change_set(&mut batch, block, &changes)?;
            step.removed += changes.len() as u64;
            blocks += 1;
            reached = block + 1;
        }
        if blocks > 0 {
            self.put(&mut batch, schema::META, schema::meta::OLDEST_STATE, &schema::number_key(reached))?;
            self.write_unsynced(batch)?;
        }
        self.bounds().lock().removed_to = if step.is_done { limit } else { reached };
        Ok(step)
    }

    /// Puts the removal of a block's change set, which is `changes`, into `batch`.
    ///
    /// # Errors
    /// As [`Store::delete`].
    pub fn delete_change_set(&self, batch: &mut WriteBatch, block: u64, changes: &ChangeSet) -> DbResult<()> {
        for address in &changes.accounts {
            self.delete(batch, schema::HISTORY_ACCOUNT, &schema::history_key(address.as_slice(), block))?;
        }
        for (address, slot) in &changes.slots {
            let key = schema::history_key(&schema::slot_key(address, slot), block);
            self.delete(batch, schema::HISTORY_STORAGE, &key)?;
        }
        self.delete(batch, schema::CHANGE_SET, &schema::number_key(block))
    }

    /// What [`schema::meta::OLDEST_STATE`] says.
    pub(crate) fn stored_oldest_state(&self) -> DbResult<u64> {
        let Some(bytes) = self.get(schema::META, schema::meta::OLDEST_STATE)? else { return Ok(0) };
        let bytes = (&*bytes).try_into().map_err(|_| DbError::corrupt("meta/oldest_state has a wrong length"))?;
        Ok(u64::from_be_bytes(bytes))
    }
}

#[cfg(test)]
#[path = "prune_test.rs"]
mod tests;
