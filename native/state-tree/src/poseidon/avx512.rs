//! Eight hashes at a time with AVX-512.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_and_si512, _mm512_cmplt_epu64_mask, _mm512_loadu_si512, _mm512_mask_add_epi64,
    _mm512_mask_blend_epi32, _mm512_mask_sub_epi64, _mm512_mul_epu32, _mm512_set1_epi64, _mm512_slli_epi64,
    _mm512_srai_epi64, _mm512_srli_epi64, _mm512_storeu_si512, _mm512_sub_epi64,
};

use super::{
    halves::{FULL, FULL_HALF, PARTIAL_0, RoundHalves, ZERO_FULL},
    kernel::{define_kernel, each},
    linear_layer::define_mds_half,
};
use crate::field::EPSILON;

/// Hashes at a time.
pub(super) const LANES: usize = 8;

/// S-boxes computed together: as many as the registers hold, by measurement.
const SIDE_BY_SIDE: usize = 6;

type V = __m512i;

#[inline]
#[target_feature(enable = "avx512f")]
fn load(lanes: &[u64; LANES]) -> V {
    // SAFETY: the reference is to 64 readable bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(lanes: &mut [u64; LANES], x: V) {
    // SAFETY: the reference is to 64 writable bytes; the store needs no alignment.
    unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), x) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(x: u64) -> V {
    _mm512_set1_epi64(x.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(a: V, b: V) -> V {
    _mm512_add_epi64(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn sub(a: V, b: V) -> V {
    _mm512_sub_epi64(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn and(a: V, b: V) -> V {
    _mm512_and_si512(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn shl<const N: u32>(x: V) -> V {
    _mm512_slli_epi64::<N>(x)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn shr<const N: u32>(x: V) -> V {
    _mm512_srli_epi64::<N>(x)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn mul32(a: V, b: V) -> V {
    _mm512_mul_epu32(a, b)
}

/// The same value, computed by here: the compiler would order the steps of several S-boxes by its own lights, for some
/// surroundings of the code well and for others a fifth slower.
#[inline]
#[target_feature(enable = "avx512f")]
fn pin(mut x: V) -> V {
    // SAFETY: there is no instruction.
    unsafe { std::arch::asm!("/* {0} */", inout(zmm_reg) x, options(nomem, nostack, preserves_flags)) };
    x
}

#[inline]
#[target_feature(enable = "avx512f")]
fn merge(low: V, high: V) -> V {
    _mm512_mask_blend_epi32(0xaaaa, low, high)
}

/// a + b modulo p, for b at most 2^64 - 2^32 + 1.
#[inline]
#[target_feature(enable = "avx512f")]
fn add_mod(a: V, b: V) -> V {
    let sum = _mm512_add_epi64(a, b);
    // A carry leaves less than 2^64 - 2^32 + 1, so that adding EPSILON does not carry again.
    let carry = _mm512_cmplt_epu64_mask(sum, a);
    _mm512_mask_add_epi64(sum, carry, sum, splat(EPSILON))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add_mod_small(a: V, b: V) -> V {
    add_mod(a, b)
}

/// a - b modulo p, for b below 2^32.
#[inline]
#[target_feature(enable = "avx512f")]
fn sub_mod_small(a: V, b: V) -> V {
    let difference = _mm512_sub_epi64(a, b);
    let borrow = _mm512_cmplt_epu64_mask(a, b);
    _mm512_mask_sub_epi64(difference, borrow, difference, splat(EPSILON))
}

/// Brings halves of up to 58 bits back to 33, modulo p.
#[inline]
#[target_feature(enable = "avx512f")]
fn carry(low: V, high: V) -> (V, V) {
    let mask = splat(EPSILON);
    let high_over = _mm512_srai_epi64::<32>(high);
    let low_over = _mm512_srai_epi64::<32>(low);
    (sub(and(low, mask), high_over), add(add(and(high, mask), low_over), high_over))
}

define_mds_half!(#[target_feature(enable = "avx512f")]);
define_kernel!(#[target_feature(enable = "avx512f")]);
