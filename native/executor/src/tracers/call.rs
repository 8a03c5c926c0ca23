//! callTracer: the tree of frames. flatCallTracer and `trace_…` show the same tree one frame after the other (`flat`).

use super::json::{self, Object};
use super::{error_text, revert_reason};
use crate::tracer::{FrameStart, FrameStop, FrameType, SentAll, Tracer};
use alloy_primitives::{Address, Bytes, Log, U256};
use revm::interpreter::InstructionResult;

/// What a frame or a log takes in an answer besides its bytes.
const FRAME_TEXT_BYTES: usize = 512;

/// Options of the call tracer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallConfig {
    /// Only the transaction's own frame.
    pub only_top_call: bool,
    /// Also the logs.
    pub with_logs: bool,
}

/// What stands in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallKind {
    Frame(FrameType),
    SelfDestruct,
}

impl CallKind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Frame(FrameType::Call) => "CALL",
            Self::Frame(FrameType::CallCode) => "CALLCODE",
            Self::Frame(FrameType::DelegateCall) => "DELEGATECALL",
            Self::Frame(FrameType::StaticCall) => "STATICCALL",
            Self::Frame(FrameType::Create) => "CREATE",
            Self::Frame(FrameType::Create2) => "CREATE2",
            Self::SelfDestruct => "SELFDESTRUCT",
        }
    }

    pub(super) const fn is_creation(self) -> bool {
        matches!(self, Self::Frame(FrameType::Create | FrameType::Create2))
    }
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) kind: CallKind,
    pub(super) from: Address,
    /// The account whose code runs, the created account, or who gets the balance.
    pub(super) to: Option<Address>,
    pub(super) value: Option<U256>,
    pub(super) gas: u64,
    pub(super) gas_used: u64,
    pub(super) input: Bytes,
    pub(super) output: Bytes,
    pub(super) result: InstructionResult,
    /// Indices of the calls it made.
    pub(super) calls: Vec<usize>,
    /// Logs, each with the number of calls before it.
    logs: Vec<(Log, usize)>,
}

/// Records the tree of frames.
#[derive(Debug)]
pub struct CallTracer {
    config: CallConfig,
    limit_bytes: usize,
    /// What the answer will take, roughly.
    bytes: usize,
    /// The tree in the order of entering: a parent stands before its children, the root first.
    calls: Vec<Call>,
    /// The frames that run, outermost first.
    open: Vec<usize>,
}

impl CallTracer {
    /// A tracer with these options. It is full when its answer would be over `limit_bytes`.
    #[must_use]
    pub const fn new(config: CallConfig, limit_bytes: usize) -> Self {
        Self { config, limit_bytes, bytes: 0, calls: Vec::new(), open: Vec::new() }
    }

    /// The tree as JSON text. The root has the transaction's gas, intrinsic gas included.
    #[must_use]
    pub fn finish(mut self, gas_limit: u64, gas_used: u64) -> String {
        self.set_root_gas(gas_limit, gas_used);
        let mut out = String::with_capacity(self.bytes);
        if self.calls.is_empty() {
            out.push_str("null");
        } else {
            self.write(&mut out, 0);
        }
        out
    }

    pub(super) fn set_root_gas(&mut self, gas_limit: u64, gas_used: u64) {
        if let Some(root) = self.calls.first_mut() {
            (root.gas, root.gas_used) = (gas_limit, gas_used);
        }
    }

    pub(super) fn calls(&self) -> &[Call] {
        &self.calls
    }

    fn push(&mut self, call: Call) -> usize {
        self.bytes += FRAME_TEXT_BYTES + 2 * call.input.len();
        let index = self.calls.len();
        if let Some(&caller) = self.open.last() {
            self.calls[caller].calls.push(index);
        }
        self.calls.push(call);
        index
    }

    /// Frames below the root that are not shown.
    const fn skips(&self, depth: usize) -> bool {
        self.config.only_top_call && depth > 0
    }

    fn drop_logs(&mut self, from: usize) {
        self.calls[from..].iter_mut().for_each(|call| call.logs.clear());
    }

    fn write(&self, out: &mut String, index: usize) {
        let call = &self.calls[index];
        let mut object = Object::open(out);
        object.text("type", call.kind.name());
        object.hex("from", call.from);
        if let Some(to) = call.to.filter(|_| !call.kind.is_creation() || call.result.is_ok()) {
            object.hex("to", to);
        }
        if let Some(value) = call.value {
            object.quantity("value", &value);
        }
        object.quantity("gas", &call.gas);
        object.quantity("gasUsed", &call.gas_used);
        object.hex("input", &call.input);
        if !call.output.is_empty() {
            object.hex("output", &call.output);
        }
        if let Some(error) = error_text(call.result) {
            object.text("error", error);
            if let Some(reason) = revert_reason(&call.output) {
                object.text("revertReason", &reason);
            }
        }
        if !call.calls.is_empty() {
            json::list(object.key("calls"), &call.calls, |out, index| self.write(out, *index));
        }
        if !call.logs.is_empty() {
            json::list(object.key("logs"), &call.logs, |out, (log, position)| write_log(out, log, *position));
        }
        object.close();
    }
}

fn write_log(out: &mut String, log: &Log, position: usize) {
    let mut object = Object::open(out);
    object.hex("address", log.address);
    json::list(object.key("topics"), log.topics(), json::hex);
    object.hex("data", &log.data.data);
    object.quantity("position", &position);
    object.close();
}

impl Tracer for CallTracer {
    fn enter(&mut self, frame: &FrameStart<'_>) {
        if self.skips(frame.depth) {
            return;
        }
        let kind = CallKind::Frame(frame.frame_type);
        let index = self.push(Call {
            kind,
            from: frame.from,
            to: if kind.is_creation() { frame.to } else { frame.code_address },
            value: frame.value,
            gas: frame.gas,
            gas_used: 0,
            input: Bytes::copy_from_slice(frame.input),
            output: Bytes::new(),
            result: InstructionResult::Stop,
            calls: Vec::new(),
            logs: Vec::new(),
        });
        self.open.push(index);
    }

    fn exit(&mut self, stop: &FrameStop<'_>) {
        if self.skips(stop.depth) {
            return;
        }
        let Some(index) = self.open.pop() else { return };
        self.bytes += 2 * stop.output.len();
        let call = &mut self.calls[index];
        (call.gas_used, call.output, call.result) = (stop.gas_used, stop.output.clone(), stop.result);
        if !stop.result.is_ok() {
            // Everything entered since then is below it: its logs are undone too.
            self.drop_logs(index);
        }
    }

    fn log(&mut self, log: &Log) {
        if !self.config.with_logs {
            return;
        }
        let Some(&index) = self.open.last() else { return };
        self.bytes += FRAME_TEXT_BYTES + 2 * log.data.data.len();
        let position = self.calls[index].calls.len();
        self.calls[index].logs.push((log.clone(), position));
    }

    fn sent_all(&mut self, sent: &SentAll) {
        if self.config.only_top_call {
            return;
        }
        self.push(Call {
            kind: CallKind::SelfDestruct,
            from: sent.from,
            to: Some(sent.to),
            value: Some(sent.value),
            gas: 0,
            gas_used: 0,
            input: Bytes::new(),
            output: Bytes::new(),
            result: InstructionResult::Stop,
            calls: Vec::new(),
            logs: Vec::new(),
        });
    }

    fn is_full(&self) -> bool {
        self.bytes > self.limit_bytes
    }

    fn into_any(self: Box<Self>) -> Box<dyn core::any::Any> {
        self
    }
}
