//! Which keys each L2 block changed: the index by block of the change sets in [`crate::history`], which are filed by key.
//!
//! Whoever needs all that changed since a block (an old state tree, unwinding, pruning) walks these records from there to the head.

use alloy_primitives::{Address, U256};
use rocksdb::WriteBatch;

use crate::error::{DbError, DbResult};
use crate::schema;
use crate::store::Store;

/// First byte of the encoding.
const VERSION: u8 = 1;
/// Version, tree depth, number of accounts.
const HEAD_BYTES: usize = 1 + 8 + 4;
const ADDRESS_BYTES: usize = 20;
const SLOT_BYTES: usize = 52;

/// What one L2 block changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// Running maximum of path lengths in the state tree after the block ([`crate::records::HeadRecord::tree_depth`]).
    pub tree_depth: u64,
    /// Accounts whose record changed.
    pub accounts: Vec<Address>,
    /// Slots whose value changed.
    pub slots: Vec<(Address, U256)>,
}

impl ChangeSet {
    /// Number of changed keys.
    pub const fn len(&self) -> usize {
        self.accounts.len() + self.slots.len()
    }

    /// Whether nothing changed.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn to_bytes(&self) -> Vec<u8> {
        let size = HEAD_BYTES + ADDRESS_BYTES * self.accounts.len() + SLOT_BYTES * self.slots.len();
        let mut out = Vec::with_capacity(size);
        out.push(VERSION);
        out.extend_from_slice(&self.tree_depth.to_be_bytes());
        out.extend_from_slice(&(self.accounts.len() as u32).to_be_bytes());
        for address in &self.accounts {
            out.extend_from_slice(address.as_slice());
        }
        for (address, slot) in &self.slots {
            out.extend_from_slice(&schema::slot_key(address, slot));
        }
        out
    }

    /// Reads a stored record.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] on another version or length.
    pub(crate) fn from_bytes(bytes: &[u8]) -> DbResult<Self> {
        let corrupt = |what: &str| DbError::corrupt(format!("change set: {what}"));
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES).ok_or_else(|| corrupt("too short"))?;
        if head[0] != VERSION {
            return Err(corrupt("unknown version"));
        }
        let tree_depth = u64::from_be_bytes(std::array::from_fn(|i| head[1 + i]));
        let count = u32::from_be_bytes(std::array::from_fn(|i| head[9 + i])) as usize;
        let split = count.checked_mul(ADDRESS_BYTES).and_then(|at| rest.split_at_checked(at));
        let (accounts, slots) = split.ok_or_else(|| corrupt("fewer accounts than it says"))?;
        if !slots.len().is_multiple_of(SLOT_BYTES) {
            return Err(corrupt("a slot is cut off"));
        }
        Ok(Self {
            tree_depth,
            accounts: accounts.chunks_exact(ADDRESS_BYTES).map(Address::from_slice).collect(),
            slots: slots
                .chunks_exact(SLOT_BYTES)
                .map(|key| (Address::from_slice(&key[..ADDRESS_BYTES]), U256::from_be_slice(&key[ADDRESS_BYTES..])))
                .collect(),
        })
    }
}

impl Store {
    /// Records what `block` changed.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_change_set(&self, batch: &mut WriteBatch, block: u64, changes: &ChangeSet) -> DbResult<()> {
        self.put(batch, schema::CHANGE_SET, &schema::number_key(block), &changes.to_bytes())
    }

    /// What `block` changed; `None` when that was not recorded or is pruned.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn change_set(&self, block: u64) -> DbResult<Option<ChangeSet>> {
        self.get(schema::CHANGE_SET, &schema::number_key(block))?
            .map(|bytes| ChangeSet::from_bytes(&bytes).map_err(|error| self.stopping(error)))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_set_decodes_to_what_was_encoded() {
        let changes = ChangeSet {
            tree_depth: 17,
            accounts: vec![Address::repeat_byte(1), Address::repeat_byte(2)],
            slots: vec![(Address::repeat_byte(3), U256::MAX), (Address::repeat_byte(3), U256::ZERO)],
        };
        let bytes = changes.to_bytes();
        assert_eq!(ChangeSet::from_bytes(&bytes).unwrap(), changes);
        assert_eq!(ChangeSet::from_bytes(&ChangeSet::default().to_bytes()).unwrap(), ChangeSet::default());
        for cut in 0..bytes.len() {
            // Without slots the record is one of fewer slots.
            let is_shorter_record = cut >= HEAD_BYTES + 40 && (cut - HEAD_BYTES - 40).is_multiple_of(SLOT_BYTES);
            assert_eq!(ChangeSet::from_bytes(&bytes[..cut]).is_ok(), is_shorter_record, "cut at {cut}");
        }
    }
}
