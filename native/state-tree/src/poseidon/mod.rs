//! Poseidon over Goldilocks: width 12, rate 8, capacity 4, 4 + 22 + 4 rounds, x^7.
//!
//! `hash` and `hash_many` are the compression H(in8; cap4); `linear_hash` is the chained hash of a byte string that
//! serves as code hash and log hash. Inputs need not be canonical, outputs are.
//!
//! Many hashes share the lanes of the widest instruction set that the CPU has, found at run time: see [`Backend`].

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod constants;
mod dispatch;
mod halves;
#[cfg(target_arch = "x86_64")]
mod kernel;
mod linear;
mod linear_layer;
mod pairs;
mod partial;
mod scalar;

pub(crate) use dispatch::hash_each;
pub use dispatch::{Backend, hash_many, hash_many_on};
pub use linear::{linear_hash, linear_hash_many};

use crate::H4;

/// Capacity of values, internal nodes and sub-keys.
pub(crate) const CAPACITY_ZERO: [u64; 4] = [0; 4];
/// Capacity of leaves: what tells them from internal nodes.
pub(crate) const CAPACITY_LEAF: [u64; 4] = [1, 0, 0, 0];

/// H(input; capacity): the first four elements of the permutation.
pub fn hash(input: &[u64; 8], capacity: &[u64; 4]) -> H4 {
    scalar::compress(join(input, *capacity))
}

/// The eight elements and the capacity as one input.
pub(crate) fn join(input: &[u64; 8], capacity: [u64; 4]) -> [u64; 12] {
    let mut state = [0u64; 12];
    state[..8].copy_from_slice(input);
    state[8..].copy_from_slice(&capacity);
    state
}
