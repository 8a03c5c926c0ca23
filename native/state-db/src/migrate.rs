//! Databases of older formats are brought up to date when they are opened. Each step can be cut off at any point and done again.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use rocksdb::WriteBatch;

use crate::change_set::ChangeSet;
use crate::error::DbResult;
use crate::schema::{self, FORMAT_VERSION, meta};
use crate::store::Store;

/// Changed keys that are collected before they are written.
const KEYS_MAX: usize = 500_000;
const ADDRESS_BYTES: usize = 20;
const SLOT_KEY_BYTES: usize = 52;

impl Store {
    /// Brings a database of format `found` to today's.
    pub(crate) fn migrate(&self, found: u32) -> DbResult<()> {
        if found < 2 {
            self.index_history()?;
        }
        // Format 3 only adds to records.
        let mut batch = WriteBatch::default();
        self.put(&mut batch, schema::META, meta::FORMAT, &FORMAT_VERSION.to_be_bytes())?;
        self.write(batch)
    }

    /// Format 1 had previous values by key, but no list of the keys that each block changed. The depth of the tree after each block was not
    /// recorded either: the present one is at least as large, and must never be estimated too low.
    fn index_history(&self) -> DbResult<()> {
        let Some(head) = self.head()? else { return Ok(()) };
        let mut batch = WriteBatch::default();
        // Also clears what an earlier, unfinished run has written.
        for block in 0..=head.block {
            let empty = ChangeSet { tree_depth: head.tree_depth, ..ChangeSet::default() };
            self.put_change_set(&mut batch, block, &empty)?;
        }
        self.write(batch)?;
        let mut by_block: BTreeMap<u64, ChangeSet> = BTreeMap::new();
        let mut count = 0;
        for family in [schema::HISTORY_ACCOUNT, schema::HISTORY_STORAGE] {
            for item in self.scan(family, &[])? {
                let (key, _) = item?;
                let (flat, block) = schema::parse_history_key(&key).ok_or_else(|| self.corrupt(family))?;
                let changes = by_block.entry(block).or_default();
                match flat.len() {
                    ADDRESS_BYTES => changes.accounts.push(Address::from_slice(flat)),
                    SLOT_KEY_BYTES => {
                        let (address, slot) = flat.split_at(ADDRESS_BYTES);
                        changes.slots.push((Address::from_slice(address), U256::from_be_slice(slot)));
                    }
                    _ => return Err(self.corrupt(family)),
                }
                count += 1;
                if count == KEYS_MAX {
                    self.extend_change_sets(&mut by_block)?;
                    count = 0;
                }
            }
        }
        self.extend_change_sets(&mut by_block)
    }

    fn extend_change_sets(&self, by_block: &mut BTreeMap<u64, ChangeSet>) -> DbResult<()> {
        let mut batch = WriteBatch::default();
        for (block, more) in std::mem::take(by_block) {
            let mut changes = self.change_set(block)?.unwrap_or_default();
            changes.accounts.extend(more.accounts);
            changes.slots.extend(more.slots);
            self.put_change_set(&mut batch, block, &changes)?;
        }
        self.write(batch)
    }
}

#[cfg(test)]
#[path = "migrate_test.rs"]
mod tests;
