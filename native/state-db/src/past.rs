//! What keys were in the course of a range of L2 blocks, for verification close behind the head.
//!
//! The change sets say which block after the range's base changed a key, so its values are found by their exact keys: what was written a
//! moment ago is mostly still in memory. Searching the history for the next entry instead asks every file of the table, and costs more the
//! more of them there are.

use std::fmt;

use alloy_primitives::{Address, U256};
use rocksdb::DBRawIteratorWithThreadMode;

use crate::change_set::ChangeSet;
use crate::error::{DbError, DbResult};
use crate::records::AccountRecord;
use crate::schema;
use crate::snapshot::Snapshot;

type RawIterator<'a> = DBRawIteratorWithThreadMode<'a, rocksdb::DB>;

/// Blocks after the range whose change sets are read. What lies further behind the head searches the history for what comes after them.
const LATER_BLOCKS_MAX: u64 = 64;

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
    /// The change sets from `base + 1` on.
    sets: Vec<ChangeSet>,
    accounts: Changes<Address>,
    slots: Changes<(Address, U256)>,
    /// Where the change sets end before the head.
    beyond: Option<Beyond<'a>>,
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
    /// [`DbError::Corrupt`], also when the change set of a block after `base` is missing.
    pub fn past(&self, base: u64, last: u64) -> DbResult<PastReader<'_>> {
        self.past_knowing(base, last, LATER_BLOCKS_MAX)
    }

    fn past_knowing(&self, base: u64, last: u64, later_blocks_max: u64) -> DbResult<PastReader<'_>> {
        let head = self.head()?.block;
        let until = head.min(last.saturating_add(later_blocks_max));
        let sets = (base + 1..=until).map(|block| self.change_set(block)).collect::<DbResult<Vec<_>>>()?;
        let accounts = Changes::new(base, sets.iter().map(|set| set.accounts.as_slice()));
        let slots = Changes::new(base, sets.iter().map(|set| set.slots.as_slice()));
        let beyond = if until < head { Some(Beyond::new(self, until)?) } else { None };
        Ok(PastReader { snapshot: self, base, last, sets, accounts, slots, beyond })
    }
}

impl PastReader<'_> {
    /// What `block` changed; `None` outside of the range.
    pub fn change_set(&self, block: u64) -> Option<&ChangeSet> {
        let at = block.checked_sub(self.base)?.checked_sub(1)?;
        self.sets.get(usize::try_from(at).ok()?)
    }

    /// What an account was.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn account(&mut self, address: &Address) -> DbResult<Past<AccountRecord>> {
        let store = self.snapshot.store();
        let key = Key { history: schema::HISTORY_ACCOUNT, flat: schema::FLAT_ACCOUNT, bytes: address.as_slice() };
        let (view, beyond) = ((self.snapshot, self.last), self.beyond.as_mut());
        read(view, self.accounts.of(address), beyond, &key, |bytes| store.account_from(bytes))
    }

    /// What a slot was.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn slot(&mut self, address: &Address, slot: &U256) -> DbResult<Past<U256>> {
        let store = self.snapshot.store();
        let bytes = schema::slot_key(address, slot);
        let key = Key { history: schema::HISTORY_STORAGE, flat: schema::FLAT_STORAGE, bytes: &bytes };
        let (view, beyond) = ((self.snapshot, self.last), self.beyond.as_mut());
        read(view, self.slots.of(&(*address, *slot)), beyond, &key, |bytes| {
            U256::try_from_be_slice(bytes).ok_or_else(|| store.corrupt("a value of a slot is too long"))
        })
    }
}

/// Where a key's values are.
struct Key<'a> {
    history: &'static str,
    flat: &'static str,
    bytes: &'a [u8],
}

/// The values of a key in the blocks up to `last`, given the blocks that changed it, in order. An entry of the range that is missing is
/// left out, for the caller to miss it; one that is missing after the range is damage.
fn read<K, V>(
    (snapshot, last): (&Snapshot<'_>, u64),
    blocks: &[(K, u64)],
    beyond: Option<&mut Beyond<'_>>,
    key: &Key<'_>,
    parse: impl Fn(&[u8]) -> DbResult<V>,
) -> DbResult<Past<V>> {
    let mut changes = Vec::new();
    for (_, block) in blocks {
        let found = snapshot.get_pinned(key.history, &schema::history_key(key.bytes, *block))?;
        match found {
            Some(value) if *block > last => return Ok(Past { changes, last: parse(&value)? }),
            Some(value) => changes.push((*block, parse(&value)?)),
            None if *block > last => {
                let what = format!("{}: the value before block {block} is missing", key.history);
                return Err(snapshot.store().corrupt(what));
            }
            None => {}
        }
    }
    if let Some(beyond) = beyond
        && let Some(value) = beyond.next_change(snapshot, key)?
    {
        return Ok(Past { changes, last: parse(value)? });
    }
    let newest = snapshot.get_pinned(key.flat, key.bytes)?;
    Ok(Past { changes, last: parse(newest.as_deref().unwrap_or_default())? })
}

/// Which blocks changed which keys.
struct Changes<K> {
    /// Sorted by key and block.
    entries: Vec<(K, u64)>,
}

impl<K: Ord + Copy> Changes<K> {
    /// From the changed keys of the blocks after `base`.
    fn new<'a>(base: u64, blocks: impl Iterator<Item = &'a [K]>) -> Self
    where
        K: 'a,
    {
        let blocks = (base + 1..).zip(blocks);
        let mut entries: Vec<_> = blocks.flat_map(|(block, keys)| keys.iter().map(move |key| (*key, block))).collect();
        entries.sort_unstable();
        Self { entries }
    }

    /// The entries of a key, in the order of the blocks.
    fn of(&self, key: &K) -> &[(K, u64)] {
        let from = self.entries.partition_point(|(other, _)| other < key);
        let count = self.entries[from..].iter().take_while(|(other, _)| other == key).count();
        &self.entries[from..from + count]
    }
}

/// The history of the blocks after those whose change sets were read, by search. One iterator serves every key of a table: making one costs
/// more than moving it.
struct Beyond<'a> {
    until: u64,
    accounts: RawIterator<'a>,
    slots: RawIterator<'a>,
}

impl<'a> Beyond<'a> {
    fn new(snapshot: &'a Snapshot<'_>, until: u64) -> DbResult<Self> {
        let iterator = |family| Ok::<_, DbError>(snapshot.view().raw_iterator_cf(snapshot.store().family(family)?));
        let (accounts, slots) = (iterator(schema::HISTORY_ACCOUNT)?, iterator(schema::HISTORY_STORAGE)?);
        Ok(Self { until, accounts, slots })
    }

    /// What the first block that changed the key found.
    fn next_change(&mut self, snapshot: &Snapshot<'_>, key: &Key<'_>) -> DbResult<Option<&[u8]>> {
        let iterator = if key.history == schema::HISTORY_ACCOUNT { &mut self.accounts } else { &mut self.slots };
        iterator.seek(schema::history_key(key.bytes, self.until.saturating_add(1)));
        iterator.status().map_err(|error| snapshot.store().read_failed(key.history, error))?;
        let found = iterator.item();
        let is_of_key = |stored: &[u8]| schema::parse_history_key(stored).is_some_and(|(flat, _)| flat == key.bytes);
        Ok(found.filter(|(stored, _)| is_of_key(stored)).map(|(_, value)| value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::HeadRecord;
    use crate::store::Store;
    use rocksdb::WriteBatch;

    const ADDRESS: Address = Address::repeat_byte(1);
    const SLOT: U256 = U256::from_limbs([5, 0, 0, 0]);
    const HEAD: u64 = 12;
    /// The blocks that change each key, and what they find. Nothing, then these, then [`NEWEST`].
    const CHANGES: [(u64, u64); 3] = [(3, 0), (5, 30), (9, 50)];
    const NEWEST: u64 = 90;

    fn account(nonce: u64) -> AccountRecord {
        AccountRecord { nonce, ..AccountRecord::default() }
    }

    /// Keys that change in [`CHANGES`], and neighbours in the tables that must not be taken for them.
    fn open(path: &std::path::Path, change: impl FnOnce(&Store, &mut WriteBatch)) -> Store {
        let store = crate::test_support::open(path);
        let mut batch = WriteBatch::default();
        let keys = [(ADDRESS, SLOT), (ADDRESS, SLOT + U256::ONE), (Address::repeat_byte(2), SLOT)];
        for block in 0..=HEAD {
            let previous = CHANGES.iter().find(|(number, _)| *number == block).map(|(_, value)| *value);
            let mut set = ChangeSet { tree_depth: block, ..ChangeSet::default() };
            if let Some(previous) = previous {
                (set.accounts, set.slots) = (vec![ADDRESS, keys[2].0], keys.to_vec());
                for (address, slot) in keys {
                    store.put_storage_history(&mut batch, &address, &slot, block, &U256::from(previous)).unwrap();
                    store.put_account_history(&mut batch, &address, block, &account(previous)).unwrap();
                    store.put_storage(&mut batch, &address, &slot, &U256::from(NEWEST)).unwrap();
                    store.put_account(&mut batch, &address, &account(NEWEST)).unwrap();
                }
            }
            store.put_change_set(&mut batch, block, &set).unwrap();
        }
        store.put_head(&mut batch, &HeadRecord { block: HEAD, ..HeadRecord::default() }).unwrap();
        change(&store, &mut batch);
        store.write(batch).unwrap();
        store
    }

    #[test]
    fn a_key_has_what_each_block_of_the_range_found() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), |_, _| {});
        let snapshot = store.snapshot();
        // By change sets alone, and by searching the history from the end of the range on, or from one block later.
        for (later_blocks_max, (base, last, values)) in [u64::MAX, 0, 1].into_iter().flat_map(|later_blocks_max| {
            let ranges = [
                (0, 2, vec![(2, None)]),
                (2, 4, vec![(2, None), (3, Some(0)), (4, None)]),
                (2, 9, vec![(3, Some(0)), (5, Some(30)), (9, Some(50))]),
                (5, 8, vec![(5, None)]),
                (9, 12, vec![(9, None), (12, None)]),
            ];
            ranges.map(|range| (later_blocks_max, range))
        }) {
            let mut reader = snapshot.past_knowing(base, last, later_blocks_max).unwrap();
            let (slots, accounts) = (reader.slot(&ADDRESS, &SLOT).unwrap(), reader.account(&ADDRESS).unwrap());
            for (block, value) in values {
                assert_eq!(slots.before(block).copied(), value.map(U256::from), "slot, block {block}");
                assert_eq!(accounts.before(block).copied(), value.map(account), "account, block {block}");
            }
            for (block, slots, accounts) in
                [(base, slots.first(), accounts.first()), (last, slots.last(), accounts.last())]
            {
                assert_eq!(*slots, snapshot.storage_at(&ADDRESS, &SLOT, block).unwrap(), "slot after block {block}");
                assert_eq!(*accounts, snapshot.account_at(&ADDRESS, block).unwrap(), "account after block {block}");
            }
            assert_eq!(reader.change_set(base), None);
            assert_eq!(reader.change_set(last).unwrap().tree_depth, last);
        }
        let mut reader = snapshot.past(0, 9).unwrap();
        assert_eq!(reader.slot(&Address::repeat_byte(7), &SLOT).unwrap(), Past { changes: vec![], last: U256::ZERO });
        assert_eq!(*reader.account(&Address::ZERO).unwrap().last(), AccountRecord::default());
    }

    #[test]
    fn a_value_that_is_missing_in_the_range_is_left_out_and_one_after_it_is_damage() {
        let dir = tempfile::tempdir().unwrap();
        let key = schema::history_key(ADDRESS.as_slice(), 5);
        let store = open(dir.path(), |store, batch| store.delete(batch, schema::HISTORY_ACCOUNT, &key).unwrap());
        let snapshot = store.snapshot();
        let within = snapshot.past(0, 6).unwrap().account(&ADDRESS).unwrap();
        assert_eq!((within.before(3), within.before(5)), (Some(&account(0)), None));
        let error = snapshot.past(0, 4).unwrap().account(&ADDRESS).unwrap_err();
        assert_eq!(error.code(), "STATE_DB_CORRUPT");
    }

    #[test]
    fn a_value_that_is_no_word_is_damage() {
        let dir = tempfile::tempdir().unwrap();
        let key = schema::history_key(&schema::slot_key(&ADDRESS, &SLOT), 3);
        let store = open(dir.path(), |store, batch| store.put(batch, schema::HISTORY_STORAGE, &key, &[1; 33]).unwrap());
        let error = store.snapshot().past(0, 3).unwrap().slot(&ADDRESS, &SLOT).unwrap_err();
        assert_eq!(error.code(), "STATE_DB_CORRUPT");
    }
}
