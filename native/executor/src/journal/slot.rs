//! Storage slots of the open block: reading, writing and warming them.

use super::account::JournaledAccount;
use super::{Journal, StateRead, Undo};
use crate::{StateError, StateReader};
use alloy_primitives::{Address, U256};
use std::collections::hash_map::Entry as MapEntry;

/// A storage slot, over the whole block.
#[derive(Debug)]
pub(super) struct Slot {
    /// Value when the block first read it.
    pub(super) loaded: U256,
    /// Value at the start of the transaction `tx`.
    original: U256,
    pub(super) present: U256,
    /// The transaction that last accessed the slot.
    tx: u64,
    pub(super) is_warm: bool,
}

/// The result of a storage access.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotAccess {
    pub(crate) original: U256,
    pub(crate) present: U256,
    pub(crate) is_cold: bool,
}

impl<S: StateReader> Journal<S> {
    /// The account's slot, loaded and up to date with the transaction.
    pub(super) fn slot<'a>(
        account: &'a mut JournaledAccount,
        reader: &S,
        tx: u64,
        reads: Option<&mut Vec<StateRead>>,
        (address, key): (Address, U256),
    ) -> Result<&'a mut Slot, StateError> {
        let slot = match account.slots.entry(key) {
            MapEntry::Occupied(entry) => entry.into_mut(),
            MapEntry::Vacant(entry) => {
                let value = reader.storage(&address, &key)?;
                entry.insert(Slot { loaded: value, original: value, present: value, tx: 0, is_warm: false })
            }
        };
        if slot.tx != tx {
            slot.tx = tx;
            slot.original = slot.present;
            slot.is_warm = false;
            if let Some(reads) = reads {
                reads.push(StateRead::Storage(address, key, slot.present));
            }
        }
        Ok(slot)
    }

    /// Reads a slot and warms it; with `new`, also writes it. With `skip_cold`, a cold slot is left
    /// alone and gives none.
    #[inline]
    pub(crate) fn access_slot(
        &mut self,
        address: Address,
        key: U256,
        new: Option<U256>,
        skip_cold: bool,
    ) -> Result<Option<SlotAccess>, StateError> {
        // The account of a running frame is loaded.
        if !self.accounts.contains_key(&address) {
            self.account(address)?;
        }
        let Some(account) = self.accounts.get_mut(&address) else { return Ok(None) };
        if skip_cold && account.slots.get(&key).is_none_or(|slot| slot.tx != self.tx || !slot.is_warm) {
            return Ok(None);
        }
        let reads = self.records_reads.then_some(&mut self.reads);
        let slot = Self::slot(account, &self.reader, self.tx, reads, (address, key))?;
        let access = SlotAccess { original: slot.original, present: slot.present, is_cold: !slot.is_warm };
        if access.is_cold {
            slot.is_warm = true;
            self.undo.push(Undo::WarmSlot(address, key));
        }
        if let Some(new) = new.filter(|new| *new != access.present) {
            slot.present = new;
            self.undo.push(Undo::Storage(address, key, access.present));
        }
        Ok(Some(access))
    }

    /// Reads a slot outside the EVM: no warming.
    pub(crate) fn read_slot(&mut self, address: Address, key: U256) -> Result<U256, StateError> {
        let tx = self.tx;
        self.account(address)?;
        let Some(account) = self.accounts.get_mut(&address) else { return Ok(U256::ZERO) };
        let reads = self.records_reads.then_some(&mut self.reads);
        Ok(Self::slot(account, &self.reader, tx, reads, (address, key))?.present)
    }

    /// Writes a slot outside the EVM: no warming, not to be undone with a frame.
    pub(crate) fn write_slot(&mut self, address: Address, key: U256, value: U256) -> Result<(), StateError> {
        let old = self.read_slot(address, key)?;
        let slot = self.accounts.get_mut(&address).and_then(|account| account.slots.get_mut(&key));
        if let Some(slot) = slot.filter(|_| old != value) {
            slot.present = value;
            self.undo.push(Undo::Storage(address, key, old));
        }
        Ok(())
    }
}
