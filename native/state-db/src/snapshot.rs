//! One consistent view of the database, for reads that need many records to belong together while commits go on.

use alloy_primitives::{Address, B256, Bytes, U256};
use rocksdb::{DB, DBPinnableSlice, Direction, IteratorMode, SnapshotWithThreadMode};

use crate::change_set::ChangeSet;
use crate::error::{DbError, DbResult};
use crate::records::{AccountRecord, BatchRecord, BlockRecord, HeadRecord};
use crate::schema::{self, meta};
use crate::store::{Store, up_to};

/// The database as it was when the snapshot was taken. Short-lived: compaction keeps what it sees.
pub struct Snapshot<'a> {
    store: &'a Store,
    view: SnapshotWithThreadMode<'a, DB>,
}

impl std::fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Store {
    /// Freezes the present content for reading.
    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot { store: self, view: self.db().snapshot() }
    }
}

impl<'a> Snapshot<'a> {
    pub(crate) const fn store(&self) -> &'a Store {
        self.store
    }

    pub(crate) const fn view(&self) -> &SnapshotWithThreadMode<'a, DB> {
        &self.view
    }
}

impl Snapshot<'_> {
    /// Reads one value.
    ///
    /// # Errors
    /// [`DbError::Rocks`] on a failed read.
    pub fn get(&self, family: &str, key: &[u8]) -> DbResult<Option<Vec<u8>>> {
        self.view.get_cf(self.store.family(family)?, key).map_err(|error| self.store.read_failed(family, error))
    }

    /// As [`Snapshot::get`], without a copy.
    pub(crate) fn get_pinned(&self, family: &str, key: &[u8]) -> DbResult<Option<DBPinnableSlice<'_>>> {
        self.view.get_pinned_cf(self.store.family(family)?, key).map_err(|error| self.store.read_failed(family, error))
    }

    /// Reads several values, in the order of the keys.
    ///
    /// # Errors
    /// [`DbError::Rocks`] on a failed read.
    pub fn get_many<K: AsRef<[u8]>>(&self, family: &str, keys: &[K]) -> DbResult<Vec<Option<Vec<u8>>>> {
        let handle = self.store.family(family)?;
        let values = self.view.multi_get_cf(keys.iter().map(|key| (handle, key)));
        values.into_iter().collect::<Result<_, _>>().map_err(|error| self.store.read_failed(family, error))
    }

    /// The head pointers.
    ///
    /// # Errors
    /// [`DbError::Corrupt`], also when they are missing.
    pub fn head(&self) -> DbResult<HeadRecord> {
        let bytes = self.get(schema::META, meta::HEAD)?.ok_or_else(|| DbError::corrupt("head pointers are missing"))?;
        self.store.decode("head", &bytes)
    }

    /// An L2 block.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn block(&self, number: u64) -> DbResult<Option<BlockRecord>> {
        self.get(schema::BLOCK, &schema::number_key(number))?
            .map(|bytes| self.store.decode("block", &bytes))
            .transpose()
    }

    /// A batch.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn batch(&self, number: u64) -> DbResult<Option<BatchRecord>> {
        self.get(schema::BATCH, &schema::number_key(number))?
            .map(|bytes| self.store.decode("batch", &bytes))
            .transpose()
    }

    /// Refuses blocks whose state is pruned. What is pruned after this stays visible here.
    ///
    /// # Errors
    /// [`DbError::StatePruned`].
    pub fn check_state(&self, block: u64) -> DbResult<()> {
        self.store.check_state(block)
    }

    /// What `block` changed; every block from the oldest readable state on has a record.
    ///
    /// # Errors
    /// [`DbError::Corrupt`], also when there is none.
    pub fn change_set(&self, block: u64) -> DbResult<ChangeSet> {
        let bytes = self.get(schema::CHANGE_SET, &schema::number_key(block))?;
        let bytes = bytes.ok_or_else(|| self.store.corrupt(format!("the change set of block {block} is missing")))?;
        ChangeSet::from_bytes(&bytes).map_err(|error| self.store.stopping(error))
    }

    /// The account at the end of the newest block.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn account(&self, address: &Address) -> DbResult<AccountRecord> {
        self.store.account_from(&self.get(schema::FLAT_ACCOUNT, address.as_slice())?.unwrap_or_default())
    }

    /// The account at the end of `block`.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn account_at(&self, address: &Address, block: u64) -> DbResult<AccountRecord> {
        match self.previous_after(schema::HISTORY_ACCOUNT, address.as_slice(), block)? {
            Some(bytes) => self.store.account_from(&bytes),
            None => self.account(address),
        }
    }

    /// The value of a slot at the end of the newest block.
    ///
    /// # Errors
    /// [`DbError::Rocks`].
    pub fn storage(&self, address: &Address, slot: &U256) -> DbResult<U256> {
        let value = self.get(schema::FLAT_STORAGE, &schema::slot_key(address, slot))?;
        Ok(value.map_or(U256::ZERO, |bytes| U256::from_be_slice(&bytes)))
    }

    /// The value of a slot at the end of `block`.
    ///
    /// # Errors
    /// [`DbError::Rocks`].
    pub fn storage_at(&self, address: &Address, slot: &U256, block: u64) -> DbResult<U256> {
        match self.previous_after(schema::HISTORY_STORAGE, &schema::slot_key(address, slot), block)? {
            Some(bytes) => Ok(U256::from_be_slice(&bytes)),
            None => self.storage(address, slot),
        }
    }

    /// The code with Poseidon hash `code_hash`.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when it is missing.
    pub fn code(&self, code_hash: &B256) -> DbResult<Bytes> {
        let code = self.get(schema::CODE, code_hash.as_slice())?;
        code.map(Bytes::from).ok_or_else(|| DbError::corrupt(format!("code {code_hash} is missing")))
    }

    /// The previous value recorded by the first block after `block` that changed `flat_key`.
    fn previous_after(&self, family: &str, flat_key: &[u8], block: u64) -> DbResult<Option<Box<[u8]>>> {
        let from = schema::history_key(flat_key, block.saturating_add(1));
        let mode = IteratorMode::From(&from, Direction::Forward);
        let bounds = up_to(schema::history_key(flat_key, u64::MAX));
        let next = self.view.iterator_cf_opt(self.store.family(family)?, bounds, mode).next().transpose();
        match next.map_err(|error| self.store.read_failed(family, error))? {
            Some((key, value)) if key.len() == from.len() && key.starts_with(flat_key) => Ok(Some(value)),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rocksdb::WriteBatch;

    #[test]
    fn a_snapshot_does_not_see_later_commits() {
        let dir = tempfile::tempdir().unwrap();
        let store = crate::test_support::open(dir.path());
        let (address, slot) = (Address::repeat_byte(1), U256::from(5));
        let write = |block: u64, previous: u64, value: u64| {
            let mut batch = WriteBatch::default();
            store.put_storage_history(&mut batch, &address, &slot, block, &U256::from(previous)).unwrap();
            store.put_storage(&mut batch, &address, &slot, &U256::from(value)).unwrap();
            store.put_change_set(&mut batch, block, &ChangeSet { tree_depth: block, ..ChangeSet::default() }).unwrap();
            store.write(batch).unwrap();
        };
        write(3, 0, 30);
        let snapshot = store.snapshot();
        write(7, 30, 70);
        let later = store.snapshot();
        for block in [3, 5, 7, 9] {
            assert_eq!(snapshot.storage_at(&address, &slot, block).unwrap(), U256::from(30), "block {block}");
        }
        assert_eq!(snapshot.storage_at(&address, &slot, 2).unwrap(), U256::ZERO);
        assert_eq!(snapshot.change_set(3).unwrap().tree_depth, 3);
        assert_eq!(later.storage_at(&address, &slot, 6).unwrap(), U256::from(30));
        assert_eq!(later.storage(&address, &slot).unwrap(), U256::from(70));
        assert_eq!(later.change_set(7).unwrap().tree_depth, 7);
        let key = schema::slot_key(&address, &slot);
        let found = snapshot.get_many(schema::FLAT_STORAGE, &[&key[..], &[0; 52]]).unwrap();
        assert_eq!(found, [Some(U256::from(30).to_be_bytes::<32>().to_vec()), None]);
    }
}
