//! The state tree in memory: passes of random inserts and updates into a large tree.
//!
//! `cargo run --release --example bench_state_tree -- [--leaves 1000000] [--threads 1] [--keys 20000] [--pass
//! 1000]`; prints JSON,
//! microseconds per key (CPU time of the calling thread, and wall clock). `--keys` is how many keys each pass size writes in all. Between the passes the scalar
//! permutation of qp-plonky2-core is timed, as the yardstick for the machine at that moment.

#![expect(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "times and counts are far below 2^52")]

mod support;

use std::time::Instant;

use alloy_primitives::U256;
use serde_json::{Value, json};
use support::{Numbers, Samples, argument, cpu_nanoseconds, nanoseconds_each, rounded_ratio, yardstick};
use zkevm_state_tree::{H4, NoSource, StateTree, TreeConfig, TreeDelta};

/// Long enough to see how busy the machine is.
const YARDSTICK_HASHES: usize = 500;

const PASSES: [usize; 4] = [100, 1_000, 10_000, 100_000];

struct Bench {
    tree: StateTree<NoSource>,
    numbers: Numbers,
    keys: Vec<H4>,
    inputs: Vec<[u64; 12]>,
    oracle: Samples,
}

/// One pass: nanoseconds per key and what it wrote.
struct Times {
    /// CPU time of this thread.
    cpu: f64,
    wall: f64,
    /// CPU time in hashes of the yardstick, timed just before and after.
    ratio: f64,
    delta: TreeDelta,
}

impl Bench {
    fn measure_oracle(&self) -> f64 {
        let mut out = vec![H4::ZERO; self.inputs.len()];
        yardstick(&self.inputs, &mut out)
    }

    fn new_key(&mut self) -> H4 {
        let key = H4(std::array::from_fn(|_| self.numbers.next() >> 1));
        self.keys.push(key);
        key
    }

    fn value(&mut self) -> U256 {
        U256::from(self.numbers.next() | 1)
    }

    /// One pass.
    fn pass(&mut self, writes: &[(H4, U256)]) -> Times {
        let before = self.measure_oracle();
        let (start, cpu_start) = (Instant::now(), cpu_nanoseconds());
        let delta = self.tree.update(writes).expect("a tree in memory");
        self.tree.settle(delta.sequence);
        let cpu = nanoseconds_each(cpu_start, writes.len());
        let wall = start.elapsed().as_secs_f64() * 1e9 / writes.len() as f64;
        let oracle = f64::midpoint(before, self.measure_oracle());
        self.oracle.push(oracle);
        Times { cpu, wall, ratio: cpu / oracle, delta }
    }

    /// Passes of `size` keys, `keys` in all.
    fn passes(&mut self, size: usize, keys: usize, is_insert: bool) -> Value {
        let (mut samples, mut walls, mut ratios) = (Samples::default(), Samples::default(), Samples::default());
        let (mut pages, mut bytes) = (0, 0);
        let count = (keys / size).max(5);
        for _ in 0..count {
            let writes: Vec<(H4, U256)> = (0..size)
                .map(|_| {
                    let index = self.numbers.next() as usize % self.keys.len();
                    let key = if is_insert { self.new_key() } else { self.keys[index] };
                    (key, self.value())
                })
                .collect();
            let Times { cpu, wall, ratio, delta } = self.pass(&writes);
            samples.push(cpu / 1000.0);
            walls.push(wall / 1000.0);
            ratios.push(ratio);
            pages += delta.pages().count();
            bytes += delta.pages().filter_map(|write| write.page).map(<[u8]>::len).sum::<usize>();
        }
        let written = (count * size) as f64;
        let mut report = samples.report();
        report["keysPerPass"] = Value::from(size);
        report["write"] = Value::from(if is_insert { "insert" } else { "update" });
        report["keysPerSecond"] = Value::from((1e6 / samples.median()).round());
        report["ratio"] = Value::from(rounded_ratio(ratios.median(), 1.0));
        report["wall"] = walls.report();
        report["pagesPerKey"] = Value::from(rounded_ratio(pages as f64, written));
        report["pageBytesPerKey"] = Value::from((bytes as f64 / written).round());
        report
    }
}

fn main() {
    let leaves = argument("leaves", 1_000_000);
    let threads = argument("threads", 1);
    let keys = argument("keys", 20_000);
    let only = argument("pass", 0);
    let config = TreeConfig { cache_bytes: usize::MAX, threads };
    let mut numbers = Numbers(1);
    let inputs = numbers.inputs(YARDSTICK_HASHES);
    let tree = StateTree::open(NoSource, H4::ZERO, config).expect("the empty tree");
    let mut bench = Bench { tree, numbers, keys: Vec::new(), inputs, oracle: Samples::default() };
    let start = Instant::now();
    while bench.keys.len() < leaves {
        let size = (leaves - bench.keys.len()).min(100_000);
        let writes: Vec<(H4, U256)> = (0..size).map(|_| (bench.new_key(), bench.value())).collect();
        bench.pass(&writes);
    }
    let build_seconds = start.elapsed().as_secs_f64();
    let build_stats = bench.tree.cache_stats();
    bench.oracle = Samples::default();
    let results: Vec<Value> = PASSES
        .iter()
        .filter(|size| if only == 0 { **size * 10 <= leaves } else { **size == only })
        .flat_map(|size| [(*size, true), (*size, false)])
        .map(|(size, is_insert)| bench.passes(size, keys, is_insert))
        .collect();
    let report = json!({
        "benchmark": "state-tree", "unit": "us/key", "leaves": leaves, "threads": threads,
        "buildSeconds": (build_seconds * 100.0).round() / 100.0,
        "pages": build_stats.pages, "memoryBytes": build_stats.bytes,
        "qpPlonky2CoreScalarNs": bench.oracle.report(), "results": results,
    });
    println!("{report:#}");
}
