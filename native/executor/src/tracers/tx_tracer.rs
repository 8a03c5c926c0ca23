//! A tracer of one transaction, whatever its kind, from its making to its answer.

use super::json::{self, Object};
use super::{
    CallConfig, CallTracer, CounterTracer, FlatConfig, FourByteTracer, PrestateConfig, ReplayConfig, StateAccess,
    StructLogger, TracerSpec, TxCounters, TxPlace, VmTracer,
};
use crate::ExecutorError;
use crate::cost::Priced;
use crate::tracer::{FrameStart, FrameStop, SentAll, StateView, Tracer};
use alloy_primitives::{Bytes, Log};
use revm::interpreter::{InstructionResult, Interpreter};

/// What a traced transaction came to.
#[derive(Clone, Copy)]
pub struct TracedTx<'a> {
    /// Its gas limit.
    pub gas_limit: u64,
    /// Gas it paid for.
    pub gas_used: u64,
    /// Whether it succeeded.
    pub succeeds: bool,
    /// Return data, or revert data.
    pub output: &'a Bytes,
    /// What it read and wrote.
    pub state: StateAccess<'a>,
    /// Its counters.
    pub counters: TxCounters,
    /// Where it stands; none for a call.
    pub place: Option<TxPlace>,
}

/// A tracer of one transaction.
#[derive(Debug)]
pub struct TxTracer {
    limit_bytes: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    StructLog(StructLogger),
    Call(CallTracer),
    FlatCall(CallTracer, FlatConfig),
    FourByte(FourByteTracer),
    Prestate(PrestateConfig),
    Noop,
    Counter(CounterTracer),
    Mux(Vec<(String, TxTracer)>),
    Replay { calls: Option<CallTracer>, vm: Option<VmTracer>, state_diff: bool },
}

/// Tells every tracer inside.
macro_rules! each {
    ($self:expr, $tracer:ident => $tell:expr) => {
        match &mut $self.kind {
            Kind::StructLog($tracer) => $tell,
            Kind::Call($tracer) | Kind::FlatCall($tracer, _) => $tell,
            Kind::FourByte($tracer) => $tell,
            Kind::Counter($tracer) => $tell,
            Kind::Prestate(_) | Kind::Noop => {}
            Kind::Mux(tracers) => tracers.iter_mut().for_each(|(_, $tracer)| $tell),
            Kind::Replay { calls, vm, .. } => {
                if let Some($tracer) = calls {
                    $tell;
                }
                if let Some($tracer) = vm {
                    $tell;
                }
            }
        }
    };
}

impl TxTracer {
    /// A tracer of `spec` for one transaction, whose answer may have `limit_bytes`; counters shown while it runs are
    /// those at `levels` tree levels.
    #[must_use]
    pub fn new(spec: &TracerSpec, limit_bytes: usize, levels: u64) -> Self {
        let calls = |config| CallTracer::new(config, limit_bytes);
        let kind = match spec {
            TracerSpec::StructLog(config) => Kind::StructLog(StructLogger::new(*config, limit_bytes, levels)),
            TracerSpec::Call(config) => Kind::Call(calls(*config)),
            TracerSpec::FlatCall(config) => Kind::FlatCall(calls(CallConfig::default()), *config),
            TracerSpec::FourByte => Kind::FourByte(FourByteTracer::new()),
            TracerSpec::Prestate(config) => Kind::Prestate(*config),
            TracerSpec::Noop => Kind::Noop,
            TracerSpec::Counter => Kind::Counter(CounterTracer::new()),
            TracerSpec::Mux(specs) => Kind::Mux(
                specs.iter().map(|(name, spec)| (name.clone(), Self::new(spec, limit_bytes, levels))).collect(),
            ),
            TracerSpec::Replay(ReplayConfig { trace, state_diff, vm_trace }) => Kind::Replay {
                calls: trace.then(|| calls(CallConfig::default())),
                vm: vm_trace.then(|| VmTracer::new(limit_bytes)),
                state_diff: *state_diff,
            },
        };
        Self { limit_bytes, kind }
    }

    /// The answer as JSON text.
    ///
    /// # Errors
    /// When code cannot be read, and [`ExecutorError::TraceTooLarge`].
    pub fn finish(self, tx: &TracedTx<'_>) -> Result<String, ExecutorError> {
        let json = match self.kind {
            Kind::StructLog(logger) => logger.finish(tx.gas_used, !tx.succeeds, tx.output),
            Kind::Call(tracer) => tracer.finish(tx.gas_limit, tx.gas_used),
            Kind::FlatCall(mut tracer, config) => {
                tracer.set_root_gas(tx.gas_limit, tx.gas_used);
                flat_json(&tracer, config, tx.place.as_ref())
            }
            Kind::FourByte(tracer) => tracer.json().to_string(),
            Kind::Prestate(config) => tx.state.prestate(config)?,
            Kind::Noop => "{}".to_owned(),
            Kind::Counter(tracer) => tracer.finish(&tx.counters),
            Kind::Mux(tracers) => {
                let mut out = String::new();
                let mut object = Object::open(&mut out);
                for (name, tracer) in tracers {
                    object.raw(&name, &tracer.finish(tx)?);
                }
                object.close();
                out
            }
            Kind::Replay { calls, vm, state_diff } => replay_json(calls.as_ref(), vm, state_diff, tx)?,
        };
        if json.len() > self.limit_bytes { Err(ExecutorError::TraceTooLarge) } else { Ok(json) }
    }
}

/// How `trace_…` shows frames.
const PARITY: FlatConfig = FlatConfig { convert_parity_errors: true, include_precompiles: false };

impl CallTracer {
    /// The frames as `trace_…` shows them.
    #[must_use]
    pub fn parity_frames(&self, place: &TxPlace) -> Vec<super::FlatFrame> {
        self.flat(PARITY, Some(place))
    }
}

fn flat_json(tracer: &CallTracer, config: FlatConfig, place: Option<&TxPlace>) -> String {
    let mut out = String::new();
    json::list(&mut out, tracer.flat(config, place), |out, frame| out.push_str(&frame.json));
    out
}

fn replay_json(
    calls: Option<&CallTracer>,
    vm: Option<VmTracer>,
    state_diff: bool,
    tx: &TracedTx<'_>,
) -> Result<String, ExecutorError> {
    let mut out = String::new();
    let mut object = Object::open(&mut out);
    object.hex("output", tx.output);
    object.raw("stateDiff", &if state_diff { tx.state.state_diff()? } else { "null".to_owned() });
    // The frames stand under their transaction: they do not repeat its place.
    object.raw("trace", &calls.map_or_else(|| "[]".to_owned(), |calls| flat_json(calls, PARITY, None)));
    object.raw("vmTrace", &vm.map_or_else(|| "null".to_owned(), VmTracer::finish));
    if let Some(place) = &tx.place {
        object.hex("transactionHash", place.tx_hash);
    }
    object.close();
    Ok(out)
}

impl Tracer for TxTracer {
    fn step(&mut self, interpreter: &Interpreter, depth: usize, refund: i64, state: &mut dyn StateView) {
        each!(self, tracer => tracer.step(interpreter, depth, refund, &mut *state));
    }
    fn step_end(&mut self, interpreter: &Interpreter, depth: usize, result: Option<InstructionResult>) {
        each!(self, tracer => tracer.step_end(interpreter, depth, result));
    }
    fn enter(&mut self, frame: &FrameStart<'_>) {
        each!(self, tracer => tracer.enter(frame));
    }
    fn exit(&mut self, stop: &FrameStop<'_>) {
        each!(self, tracer => tracer.exit(stop));
    }
    fn log(&mut self, log: &Log) {
        each!(self, tracer => tracer.log(log));
    }
    fn sent_all(&mut self, sent: &SentAll) {
        each!(self, tracer => tracer.sent_all(sent));
    }
    fn counted(&mut self, used: &Priced) {
        each!(self, tracer => tracer.counted(used));
    }
    fn counts(&self) -> bool {
        match &self.kind {
            Kind::StructLog(tracer) => tracer.counts(),
            Kind::Counter(tracer) => tracer.counts(),
            Kind::Mux(tracers) => tracers.iter().any(|(_, tracer)| tracer.counts()),
            _ => false,
        }
    }
    fn is_full(&self) -> bool {
        match &self.kind {
            Kind::StructLog(tracer) => tracer.is_full(),
            Kind::Call(tracer) | Kind::FlatCall(tracer, _) => tracer.is_full(),
            Kind::Mux(tracers) => tracers.iter().any(|(_, tracer)| tracer.is_full()),
            Kind::Replay { calls, vm, .. } => {
                calls.as_ref().is_some_and(Tracer::is_full) || vm.as_ref().is_some_and(Tracer::is_full)
            }
            _ => false,
        }
    }
    fn into_any(self: Box<Self>) -> Box<dyn core::any::Any> {
        self
    }
}
