//! Tracing: stored transactions, stored L2 blocks and calls, executed again with a tracer that looks on.
//!
//! A stored transaction is traced on the state before its block, after the transactions before it: each of them is
//! executed once, so that a block is traced in one pass. What a replay comes to must be what the receipts say. The
//! answer is JSON text of a bounded size, made within a bounded time.

mod answer;
mod calls;
mod options;
mod replay;

use std::time::{Duration, Instant};

use alloy_primitives::B256;
use zkevm_executor::tracers::{CallConfig, CallTracer, StateAccess, TracedTx, TxCounters, TxTracer, downcast};
use zkevm_executor::{CancelToken, ExecutorError, Tracer};

use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};
use answer::Answer;
use options::Form;
use replay::{Replay, Replayed};

/// How to trace.
#[derive(Debug, Clone)]
pub struct TraceOptions {
    /// What is wanted, JSON text: `{form: "debug", options}`, `{form: "frames", filter?}` or `{form: "replay", types}`.
    pub config_json: String,
    /// Milliseconds after which tracing is given up.
    pub timeout_ms: u32,
    /// Most bytes of the answer.
    pub limit_bytes: usize,
}

/// One request to trace.
struct Tracing {
    form: Form,
    deadline: Instant,
    limit_bytes: usize,
}

impl Tracing {
    fn new(options: &TraceOptions) -> EngineResult<Self> {
        Ok(Self {
            form: Form::parse(&options.config_json)?,
            deadline: Instant::now() + Duration::from_millis(u64::from(options.timeout_ms)),
            limit_bytes: options.limit_bytes,
        })
    }

    fn cancel(&self) -> CancelToken {
        CancelToken { deadline: Some(self.deadline), flag: None }
    }

    /// Transactions that end before the executor looks at the clock.
    fn check_time(&self) -> EngineResult<()> {
        if Instant::now() >= self.deadline { Err(ExecutorError::Cancelled.into()) } else { Ok(()) }
    }

    /// A tracer for the next transaction.
    fn tracer(&self, answer: &Answer, levels: u64) -> Box<dyn Tracer> {
        let left = answer.left_bytes();
        match self.form.spec() {
            Some(spec) => Box::new(TxTracer::new(spec, left, levels)),
            None => Box::new(CallTracer::new(CallConfig::default(), left)),
        }
    }

    fn too_large(&self, error: EngineError) -> EngineError {
        match error {
            EngineError::Execution(ExecutorError::TraceTooLarge) => EngineError::TraceTooLarge(self.limit_bytes),
            other => other,
        }
    }
}

impl Engine {
    /// The trace of a stored transaction; none when there is no such transaction.
    ///
    /// # Errors
    /// [`EngineError::CallInvalid`] for options that are not understood, [`EngineError::TraceTooLarge`], a timeout.
    pub fn trace_transaction(&self, hash: &B256, options: &TraceOptions) -> EngineResult<Option<String>> {
        let tracing = Tracing::new(options)?;
        let Some((number, index)) = self.position(hash)? else { return Ok(None) };
        let mut answer = Answer::single(tracing.limit_bytes);
        self.trace_stored(&tracing, number, Some(index), &mut answer).map_err(|error| tracing.too_large(error))?;
        answer.finish().map(Some)
    }

    /// The traces of the transactions of stored L2 blocks, both ends included, by block and index; none when
    /// the first block does not exist.
    ///
    /// # Errors
    /// As [`Engine::trace_transaction`].
    pub fn trace_blocks(&self, first: u64, last: u64, options: &TraceOptions) -> EngineResult<Option<String>> {
        let tracing = Tracing::new(options)?;
        let newest = self.published_block();
        if first > newest {
            return Ok(None);
        }
        let mut answer = Answer::list(tracing.limit_bytes);
        for number in first..=last.min(newest) {
            if tracing.form.is_satisfied(&answer) {
                break;
            }
            self.trace_stored(&tracing, number, None, &mut answer).map_err(|error| tracing.too_large(error))?;
        }
        answer.finish().map(Some)
    }

    /// Traces the transactions of a stored block, or only one of them.
    fn trace_stored(&self, tracing: &Tracing, number: u64, only: Option<u32>, answer: &mut Answer) -> EngineResult<()> {
        let block = self.stored_block(number)?;
        let end = only.map_or(block.tx_count, |index| index + 1);
        if end == 0 {
            return Ok(());
        }
        let mut replay = Replay::open(self, block, tracing.cancel())?;
        for index in 0..end {
            tracing.check_time()?;
            if only.is_some_and(|only| only != index) {
                replay.execute(self, index, None)?;
                continue;
            }
            let done = replay.execute(self, index, Some(tracing.tracer(answer, replay.levels())))?;
            tracing.show(&replay, done, only.is_some(), answer)?;
            if tracing.form.is_satisfied(answer) {
                break;
            }
        }
        Ok(())
    }
}

impl Tracing {
    /// Adds a traced transaction to the answer.
    fn show(&self, replay: &Replay, done: Replayed, is_single: bool, answer: &mut Answer) -> EngineResult<()> {
        let place = replay.place(&done);
        if let Form::Frames(filter) = &self.form {
            let frames = own_tracer::<CallTracer>(done.tracer)?.parity_frames(&place);
            return filter.show(&frames, answer);
        }
        let code = |hash: &B256| replay.code(hash);
        let traced = TracedTx {
            gas_limit: done.transaction.gas_limit,
            gas_used: done.result.gas_used,
            succeeds: done.result.succeeds,
            output: &done.result.output,
            state: StateAccess {
                reads: &done.result.reads,
                writes: &done.result.writes,
                code: &code,
                limit_bytes: answer.left_bytes(),
            },
            counters: TxCounters {
                decoding: done.result.parsing,
                execution: done.result.execution,
                in_batch: Some(done.counters),
                levels: replay.levels(),
            },
            place: Some(place),
        };
        let json = own_tracer::<TxTracer>(done.tracer)?.finish(&traced)?;
        match self.form {
            Form::Debug(_) if !is_single => {
                answer.push(&format!("{{\"txHash\":\"{}\",\"result\":{json}}}", place.tx_hash))
            }
            _ => answer.push(&json),
        }
    }
}

/// The tracer that was given to the executor.
fn own_tracer<T: Tracer + 'static>(tracer: Option<Box<dyn Tracer>>) -> EngineResult<T> {
    tracer.and_then(downcast).ok_or_else(|| EngineError::Executor("the tracer did not come back".into()))
}
