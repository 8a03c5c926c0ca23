//! Prometheus text of the native side.

use std::fmt::Write as _;
use std::sync::TryLockError;

use zkevm_state_tree::CacheStats;

use crate::engine::Engine;
use crate::stages::Stage;

impl Engine {
    /// Prometheus text of the native side. Waits for nothing: while a commit has the tree, its figures are those of the last time.
    pub fn metrics_text(&self) -> String {
        let store = self.store();
        let mut text = self.pre_executions.metrics_text();
        text.push_str("# HELP zknode_stage_cpu_seconds_total CPU time by stage of the pipeline, of all threads that work on it.\n");
        text.push_str("# TYPE zknode_stage_cpu_seconds_total counter\n");
        for stage in Stage::ALL {
            let (name, seconds) = (stage.name(), self.stages.seconds(stage));
            // Writing to a String cannot fail.
            let _ = writeln!(text, "zknode_stage_cpu_seconds_total{{stage=\"{name}\"}} {seconds}");
        }
        for (name, property) in [
            ("rocksdb_estimated_keys", "rocksdb.estimate-num-keys"),
            ("rocksdb_live_data_bytes", "rocksdb.estimate-live-data-size"),
            ("rocksdb_pending_compaction_bytes", "rocksdb.estimate-pending-compaction-bytes"),
        ] {
            gauge(&mut text, name, store.property_sum(property));
        }
        let memory = store.memory_use();
        gauge(&mut text, "rocksdb_memtable_bytes", memory.memtables);
        gauge(&mut text, "rocksdb_block_cache_bytes", memory.block_cache);
        gauge(&mut text, "rocksdb_block_cache_limit_bytes", memory.block_cache_capacity);
        gauge(&mut text, "rocksdb_table_reader_bytes", memory.table_readers);
        let tree = self.tree_cache_stats();
        gauge(&mut text, "tree_cache_bytes", tree.bytes as u64);
        gauge(&mut text, "tree_cache_pages", tree.pages as u64);
        counter(&mut text, "tree_cache_hits_total", tree.hits);
        counter(&mut text, "tree_cache_misses_total", tree.misses);
        let flat = self.cache().size();
        gauge(&mut text, "flat_cache_bytes", flat.bytes);
        gauge(&mut text, "flat_cache_entries", flat.entries);
        gauge(&mut text, "oldest_state_block", store.oldest_state());
        text
    }

    fn tree_cache_stats(&self) -> CacheStats {
        let mut last = self.tree_stats.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match self.tree.try_lock() {
            Ok(tree) => *last = tree.cache_stats(),
            Err(TryLockError::Poisoned(tree)) => *last = tree.into_inner().cache_stats(),
            Err(TryLockError::WouldBlock) => {}
        }
        *last
    }
}

fn gauge(text: &mut String, name: &str, value: u64) {
    metric(text, name, "gauge", value);
}

fn counter(text: &mut String, name: &str, value: u64) {
    metric(text, name, "counter", value);
}

fn metric(text: &mut String, name: &str, kind: &str, value: u64) {
    // Writing to a String cannot fail.
    let _ = write!(text, "# TYPE zknode_{name} {kind}\nzknode_{name} {value}\n");
}
