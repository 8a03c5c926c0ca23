//! What a transaction, or the block, has changed.

use super::account::JournaledAccount;
use super::{Journal, StateRead};
use crate::{AccountDiff, AccountState, StateDiff, StateReader, StorageDiff};
use alloy_primitives::Address;

impl<S: StateReader> Journal<S> {
    /// What a transaction left changed, of what it read: the same keys with their present values.
    pub(crate) fn present_values(&self, reads: &[StateRead]) -> Vec<StateRead> {
        let mut writes = Vec::new();
        for read in reads {
            match read {
                StateRead::Account(address, old) => {
                    let now = self.accounts.get(address).map(JournaledAccount::state);
                    if let Some(now) = now.filter(|now| now != old) {
                        writes.push(StateRead::Account(*address, now));
                    }
                }
                StateRead::Storage(address, key, old) => {
                    let slot = self.accounts.get(address).and_then(|account| account.slots.get(key));
                    if let Some(slot) = slot.filter(|slot| slot.present != *old) {
                        writes.push(StateRead::Storage(*address, *key, slot.present));
                    }
                }
            }
        }
        writes
    }

    /// The account before the block and now; nothing when the block has not looked at it.
    pub(crate) fn account_change(&self, address: &Address) -> Option<(AccountState, AccountState)> {
        self.accounts.get(address).map(|account| (account.loaded, account.state()))
    }

    /// Everything that differs from the state below.
    pub(crate) fn diff(&self) -> StateDiff {
        let mut diff = StateDiff::default();
        for (&address, account) in &self.accounts {
            let new = account.state();
            if new != account.loaded {
                if new.code_hash != account.loaded.code_hash
                    && let Some(code) = self.deployed.get(&new.code_hash)
                {
                    diff.codes.push((new.code_hash, code.clone()));
                }
                diff.accounts.push(AccountDiff { address, old: account.loaded, new });
            }
            for (key, slot) in &account.slots {
                if slot.present != slot.loaded {
                    diff.storage.push(StorageDiff { address, slot: *key, old: slot.loaded, new: slot.present });
                }
            }
        }
        diff.accounts.sort_unstable_by_key(|account| account.address);
        diff.storage.sort_unstable_by_key(|slot| (slot.address, slot.slot));
        diff.codes.sort_unstable_by_key(|(hash, _)| *hash);
        diff.codes.dedup_by_key(|(hash, _)| *hash);
        diff
    }
}
