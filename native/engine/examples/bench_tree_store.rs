//! The state tree on RocksDB: passes of random updates and inserts, each one synced write.
//!
//! `cargo run --release --example bench_tree_store -- [--large] [--leaves N] [--keys 1000] [--passes 40] [--cache-mib 1024]`;
//! prints JSON, microseconds of wall clock per key. The caches are divided as in a node. A pass is timed from the unsorted list of
//! keys and values until root and changed pages are on disk. Cold passes start with a database just opened whose files the
//! kernel has been told to forget; warm ones follow a number of passes that are not timed. Values, blocks and history,
//! which a node writes in the same batch, are not part of it.

#![expect(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "times and counts are far below 2^52")]

#[path = "../../state-tree/examples/support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use alloy_primitives::{B256, U256};
use serde_json::{Value, json};
use support::{Numbers, Samples, argument, flag, rounded_ratio, yardstick};
use zkevm_engine::tree::Tree;
use zkevm_state_db::{Store, StoreOptions, WriteBatch, schema};
use zkevm_state_tree::H4;

const YARDSTICK_HASHES: usize = 500;
const LEAVES: [usize; 2] = [100_000, 1_000_000];
const LEAVES_LARGE: usize = 10_000_000;
const BUILD_KEYS: usize = 5_000;
/// Each opens the database anew.
const COLD_PASSES: usize = 7;
/// Keys that are changed before the cache is called warm: all, or enough to fill the cache.
const WARM_UP_KEYS: usize = 1_000_000;
const ROOT: &[u8] = b"bench/root";

type Failure = Box<dyn std::error::Error>;

/// What one pass took, in nanoseconds per key, and wrote.
struct Pass {
    update: f64,
    total: f64,
    batch_bytes: usize,
}

/// A store with a tree, open.
struct Database {
    store: Arc<Store>,
    tree: Tree,
}

impl Database {
    /// The caches as the engine divides them: half for the tree's pages, a quarter for RocksDB's blocks.
    fn open(path: &Path, cache_bytes: usize, sync_writes: bool, root: H4, depth: u64) -> Result<Self, Failure> {
        let options =
            StoreOptions { path: path.to_path_buf(), block_cache_bytes: cache_bytes / 4, sync_writes, creates: true };
        let store = Arc::new(Store::open(&options)?);
        let tree = Tree::open(Arc::clone(&store), root.to_b256(), depth, cache_bytes / 2)?;
        Ok(Self { store, tree })
    }

    fn pass(&mut self, writes: &[(H4, U256)]) -> Result<(Pass, B256), Failure> {
        let each = |start: Instant| start.elapsed().as_secs_f64() * 1e9 / writes.len() as f64;
        let start = Instant::now();
        let update = self.tree.update(writes)?;
        let updated = each(start);
        let mut batch = WriteBatch::default();
        update.put(&self.store, &mut batch)?;
        self.store.put(&mut batch, schema::META, ROOT, update.root().as_slice())?;
        let batch_bytes = batch.size_in_bytes();
        self.store.write(batch)?;
        self.tree.settle(&update);
        Ok((Pass { update: updated, total: each(start), batch_bytes }, update.root()))
    }
}

/// The keys of a tree, and what to do with them next.
struct Load {
    numbers: Numbers,
    keys: Vec<H4>,
}

impl Load {
    fn inserts(&mut self, count: usize) -> Vec<(H4, U256)> {
        let first = self.keys.len();
        self.keys.extend((0..count).map(|_| H4(std::array::from_fn(|_| self.numbers.next() >> 1))));
        self.keys[first..].iter().map(|key| (*key, U256::from(self.numbers.next() | 1))).collect()
    }

    fn updates(&mut self, count: usize) -> Vec<(H4, U256)> {
        (0..count)
            .map(|_| {
                let key = self.keys[self.numbers.next() as usize % self.keys.len()];
                (key, U256::from(self.numbers.next() | 1))
            })
            .collect()
    }
}

/// Samples of passes of one kind.
#[derive(Default)]
struct Series {
    total: Samples,
    update: Samples,
    ratio: Samples,
    keys: usize,
    batch_bytes: usize,
}

impl Series {
    fn add(&mut self, pass: &Pass, keys: usize, oracle: f64) {
        self.total.push(pass.total / 1000.0);
        self.update.push(pass.update / 1000.0);
        self.ratio.push(pass.total / oracle);
        self.keys += keys;
        self.batch_bytes += pass.batch_bytes;
    }

    fn report(&self) -> Value {
        let mut report = self.total.report();
        report["treeAlone"] = self.update.report();
        report["keysPerSecond"] = Value::from((1e6 / self.total.median()).round());
        report["ratio"] = Value::from(rounded_ratio(self.ratio.median(), 1.0));
        report["batchBytesPerKey"] = Value::from((self.batch_bytes as f64 / self.keys as f64).round());
        report
    }
}

struct Settings {
    keys: usize,
    passes: usize,
    cache_bytes: usize,
    inputs: Vec<[u64; 12]>,
}

impl Settings {
    fn oracle(&self) -> f64 {
        let mut out = vec![H4::ZERO; self.inputs.len()];
        yardstick(&self.inputs, &mut out)
    }

    fn timed(&self, database: &mut Database, writes: &[(H4, U256)], series: &mut Series) -> Result<B256, Failure> {
        let before = self.oracle();
        let (pass, root) = database.pass(writes)?;
        series.add(&pass, writes.len(), f64::midpoint(before, self.oracle()));
        Ok(root)
    }

    fn measure(&self, leaves: usize) -> Result<Value, Failure> {
        let folder = tempfile::tempdir()?;
        let mut load = Load { numbers: Numbers(leaves as u64), keys: Vec::new() };
        let start = Instant::now();
        let (mut root, depth) = self.build(folder.path(), leaves, &mut load)?;
        let build_seconds = start.elapsed().as_secs_f64();
        let mut cold = Series::default();
        for _ in 0..COLD_PASSES {
            forget_files(folder.path())?;
            let mut database = Database::open(folder.path(), self.cache_bytes, true, root, depth)?;
            root = H4::from_b256(&self.timed(&mut database, &load.updates(self.keys), &mut cold)?)?;
        }
        let mut database = Database::open(folder.path(), self.cache_bytes, true, root, depth)?;
        for keys in load.keys[..leaves.min(WARM_UP_KEYS)].chunks(BUILD_KEYS) {
            let writes: Vec<(H4, U256)> = keys.iter().map(|key| (*key, U256::from(load.numbers.next() | 1))).collect();
            database.pass(&writes)?;
        }
        let before = database.tree.cache_stats();
        let (mut update, mut insert) = (Series::default(), Series::default());
        for _ in 0..self.passes {
            self.timed(&mut database, &load.updates(self.keys), &mut update)?;
            self.timed(&mut database, &load.inserts(self.keys), &mut insert)?;
        }
        let after = database.tree.cache_stats();
        let (hits, misses) = (after.hits - before.hits, after.misses - before.misses);
        let memory = database.store.memory_use();
        Ok(json!({
            "leaves": leaves, "buildSeconds": build_seconds.round(),
            "cold": { "update": cold.report() },
            "warm": { "update": update.report(), "insert": insert.report() },
            "warmHitRate": rounded_ratio(hits as f64, (hits + misses) as f64),
            "memory": {
                "limitBytes": self.cache_bytes, "treeCacheBytes": after.bytes, "blockCacheBytes": memory.block_cache,
                "tableReaderBytes": memory.table_readers, "residentBytes": resident_bytes(),
                "benchKeysBytes": load.keys.capacity() * size_of::<H4>(),
            },
            "databaseBytes": files(folder.path())?.iter().map(|(_, len)| len).sum::<u64>(),
        }))
    }

    fn build(&self, path: &Path, leaves: usize, load: &mut Load) -> Result<(H4, u64), Failure> {
        let mut database = Database::open(path, self.cache_bytes, false, H4::ZERO, 0)?;
        let mut root = B256::ZERO;
        while load.keys.len() < leaves {
            let size = (leaves - load.keys.len()).min(BUILD_KEYS);
            root = database.pass(&load.inserts(size))?.1;
        }
        database.store.flush()?;
        Ok((H4::from_b256(&root)?, database.tree.depth()))
    }
}

/// The files of a folder and their lengths.
fn files(folder: &Path) -> std::io::Result<Vec<(std::path::PathBuf, u64)>> {
    std::fs::read_dir(folder)?
        .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.metadata()?.len()))))
        .collect()
}

/// Tells the kernel that what it holds of the files will not be needed.
fn forget_files(folder: &Path) -> std::io::Result<()> {
    for (path, _) in files(folder)? {
        let file = std::fs::File::open(path)?;
        // Only what is on disk can be forgotten.
        file.sync_all()?;
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    }
    Ok(())
}

/// What the kernel counts for this process.
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

fn main() -> Result<(), Failure> {
    let mut sizes = match argument("leaves", 0) {
        0 => LEAVES.to_vec(),
        leaves => vec![leaves],
    };
    if flag("large") {
        sizes.push(LEAVES_LARGE);
    }
    let settings = Settings {
        keys: argument("keys", 1000),
        passes: argument("passes", 40),
        cache_bytes: argument("cache-mib", 1024) << 20,
        inputs: Numbers(1).inputs(YARDSTICK_HASHES),
    };
    let trees = sizes.into_iter().map(|leaves| settings.measure(leaves)).collect::<Result<Vec<_>, _>>()?;
    let report = json!({ "benchmark": "tree-store", "unit": "us/key", "keysPerPass": settings.keys, "trees": trees });
    println!("{report:#}");
    Ok(())
}
