//! The process that is tortured. Each line that it prints is an acknowledgement: what it says is durable.

use std::ops::RangeInclusive;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;

use zkevm_engine::engine::{Engine, EngineOptions};
use zkevm_engine::seal::SealedBlock;
use zkevm_engine::{EngineError, pool};
use zkevm_state_db::failpoint::{self, Failure};
use zkevm_state_db::schema;

use crate::common::options;
use crate::plan::Plan;

/// How a worker is started.
#[derive(Debug, Clone)]
pub(crate) struct WorkerOptions {
    pub(crate) folder: String,
    pub(crate) seed: u64,
    /// Blocks whose state is kept; all where none.
    pub(crate) history: Option<u64>,
    pub(crate) sync: bool,
    /// It ends after so many blocks.
    pub(crate) blocks_max: u64,
    /// Writes after the opening that still succeed, and how the next one fails.
    pub(crate) failpoint: Option<(u64, Failure)>,
}

impl WorkerOptions {
    /// As arguments of the process.
    pub(crate) fn to_args(&self) -> Vec<String> {
        let number = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        let failure = match self.failpoint {
            None => "-",
            Some((_, Failure::Before)) => "before",
            Some((_, Failure::After)) => "after",
        };
        vec![
            "worker".to_owned(),
            self.folder.clone(),
            self.seed.to_string(),
            number(self.history),
            self.sync.to_string(),
            self.blocks_max.to_string(),
            number(self.failpoint.map(|(successes, _)| successes)),
            failure.to_owned(),
        ]
    }

    fn parse(args: &[String]) -> Self {
        let number = |at: usize| args[at].parse::<u64>().ok();
        let failure = if args[6] == "before" { Failure::Before } else { Failure::After };
        Self {
            folder: args[0].clone(),
            seed: number(1).expect("a seed"),
            history: number(2),
            sync: args[3] == "true",
            blocks_max: number(4).expect("a number of blocks"),
            failpoint: number(5).map(|successes| (successes, failure)),
        }
    }

    /// The engine's options.
    pub(crate) fn engine(&self) -> EngineOptions {
        // Small caches: memory tables are written out often.
        EngineOptions {
            cache_bytes: 8 << 20,
            sync_writes: self.sync,
            history_blocks: self.history,
            ..options(Path::new(&self.folder))
        }
    }
}

/// Commits until it is killed, or until a write fails.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let worker = WorkerOptions::parse(args);
    let plan = Plan::new(worker.seed);
    let engine = match Engine::open(&worker.engine()) {
        Ok(engine) => engine,
        Err(error) => {
            println!("unopened {} {error}", error.code());
            return ExitCode::SUCCESS;
        }
    };
    println!("open {}", engine.head_block());
    if let Some((successes, failure)) = worker.failpoint {
        failpoint::arm(successes, failure);
    }
    match commit_on(&Arc::new(engine), &plan, worker.blocks_max) {
        Ok(()) => println!("done"),
        Err((engine, error)) => failed(&engine, &plan, &error),
    }
    ExitCode::SUCCESS
}

/// Seals groups of blocks; while one is being written, the next one is executed on top of it.
fn commit_on(engine: &Arc<Engine>, plan: &Plan, blocks_max: u64) -> Result<(), (Arc<Engine>, EngineError)> {
    let failed = |error| (Arc::clone(engine), error);
    let mut next = engine.head_block() + 1;
    let last = next.saturating_add(blocks_max);
    let mut committing: Option<JoinHandle<Result<(), EngineError>>> = None;
    while next < last {
        let end = Plan::group_end(next);
        let sealed = seal_group(engine, plan, next..=end);
        // Before anything else is said: what is being written counts when it is acknowledged.
        let committed = committing.take().map_or(Ok(()), |thread| thread.join().expect("the commit does not panic"));
        committed.map_err(failed)?;
        let sealed = sealed.map_err(failed)?;
        let engine = Arc::clone(engine);
        committing = Some(std::thread::spawn(move || {
            engine.commit_sealed(end)?;
            for block in sealed {
                println!("block {} {} {}", block.number, block.hash, block.state_root);
            }
            Ok(())
        }));
        next = end + 1;
    }
    committing.map_or(Ok(()), |thread| thread.join().expect("the commit does not panic")).map_err(failed)
}

fn seal_group(engine: &Engine, plan: &Plan, blocks: RangeInclusive<u64>) -> Result<Vec<SealedBlock>, EngineError> {
    blocks
        .map(|block| {
            // An earlier life may have got so far.
            let first = plan.hashes(block).first().copied().unwrap_or_default();
            if engine.store().get(schema::POOL, first.as_slice())?.is_none() {
                pool::write(engine.store(), &plan.pool_operations(block))?;
            }
            println!("pool {block}");
            plan.seal(engine, block)
        })
        .collect()
}

/// After a failed write nothing more is written, and what is there can still be read.
fn failed(engine: &Engine, plan: &Plan, error: &EngineError) {
    println!("failed {} {error}", error.code());
    match pool::write(engine.store(), &plan.pool_operations(engine.head_block() + 1)) {
        Ok(()) => println!("accepted"),
        Err(error) => println!("refused {}", error.code()),
    }
    let sender = crate::common::accounts()[0].address;
    match engine.account_at(&sender, engine.head_block()) {
        Ok(account) => println!("read {}", account.nonce),
        Err(error) => println!("unread {}", error.code()),
    }
}
