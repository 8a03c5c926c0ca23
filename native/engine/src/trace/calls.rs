//! Tracing calls that were never sent.

use alloy_primitives::{B256, Bytes};
use zkevm_executor::tracers::{StateAccess, TracedTx, TxCounters, TxTracer};
use zkevm_executor::{Call, CallResult, Simulation, StateError, StateReader};

use super::answer::Answer;
use super::options::Form;
use super::{TraceOptions, Tracing, own_tracer};
use crate::block_id::BlockId;
use crate::call::{CallRequest, Prepared, call_gas, call_of};
use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};

impl Engine {
    /// The trace of a call.
    ///
    /// # Errors
    /// As [`Engine::call`] and [`Engine::trace_transaction`]; [`EngineError::CallInvalid`] for a call that cannot begin.
    pub fn trace_call(&self, request: &CallRequest, block: BlockId, options: &TraceOptions) -> EngineResult<String> {
        let tracing = Tracing::of_calls(options)?;
        let mut simulation = self.simulation(request, block, options)?;
        let mut answer = Answer::single(tracing.limit_bytes);
        tracing.trace_call(&mut simulation, request, &mut answer)?;
        answer.finish()
    }

    /// The traces of calls in bundles, an array for each bundle. Each call sees what those before it did; the state
    /// overrides of the first hold for all, the block overrides of each for itself.
    ///
    /// # Errors
    /// As [`Engine::trace_call`].
    pub fn trace_calls(
        &self,
        bundles: &[Vec<CallRequest>],
        block: BlockId,
        options: &TraceOptions,
    ) -> EngineResult<String> {
        let tracing = Tracing::of_calls(options)?;
        // The newest block may move while the calls run.
        let block = if block == BlockId::Pending { block } else { BlockId::Number(self.resolve(block)) };
        let mut answer = Answer::list(tracing.limit_bytes);
        let mut simulation = None;
        for bundle in bundles {
            let mut traces = Answer::list(answer.left_bytes());
            for request in bundle {
                tracing.check_time()?;
                let simulation = match &mut simulation {
                    Some(simulation) => simulation,
                    none => none.insert(self.simulation(request, block, options)?),
                };
                simulation.set_block(&self.context_of(request, block, None)?);
                tracing.trace_call(simulation, request, &mut traces)?;
            }
            answer.push(&traces.finish()?).map_err(|error| tracing.too_large(error))?;
        }
        answer.finish()
    }

    fn simulation(
        &self,
        request: &CallRequest,
        block: BlockId,
        options: &TraceOptions,
    ) -> EngineResult<Simulation<impl StateReader + use<>>> {
        let request = CallRequest { timeout_ms: Some(options.timeout_ms), ..request.clone() };
        let Prepared { mut simulation, .. } = self.prepare(&request, block, None)?;
        simulation.record_reads();
        Ok(simulation)
    }
}

impl Tracing {
    fn of_calls(options: &TraceOptions) -> EngineResult<Self> {
        let tracing = Self::new(options)?;
        if matches!(tracing.form, Form::Frames(_)) {
            return Err(EngineError::call_invalid("a call has no place that frames could name: use the form replay"));
        }
        Ok(tracing)
    }

    /// Executes a call under a tracer, keeps what it did, and adds its trace to the answer.
    fn trace_call<S: StateReader>(
        &self,
        simulation: &mut Simulation<S>,
        request: &CallRequest,
        answer: &mut Answer,
    ) -> EngineResult<()> {
        let call = Call { gas_limit: call_gas(request), ..call_of(request)? };
        let levels = simulation.levels().tx;
        simulation.set_tracer(self.tracer(answer, levels));
        let result = simulation.call_and_keep(&call).map_err(|error| self.too_large(error.into()))?;
        let tracer = simulation.take_tracer();
        let result =
            result.map_err(|error| EngineError::call_invalid(format!("the call cannot begin: {}", error.name())))?;
        let code = |hash: &B256| simulation.code(hash);
        let shown = traced_call(&call, &result, levels, &code, answer);
        let json = own_tracer::<TxTracer>(tracer)?.finish(&shown).map_err(|error| self.too_large(error.into()))?;
        answer.push(&json).map_err(|error| self.too_large(error))
    }
}

fn traced_call<'a>(
    call: &Call,
    result: &'a CallResult,
    levels: u64,
    code: &'a dyn Fn(&B256) -> Result<Bytes, StateError>,
    answer: &Answer,
) -> TracedTx<'a> {
    TracedTx {
        gas_limit: call.gas_limit,
        gas_used: result.gas_used,
        succeeds: result.succeeds,
        output: &result.output,
        state: StateAccess { reads: &result.reads, writes: &result.writes, code, limit_bytes: answer.left_bytes() },
        counters: TxCounters { execution: result.execution, levels, ..TxCounters::default() },
        place: None,
    }
}
