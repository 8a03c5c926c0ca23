//! Four hashes at a time with AVX2.
//!
//! AVX2 compares signed integers only, so carries are found after flipping the highest bit of what is compared.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_and_si256, _mm256_andnot_si256, _mm256_blend_epi32, _mm256_cmpgt_epi64,
    _mm256_loadu_si256, _mm256_mul_epu32, _mm256_set1_epi64x, _mm256_slli_epi64, _mm256_srai_epi32, _mm256_srli_epi64,
    _mm256_storeu_si256, _mm256_sub_epi64, _mm256_xor_si256,
};

use super::{
    halves::{FULL, FULL_HALF, PARTIAL_0, RoundHalves, ZERO_FULL, ZERO_PARTIAL},
    kernel::{define_kernel, each},
    linear_layer::define_mds_half,
};
use crate::field::EPSILON;

/// Hashes at a time.
pub(super) const LANES: usize = 4;

/// S-boxes computed together: as many as the registers hold, by measurement.
const SIDE_BY_SIDE: usize = 4;

type V = __m256i;

#[inline]
#[target_feature(enable = "avx2")]
fn load(lanes: &[u64; LANES]) -> V {
    // SAFETY: the reference is to 32 readable bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(lanes: &mut [u64; LANES], x: V) {
    // SAFETY: the reference is to 32 writable bytes; the store needs no alignment.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), x) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(x: u64) -> V {
    _mm256_set1_epi64x(x.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2")]
fn add(a: V, b: V) -> V {
    _mm256_add_epi64(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
fn sub(a: V, b: V) -> V {
    _mm256_sub_epi64(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
fn and(a: V, b: V) -> V {
    _mm256_and_si256(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
fn shl<const N: i32>(x: V) -> V {
    _mm256_slli_epi64::<N>(x)
}

#[inline]
#[target_feature(enable = "avx2")]
fn shr<const N: i32>(x: V) -> V {
    _mm256_srli_epi64::<N>(x)
}

#[inline]
#[target_feature(enable = "avx2")]
fn mul32(a: V, b: V) -> V {
    _mm256_mul_epu32(a, b)
}

/// The same value, computed by here: the compiler would order the steps of several S-boxes by its own lights, for some
/// surroundings of the code well and for others a fifth slower.
#[inline]
#[target_feature(enable = "avx2")]
fn pin(mut x: V) -> V {
    // SAFETY: there is no instruction.
    unsafe { std::arch::asm!("/* {0} */", inout(ymm_reg) x, options(nomem, nostack, preserves_flags)) };
    x
}

#[inline]
#[target_feature(enable = "avx2")]
fn merge(low: V, high: V) -> V {
    _mm256_blend_epi32::<0b1010_1010>(low, high)
}

#[inline]
#[target_feature(enable = "avx2")]
fn flip(x: V) -> V {
    _mm256_xor_si256(x, splat(1 << 63))
}

/// EPSILON where `a` > `b` as signed integers, else 0.
#[inline]
#[target_feature(enable = "avx2")]
fn epsilon_if_greater(a: V, b: V) -> V {
    shr::<32>(_mm256_cmpgt_epi64(a, b))
}

/// a + b modulo p, for b at most 2^64 - 2^32 + 1.
#[inline]
#[target_feature(enable = "avx2")]
fn add_mod(a: V, b: V) -> V {
    let flipped = flip(a);
    let sum = add(flipped, b);
    // The sum is below a if there was a carry; what it leaves has room for EPSILON.
    flip(add(sum, epsilon_if_greater(flipped, sum)))
}

/// a + b modulo p, for b below 2^60.
#[inline]
#[target_feature(enable = "avx2")]
fn add_mod_small(a: V, b: V) -> V {
    let sum = add(a, b);
    // With so small a second operand there was a carry if the highest bit of `a` is gone.
    let gone = _mm256_andnot_si256(sum, a);
    add(sum, shr::<32>(_mm256_srai_epi32::<31>(gone)))
}

/// a - b modulo p, for b below 2^32.
#[inline]
#[target_feature(enable = "avx2")]
fn sub_mod_small(a: V, b: V) -> V {
    let difference = sub(a, b);
    // With so small a second operand there was a borrow if the highest bit has appeared.
    let appeared = _mm256_andnot_si256(a, difference);
    sub(difference, shr::<32>(_mm256_srai_epi32::<31>(appeared)))
}

/// Brings halves of up to 58 bits back to 33, modulo p.
#[inline]
#[target_feature(enable = "avx2")]
fn carry(low: V, high: V) -> (V, V) {
    let mask = splat(EPSILON);
    // There is no arithmetic shift of 64 bits, so the halves are made positive first.
    let low = add(low, splat(ZERO_PARTIAL.0));
    let high = add(high, splat(ZERO_PARTIAL.1));
    let high_over = shr::<32>(high);
    (sub(and(low, mask), high_over), add(add(and(high, mask), shr::<32>(low)), high_over))
}

define_mds_half!(#[target_feature(enable = "avx2")]);
define_kernel!(#[target_feature(enable = "avx2")]);
