//! Poseidon over Goldilocks: width 12, rate 8, capacity 4, 4 + 22 + 4 rounds, x^7.
//!
//! `hash` and `hash_many` are the compression H(in8; cap4); `linear_hash` is the chained hash of a byte string that
//! serves as code hash and log hash. Inputs need not be canonical, outputs are.

mod constants;
mod linear;
mod scalar;

pub use linear::{linear_hash, linear_hash_many};

use crate::H4;

/// Capacity of values, internal nodes and sub-keys.
pub(crate) const CAPACITY_ZERO: [u64; 4] = [0; 4];
/// Capacity of leaves: what tells them from internal nodes.
pub(crate) const CAPACITY_LEAF: [u64; 4] = [1, 0, 0, 0];

/// H(input; capacity): the first four elements of the permutation.
pub fn hash(input: &[u64; 8], capacity: &[u64; 4]) -> H4 {
    let mut state = [0u64; 12];
    state[..8].copy_from_slice(input);
    state[8..].copy_from_slice(capacity);
    scalar::permute(&mut state);
    H4([state[0], state[1], state[2], state[3]])
}

/// Hashes independent inputs (8 elements, then 4 of capacity), as many at a time as the CPU has lanes.
///
/// # Panics
/// If the slices differ in length.
pub fn hash_many(inputs: &[[u64; 12]], out: &mut [H4]) {
    assert_eq!(inputs.len(), out.len(), "one output for each input");
    hash_each(inputs.len(), |index| inputs[index], |index, hash| out[index] = hash);
}

/// Hashes `count` independent inputs that `load` makes and hands the results to `store`.
///
/// Inputs of a group are loaded before any result of the group is stored.
pub(crate) fn hash_each(count: usize, mut load: impl FnMut(usize) -> [u64; 12], mut store: impl FnMut(usize, H4)) {
    for index in 0..count {
        let mut state = load(index);
        scalar::permute(&mut state);
        store(index, H4([state[0], state[1], state[2], state[3]]));
    }
}

/// The eight elements and the capacity as one input.
pub(crate) fn join(input: &[u64; 8], capacity: [u64; 4]) -> [u64; 12] {
    let mut state = [0u64; 12];
    state[..8].copy_from_slice(input);
    state[8..].copy_from_slice(&capacity);
    state
}
