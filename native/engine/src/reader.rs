//! The newest committed state as the executor reads it: flat tables behind a cache.
//!
//! The newest state is that after the newest sealed block, durable or not. The cache is filled and refreshed only by whoever holds the
//! open-block lock (execution and sealing), so an entry is never older than that; what it does not hold is looked for among the sealed
//! blocks, then in the tables. Reads for RPC go to the tables themselves, which hold durable blocks only.

use std::sync::Arc;

use alloy_primitives::map::HashMap;
use alloy_primitives::{Address, B256, Bytes, U256};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use zkevm_executor::{AccountState, StateDiff, StateError, StateReader};
use zkevm_state_db::{DbError, StatePin, Store};

use crate::ahead::{Ahead, SealedAhead};
use crate::commit::state_of;

/// Estimated memory of a cached account or slot, key and bookkeeping included.
const ENTRY_BYTES: usize = 200;
/// Codes get this part of the cache: contracts in use are few, and each is at most 24 KiB.
const CODE_PART: usize = 8;
/// Codes that the cache expects; only its bytes are limited.
const CODES_EXPECTED: usize = 1024;

/// Cached flat state.
pub(crate) struct FlatCache {
    accounts: Cache<Address, AccountState>,
    slots: Cache<(Address, U256), U256>,
    codes: Cache<B256, Bytes, CodeBytes>,
}

/// A code counts with its bytes.
#[derive(Clone)]
struct CodeBytes;

impl Weighter<B256, Bytes> for CodeBytes {
    fn weight(&self, _hash: &B256, code: &Bytes) -> u64 {
        (code.len() + ENTRY_BYTES) as u64
    }
}

/// What a [`FlatCache`] holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FlatCacheSize {
    /// Accounts, slots and codes.
    pub(crate) entries: u64,
    /// Estimated bytes.
    pub(crate) bytes: u64,
}

impl FlatCache {
    /// A cache of about `bytes` bytes: an eighth for codes, a quarter of the rest for accounts, the remainder for slots.
    pub(crate) fn new(bytes: usize) -> Self {
        let code_bytes = bytes / CODE_PART;
        let entries = ((bytes - code_bytes) / ENTRY_BYTES).max(1024);
        Self {
            accounts: Cache::new(entries / 4),
            slots: Cache::new(entries - entries / 4),
            codes: Cache::with_weighter(CODES_EXPECTED, code_bytes as u64, CodeBytes),
        }
    }

    /// What it holds.
    pub(crate) fn size(&self) -> FlatCacheSize {
        let values = (self.accounts.len() + self.slots.len()) as u64;
        FlatCacheSize {
            entries: values + self.codes.len() as u64,
            bytes: values * ENTRY_BYTES as u64 + self.codes.weight(),
        }
    }

    /// An account if it is here.
    pub(crate) fn account(&self, address: &Address) -> Option<AccountState> {
        self.accounts.get(address)
    }

    /// A slot if it is here.
    pub(crate) fn slot(&self, address: &Address, slot: &U256) -> Option<U256> {
        self.slots.get(&(*address, *slot))
    }

    /// A code if it is here.
    pub(crate) fn code(&self, hash: &B256) -> Option<Bytes> {
        self.codes.get(hash)
    }

    /// Forgets everything: blocks whose changes it took over are not to be.
    pub(crate) fn clear(&self) {
        self.accounts.clear();
        self.slots.clear();
        self.codes.clear();
    }

    /// Takes over what a sealed block changed.
    pub(crate) fn apply(&self, diff: &StateDiff) {
        for account in &diff.accounts {
            self.accounts.insert(account.address, account.new);
        }
        for slot in &diff.storage {
            self.slots.insert((slot.address, slot.slot), slot.new);
        }
    }
}

/// The state after the newest sealed block.
#[derive(Clone)]
pub(crate) struct HeadReader {
    store: Arc<Store>,
    cache: Arc<FlatCache>,
    ahead: Arc<Ahead>,
}

impl HeadReader {
    /// Reads what is sealed over `store`, through `cache`.
    pub(crate) const fn new(store: Arc<Store>, cache: Arc<FlatCache>, ahead: Arc<Ahead>) -> Self {
        Self { store, cache, ahead }
    }
}

impl StateReader for HeadReader {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        self.cache.accounts.get_or_insert_with(address, || match self.ahead.account(address) {
            Some(account) => Ok(account),
            None => Ok(state_of(&self.store.account(address).map_err(state_error)?)),
        })
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        self.cache.slots.get_or_insert_with(&(*address, *slot), || match self.ahead.storage(address, slot) {
            Some(value) => Ok(value),
            None => self.store.storage(address, slot).map_err(state_error),
        })
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        self.cache.codes.get_or_insert_with(hash, || match self.ahead.code(hash) {
            Some(code) => Ok(code),
            None => self.store.code(hash).map_err(state_error),
        })
    }
}

/// The state at the end of a block, from the change sets.
pub(crate) struct BlockReader(StatePin);

impl BlockReader {
    /// Reads the state that `pin` keeps.
    pub(crate) const fn new(pin: StatePin) -> Self {
        Self(pin)
    }
}

impl StateReader for BlockReader {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        Ok(state_of(&self.0.account(address).map_err(state_error)?))
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        self.0.storage(address, slot).map_err(state_error)
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        self.0.store().code(hash).map_err(state_error)
    }
}

/// A failure of the store as the executor names it.
pub(crate) fn state_error(error: DbError) -> StateError {
    match error {
        DbError::Corrupt { what } => StateError::Corrupt(what),
        other => StateError::Backend(other.to_string()),
    }
}

/// The changes of the sealed blocks and of the open one over a durable state, for reads that must not wait for the block.
pub(crate) struct PendingReader {
    base: BlockReader,
    accounts: HashMap<Address, AccountState>,
    slots: HashMap<(Address, U256), U256>,
    codes: HashMap<B256, Bytes>,
}

impl PendingReader {
    /// The sealed blocks, oldest first, and the open block's `diff`, over `base`.
    pub(crate) fn new(base: BlockReader, sealed: &[Arc<SealedAhead>], diff: &StateDiff) -> Self {
        let mut reader =
            Self { base, accounts: HashMap::default(), slots: HashMap::default(), codes: HashMap::default() };
        sealed.iter().map(|block| &block.diff).chain([diff]).for_each(|diff| reader.apply(diff));
        reader
    }

    fn apply(&mut self, diff: &StateDiff) {
        self.accounts.extend(diff.accounts.iter().map(|account| (account.address, account.new)));
        self.slots.extend(diff.storage.iter().map(|slot| ((slot.address, slot.slot), slot.new)));
        self.codes.extend(diff.codes.iter().cloned());
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
