//! One permutation at a time.

use super::constants::ROUND_CONSTANTS;
use crate::field::{add_canonical, canonical, pow7, reduce128};

/// First row of the circulant part of the MDS matrix: M\[i\]\[j\] = ROW\[(j - i) mod 12\].
pub(crate) const MDS_ROW: [u64; 12] = [17, 15, 41, 16, 2, 28, 13, 13, 39, 18, 34, 20];
/// What is added to the circulant at M\[0\]\[0\].
pub(crate) const MDS_DIAGONAL_0: u64 = 8;

fn mds(state: &[u64; 12]) -> [u64; 12] {
    std::array::from_fn(|row| {
        let mut sum = if row == 0 { u128::from(state[0]) * u128::from(MDS_DIAGONAL_0) } else { 0 };
        for (offset, coefficient) in MDS_ROW.iter().enumerate() {
            sum += u128::from(state[(row + offset) % 12]) * u128::from(*coefficient);
        }
        reduce128(sum)
    })
}

/// The permutation; elements may be non-canonical on the way in and are canonical on the way out.
pub(crate) fn permute(state: &mut [u64; 12]) {
    for (round, constants) in ROUND_CONSTANTS.iter().enumerate() {
        for (element, constant) in state.iter_mut().zip(constants) {
            *element = add_canonical(*element, *constant);
        }
        if (4..26).contains(&round) {
            state[0] = pow7(state[0]);
        } else {
            for element in state.iter_mut() {
                *element = pow7(*element);
            }
        }
        *state = mds(state);
    }
    for element in state {
        *element = canonical(*element);
    }
}
