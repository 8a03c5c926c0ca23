//! Keys of the state tree and of the block info tree.
//!
//! A key is H(id, kind; H(sub-key)): `id` is an address or, in the block info tree, a number; only storage slots and
//! logs have a sub-key, all others use that of zero, which is a constant.

use alloy_primitives::{Address, U256};

use crate::{
    H4, known,
    poseidon::{CAPACITY_ZERO, hash, join},
};

/// Balance of an account.
pub const KIND_BALANCE: u64 = 0;
/// Nonce of an account.
pub const KIND_NONCE: u64 = 1;
/// Linear hash of a contract's code.
pub const KIND_CODE_HASH: u64 = 2;
/// Storage slot of a contract; the sub-key is the slot number.
pub const KIND_STORAGE: u64 = 3;
/// Length of a contract's code in bytes.
pub const KIND_CODE_LENGTH: u64 = 4;
/// Block info tree: a field of the block header; the id is one of the `HEADER_` constants.
pub const KIND_BLOCK_HEADER: u64 = 7;
/// Block info tree: L2 hash of a transaction; the id is the transaction's index in the block, as for all `TX` kinds.
pub const KIND_TX_L2_HASH: u64 = 8;
/// Block info tree: status of a transaction.
pub const KIND_TX_STATUS: u64 = 9;
/// Block info tree: gas used by the block up to and including a transaction.
pub const KIND_TX_CUMULATIVE_GAS_USED: u64 = 10;
/// Block info tree: a log; the id is the transaction's index, the sub-key the log's index in the block.
pub const KIND_LOG: u64 = 11;
/// Block info tree: effective percentage of a transaction.
pub const KIND_TX_EFFECTIVE_PERCENTAGE: u64 = 12;

/// Header field: hash of the previous block, which is its state root.
pub const HEADER_PREVIOUS_BLOCK_HASH: u64 = 0;
/// Header field: coinbase.
pub const HEADER_COINBASE: u64 = 1;
/// Header field: block number.
pub const HEADER_NUMBER: u64 = 2;
/// Header field: gas limit.
pub const HEADER_GAS_LIMIT: u64 = 3;
/// Header field: timestamp.
pub const HEADER_TIMESTAMP: u64 = 4;
/// Header field: global exit root.
pub const HEADER_GER: u64 = 5;
/// Header field: L1 block hash.
pub const HEADER_L1_BLOCK_HASH: u64 = 6;
/// Header field: gas used.
pub const HEADER_GAS_USED: u64 = 7;

/// H(0^8; 0^4): the hash of the sub-key zero and thus the capacity of every key without a sub-key.
pub(crate) const SUB_KEY_ZERO: [u64; 4] =
    [0x3c18_a978_6cb0_b359, 0xc405_5e33_64a2_46c3, 0x7953_db0a_b488_08f4, 0xc716_03f3_3a11_44ca];

/// What a key is derived from: for deriving many at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeySource {
    /// Address limbs or number, the kind, and 0.
    input: [u64; 8],
    /// Zero where the kind has none: the same key.
    sub_key: U256,
}

impl KeySource {
    fn of_address(address: &Address, kind: u64, sub_key: U256) -> Self {
        let limb = |end: usize| {
            let bytes = &address.0[end - 4..end];
            u64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        Self { input: [limb(20), limb(16), limb(12), limb(8), limb(4), 0, kind, 0], sub_key }
    }

    fn of_number(id: u64, kind: u64, sub_key: U256) -> Self {
        Self { input: [id & 0xffff_ffff, id >> 32, 0, 0, 0, 0, kind, 0], sub_key }
    }

    /// Balance of an account.
    pub fn balance(address: &Address) -> Self {
        Self::of_address(address, KIND_BALANCE, U256::ZERO)
    }

    /// Nonce of an account.
    pub fn nonce(address: &Address) -> Self {
        Self::of_address(address, KIND_NONCE, U256::ZERO)
    }

    /// Code hash of an account.
    pub fn code_hash(address: &Address) -> Self {
        Self::of_address(address, KIND_CODE_HASH, U256::ZERO)
    }

    /// Code length of an account.
    pub fn code_length(address: &Address) -> Self {
        Self::of_address(address, KIND_CODE_LENGTH, U256::ZERO)
    }

    /// Storage slot of an account.
    pub fn storage(address: &Address, slot: &U256) -> Self {
        Self::of_address(address, KIND_STORAGE, *slot)
    }

    /// Field of a block's header; `id` is one of the `HEADER_` constants.
    pub fn block_header(id: u64) -> Self {
        Self::of_number(id, KIND_BLOCK_HEADER, U256::ZERO)
    }

    /// Property of a block's transaction; `kind` is one of the `KIND_TX_` constants.
    pub fn block_tx(kind: u64, index: u64) -> Self {
        Self::of_number(index, kind, U256::ZERO)
    }

    /// Log of a block.
    pub fn block_log(tx_index: u64, log_index: u64) -> Self {
        Self::of_number(tx_index, KIND_LOG, U256::from(log_index))
    }

    /// What is hashed, beside the hash of the sub-key.
    pub(crate) const fn input(&self) -> &[u64; 8] {
        &self.input
    }

    /// Kind and number of a key of a number without a sub-key; `None` where an address or a sub-key is part of it.
    pub(crate) fn number_key(&self) -> Option<(u64, u64)> {
        let [low, high, 0, 0, 0, 0, kind, 0] = self.input else { return None };
        self.sub_key.is_zero().then_some((kind, low | high << 32))
    }

    /// The key.
    pub fn key(&self) -> H4 {
        let capacity =
            if self.sub_key.is_zero() { SUB_KEY_ZERO } else { hash(&value_limbs(&self.sub_key), &CAPACITY_ZERO).0 };
        hash(&self.input, &capacity)
    }
}

/// A value as eight 32-bit elements, the least significant first.
pub(crate) fn value_limbs(value: &U256) -> [u64; 8] {
    let limbs = value.as_limbs();
    std::array::from_fn(|index| (limbs[index / 2] >> (32 * (index % 2))) & 0xffff_ffff)
}

/// The keys of many sources, in their order; independent hashes share the lanes.
pub fn derive_many(sources: &[KeySource]) -> Vec<H4> {
    let mut keys = vec![H4(SUB_KEY_ZERO); sources.len()];
    let with_sub_key: Vec<usize> = (0..sources.len()).filter(|&index| !sources[index].sub_key.is_zero()).collect();
    known::hash_values(
        with_sub_key.len(),
        |index| sources[with_sub_key[index]].sub_key,
        |index, hash| keys[with_sub_key[index]] = hash,
    );
    let capacities = keys.clone();
    known::hash_unknown(
        sources.len(),
        |index| known::key(&sources[index]),
        |index| join(&sources[index].input, capacities[index].0),
        |index, hash| keys[index] = hash,
    );
    keys
}

/// Key of an account's balance.
pub fn balance(address: &Address) -> H4 {
    KeySource::balance(address).key()
}

/// Key of an account's nonce.
pub fn nonce(address: &Address) -> H4 {
    KeySource::nonce(address).key()
}

/// Key of an account's code hash.
pub fn code_hash(address: &Address) -> H4 {
    KeySource::code_hash(address).key()
}

/// Key of an account's code length.
pub fn code_length(address: &Address) -> H4 {
    KeySource::code_length(address).key()
}

/// Key of a storage slot.
pub fn storage(address: &Address, slot: &U256) -> H4 {
    KeySource::storage(address, slot).key()
}

/// Block info tree: key of a header field; `id` is one of the `HEADER_` constants.
pub fn block_header(id: u64) -> H4 {
    KeySource::block_header(id).key()
}

/// Block info tree: key of a transaction's property; `kind` is one of the `KIND_TX_` constants.
pub fn block_tx(kind: u64, index: u64) -> H4 {
    KeySource::block_tx(kind, index).key()
}

/// Block info tree: key of a log.
pub fn block_log(tx_index: u64, log_index: u64) -> H4 {
    KeySource::block_log(tx_index, log_index).key()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_key_zero_is_the_hash_of_zero() {
        assert_eq!(hash(&[0; 8], &CAPACITY_ZERO), H4(SUB_KEY_ZERO));
    }

    #[test]
    fn many_is_one_by_one() {
        let address = Address::repeat_byte(0xa7);
        let mut sources = vec![
            KeySource::balance(&address),
            KeySource::nonce(&address),
            KeySource::code_hash(&address),
            KeySource::code_length(&address),
            KeySource::block_header(HEADER_GER),
            KeySource::block_tx(KIND_TX_STATUS, 1 << 33),
            KeySource::block_log(3, 0),
            KeySource::block_log(3, 5),
        ];
        sources.extend((0..20u64).map(|slot| KeySource::storage(&address, &(U256::from(slot) << 100))));
        let one_by_one: Vec<H4> = sources.iter().map(KeySource::key).collect();
        assert_eq!(derive_many(&sources), one_by_one);
        let distinct: std::collections::HashSet<H4> = one_by_one.into_iter().collect();
        assert_eq!(distinct.len(), sources.len());
    }
}
