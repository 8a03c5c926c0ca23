//! A state in memory over a whole tree: for vectors, genesis files and tests.

use crate::{AccountState, BatchState, StateDiff, StateError, StateReader};
use alloy_primitives::map::B256Map;
use alloy_primitives::{Address, B256, Bytes, U256};
use zkevm_state_tree::keys::{self, KeySource};
use zkevm_state_tree::poseidon::linear_hash;
use zkevm_state_tree::{H4, MemoryTree};

/// A state whose tree is in memory and which is read by computed keys.
#[derive(Clone, Debug, Default)]
pub struct MemoryState {
    tree: MemoryTree,
    codes: B256Map<Bytes>,
}

/// An account as genesis files describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GenesisAccount {
    /// Address.
    pub address: Address,
    /// Nonce.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// Code.
    pub code: Bytes,
    /// Storage.
    pub storage: Vec<(U256, U256)>,
}

impl MemoryState {
    /// A state of these leaves and codes (by linear Poseidon hash).
    pub fn from_leaves(
        leaves: impl IntoIterator<Item = (H4, U256)>,
        codes: impl IntoIterator<Item = (B256, Bytes)>,
    ) -> Self {
        Self { tree: MemoryTree::from_leaves(leaves), codes: codes.into_iter().collect() }
    }

    /// The state of a genesis file.
    #[must_use]
    pub fn from_genesis(accounts: &[GenesisAccount]) -> Self {
        let mut sources = Vec::new();
        let mut values = Vec::new();
        let mut codes = B256Map::default();
        for account in accounts {
            let mut push = |source: KeySource, value: U256| {
                sources.push(source);
                values.push(value);
            };
            push(KeySource::balance(&account.address), account.balance);
            push(KeySource::nonce(&account.address), U256::from(account.nonce));
            if !account.code.is_empty() {
                let hash = linear_hash(&account.code);
                push(KeySource::code_hash(&account.address), hash.to_u256());
                push(KeySource::code_length(&account.address), U256::from(account.code.len()));
                codes.insert(hash.to_b256(), account.code.clone());
            }
            for (slot, value) in &account.storage {
                push(KeySource::storage(&account.address, slot), *value);
            }
        }
        Self { tree: MemoryTree::from_leaves(keys::derive_many(&sources).into_iter().zip(values)), codes }
    }

    /// The tree.
    pub const fn tree(&self) -> &MemoryTree {
        &self.tree
    }
}

impl StateReader for MemoryState {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        let small = |key: H4, what: &str| {
            u64::try_from(self.tree.get(&key))
                .map_err(|_| StateError::Corrupt(format!("{what} of {address} is too big")))
        };
        Ok(AccountState {
            nonce: small(keys::nonce(address), "the nonce")?,
            balance: self.tree.get(&keys::balance(address)),
            code_hash: self.tree.get(&keys::code_hash(address)).into(),
            code_length: small(keys::code_length(address), "the code length")?,
        })
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        Ok(self.tree.get(&keys::storage(address, slot)))
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        self.codes.get(hash).cloned().ok_or(StateError::MissingCode(*hash))
    }
}

/// The leaves that a block changes, as sources of their keys and new values.
#[must_use]
pub fn leaf_writes(diff: &StateDiff) -> Vec<(KeySource, U256)> {
    let mut writes = Vec::new();
    for account in &diff.accounts {
        let (address, old, new) = (&account.address, &account.old, &account.new);
        if old.balance != new.balance {
            writes.push((KeySource::balance(address), new.balance));
        }
        if old.nonce != new.nonce {
            writes.push((KeySource::nonce(address), U256::from(new.nonce)));
        }
        if old.code_hash != new.code_hash {
            writes.push((KeySource::code_hash(address), new.code_hash.into()));
        }
        if old.code_length != new.code_length {
            writes.push((KeySource::code_length(address), U256::from(new.code_length)));
        }
    }
    writes.extend(diff.storage.iter().map(|slot| (KeySource::storage(&slot.address, &slot.slot), slot.new)));
    writes
}

impl BatchState for MemoryState {
    fn apply_block(&mut self, diff: &StateDiff) -> Result<B256, StateError> {
        let (sources, values): (Vec<KeySource>, Vec<U256>) = leaf_writes(diff).into_iter().unzip();
        let writes: Vec<(H4, U256)> = keys::derive_many(&sources).into_iter().zip(values).collect();
        self.codes.extend(diff.codes.iter().cloned());
        Ok(self.tree.update(&writes).to_b256())
    }

    fn root(&self) -> B256 {
        self.tree.root().to_b256()
    }

    fn depth_measure(&self) -> u32 {
        self.tree.depth_measure()
    }
}
