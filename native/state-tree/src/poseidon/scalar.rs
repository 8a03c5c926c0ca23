//! One permutation at a time.

use super::{
    halves::{FULL_HALF, MOVED, PARTIAL},
    pairs::mds,
    partial::partial_rounds,
};
use crate::{
    H4,
    field::{add_canonical, canonical, mul},
};

/// First row of the circulant part of the MDS matrix: M\[i\]\[j\] = ROW\[(j - i) mod 12\].
pub(super) const MDS_ROW: [u64; 12] = [17, 15, 41, 16, 2, 28, 13, 13, 39, 18, 34, 20];
/// What is added to the circulant at M\[0\]\[0\].
pub(super) const MDS_DIAGONAL_0: u64 = 8;

/// S-boxes computed together, by measurement: the steps of one wait for each other, and more need more registers.
const SIDE_BY_SIDE: usize = 3;

#[inline]
fn full_round(state: &mut [u64; 12], constants: &[u64; 12]) {
    for (elements, constants) in state.chunks_exact_mut(SIDE_BY_SIDE).zip(constants.chunks_exact(SIDE_BY_SIDE)) {
        let x: [u64; SIDE_BY_SIDE] = std::array::from_fn(|index| add_canonical(elements[index], constants[index]));
        let x2 = x.map(|x| mul(x, x));
        let x3: [u64; SIDE_BY_SIDE] = std::array::from_fn(|index| mul(x[index], x2[index]));
        let x4 = x2.map(|x2| mul(x2, x2));
        for (index, element) in elements.iter_mut().enumerate() {
            *element = mul(x3[index], x4[index]);
        }
    }
    mds(state);
}

static CONSTANTS: [[u64; 12]; 30] = MOVED;

static PARTIAL_CONSTANTS: [u64; PARTIAL] = {
    let mut constants = [0; PARTIAL];
    let mut round = 0;
    while round < PARTIAL {
        constants[round] = MOVED[FULL_HALF + round][0];
        round += 1;
    }
    constants
};

/// The first four elements of the permutation; they are canonical, what enters need not be.
pub(super) fn compress(mut state: [u64; 12]) -> H4 {
    for constants in &CONSTANTS[..FULL_HALF] {
        full_round(&mut state, constants);
    }
    partial_rounds(&mut state, &PARTIAL_CONSTANTS);
    for constants in &CONSTANTS[FULL_HALF + PARTIAL..] {
        full_round(&mut state, constants);
    }
    H4(std::array::from_fn(|element| canonical(state[element])))
}
