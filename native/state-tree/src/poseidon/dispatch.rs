//! Which implementation hashes many inputs.

use std::sync::atomic::{AtomicU8, Ordering};

use super::scalar;
use crate::{H4, field::canonical};

/// An implementation of the permutation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
    /// One at a time, on any CPU.
    Scalar,
    /// Four at a time, x86-64 with AVX2.
    Avx2,
    /// Eight at a time, x86-64 with AVX-512.
    Avx512,
}

impl Backend {
    /// All that this CPU can run, the fastest first.
    pub fn available() -> Vec<Self> {
        [Self::Avx512, Self::Avx2, Self::Scalar].into_iter().filter(|backend| backend.is_available()).collect()
    }

    /// Whether this CPU can run it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }

    /// Name for logs and benchmarks.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// The one that [`hash_many`] uses: the fastest available, found at the first use.
    pub fn chosen() -> Self {
        const UNKNOWN: u8 = 0;
        static CHOSEN: AtomicU8 = AtomicU8::new(UNKNOWN);
        match CHOSEN.load(Ordering::Relaxed) {
            1 => Self::Scalar,
            2 => Self::Avx2,
            3 => Self::Avx512,
            _ => {
                let chosen = Self::available()[0];
                let code = match chosen {
                    Self::Scalar => 1,
                    Self::Avx2 => 2,
                    Self::Avx512 => 3,
                };
                CHOSEN.store(code, Ordering::Relaxed);
                chosen
            }
        }
    }
}

/// Hashes independent inputs (8 elements, then 4 of capacity), as many at a time as the CPU has lanes.
///
/// # Panics
/// If the slices differ in length.
pub fn hash_many(inputs: &[[u64; 12]], out: &mut [H4]) {
    hash_many_on(Backend::chosen(), inputs, out);
}

/// As [`hash_many`], with a given implementation.
///
/// # Panics
/// If the slices differ in length or the CPU cannot run the implementation.
pub fn hash_many_on(backend: Backend, inputs: &[[u64; 12]], out: &mut [H4]) {
    assert_eq!(inputs.len(), out.len(), "one output for each input");
    assert!(backend.is_available(), "the CPU has no {}", backend.name());
    each_on(backend, inputs.len(), |index| inputs[index], |index, hash| out[index] = hash);
}

/// Hashes `count` independent inputs that `load` makes and hands the results to `store`.
///
/// Inputs of a group are loaded before any result of the group is stored.
pub(crate) fn hash_each(count: usize, load: impl FnMut(usize) -> [u64; 12], store: impl FnMut(usize, H4)) {
    each_on(Backend::chosen(), count, load, store);
}

/// `backend` must be available.
fn each_on(backend: Backend, count: usize, mut load: impl FnMut(usize) -> [u64; 12], mut store: impl FnMut(usize, H4)) {
    let mut done = 0;
    #[cfg(target_arch = "x86_64")]
    {
        use super::{avx2, avx512};
        // So few inputs are not worth a pass with empty lanes.
        let alone = SCALAR_MAX;
        if backend == Backend::Avx512 {
            while count - done > alone.max(avx2::LANES) {
                // SAFETY: the caller guarantees that the CPU has AVX-512.
                let compress = |state: &mut _| unsafe { avx512::compress(state) };
                done += lanes::<{ avx512::LANES }>(done..count, &mut load, &mut store, compress);
            }
        }
        if backend != Backend::Scalar {
            while count - done > alone {
                // SAFETY: the caller guarantees AVX2, which every CPU with AVX-512 has.
                let compress = |state: &mut _| unsafe { avx2::compress(state) };
                done += lanes::<{ avx2::LANES }>(done..count, &mut load, &mut store, compress);
            }
        }
    }
    for index in done..count {
        store(index, scalar::compress(load(index)));
    }
}

/// As many scalar hashes as take no longer than the four lanes of AVX2.
#[cfg(target_arch = "x86_64")]
const SCALAR_MAX: usize = 1;

/// Hashes up to `LANES` inputs of the range in one go; how many.
#[cfg(target_arch = "x86_64")]
fn lanes<const LANES: usize>(
    range: std::ops::Range<usize>,
    load: &mut impl FnMut(usize) -> [u64; 12],
    store: &mut impl FnMut(usize, H4),
    compress: impl FnOnce(&mut [[u64; LANES]; 12]),
) -> usize {
    let taken = range.len().min(LANES);
    let mut state = [[0; LANES]; 12];
    for lane in 0..taken {
        let input = load(range.start + lane);
        for (row, element) in state.iter_mut().zip(input) {
            row[lane] = element;
        }
    }
    compress(&mut state);
    let [row_0, row_1, row_2, row_3, ..] = state;
    for (lane, index) in range.take(taken).enumerate() {
        store(index, H4([row_0[lane], row_1[lane], row_2[lane], row_3[lane]].map(canonical)));
    }
    taken
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use qp_plonky2_core::poseidon::Poseidon;
    use qp_plonky2_field::{
        goldilocks_field::GoldilocksField,
        types::{Field, PrimeField64},
    };

    use super::*;
    use crate::field::P;

    /// The same hash, written by others.
    fn oracle(input: &[u64; 12]) -> H4 {
        let state = GoldilocksField::poseidon(input.map(GoldilocksField::from_noncanonical_u64));
        H4(std::array::from_fn(|element| state[element].to_canonical_u64()))
    }

    fn element() -> impl Strategy<Value = u64> {
        prop_oneof![
            any::<u64>(),
            P - 3..=u64::MAX,
            Just(0),
            Just(P - 1),
            Just(P),
            Just(u64::MAX),
            (0u32..64).prop_map(|bit| 1 << bit),
            (0u32..64).prop_map(|bit| u64::MAX << bit),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn all_backends_agree(inputs in proptest::collection::vec(proptest::array::uniform12(element()), 0..40)) {
            let expected: Vec<H4> = inputs.iter().map(oracle).collect();
            for backend in Backend::available() {
                let mut out = vec![H4::ZERO; inputs.len()];
                hash_many_on(backend, &inputs, &mut out);
                prop_assert_eq!(&out, &expected, "{}", backend.name());
            }
            prop_assert!(expected.iter().all(H4::is_canonical));
        }
    }

    #[test]
    fn published_hashes() {
        let cases = [
            ([0; 12], [0x3c18_a978_6cb0_b359, 0xc405_5e33_64a2_46c3, 0x7953_db0a_b488_08f4, 0xc716_03f3_3a11_44ca]),
            (
                std::array::from_fn(|index| index as u64),
                [0xd64e_1e3e_fc5b_8e9e, 0x5366_6633_020a_aa47, 0xd402_8559_7c6a_8825, 0x613a_4f81_e812_31d2],
            ),
            ([P - 1; 12], [0xbe00_85cf_c57a_8357, 0xd95a_f718_47d0_5c09, 0xcf55_a13d_33c1_c953, 0x9580_3a74_f453_0e82]),
        ];
        for backend in Backend::available() {
            for (input, expected) in cases {
                let mut out = [H4::ZERO; 9];
                hash_many_on(backend, &[input; 9], &mut out);
                assert_eq!(out, [H4(expected); 9], "{}", backend.name());
            }
        }
    }
}
