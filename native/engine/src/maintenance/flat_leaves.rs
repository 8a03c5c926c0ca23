//! The flat tables as the state tree would have them: which leaves each account and slot makes.

use alloy_primitives::{Address, U256};
use zkevm_state_db::records::AccountRecord;
use zkevm_state_db::{Store, schema};
use zkevm_state_tree::keys::KeySource;

use super::difference::{Checked, Stop};

const ADDRESS_BYTES: usize = 20;
const SLOT_KEY_BYTES: usize = 52;
const VALUE_BYTES: usize = 32;

/// What a leaf stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeafSource {
    Balance(Address),
    Nonce(Address),
    CodeHash(Address),
    CodeLength(Address),
    Slot(Address, U256),
}

impl LeafSource {
    pub(super) fn key(&self) -> KeySource {
        match self {
            Self::Balance(address) => KeySource::balance(address),
            Self::Nonce(address) => KeySource::nonce(address),
            Self::CodeHash(address) => KeySource::code_hash(address),
            Self::CodeLength(address) => KeySource::code_length(address),
            Self::Slot(address, slot) => KeySource::storage(address, slot),
        }
    }
}

impl std::fmt::Display for LeafSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Balance(address) => write!(f, "balance of {address}"),
            Self::Nonce(address) => write!(f, "nonce of {address}"),
            Self::CodeHash(address) => write!(f, "code hash of {address}"),
            Self::CodeLength(address) => write!(f, "code length of {address}"),
            Self::Slot(address, slot) => write!(f, "storage slot {slot:#x} of {address}"),
        }
    }
}

/// Calls `visit` with every leaf of the flat tables, in their order. The tables hold nothing that is zero as a whole.
pub(super) fn for_each(store: &Store, mut visit: impl FnMut(LeafSource, U256) -> Checked) -> Checked {
    for item in store.scan(schema::FLAT_ACCOUNT, &[])? {
        let (key, value) = item?;
        let address = address_of(&key)?;
        let account =
            AccountRecord::from_bytes(&value).map_err(|error| Stop::damaged(format!("account {address}"), error))?;
        if account.is_empty() {
            return Err(Stop::difference(format!("account {address}"), "no record of an empty account", "one"));
        }
        let leaves = [
            (LeafSource::Balance(address), account.balance),
            (LeafSource::Nonce(address), U256::from(account.nonce)),
            (LeafSource::CodeHash(address), account.code_hash.into()),
            (LeafSource::CodeLength(address), U256::from(account.code_length)),
        ];
        for (source, value) in leaves {
            if !value.is_zero() {
                visit(source, value)?;
            }
        }
    }
    for item in store.scan(schema::FLAT_STORAGE, &[])? {
        let (key, value) = item?;
        if key.len() != SLOT_KEY_BYTES {
            return Err(Stop::damaged("a key of the table of slots", alloy_primitives::hex::encode(&key)));
        }
        let slot = U256::from_be_slice(&key[ADDRESS_BYTES..]);
        let source = LeafSource::Slot(Address::from_slice(&key[..ADDRESS_BYTES]), slot);
        if value.len() != VALUE_BYTES {
            return Err(Stop::difference(source.to_string(), "32 bytes", format!("{} bytes", value.len())));
        }
        let value = U256::from_be_slice(&value);
        if value.is_zero() {
            return Err(Stop::difference(source.to_string(), "no record of zero", "one"));
        }
        visit(source, value)?;
    }
    Ok(())
}

fn address_of(key: &[u8]) -> Checked<Address> {
    if key.len() != ADDRESS_BYTES {
        return Err(Stop::damaged("a key of the table of accounts", alloy_primitives::hex::encode(key)));
    }
    Ok(Address::from_slice(key))
}
