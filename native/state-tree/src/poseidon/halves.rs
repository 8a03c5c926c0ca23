//! Round constants for the kernels that hold elements as halves, low + 2^32 * high.
//!
//! A kernel adds a constant to both halves just before it puts them together, and putting together wants halves that
//! are not negative. So each constant c is given as a pair with low + 2^32 * high = c (mod p) and both parts at least
//! some power of two that exceeds what the halves can be below zero.
//!
//! In a partial round only element 0 passes the S-box; constants of the others may be added after it and thus, multiplied
//! with the matrix, in the next round. That leaves one constant for each partial round and one changed row for the
//! first of the last full rounds.

use super::{
    constants::ROUND_CONSTANTS,
    scalar::{MDS_DIAGONAL_0, MDS_ROW},
};
use crate::field::P;

/// Full rounds at either end.
pub(super) const FULL_HALF: usize = 4;
/// Partial rounds in the middle.
pub(super) const PARTIAL: usize = 22;

/// Halves are above -2^42 in full rounds: they were below 2^33 before a multiplication with the matrix.
const FULL_BIAS: u64 = 1 << 42;
/// Halves are above -2^58 after three multiplications.
const PARTIAL_BIAS: u64 = 1 << 58;

/// Both halves of the constants of a full round.
pub(super) struct RoundHalves {
    pub(super) low: [u64; 12],
    pub(super) high: [u64; 12],
}

const fn add(a: u64, b: u64) -> u64 {
    ((a as u128 + b as u128) % P as u128) as u64
}

const fn mul(a: u64, b: u64) -> u64 {
    ((a as u128 * b as u128) % P as u128) as u64
}

/// The pair for a constant, both parts at least `bias`.
const fn pair(constant: u64, bias: u64) -> (u64, u64) {
    let taken = add(bias % P, mul(bias % P, 1 << 32));
    let rest = add(constant, P - taken);
    (bias + (rest & 0xffff_ffff), bias + (rest >> 32))
}

/// The constants with those of the partial rounds moved down, round by round.
pub(super) const MOVED: [[u64; 12]; 30] = {
    let mut moved = ROUND_CONSTANTS;
    let mut round = FULL_HALF;
    while round < FULL_HALF + PARTIAL {
        let mut row = 0;
        while row < 12 {
            let mut column = 1;
            while column < 12 {
                // Only columns 1..11 are moved, so the corner's addition does not matter.
                let term = mul(MDS_ROW[(column + 12 - row) % 12], moved[round][column]);
                moved[round + 1][row] = add(moved[round + 1][row], term);
                column += 1;
            }
            row += 1;
        }
        let mut column = 1;
        while column < 12 {
            moved[round][column] = 0;
            column += 1;
        }
        round += 1;
    }
    moved
};

/// Constants of the eight full rounds.
pub(super) static FULL: [RoundHalves; 2 * FULL_HALF] = {
    let mut table = [const { RoundHalves { low: [0; 12], high: [0; 12] } }; 2 * FULL_HALF];
    let mut index = 0;
    while index < 2 * FULL_HALF {
        let round = if index < FULL_HALF { index } else { index + PARTIAL };
        let mut element = 0;
        while element < 12 {
            let (low, high) = pair(MOVED[round][element], FULL_BIAS);
            table[index].low[element] = low;
            table[index].high[element] = high;
            element += 1;
        }
        index += 1;
    }
    table
};

/// Constants of the partial rounds: low half, high half.
pub(super) static PARTIAL_0: [[u64; 2]; PARTIAL] = {
    let mut table = [[0; 2]; PARTIAL];
    let mut index = 0;
    while index < PARTIAL {
        let (low, high) = pair(MOVED[FULL_HALF + index][0], PARTIAL_BIAS);
        table[index] = [low, high];
        index += 1;
    }
    table
};

/// Zero, to be added before the results are put together.
pub(super) const ZERO_FULL: (u64, u64) = pair(0, FULL_BIAS);
/// Zero, to be added to halves that three multiplications have made.
pub(super) const ZERO_PARTIAL: (u64, u64) = pair(0, PARTIAL_BIAS);

const _: () = assert!(MDS_DIAGONAL_0 == 8, "the kernels shift by 3");
