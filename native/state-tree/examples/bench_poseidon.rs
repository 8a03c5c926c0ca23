//! Poseidon in all implementations the CPU has, against the scalar permutation of qp-plonky2-core in the same run.
//!
//! `cargo run --release --example bench_poseidon -- [--rounds 3000]`; prints JSON, nanoseconds of CPU time per hash. The variants take
//! turns in every round, so that a busy machine slows all of them alike.

#![expect(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "times and counts are far below 2^52")]

mod support;

use serde_json::{Map, Value, json};
use support::{Numbers, Samples, argument, cpu_nanoseconds, nanoseconds_each, rounded_ratio, yardstick};
use zkevm_state_tree::{
    H4,
    poseidon::{Backend, hash_many_on},
};

/// Inputs of one sample; few, so that an interruption spoils few samples.
const SAMPLE_HASHES: usize = 64;

fn main() {
    let rounds = argument("rounds", 3000);
    let inputs = Numbers(1).inputs(SAMPLE_HASHES);
    let mut out = vec![H4::ZERO; inputs.len()];
    let backends = Backend::available();
    let mut oracle = Samples::default();
    let mut samples: Vec<Samples> = backends.iter().map(|_| Samples::default()).collect();
    for _ in 0..rounds {
        oracle.push(yardstick(&inputs, &mut out));
        let expected = out.clone();
        for (backend, samples) in backends.iter().zip(&mut samples) {
            let start = cpu_nanoseconds();
            hash_many_on(*backend, &inputs, &mut out);
            samples.push(nanoseconds_each(start, inputs.len()));
            assert_eq!(out, expected, "{}", backend.name());
        }
    }
    let mut results = Map::new();
    for (backend, samples) in backends.iter().zip(&samples) {
        let mut report = samples.report();
        report["ratio"] = Value::from(rounded_ratio(samples.median(), oracle.median()));
        results.insert(backend.name().to_owned(), report);
    }
    let report = json!({
        "benchmark": "poseidon", "unit": "ns/hash", "rounds": rounds, "hashesPerSample": SAMPLE_HASHES,
        "chosen": Backend::chosen().name(), "qpPlonky2CoreScalar": oracle.report(), "results": results,
    });
    println!("{report:#}");
}
