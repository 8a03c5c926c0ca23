//! The open block's view of the state: what was read and written since the block was opened, with an
//! undo log for frames and for whole transactions.
//!
//! Nothing is ever destroyed: an account is nothing but its leaves, and an empty one may own storage.

use crate::code::code_of;
use crate::{AccountDiff, AccountState, StateDiff, StateError, StateReader, StorageDiff};
use alloy_primitives::map::{AddressMap, B256Map, U256Map};
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use revm::bytecode::Bytecode;
use revm::state::AccountInfo;
use std::collections::hash_map::Entry as MapEntry;
use zkevm_state_tree::poseidon::linear_hash;

mod footprint;

pub(crate) use footprint::Footprint;

/// A value a transaction read before writing it, if it wrote it at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateRead {
    /// An account's leaves.
    Account(Address, AccountState),
    /// A storage slot.
    Storage(Address, U256, U256),
}

/// A point to go back to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Checkpoint {
    undo: usize,
    logs: usize,
}

#[derive(Debug)]
struct Slot {
    /// Value when the block first read it.
    loaded: U256,
    /// Value at the start of the transaction `tx`.
    original: U256,
    present: U256,
    /// The transaction that last accessed the slot.
    tx: u64,
    is_warm: bool,
}

#[derive(Debug)]
pub(crate) struct JournaledAccount {
    /// `code_hash` is the linear Poseidon hash, zero without code; `code` is set once needed.
    pub(crate) info: AccountInfo,
    pub(crate) code_length: u64,
    loaded: AccountState,
    /// The transaction that last accessed the account.
    seen_tx: u64,
    /// The transaction in which the account is warm.
    warm_tx: u64,
    /// The last transaction that could tell the balance, or whether there is one.
    shown_tx: u64,
    slots: U256Map<Slot>,
}

impl JournaledAccount {
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

#[derive(Clone, Copy, Debug)]
enum Undo {
    Balance(Address, U256),
    Nonce(Address, u64),
    /// Code is only ever set where there was none.
    Code(Address),
    Storage(Address, U256, U256),
    WarmAccount(Address),
    WarmSlot(Address, U256),
}

/// The result of a storage access.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotAccess {
    pub(crate) original: U256,
    pub(crate) present: U256,
    pub(crate) is_cold: bool,
}

/// The overlay of one open block over a state.
#[derive(Debug)]
pub(crate) struct Journal<S> {
    pub(crate) reader: S,
    accounts: AddressMap<JournaledAccount>,
    undo: Vec<Undo>,
    pub(crate) logs: Vec<Log>,
    /// Number of the transaction, from 1; never given out twice.
    tx: u64,
    reads: Vec<StateRead>,
    records_reads: bool,
    deployed: B256Map<Bytes>,
}

impl<S: StateReader> Journal<S> {
    pub(crate) fn new(reader: S, records_reads: bool) -> Self {
        Self {
            reader,
            accounts: AddressMap::default(),
            undo: Vec::new(),
            logs: Vec::new(),
            tx: 0,
            reads: Vec::new(),
            records_reads,
            deployed: B256Map::default(),
        }
    }

    /// Starts a transaction: nothing is warm, and nothing before it can be undone any more.
    pub(crate) fn begin_transaction(&mut self) {
        self.tx += 1;
        self.undo.clear();
        self.logs.clear();
        self.reads.clear();
    }

    /// Undoes the whole transaction.
    pub(crate) fn rollback_transaction(&mut self) {
        self.revert(Checkpoint::default());
        self.reads.clear();
    }

    pub(crate) fn take_logs(&mut self) -> Vec<Log> {
        core::mem::take(&mut self.logs)
    }

    pub(crate) fn take_reads(&mut self) -> Vec<StateRead> {
        core::mem::take(&mut self.reads)
    }

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
    fn deploy_hashed(&mut self, address: Address, code: &Bytes, hash: B256) -> Result<(), StateError> {
        let account = self.account(address)?;
        account.info.code_hash = hash;
        account.info.code = Some(crate::code::prepare(code));
        account.code_length = code.len() as u64;
        self.undo.push(Undo::Code(address));
        self.deployed.entry(hash).or_insert_with(|| code.clone());
        Ok(())
    }

    /// The code of a hash, deployed here or known to the state.
    pub(crate) fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        self.deployed.get(hash).map_or_else(|| self.reader.code(hash), |code| Ok(code.clone()))
    }

    /// From now on notes what is read.
    pub(crate) const fn record_reads(&mut self) {
        self.records_reads = true;
    }

    /// The account's slot, loaded and up to date with the transaction.
    fn slot<'a>(
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

    /// Accounts whose leaves (not slots) the running or last transaction changed at any time.
    pub(crate) fn changed_accounts(&self) -> impl Iterator<Item = Address> + '_ {
        self.undo.iter().filter_map(|undo| match undo {
            Undo::Balance(address, _) | Undo::Nonce(address, _) | Undo::Code(address) => Some(*address),
            Undo::Storage(..) | Undo::WarmAccount(_) | Undo::WarmSlot(..) => None,
        })
    }

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
