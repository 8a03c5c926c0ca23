//! What each stage of the pipeline costs: CPU time of all threads that worked on it, since the start.

use std::sync::atomic::{AtomicU64, Ordering};

use zkevm_primitives::cpu;

use crate::engine::Engine;

/// A stage of the pipeline that native code does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Decoding, recovering senders, reading their state, pre-execution.
    Admission,
    /// Durable pool records.
    PoolWrite,
    /// Opening a block and executing its slices.
    Execution,
    /// Block info tree, header, receipts, records.
    Seal,
    /// Hashing into the state tree.
    Tree,
    /// Writing blocks.
    Commit,
    /// Executing closed batches again.
    Verification,
}

impl Stage {
    /// Every stage, in the order of its number.
    pub const ALL: [Self; 7] =
        [Self::Admission, Self::PoolWrite, Self::Execution, Self::Seal, Self::Tree, Self::Commit, Self::Verification];

    /// Its name in the metric.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admission => "admission",
            Self::PoolWrite => "pool_write",
            Self::Execution => "execution",
            Self::Seal => "seal",
            Self::Tree => "tree",
            Self::Commit => "commit",
            Self::Verification => "verification",
        }
    }
}

/// CPU time by stage.
#[derive(Debug, Default)]
pub(crate) struct StageClock([AtomicU64; Stage::ALL.len()]);

impl StageClock {
    fn add(&self, stage: Stage, nanos: u64) {
        self.0[stage as usize].fetch_add(nanos, Ordering::Relaxed);
    }

    /// Seconds of a stage so far.
    pub(crate) fn seconds(&self, stage: Stage) -> f64 {
        std::time::Duration::from_nanos(self.0[stage as usize].load(Ordering::Relaxed)).as_secs_f64()
    }
}

impl Engine {
    /// Does `work` for the account of `stage`.
    pub fn timed<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let before = cpu::spent_nanos();
        let done = work();
        self.stages.add(stage, cpu::spent_nanos() - before);
        done
    }
}
