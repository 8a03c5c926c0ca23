//! What keys were in the course of a range of L2 blocks. One search finds all of it, and one iterator serves every key of a table: making an
//! iterator costs more than moving it.

use std::fmt;

use alloy_primitives::{Address, U256};
use rocksdb::DBRawIteratorWithThreadMode;

use crate::error::DbResult;
use crate::records::AccountRecord;
use crate::schema;
use crate::snapshot::Snapshot;

type RawIterator<'a> = DBRawIteratorWithThreadMode<'a, rocksdb::DB>;

/// The values of one key in a range of blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past<V> {
    /// For each block of the range that changed the key, the value that it found.
    changes: Vec<(u64, V)>,
    last: V,
}

impl<V> Past<V> {
    /// The value before the first block of the range.
    pub fn first(&self) -> &V {
        self.changes.first().map_or(&self.last, |(_, value)| value)
    }

    /// The value that `block` found; `None` where no change is recorded.
    pub fn before(&self, block: u64) -> Option<&V> {
        let at = self.changes.binary_search_by_key(&block, |(number, _)| *number).ok()?;
        Some(&self.changes[at].1)
    }

    /// The value after the last block of the range.
    pub const fn last(&self) -> &V {
        &self.last
    }
}

/// Reads what keys were in the blocks after `base`, up to `last`.
pub struct PastReader<'a> {
    snapshot: &'a Snapshot<'a>,
    base: u64,
    last: u64,
    accounts: RawIterator<'a>,
    slots: RawIterator<'a>,
}

impl fmt::Debug for PastReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PastReader").field("base", &self.base).field("last", &self.last).finish_non_exhaustive()
    }
}

impl Snapshot<'_> {
    /// A reader of what keys were in the blocks after `base`, up to `last`.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`] when a column family is missing.
    pub fn past(&self, base: u64, last: u64) -> DbResult<PastReader<'_>> {
        let iterator = |family| Ok::<_, crate::DbError>(self.view().raw_iterator_cf(self.store().family(family)?));
        let (accounts, slots) = (iterator(schema::HISTORY_ACCOUNT)?, iterator(schema::HISTORY_STORAGE)?);
        Ok(PastReader { snapshot: self, base, last, accounts, slots })
    }
}

impl PastReader<'_> {
    /// What an account was.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn account(&mut self, address: &Address) -> DbResult<Past<AccountRecord>> {
        let (snapshot, range) = (self.snapshot, (self.base, self.last));
        let parse = |bytes: &[u8]| snapshot.store().account_from(bytes);
        let found = walk(snapshot, (&mut self.accounts, schema::HISTORY_ACCOUNT), address.as_slice(), range, parse)?;
        let newest = || snapshot.account(address);
        Ok(Past { changes: found.changes, last: found.later.map_or_else(newest, Ok)? })
    }

    /// What a slot was.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn slot(&mut self, address: &Address, slot: &U256) -> DbResult<Past<U256>> {
        let (snapshot, range) = (self.snapshot, (self.base, self.last));
        let key = schema::slot_key(address, slot);
        let parse = |bytes: &[u8]| {
            U256::try_from_be_slice(bytes).ok_or_else(|| snapshot.store().corrupt("a value of a slot is too long"))
        };
        let found = walk(snapshot, (&mut self.slots, schema::HISTORY_STORAGE), &key, range, parse)?;
        let newest = || snapshot.storage(address, slot);
        Ok(Past { changes: found.changes, last: found.later.map_or_else(newest, Ok)? })
    }
}

/// What the change sets say of a key.
struct Found<V> {
    changes: Vec<(u64, V)>,
    /// What the first block after the range that changed the key found: the value at the end of the range.
    later: Option<V>,
}

fn walk<V>(
    snapshot: &Snapshot<'_>,
    (iterator, family): (&mut RawIterator<'_>, &'static str),
    flat_key: &[u8],
    (base, last): (u64, u64),
    parse: impl Fn(&[u8]) -> DbResult<V>,
) -> DbResult<Found<V>> {
    let mut changes = Vec::new();
    iterator.seek(schema::history_key(flat_key, base.saturating_add(1)));
    while let Some((key, value)) = iterator.item() {
        let Some((_, block)) = schema::parse_history_key(key).filter(|(flat, _)| *flat == flat_key) else {
            return Ok(Found { changes, later: None });
        };
        let value = parse(value)?;
        if block > last {
            return Ok(Found { changes, later: Some(value) });
        }
        changes.push((block, value));
        iterator.next();
    }
    iterator.status().map_err(|error| snapshot.store().read_failed(family, error))?;
    Ok(Found { changes, later: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rocksdb::WriteBatch;

    #[test]
    fn a_key_has_what_each_block_of_the_range_found() {
        let dir = tempfile::tempdir().unwrap();
        let store = crate::test_support::open(dir.path());
        let (address, slot) = (Address::repeat_byte(1), U256::from(5));
        let account = |nonce: u64| AccountRecord { nonce, ..AccountRecord::default() };
        let mut batch = WriteBatch::default();
        // The neighbours in the tables must not be taken for it.
        for (address, slot) in [(address, slot), (address, slot + U256::ONE), (Address::repeat_byte(2), slot)] {
            for (block, previous) in [(3, 0), (5, 30), (9, 50)] {
                store.put_storage_history(&mut batch, &address, &slot, block, &U256::from(previous)).unwrap();
                store.put_account_history(&mut batch, &address, block, &account(previous)).unwrap();
            }
            store.put_storage(&mut batch, &address, &slot, &U256::from(90)).unwrap();
            store.put_account(&mut batch, &address, &account(90)).unwrap();
        }
        store.write(batch).unwrap();
        let snapshot = store.snapshot();
        for (base, last, values) in [
            (0, 2, vec![(2, None)]),
            (2, 4, vec![(2, None), (3, Some(0)), (4, None)]),
            (2, 9, vec![(3, Some(0)), (5, Some(30)), (9, Some(50))]),
            (5, 8, vec![(5, None)]),
            (9, 12, vec![(9, None), (12, None)]),
        ] {
            let mut reader = snapshot.past(base, last).unwrap();
            let (slots, accounts) = (reader.slot(&address, &slot).unwrap(), reader.account(&address).unwrap());
            for (block, value) in values {
                assert_eq!(slots.before(block).copied(), value.map(U256::from), "slot, block {block}");
                assert_eq!(accounts.before(block).copied(), value.map(account), "account, block {block}");
            }
            for (block, slots, accounts) in
                [(base, slots.first(), accounts.first()), (last, slots.last(), accounts.last())]
            {
                assert_eq!(*slots, snapshot.storage_at(&address, &slot, block).unwrap(), "slot after block {block}");
                assert_eq!(*accounts, snapshot.account_at(&address, block).unwrap(), "account after block {block}");
            }
        }
        let mut reader = snapshot.past(0, 9).unwrap();
        assert_eq!(reader.slot(&Address::repeat_byte(7), &slot).unwrap(), Past { changes: vec![], last: U256::ZERO });
        assert_eq!(*reader.account(&Address::ZERO).unwrap().last(), AccountRecord::default());
    }

    #[test]
    fn a_value_that_is_no_word_is_damage() {
        let dir = tempfile::tempdir().unwrap();
        let store = crate::test_support::open(dir.path());
        let key = schema::history_key(&schema::slot_key(&Address::ZERO, &U256::ZERO), 1);
        let mut batch = WriteBatch::default();
        store.put(&mut batch, schema::HISTORY_STORAGE, &key, &[1; 33]).unwrap();
        store.write(batch).unwrap();
        let error = store.snapshot().past(0, 1).unwrap().slot(&Address::ZERO, &U256::ZERO).unwrap_err();
        assert_eq!(error.code(), "STATE_DB_CORRUPT");
    }
}
