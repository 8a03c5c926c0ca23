//! Change sets: for each changed key, the value that it had before the L2 block that changed it. The value at the end of block `n` is the
//! oldest recorded previous value after `n`, or the newest value when nothing changed it since.

use alloy_primitives::{Address, U256};
use rocksdb::WriteBatch;

use crate::error::{DbError, DbResult};
use crate::records::AccountRecord;
use crate::schema;
use crate::store::Store;

impl Store {
    /// Records that `address` was `previous` before `block`.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_account_history(
        &self,
        batch: &mut WriteBatch,
        address: &Address,
        block: u64,
        previous: &AccountRecord,
    ) -> DbResult<()> {
        let key = schema::history_key(address.as_slice(), block);
        if previous.is_empty() {
            return self.put(batch, schema::HISTORY_ACCOUNT, &key, &[]);
        }
        self.put(batch, schema::HISTORY_ACCOUNT, &key, &previous.to_bytes())
    }

    /// Records that a slot was `previous` before `block`.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_storage_history(
        &self,
        batch: &mut WriteBatch,
        address: &Address,
        slot: &U256,
        block: u64,
        previous: &U256,
    ) -> DbResult<()> {
        let key = schema::history_key(&schema::slot_key(address, slot), block);
        self.put(batch, schema::HISTORY_STORAGE, &key, &previous.to_be_bytes::<32>())
    }

    /// The account at the end of `block`.
    ///
    /// # Errors
    /// As [`Store::account`]; [`DbError::StatePruned`].
    pub fn account_at(&self, address: &Address, block: u64) -> DbResult<AccountRecord> {
        let account = self.account_at_unchecked(address, block)?;
        self.check_state(block).map(|()| account)
    }

    /// The value of a slot at the end of `block`.
    ///
    /// # Errors
    /// As [`Store::storage`]; [`DbError::StatePruned`].
    pub fn storage_at(&self, address: &Address, slot: &U256, block: u64) -> DbResult<U256> {
        let value = self.storage_at_unchecked(address, slot, block)?;
        self.check_state(block).map(|()| value)
    }

    /// Refuses blocks whose state is pruned. To be asked after the read: what was read before this says yes was there.
    ///
    /// # Errors
    /// [`DbError::StatePruned`].
    pub fn check_state(&self, block: u64) -> DbResult<()> {
        let oldest = self.oldest_state();
        if block < oldest { Err(DbError::StatePruned { block, oldest }) } else { Ok(()) }
    }

    pub(crate) fn account_at_unchecked(&self, address: &Address, block: u64) -> DbResult<AccountRecord> {
        let newest = self.account(address)?;
        match self.previous_after(schema::HISTORY_ACCOUNT, address.as_slice(), block)? {
            Some(bytes) => self.account_from(&bytes),
            None => Ok(newest),
        }
    }

    pub(crate) fn storage_at_unchecked(&self, address: &Address, slot: &U256, block: u64) -> DbResult<U256> {
        let newest = self.storage(address, slot)?;
        match self.previous_after(schema::HISTORY_STORAGE, &schema::slot_key(address, slot), block)? {
            Some(bytes) => Ok(U256::from_be_slice(&bytes)),
            None => Ok(newest),
        }
    }

    /// The previous value recorded by the first block after `block` that changed `flat_key`.
    ///
    /// Callers read the flat table first: a commit that lands between the two looks then shows up here, with the very value that the
    /// flat table had, since a block's history entry and its flat value are written together.
    fn previous_after(&self, family: &str, flat_key: &[u8], block: u64) -> DbResult<Option<Box<[u8]>>> {
        let from = schema::history_key(flat_key, block.saturating_add(1));
        let to = schema::history_key(flat_key, u64::MAX);
        match self.scan_range(family, &from, to)?.next().transpose()? {
            Some((key, value)) if key.len() == from.len() && key.starts_with(flat_key) => Ok(Some(value)),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
#[path = "history_test.rs"]
mod tests;
