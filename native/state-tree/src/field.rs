//! The Goldilocks field, one element at a time.
//!
//! Elements are `u64` and may be anywhere below 2^64; only [`canonical`] brings them below [`P`].
//! The reduction rules are 2^64 = 2^32 - 1 and 2^96 = -1.

/// The prime 2^64 - 2^32 + 1.
pub(crate) const P: u64 = 0xffff_ffff_0000_0001;
/// 2^64 mod P.
pub(crate) const EPSILON: u64 = 0xffff_ffff;

/// The element below [`P`].
#[inline]
pub(crate) const fn canonical(x: u64) -> u64 {
    if x >= P { x - P } else { x }
}

/// EPSILON or 0, without a branch: carries are as good as random.
#[inline]
fn epsilon_if(condition: bool) -> u64 {
    std::hint::select_unpredictable(condition, EPSILON, 0)
}

/// The sum of any element and a canonical one.
#[inline]
pub(crate) fn add_canonical(x: u64, canonical: u64) -> u64 {
    // At most 2^64 + P - 2: after an overflow the low word is below P - 1, so adding EPSILON cannot overflow again.
    let (sum, over) = x.overflowing_add(canonical);
    sum.wrapping_add(epsilon_if(over))
}

/// Reduces a 128-bit integer to 64 bits.
#[inline]
pub(crate) fn reduce128(x: u128) -> u64 {
    let low = x as u64;
    let high = (x >> 64) as u64;
    let (top, middle) = (high >> 32, high & EPSILON);
    // low - top: a borrow added 2^64 = EPSILON too much. The result after a borrow is at least 2^64 - 2^32 + 1.
    let (difference, borrow) = low.overflowing_sub(top);
    let difference = difference.wrapping_sub(epsilon_if(borrow));
    // middle * EPSILON is at most (2^32 - 1)^2, so a carry leaves room for EPSILON.
    let (sum, carry) = difference.overflowing_add(middle * EPSILON);
    sum.wrapping_add(epsilon_if(carry))
}

/// Reduces `low + high * 2^32`, both at most 2^42.
#[inline]
pub(crate) fn reduce96(low: u64, high: u64) -> u64 {
    let over = (high >> 32) * EPSILON;
    let (sum, carry) = (high << 32).overflowing_add(low + over);
    // What a carry leaves is below 2^43.
    sum.wrapping_add(epsilon_if(carry))
}

/// Reduces `low + high * 2^128`.
#[inline]
pub(crate) fn reduce160(low: u128, high: u32) -> u64 {
    // 2^128 = -2^32: a borrow added 2^64 = EPSILON too much, and leaves at least 2^64 - 2^63 - 2^32.
    let (difference, borrow) = reduce128(low).overflowing_sub(u64::from(high) << 32);
    difference.wrapping_sub(epsilon_if(borrow))
}

/// The product.
#[inline]
pub(crate) fn mul(a: u64, b: u64) -> u64 {
    reduce128(u128::from(a) * u128::from(b))
}

/// The S-box, x^7.
#[inline]
pub(crate) fn pow7(x: u64) -> u64 {
    let x2 = mul(x, x);
    let x4 = mul(x2, x2);
    mul(mul(x, x2), x4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGES: [u64; 10] = [0, 1, 2, EPSILON, EPSILON + 1, P - 2, P - 1, P, P + 1, u64::MAX];

    #[test]
    fn arithmetic_agrees_with_remainders_at_the_edges() {
        let p = u128::from(P);
        for a in EDGES {
            for b in EDGES {
                assert_eq!(u128::from(canonical(mul(a, b))), u128::from(a) * u128::from(b) % p, "{a} * {b}");
                let b = canonical(b);
                let sum = (u128::from(a) + u128::from(b)) % p;
                assert_eq!(u128::from(canonical(add_canonical(a, b))), sum, "{a} + {b}");
            }
        }
        assert_eq!(u128::from(canonical(reduce128(u128::MAX))), u128::MAX % p);
        for low in [0, 1, u128::from(P), u128::MAX] {
            for high in [0, 1, 2, 33] {
                let two_128 = u128::MAX % p + 1;
                let expected = (low % p + u128::from(high) * two_128) % p;
                assert_eq!(u128::from(canonical(reduce160(low, high))), expected, "{low} + {high} * 2^128");
            }
        }
        for low in [0, 5, EPSILON, 1 << 42] {
            for high in [0, 1, EPSILON, EPSILON + 1, (1 << 42) - 1, 1 << 42] {
                let expected = (u128::from(low) + (u128::from(high) << 32)) % p;
                assert_eq!(u128::from(canonical(reduce96(low, high))), expected, "{low} + {high} * 2^32");
            }
        }
    }
}
