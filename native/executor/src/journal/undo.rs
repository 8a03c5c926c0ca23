//! The undo log of the running transaction: going back to a checkpoint, and what it has changed at any time.

use super::Journal;
use crate::{StateError, StateReader};
use alloy_primitives::{Address, B256, U256};

/// A point to go back to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Checkpoint {
    undo: usize,
    logs: usize,
}

/// How to undo one change.
#[derive(Clone, Copy, Debug)]
pub(super) enum Undo {
    Balance(Address, U256),
    Nonce(Address, u64),
    /// Code is only ever set where there was none.
    Code(Address),
    Storage(Address, U256, U256),
    WarmAccount(Address),
    WarmSlot(Address, U256),
}

impl<S: StateReader> Journal<S> {
    pub(crate) const fn checkpoint(&self) -> Checkpoint {
        Checkpoint { undo: self.undo.len(), logs: self.logs.len() }
    }

    pub(crate) fn revert(&mut self, checkpoint: Checkpoint) {
        self.logs.truncate(checkpoint.logs);
        while self.undo.len() > checkpoint.undo {
            let Some(undo) = self.undo.pop() else { break };
            self.undo_one(undo);
        }
    }

    fn undo_one(&mut self, undo: Undo) {
        let address = match undo {
            Undo::Balance(address, _)
            | Undo::Nonce(address, _)
            | Undo::Code(address)
            | Undo::Storage(address, _, _)
            | Undo::WarmAccount(address)
            | Undo::WarmSlot(address, _) => address,
        };
        // Only loaded accounts get undo entries, and accounts stay loaded.
        let Some(account) = self.accounts.get_mut(&address) else { return };
        match undo {
            Undo::Balance(_, old) => account.info.balance = old,
            Undo::Nonce(_, old) => account.info.nonce = old,
            Undo::Code(_) => {
                account.info.code_hash = B256::ZERO;
                account.info.code = None;
                account.code_length = 0;
            }
            Undo::Storage(_, slot, old) => {
                if let Some(slot) = account.slots.get_mut(&slot) {
                    slot.present = old;
                }
            }
            Undo::WarmAccount(_) => account.warm_tx = 0,
            Undo::WarmSlot(_, slot) => {
                if let Some(slot) = account.slots.get_mut(&slot) {
                    slot.is_warm = false;
                }
            }
        }
    }

    /// The balance of an account when the running transaction began.
    pub(crate) fn balance_before(&mut self, address: Address) -> Result<U256, StateError> {
        let first = self.undo.iter().find_map(|undo| match undo {
            Undo::Balance(of, before) if *of == address => Some(*before),
            _ => None,
        });
        match first {
            Some(before) => Ok(before),
            None => Ok(self.account(address)?.info.balance),
        }
    }

    /// Accounts whose leaves (not slots) the running or last transaction changed at any time.
    pub(crate) fn changed_accounts(&self) -> impl Iterator<Item = Address> + '_ {
        self.undo.iter().filter_map(|undo| match undo {
            Undo::Balance(address, _) | Undo::Nonce(address, _) | Undo::Code(address) => Some(*address),
            Undo::Storage(..) | Undo::WarmAccount(_) | Undo::WarmSlot(..) => None,
        })
    }
}
