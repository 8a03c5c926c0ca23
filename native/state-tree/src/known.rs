//! Hashes that every block needs again, hashed once: small numbers, which are values and sub-keys, and the keys of the block info tree that
//! depend on nothing but the place of a transaction in its block.

use std::sync::OnceLock;

use alloy_primitives::U256;

use crate::{
    H4,
    keys::{KIND_TX_CUMULATIVE_GAS_USED, KIND_TX_EFFECTIVE_PERCENTAGE, KIND_TX_L2_HASH, KIND_TX_STATUS, KeySource},
    keys::{SUB_KEY_ZERO, value_limbs},
    poseidon::{CAPACITY_ZERO, hash_each, join},
};

/// Numbers and places in a block below this are known: 32 KiB for the numbers and for each kind of key.
const COUNT: usize = 1024;
/// The kinds of keys that are known, one for each property of a transaction.
const KINDS: [u64; 4] = [KIND_TX_L2_HASH, KIND_TX_STATUS, KIND_TX_CUMULATIVE_GAS_USED, KIND_TX_EFFECTIVE_PERCENTAGE];

/// The hash of a number as a value or a sub-key, where it is known.
fn number(value: &U256) -> Option<H4> {
    static NUMBERS: OnceLock<Vec<H4>> = OnceLock::new();
    let at = small(value)?;
    let hash_all = || hashed(COUNT, |number| join(&value_limbs(&U256::from(number)), CAPACITY_ZERO));
    Some(NUMBERS.get_or_init(hash_all)[at])
}

fn small(value: &U256) -> Option<usize> {
    let [low, rest @ ..] = value.as_limbs();
    (*low < COUNT as u64 && *rest == [0; 3]).then_some(*low as usize)
}

/// The key of a property of a transaction, where it is known.
pub(crate) fn key(source: &KeySource) -> Option<H4> {
    static KEYS: OnceLock<Vec<H4>> = OnceLock::new();
    let (kind, place) = source.number_key()?;
    let row = KINDS.iter().position(|known| *known == kind)?;
    let place = usize::try_from(place).ok().filter(|place| *place < COUNT)?;
    let source_at = |at: usize| KeySource::block_tx(KINDS[at / COUNT], (at % COUNT) as u64);
    let hash_all = || hashed(KINDS.len() * COUNT, |at| join(source_at(at).input(), SUB_KEY_ZERO));
    Some(KEYS.get_or_init(hash_all)[row * COUNT + place])
}

fn hashed(count: usize, load: impl FnMut(usize) -> [u64; 12]) -> Vec<H4> {
    let mut hashes = vec![H4::ZERO; count];
    hash_each(count, load, |index, hash| hashes[index] = hash);
    hashes
}

/// Hands out the hashes of `count` values, those that are known first.
pub(crate) fn hash_values(count: usize, value: impl Fn(usize) -> U256, mut store: impl FnMut(usize, H4)) {
    hash_unknown(
        count,
        |index| number(&value(index)),
        |index| join(&value_limbs(&value(index)), CAPACITY_ZERO),
        &mut store,
    );
}

/// Hands out `count` hashes: what is known first, then what has to be hashed.
pub(crate) fn hash_unknown(
    count: usize,
    known: impl Fn(usize) -> Option<H4>,
    load: impl Fn(usize) -> [u64; 12],
    mut store: impl FnMut(usize, H4),
) {
    let mut unknown = Vec::with_capacity(count);
    for index in 0..count {
        match known(index) {
            Some(hash) => store(index, hash),
            None => unknown.push(index),
        }
    }
    hash_each(unknown.len(), |at| load(unknown[at]), |at, hash| store(unknown[at], hash));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poseidon::hash;

    #[test]
    fn what_is_known_is_the_hash() {
        for number in [0, 1, 2, 255, COUNT as u64 - 1] {
            let value = U256::from(number);
            assert_eq!(super::number(&value), Some(hash(&value_limbs(&value), &CAPACITY_ZERO)), "{number}");
            for kind in KINDS {
                let source = KeySource::block_tx(kind, number);
                assert_eq!(key(&source), Some(hash(source.input(), &SUB_KEY_ZERO)), "kind {kind} of {number}");
            }
        }
    }

    #[test]
    fn what_only_looks_alike_is_not_known() {
        for value in [U256::from(COUNT), U256::from(1) << 64, U256::from(7) << 128, U256::MAX] {
            assert_eq!(number(&value), None, "{value}");
        }
        let places = [COUNT as u64, 1 << 32, u64::MAX];
        let sources = places.map(|place| KeySource::block_tx(KIND_TX_STATUS, place)).into_iter().chain([
            KeySource::block_log(1, 0),
            KeySource::block_header(3),
            KeySource::block_tx(3, 0),
            KeySource::balance(&alloy_primitives::Address::ZERO),
        ]);
        for source in sources {
            assert_eq!(key(&source), None, "{source:?}");
        }
    }

    #[test]
    fn all_hashes_come_each_at_its_place() {
        let values: Vec<U256> = (0..40_u64).map(|i| U256::from(i * 97) << (i as usize % 3 * 60)).collect();
        let mut hashes = vec![H4::ZERO; values.len()];
        hash_values(values.len(), |index| values[index], |index, hash| hashes[index] = hash);
        let expected: Vec<H4> = values.iter().map(|value| hash(&value_limbs(value), &CAPACITY_ZERO)).collect();
        assert_eq!(hashes, expected);
    }
}
