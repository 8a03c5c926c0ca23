//! The 22 partial rounds of one permutation, as a few dot products.
//!
//! Split the state into x, element 0, and y, the others, and the matrix into its corner m, the rest u of row 0, the rest
//! w of column 0 and the block N. With constants only on x (see `halves::MOVED`), a partial round is
//!
//! z = (x + constant)^7, x' = m z + u y, y' = w z + N y.
//!
//! y is linear in its start value and the z's, so after r rounds
//!
//! x_r = u N^(r-1) y_0 + m z_(r-1) + sum over q < r-1 of (u N^(r-2-q) w) z_q,
//! y_r = N^r y_0 + sum over q < r of N^(r-1-q) w z_q.
//!
//! All vectors are constants. Between two S-boxes only one product waits for the last z; the others fill the time that
//! the S-box takes. Two groups of 11 rounds take as many products as one of 22, in half the code.

use super::{
    halves::PARTIAL,
    scalar::{MDS_DIAGONAL_0, MDS_ROW},
};
use crate::field::{P, add_canonical, pow7, reduce160};

/// Elements without element 0.
const REST: usize = 11;
/// Rounds of a group.
const GROUP: usize = PARTIAL / 2;

type Row = [u64; REST];

const fn add(a: u64, b: u64) -> u64 {
    ((a as u128 + b as u128) % P as u128) as u64
}

const fn mul(a: u64, b: u64) -> u64 {
    ((a as u128 * b as u128) % P as u128) as u64
}

/// N, row by row.
const BLOCK: [Row; REST] = {
    let mut block = [[0; REST]; REST];
    let mut row = 0;
    while row < REST {
        let mut column = 0;
        while column < REST {
            block[row][column] = MDS_ROW[(column + 12 - row) % 12];
            column += 1;
        }
        row += 1;
    }
    block
};

/// v N.
const fn row_times_block(v: &Row) -> Row {
    let mut product = [0; REST];
    let mut row = 0;
    while row < REST {
        let mut column = 0;
        while column < REST {
            product[column] = add(product[column], mul(v[row], BLOCK[row][column]));
            column += 1;
        }
        row += 1;
    }
    product
}

const fn dot_const(a: &Row, b: &Row) -> u64 {
    let mut sum = 0;
    let mut index = 0;
    while index < REST {
        sum = add(sum, mul(a[index], b[index]));
        index += 1;
    }
    sum
}

/// `start` N^r for r = 0, 1, ...
const fn powers<const COUNT: usize>(start: Row) -> [Row; COUNT] {
    let mut table = [start; COUNT];
    let mut power = 1;
    while power < COUNT {
        table[power] = row_times_block(&table[power - 1]);
        power += 1;
    }
    table
}

/// u.
const ROW_0: Row = {
    let mut row = [0; REST];
    let mut column = 0;
    while column < REST {
        row[column] = MDS_ROW[column + 1];
        column += 1;
    }
    row
};

/// w.
const COLUMN_0: Row = {
    let mut column = [0; REST];
    let mut row = 0;
    while row < REST {
        column[row] = MDS_ROW[11 - row];
        row += 1;
    }
    column
};

/// u N^r: what element 0 takes from the start values in round r.
static FROM_START: [Row; GROUP] = powers(ROW_0);

/// The factors of the z's in x: m for the last z, u w for the one before, u N w, ...; backwards, so that the z's of a
/// round meet the end of the table.
static FROM_SBOXES: [u64; GROUP] = {
    let rows: [Row; GROUP] = powers(ROW_0);
    let mut table = [0; GROUP];
    table[GROUP - 1] = MDS_ROW[0] + MDS_DIAGONAL_0;
    let mut age = 1;
    while age < GROUP {
        table[GROUP - 1 - age] = dot_const(&rows[age - 1], &COLUMN_0);
        age += 1;
    }
    table
};

/// The factors of the start values and of the z's in an element of y after a group.
struct LastRow {
    start: Row,
    sboxes: [u64; GROUP],
}

static LAST: [LastRow; REST] = {
    let mut table = [const { LastRow { start: [0; REST], sboxes: [0; GROUP] } }; REST];
    let mut element = 0;
    while element < REST {
        let mut unit = [0; REST];
        unit[element] = 1;
        let rows: [Row; GROUP + 1] = powers(unit);
        table[element].start = rows[GROUP];
        let mut round = 0;
        while round < GROUP {
            table[element].sboxes[round] = dot_const(&rows[GROUP - 1 - round], &COLUMN_0);
            round += 1;
        }
        element += 1;
    }
    table
};

/// A sum of products that has not been reduced yet: up to 2^32 of them.
#[derive(Clone, Copy, Default)]
struct Sum {
    /// Sum of the lower words of the products.
    low: u128,
    /// Sum of the upper words.
    high: u128,
}

impl Sum {
    #[inline]
    fn add_product(&mut self, a: u64, b: u64) {
        let product = u128::from(a) * u128::from(b);
        self.low += u128::from(product as u64);
        self.high += product >> 64;
    }

    #[inline]
    fn add_products(&mut self, a: &[u64], b: &[u64]) {
        for (a, b) in a.iter().zip(b) {
            self.add_product(*a, *b);
        }
    }

    #[inline]
    fn reduce(self) -> u64 {
        let (low, over) = self.low.overflowing_add(self.high << 64);
        reduce160(low, (self.high >> 64) as u32 + u32::from(over))
    }
}

/// One group: each round adds its constant, which is canonical, before the S-box.
#[inline]
fn group(state: &mut [u64; 12], constants: &[u64]) {
    let [x, ref start @ ..] = *state;
    let mut x = x;
    let mut sboxes = [0; GROUP];
    // Written out so that every round's dot product has a length known to the compiler.
    macro_rules! rounds {
        ($($round:literal)*) => { $({
            let mut sum = Sum::default();
            sum.add_products(start, &FROM_START[$round]);
            sum.add_products(&sboxes[..$round], &FROM_SBOXES[GROUP - 1 - $round..GROUP - 1]);
            let z = pow7(add_canonical(x, constants[$round]));
            sboxes[$round] = z;
            sum.add_product(z, FROM_SBOXES[GROUP - 1]);
            x = sum.reduce();
        })* };
    }
    rounds!(0 1 2 3 4 5 6 7 8 9 10);
    let mut next = [x; 12];
    for (element, row) in next[1..].iter_mut().zip(&LAST) {
        let mut sum = Sum::default();
        sum.add_products(start, &row.start);
        sum.add_products(&sboxes, &row.sboxes);
        *element = sum.reduce();
    }
    *state = next;
}

/// The partial rounds.
#[inline]
pub(super) fn partial_rounds(state: &mut [u64; 12], constants: &[u64; PARTIAL]) {
    for constants in constants.chunks_exact(GROUP) {
        group(state, constants);
    }
}
