//! What the executor needs of a state, and what it gives back.

use crate::StateError;
use alloy_primitives::{Address, B256, Bytes, U256};

/// An account's leaves. An account without leaves is all zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AccountState {
    /// Nonce.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// Linear Poseidon hash of the code; zero without code.
    pub code_hash: B256,
    /// Length of the code in bytes.
    pub code_length: u64,
}

impl AccountState {
    /// Whether the account has neither balance, nonce nor code. It may own storage all the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash.is_zero()
    }
}

/// Flat reads of one state.
pub trait StateReader {
    /// The leaves of an account.
    ///
    /// # Errors
    /// When the state cannot be read.
    fn account(&self, address: &Address) -> Result<AccountState, StateError>;

    /// A storage slot; zero without leaf.
    ///
    /// # Errors
    /// When the state cannot be read.
    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError>;

    /// The code of a linear Poseidon hash.
    ///
    /// # Errors
    /// When the state cannot be read, or [`StateError::MissingCode`].
    fn code(&self, hash: &B256) -> Result<Bytes, StateError>;

    /// Told of every code that an execution loads, also of one that [`StateReader::code`] is not asked for because the
    /// process has it prepared. A state that must know all of them can refuse.
    ///
    /// # Errors
    /// [`StateError::MissingCode`] from a state that does not have the code.
    fn loads_code(&self, _hash: &B256) -> Result<(), StateError> {
        Ok(())
    }
}

/// Whoever leads to a state reads it as the state itself does.
macro_rules! reads_through {
    ($($pointer:ty),+) => {$(
        impl<T: StateReader + ?Sized> StateReader for $pointer {
            fn account(&self, address: &Address) -> Result<AccountState, StateError> {
                (**self).account(address)
            }
            fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
                (**self).storage(address, slot)
            }
            fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
                (**self).code(hash)
            }
            fn loads_code(&self, hash: &B256) -> Result<(), StateError> {
                (**self).loads_code(hash)
            }
        }
    )+};
}

reads_through!(&T, std::sync::Arc<T>, Box<T>);

/// A state that blocks can be applied to.
pub trait BatchState: StateReader {
    /// Writes a block's changes and returns the new root.
    ///
    /// # Errors
    /// When the state cannot be written; it is then in an undefined condition.
    fn apply_block(&mut self, diff: &StateDiff) -> Result<B256, StateError>;

    /// The root.
    fn root(&self) -> B256;

    /// The depth that the virtual counters take (see [`crate::Levels`]).
    fn depth_measure(&self) -> u32;
}

/// An account's leaves before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDiff {
    /// Address.
    pub address: Address,
    /// Before.
    pub old: AccountState,
    /// After.
    pub new: AccountState,
}

/// A storage slot before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageDiff {
    /// Address.
    pub address: Address,
    /// Slot.
    pub slot: U256,
    /// Before.
    pub old: U256,
    /// After.
    pub new: U256,
}

/// What a block changes, sorted by address and slot; nothing in it is without effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateDiff {
    /// Changed accounts.
    pub accounts: Vec<AccountDiff>,
    /// Changed slots.
    pub storage: Vec<StorageDiff>,
    /// Code deployed, by linear Poseidon hash.
    pub codes: Vec<(B256, Bytes)>,
}

impl StateDiff {
    /// Whether nothing changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.storage.is_empty()
    }
}
