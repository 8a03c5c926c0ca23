//! The newest committed state as the executor reads it: flat tables behind a cache.
//!
//! The cache is filled and refreshed only by whoever holds the open-block lock (execution and commit), so an entry is never older than the
//! tables. Reads for RPC go to the tables themselves.

use std::collections::HashMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256};
use quick_cache::sync::Cache;
use zkevm_executor::{AccountState, StateDiff, StateError, StateReader};
use zkevm_state_db::{DbError, Store};

use crate::commit::state_of;

/// Estimated memory of a cached account or slot, key and bookkeeping included.
const ENTRY_BYTES: usize = 200;
/// Codes kept: contracts in use are few, and each is at most 24 KiB.
const CODE_ENTRIES: usize = 1024;

/// Cached flat state.
pub(crate) struct FlatCache {
    accounts: Cache<Address, AccountState>,
    slots: Cache<(Address, U256), U256>,
    codes: Cache<B256, Bytes>,
}

impl FlatCache {
    /// A cache of about `bytes` bytes: a quarter for accounts, the rest for slots.
    pub(crate) fn new(bytes: usize) -> Self {
        let entries = (bytes / ENTRY_BYTES).max(1024);
        Self {
            accounts: Cache::new(entries / 4),
            slots: Cache::new(entries - entries / 4),
            codes: Cache::new(CODE_ENTRIES),
        }
    }

    /// Takes over what a committed block changed.
    pub(crate) fn apply(&self, diff: &StateDiff) {
        for account in &diff.accounts {
            self.accounts.insert(account.address, account.new);
        }
        for slot in &diff.storage {
            self.slots.insert((slot.address, slot.slot), slot.new);
        }
    }
}

/// The newest committed state.
#[derive(Clone)]
pub(crate) struct HeadReader {
    store: Arc<Store>,
    cache: Arc<FlatCache>,
}

impl HeadReader {
    /// Reads `store` through `cache`.
    pub(crate) const fn new(store: Arc<Store>, cache: Arc<FlatCache>) -> Self {
        Self { store, cache }
    }
}

impl StateReader for HeadReader {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        self.cache
            .accounts
            .get_or_insert_with(address, || Ok(state_of(&self.store.account(address).map_err(state_error)?)))
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        self.cache
            .slots
            .get_or_insert_with(&(*address, *slot), || self.store.storage(address, slot).map_err(state_error))
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        self.cache.codes.get_or_insert_with(hash, || self.store.code(hash).map_err(state_error))
    }
}

/// The state at the end of a block, from the change sets.
pub(crate) struct BlockReader {
    store: Arc<Store>,
    block: u64,
}

impl BlockReader {
    /// Reads the state at the end of `block`.
    pub(crate) const fn new(store: Arc<Store>, block: u64) -> Self {
        Self { store, block }
    }
}

impl StateReader for BlockReader {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        Ok(state_of(&self.store.account_at(address, self.block).map_err(state_error)?))
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        self.store.storage_at(address, slot, self.block).map_err(state_error)
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        self.store.code(hash).map_err(state_error)
    }
}

fn state_error(error: DbError) -> StateError {
    match error {
        DbError::Corrupt { what } => StateError::Corrupt(what),
        other => StateError::Backend(other.to_string()),
    }
}

/// The open block's changes over the newest committed state, for reads that must not wait for the block.
pub(crate) struct PendingReader {
    base: BlockReader,
    accounts: HashMap<Address, AccountState>,
    slots: HashMap<(Address, U256), U256>,
    codes: HashMap<B256, Bytes>,
}

impl PendingReader {
    /// `diff` over `base`.
    pub(crate) fn new(base: BlockReader, diff: StateDiff) -> Self {
        Self {
            base,
            accounts: diff.accounts.into_iter().map(|account| (account.address, account.new)).collect(),
            slots: diff.storage.into_iter().map(|slot| ((slot.address, slot.slot), slot.new)).collect(),
            codes: diff.codes.into_iter().collect(),
        }
    }
}

impl StateReader for PendingReader {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        self.accounts.get(address).map_or_else(|| self.base.account(address), |account| Ok(*account))
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        self.slots.get(&(*address, *slot)).map_or_else(|| self.base.storage(address, slot), |value| Ok(*value))
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        self.codes.get(hash).map_or_else(|| self.base.code(hash), |code| Ok(code.clone()))
    }
}
