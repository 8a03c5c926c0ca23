//! The state tree in memory: passes of random inserts, updates and deletes into trees of several sizes.
//!
//! `cargo run --release --example bench_state_tree -- [--large] [--leaves N] [--threads 1] [--rounds 9]`; prints JSON, microseconds
//! per key. A pass is timed from the unsorted list of keys and values to the root, the changed pages as they go to a
//! database, and the cache being as the next pass needs it. The derivation of keys from addresses and slots is not part
//! of it. Trees, pass sizes and kinds of write take turns in each round; what a pass has inserted the next but one
//! deletes, so that the trees keep their size. The scalar permutation of qp-plonky2-core is timed before and after each
//! pass, as the yardstick for the machine at that moment.

#![expect(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "times and counts are far below 2^52")]

mod support;

use std::time::Instant;

use alloy_primitives::U256;
use serde_json::{Value, json};
use support::{Numbers, Samples, argument, cpu_nanoseconds, flag, nanoseconds_each, rounded_ratio, yardstick};
use zkevm_state_tree::{H4, NoSource, StateTree, TreeConfig};

/// Long enough to see how busy the machine is.
const YARDSTICK_HASHES: usize = 500;
/// Keys of a pass, and how many such passes of each kind a round has.
const PASSES: [(usize, usize); 3] = [(100, 10), (1_000, 5), (10_000, 1)];
const LEAVES: [usize; 2] = [100_000, 1_000_000];
const LEAVES_LARGE: usize = 10_000_000;
/// A pass larger than this part of the tree would change what is measured.
const LEAVES_PER_KEY_MIN: usize = 100;

type Writes = Vec<(H4, U256)>;

/// A tree that keeps its size.
struct Subject {
    leaves: usize,
    tree: StateTree<NoSource>,
    numbers: Numbers,
    keys: Vec<H4>,
    build_seconds: f64,
    memory_bytes: usize,
    results: Vec<Series>,
}

/// Passes of one size and kind.
struct Series {
    keys: usize,
    passes: usize,
    kind: &'static str,
    cpu: Samples,
    wall: Samples,
    /// CPU time in hashes of the yardstick, timed just before and after.
    ratio: Samples,
    pages: usize,
    bytes: usize,
}

impl Series {
    fn new((keys, passes): (usize, usize), kind: &'static str) -> Self {
        let samples = || Samples::default();
        Self { keys, passes, kind, cpu: samples(), wall: samples(), ratio: samples(), pages: 0, bytes: 0 }
    }

    fn report(&self) -> Value {
        let written = (self.cpu.len() * self.keys) as f64;
        let mut report = self.cpu.report();
        report["keysPerPass"] = Value::from(self.keys);
        report["write"] = Value::from(self.kind);
        report["keysPerSecond"] = Value::from((1e6 / self.cpu.median()).round());
        report["ratio"] = Value::from(rounded_ratio(self.ratio.median(), 1.0));
        report["wall"] = self.wall.report();
        report["pagesPerKey"] = Value::from(rounded_ratio(self.pages as f64, written));
        report["pageBytesPerKey"] = Value::from((self.bytes as f64 / written).round());
        report
    }
}

/// The yardstick and its samples.
struct Yardstick {
    inputs: Vec<[u64; 12]>,
    samples: Samples,
}

impl Yardstick {
    fn measure(&self) -> f64 {
        let mut out = vec![H4::ZERO; self.inputs.len()];
        yardstick(&self.inputs, &mut out)
    }
}

impl Subject {
    fn build(leaves: usize, threads: usize) -> Self {
        let start = Instant::now();
        let config = TreeConfig { cache_bytes: usize::MAX, threads };
        let tree = StateTree::open(NoSource, H4::ZERO, config).expect("the empty tree");
        let results = PASSES
            .into_iter()
            .filter(|(keys, _)| keys * LEAVES_PER_KEY_MIN <= leaves)
            .flat_map(|pass| ["insert", "update", "delete"].map(|kind| Series::new(pass, kind)))
            .collect();
        let numbers = Numbers(leaves as u64);
        let mut subject =
            Self { leaves, tree, numbers, keys: Vec::new(), build_seconds: 0.0, memory_bytes: 0, results };
        while subject.keys.len() < leaves {
            let size = (leaves - subject.keys.len()).min(100_000);
            let writes = subject.new_leaves(size);
            subject.keys.extend(writes.iter().map(|(key, _)| *key));
            let delta = subject.tree.update(&writes).expect("a tree in memory");
            subject.tree.settle(delta.sequence);
        }
        subject.build_seconds = start.elapsed().as_secs_f64();
        subject.memory_bytes = subject.tree.cache_stats().bytes;
        subject
    }

    fn new_leaves(&mut self, count: usize) -> Writes {
        (0..count)
            .map(|_| {
                let key = H4(std::array::from_fn(|_| self.numbers.next() >> 1));
                (key, U256::from(self.numbers.next() | 1))
            })
            .collect()
    }

    fn changes(&mut self, count: usize) -> Writes {
        (0..count)
            .map(|_| {
                let key = self.keys[self.numbers.next() as usize % self.keys.len()];
                (key, U256::from(self.numbers.next() | 1))
            })
            .collect()
    }

    fn round(&mut self, yardstick: &mut Yardstick) {
        for first in (0..self.results.len()).step_by(3) {
            for _ in 0..self.results[first].passes {
                let inserts = self.new_leaves(self.results[first].keys);
                let updates = self.changes(inserts.len());
                let deletes: Writes = inserts.iter().map(|(key, _)| (*key, U256::ZERO)).collect();
                for (kind, writes) in [inserts, updates, deletes].iter().enumerate() {
                    self.pass(first + kind, writes, yardstick);
                }
            }
        }
    }

    fn pass(&mut self, series: usize, writes: &Writes, yardstick: &mut Yardstick) {
        let before = yardstick.measure();
        let (start, cpu_start) = (Instant::now(), cpu_nanoseconds());
        let delta = self.tree.update(writes).expect("a tree in memory");
        self.tree.settle(delta.sequence);
        let cpu = nanoseconds_each(cpu_start, writes.len());
        let wall = start.elapsed().as_secs_f64() * 1e9 / writes.len() as f64;
        let oracle = f64::midpoint(before, yardstick.measure());
        yardstick.samples.push(oracle);
        let series = &mut self.results[series];
        series.cpu.push(cpu / 1000.0);
        series.wall.push(wall / 1000.0);
        series.ratio.push(cpu / oracle);
        series.pages += delta.pages().count();
        series.bytes += delta.pages().filter_map(|write| write.page).map(<[u8]>::len).sum::<usize>();
    }

    fn report(&self) -> Value {
        json!({
            "leaves": self.leaves, "buildSeconds": (self.build_seconds * 100.0).round() / 100.0,
            "memoryBytes": self.memory_bytes,
            "memoryBytesPerLeaf": (self.memory_bytes as f64 / self.leaves as f64).round(),
            "results": self.results.iter().map(Series::report).collect::<Vec<_>>(),
        })
    }
}

fn main() {
    let threads = argument("threads", 1);
    let mut sizes = match argument("leaves", 0) {
        0 => LEAVES.to_vec(),
        leaves => vec![leaves],
    };
    if flag("large") {
        sizes.push(LEAVES_LARGE);
    }
    let mut yardstick = Yardstick { inputs: Numbers(1).inputs(YARDSTICK_HASHES), samples: Samples::default() };
    let mut subjects: Vec<Subject> = sizes.into_iter().map(|leaves| Subject::build(leaves, threads)).collect();
    for _ in 0..argument("rounds", 9) {
        for subject in &mut subjects {
            subject.round(&mut yardstick);
        }
    }
    let report = json!({
        "benchmark": "state-tree", "unit": "us/key", "threads": threads,
        "qpPlonky2CoreScalarNs": yardstick.samples.report(),
        "trees": subjects.iter().map(Subject::report).collect::<Vec<_>>(),
    });
    println!("{report:#}");
}
