//! Accounts of the open block: loading and warming them, balances, nonces, code.

use super::slot::Slot;
use super::{Journal, StateRead, Undo};
use crate::code::code_of;
use crate::{AccountState, StateError, StateReader};
use alloy_primitives::map::U256Map;
use alloy_primitives::{Address, B256, Bytes, U256};
use revm::bytecode::Bytecode;
use revm::state::AccountInfo;
use std::collections::hash_map::Entry as MapEntry;
use zkevm_state_tree::poseidon::linear_hash;

#[derive(Debug)]
pub(crate) struct JournaledAccount {
    /// `code_hash` is the linear Poseidon hash, zero without code; `code` is set once needed.
    pub(crate) info: AccountInfo,
    pub(crate) code_length: u64,
    pub(super) loaded: AccountState,
    /// The transaction that last accessed the account.
    pub(super) seen_tx: u64,
    /// The transaction in which the account is warm.
    pub(super) warm_tx: u64,
    /// The last transaction that could tell the balance, or whether there is one.
    pub(super) shown_tx: u64,
    pub(super) slots: U256Map<Slot>,
}

impl JournaledAccount {
    #[inline]
    fn new(state: AccountState) -> Self {
        let info = AccountInfo {
            balance: state.balance,
            nonce: state.nonce,
            code_hash: state.code_hash,
            code: None,
            account_id: None,
        };
        Self {
            info,
            code_length: state.code_length,
            loaded: state,
            seen_tx: 0,
            warm_tx: 0,
            shown_tx: 0,
            slots: U256Map::default(),
        }
    }

    /// Loads the code that the hash names.
    fn load_code(&mut self, reader: &impl StateReader) -> Result<(), StateError> {
        self.info.code = Some(if self.info.code_hash.is_zero() {
            Bytecode::default()
        } else {
            code_of(&self.info.code_hash, reader)?
        });
        Ok(())
    }

    #[inline]
    pub(crate) fn state(&self) -> AccountState {
        AccountState {
            nonce: self.info.nonce,
            balance: self.info.balance,
            code_hash: self.info.code_hash,
            code_length: self.code_length,
        }
    }
}

/// How closely a transaction looks at an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It warms it.
    Warm,
    /// It is shown its leaves, the code hash in place of the code.
    Leaves,
    /// It is given the code and told whether the account is empty.
    Code,
}

impl<S: StateReader> Journal<S> {
    /// The account, loaded if need be. Neither warms nor needs it to be warm.
    pub(crate) fn account(&mut self, address: Address) -> Result<&mut JournaledAccount, StateError> {
        let account = match self.accounts.entry(address) {
            MapEntry::Occupied(entry) => entry.into_mut(),
            MapEntry::Vacant(entry) => entry.insert(JournaledAccount::new(self.reader.account(&address)?)),
        };
        if self.records_reads && account.seen_tx != self.tx {
            account.seen_tx = self.tx;
            self.reads.push(StateRead::Account(address, account.state()));
        }
        Ok(account)
    }

    pub(crate) fn is_cold(&self, address: &Address) -> bool {
        self.accounts.get(address).is_none_or(|account| account.warm_tx != self.tx)
    }

    /// Warms the account unless it is warm by nature and says whether it was cold, with the account.
    /// With `skip_cold`, a cold account is left alone and gives none.
    #[inline]
    pub(crate) fn access_account(
        &mut self,
        address: Address,
        is_always_warm: bool,
        look: Look,
        skip_cold: bool,
    ) -> Result<Option<(&JournaledAccount, bool)>, StateError> {
        let account = match self.accounts.entry(address) {
            MapEntry::Occupied(entry) => entry.into_mut(),
            MapEntry::Vacant(_) if skip_cold && !is_always_warm => return Ok(None),
            MapEntry::Vacant(entry) => entry.insert(JournaledAccount::new(self.reader.account(&address)?)),
        };
        let is_cold = !is_always_warm && account.warm_tx != self.tx;
        if is_cold && skip_cold {
            return Ok(None);
        }
        if self.records_reads {
            if account.seen_tx != self.tx {
                account.seen_tx = self.tx;
                self.reads.push(StateRead::Account(address, account.state()));
            }
            // With a nonce or code an account is not empty, whatever its balance.
            let may_be_empty = account.info.nonce == 0 && account.info.code_hash.is_zero();
            if look == Look::Leaves || (look == Look::Code && may_be_empty) {
                account.shown_tx = self.tx;
            }
        }
        if is_cold {
            account.warm_tx = self.tx;
            self.undo.push(Undo::WarmAccount(address));
        }
        if look == Look::Code && account.info.code.is_none() {
            account.load_code(&self.reader)?;
        }
        Ok(Some((account, is_cold)))
    }

    /// The balance of an account, for a decision that depends on it.
    pub(crate) fn show_balance(&mut self, address: Address) -> Result<U256, StateError> {
        let tx = self.tx;
        let account = self.account(address)?;
        account.shown_tx = tx;
        Ok(account.info.balance)
    }

    /// Takes the gas purchase from the sender and counts its nonce up.
    pub(crate) fn buy_gas(&mut self, address: Address, purchase: U256) -> Result<(), StateError> {
        let info = &mut self.account(address)?.info;
        let (nonce, balance) = (info.nonce, info.balance);
        info.nonce = nonce.wrapping_add(1);
        info.balance = balance.wrapping_sub(purchase);
        self.undo.push(Undo::Nonce(address, nonce));
        self.undo.push(Undo::Balance(address, balance));
        Ok(())
    }

    pub(crate) fn set_balance(&mut self, address: Address, balance: U256) -> Result<(), StateError> {
        let old = core::mem::replace(&mut self.account(address)?.info.balance, balance);
        if old != balance {
            self.undo.push(Undo::Balance(address, old));
        }
        Ok(())
    }

    /// Adds to a balance, wrapping as the ROM does.
    pub(crate) fn add_balance(&mut self, address: Address, amount: U256) -> Result<(), StateError> {
        if amount.is_zero() {
            return Ok(());
        }
        let balance = &mut self.account(address)?.info.balance;
        let old = core::mem::replace(balance, balance.wrapping_add(amount));
        self.undo.push(Undo::Balance(address, old));
        Ok(())
    }

    /// Moves `amount`, which `from` must have.
    pub(crate) fn transfer(&mut self, from: Address, to: Address, amount: U256) -> Result<(), StateError> {
        if amount.is_zero() || from == to {
            return Ok(());
        }
        self.add_balance(from, amount.wrapping_neg())?;
        self.add_balance(to, amount)
    }

    pub(crate) fn set_nonce(&mut self, address: Address, nonce: u64) -> Result<(), StateError> {
        let old = core::mem::replace(&mut self.account(address)?.info.nonce, nonce);
        self.undo.push(Undo::Nonce(address, old));
        Ok(())
    }

    /// Sets the code of an account without code.
    pub(crate) fn deploy(&mut self, address: Address, code: &Bytes) -> Result<(), StateError> {
        self.deploy_hashed(address, code, linear_hash(code).to_b256())
    }

    /// As [`Self::deploy`], the code's hash being known.
    pub(super) fn deploy_hashed(&mut self, address: Address, code: &Bytes, hash: B256) -> Result<(), StateError> {
        let account = self.account(address)?;
        account.info.code_hash = hash;
        account.info.code = Some(crate::code::prepare(code));
        account.code_length = code.len() as u64;
        self.undo.push(Undo::Code(address));
        self.deployed.entry(hash).or_insert_with(|| code.clone());
        Ok(())
    }
}
