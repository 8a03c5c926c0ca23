//! What the benchmarks share: the yardstick, order statistics and arguments.

#![allow(dead_code, reason = "no benchmark uses all of it")]

use qp_plonky2_core::poseidon::Poseidon;
use qp_plonky2_field::{
    goldilocks_field::GoldilocksField,
    types::{Field, PrimeField64},
};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use zkevm_state_tree::H4;

/// One sample of the yardstick: the scalar permutation of qp-plonky2-core, in nanoseconds per hash.
pub(crate) fn yardstick(inputs: &[[u64; 12]], out: &mut [H4]) -> f64 {
    let start = cpu_nanoseconds();
    for (input, hash) in inputs.iter().zip(&mut *out) {
        let state = GoldilocksField::poseidon(input.map(GoldilocksField::from_noncanonical_u64));
        *hash = H4(std::array::from_fn(|element| state[element].to_canonical_u64()));
    }
    nanoseconds_each(start, inputs.len())
}

/// CPU time of this thread in nanoseconds: neighbours on a busy machine do not count.
pub(crate) fn cpu_nanoseconds() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

pub(crate) fn nanoseconds_each(start: u64, count: usize) -> f64 {
    (cpu_nanoseconds() - start) as f64 / count as f64
}

/// Deterministic numbers (splitmix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub(crate) fn inputs(&mut self, count: usize) -> Vec<[u64; 12]> {
        (0..count).map(|_| std::array::from_fn(|_| self.next())).collect()
    }
}

/// Samples of one quantity.
#[derive(Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[((sorted.len() - 1) as f64 * part).round() as usize]
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn report(&self) -> Value {
        let rounded = |part| (self.quantile(part) * 10.0).round() / 10.0;
        json!({
            "median": rounded(0.5), "p10": rounded(0.1), "p90": rounded(0.9), "min": rounded(0.0),
            "samples": self.0.len(),
        })
    }
}

/// The number after `--name`, or the default.
pub(crate) fn argument(name: &str, default: usize) -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != &format!("--{name}"));
    match (arguments.next(), arguments.next()) {
        (Some(_), Some(value)) => value.parse().unwrap_or_else(|error| panic!("--{name} {value}: {error}")),
        (Some(_), None) => panic!("--{name} needs a number"),
        (None, _) => default,
    }
}

/// Whether `--name` was given.
pub(crate) fn flag(name: &str) -> bool {
    std::env::args().any(|argument| argument == format!("--{name}"))
}

pub(crate) fn rounded_ratio(part: f64, whole: f64) -> f64 {
    (part / whole * 1000.0).round() / 1000.0
}
