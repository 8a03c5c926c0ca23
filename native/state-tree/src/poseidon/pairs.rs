//! The linear layer of one permutation: both halves of an element side by side in one register.
//!
//! Two 64-bit integers fit the registers that every x86-64 has (SSE2). Elsewhere arrays of two integers leave it to the
//! compiler to do the same.

use crate::field::reduce96;

/// Multiplies the state with the MDS matrix.
#[inline]
pub(super) fn mds(state: &mut [u64; 12]) {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { sse2::mds(state) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    portable::mds(state);
}

/// Defines `mds`. Expects `mds_half`, `split` (a 64-bit integer to its halves) and `parts` (both integers) in scope.
macro_rules! define_mds {
    ($(#[$attribute:meta])*) => {
        #[inline]
        $(#[$attribute])*
        pub(super) fn mds(state: &mut [u64; 12]) {
            let mut halves = [split(0); 12];
            for (halves, element) in halves.iter_mut().zip(&*state) {
                *halves = split(*element);
            }
            for (element, halves) in state.iter_mut().zip(mds_half(&halves)) {
                let (low, high) = parts(halves);
                *element = reduce96(low, high);
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi64, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_setzero_si128, _mm_slli_epi64, _mm_sub_epi64,
        _mm_unpackhi_epi64, _mm_unpacklo_epi32,
    };

    use super::{super::linear_layer::define_mds_half, reduce96};

    type V = __m128i;

    #[inline]
    #[target_feature(enable = "sse2")]
    fn split(x: u64) -> V {
        _mm_unpacklo_epi32(_mm_cvtsi64_si128(x.cast_signed()), _mm_setzero_si128())
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn parts(x: V) -> (u64, u64) {
        let high = _mm_unpackhi_epi64(x, x);
        (_mm_cvtsi128_si64(x).cast_unsigned(), _mm_cvtsi128_si64(high).cast_unsigned())
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn add(a: V, b: V) -> V {
        _mm_add_epi64(a, b)
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn sub(a: V, b: V) -> V {
        _mm_sub_epi64(a, b)
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn shl<const N: i32>(x: V) -> V {
        _mm_slli_epi64::<N>(x)
    }

    define_mds_half!(#[target_feature(enable = "sse2")]);
    define_mds!(#[target_feature(enable = "sse2")]);
}

#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable {
    use super::{super::linear_layer::define_mds_half, reduce96};
    use crate::field::EPSILON;

    type V = [u64; 2];

    #[inline]
    fn split(x: u64) -> V {
        [x & EPSILON, x >> 32]
    }

    #[inline]
    fn parts([low, high]: V) -> (u64, u64) {
        (low, high)
    }

    #[inline]
    fn add(a: V, b: V) -> V {
        [a[0].wrapping_add(b[0]), a[1].wrapping_add(b[1])]
    }

    #[inline]
    fn sub(a: V, b: V) -> V {
        [a[0].wrapping_sub(b[0]), a[1].wrapping_sub(b[1])]
    }

    #[inline]
    fn shl<const N: u32>(x: V) -> V {
        [x[0] << N, x[1] << N]
    }

    define_mds_half!();
    define_mds!();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::scalar::{MDS_DIAGONAL_0, MDS_ROW},
        *,
    };
    use crate::field::{P, canonical, reduce128};

    proptest! {
        #[test]
        fn additions_and_shifts_are_the_matrix(state in proptest::array::uniform12(prop_oneof![
            any::<u64>(), Just(0), Just(u64::MAX), P - 2..P + 2
        ])) {
            let expected: [u64; 12] = std::array::from_fn(|row| {
                let corner = if row == 0 { u128::from(state[0]) * u128::from(MDS_DIAGONAL_0) } else { 0 };
                let sum = (0..12).fold(corner, |sum, column| {
                    sum + u128::from(state[column]) * u128::from(MDS_ROW[(column + 12 - row) % 12])
                });
                canonical(reduce128(sum))
            });
            for mds in [mds, portable::mds] {
                let mut product = state;
                mds(&mut product);
                prop_assert_eq!(product.map(canonical), expected);
            }
        }
    }
}
