//! For those who compare a tree with another table of the same leaves: the order in which the tree has them, and their hashes.

use alloy_primitives::U256;

use crate::{
    H4,
    keys::value_limbs,
    page::PageKey,
    path::Path,
    poseidon::{CAPACITY_ZERO, hash_each, join},
};

/// Where a key's leaf lies among all others, from left to right: the order of [`crate::StateTree::audit`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LeafOrder(Path);

impl LeafOrder {
    /// The place of a key.
    pub fn of(key: &H4) -> Self {
        Self(Path::of(key))
    }

    /// The key of this place.
    pub fn key(&self) -> H4 {
        self.0.key()
    }

    /// The first 64 levels; keys are hashes, so that this divides them evenly.
    pub const fn prefix(&self) -> u64 {
        self.0.0[0]
    }
}

impl PageKey {
    /// Whether the leaf of this place lies in the page or below it.
    pub fn covers(&self, place: &LeafOrder) -> bool {
        place.0.truncated(self.depth()) == *self.prefix()
    }
}

/// The hashes of many values, as leaves have them; zero for zero. Independent hashes share the lanes.
pub fn value_hash_many(values: &[U256]) -> Vec<H4> {
    let mut hashes = vec![H4::ZERO; values.len()];
    hash_each(
        values.len(),
        |index| join(&value_limbs(&values[index]), CAPACITY_ZERO),
        |index, hash| {
            if !values[index].is_zero() {
                hashes[index] = hash;
            }
        },
    );
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keys, proof::value_hash};

    #[test]
    fn places_are_those_of_paths() {
        let key = keys::balance(&alloy_primitives::Address::repeat_byte(3));
        let place = LeafOrder::of(&key);
        assert_eq!(place.key(), key);
        for depth in [0, 4, 60, 64, 128] {
            assert!(PageKey::new(&Path::of(&key), depth).covers(&place), "depth {depth}");
        }
        let other = keys::nonce(&alloy_primitives::Address::repeat_byte(3));
        assert!(PageKey::new(&Path::of(&other), 0).covers(&place));
        assert!(!PageKey::new(&Path::of(&other), 64).covers(&place));
    }

    #[test]
    fn many_hashes_are_single_ones() {
        let values: Vec<U256> = (0..21_u64).map(|value| U256::from(value) << (7 * value)).collect();
        let expected: Vec<H4> = values.iter().map(value_hash).collect();
        assert_eq!(value_hash_many(&values), expected);
    }
}
