//! Counters of modexp (forks 7 and 13): a polynomial in the operands' sizes.

use super::meter::Priced;

/// What the polynomial needs to know of the operands. Sizes are in 32-byte words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ModexpShape {
    /// Words of the base.
    pub(crate) base: u64,
    /// Words of the exponent.
    pub(crate) exponent: u64,
    /// Words of the modulus.
    pub(crate) modulus: u64,
    /// Words of base / modulus.
    pub(crate) quotient: u64,
    /// Words of base mod modulus.
    pub(crate) remainder: u64,
    /// One bits of the exponent.
    pub(crate) odd: u64,
}

#[allow(clippy::many_single_char_names, reason = "the polynomial's own letters")]
/// The rows besides the precompile's own, for a modulus other than zero.
pub(crate) fn modexp_cost(shape: &ModexpShape) -> Priced {
    let [b, e, m, q, r, odd] =
        [shape.base, shape.exponent, shape.modulus, shape.quotient, shape.remainder, shape.odd].map(i128::from);
    let even = 256 * e - odd;
    let h = (e / 2).max(1);
    let g = m * (m - 1) / 2;
    let steps = 86
        + 10 * b
        + 3 * m
        + q * (8 + 19 * m)
        + 12 * r
        + even * (153 + 82 * m + 6 * e + 80 * g + 19 * m * m + 25 * h)
        + odd * (263 + 114 * m + 6 * e + 80 * g + 57 * m * m + 25 * h);
    let binary = 4 - m
        + r
        + 2 * q * m
        + even * (9 + 6 * m + 23 * g + 2 * m * m + 3 * h)
        + odd * (17 + 3 * m + 23 * g + 6 * m * m + 3 * h);
    let arith = q * m + even * (-1 + 2 * m + 2 * g + m * m) + odd * (-1 + 2 * m + 2 * g + 3 * m * m);
    let rows = |value: i128| u64::try_from(value.max(0)).unwrap_or(u64::MAX);
    Priced { rows: [rows(steps), rows(arith), rows(binary), 0, 0, 0, 0, 0], levels: 0 }
}
