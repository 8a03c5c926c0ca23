//! callTracer, flatCallTracer: the tree of frames.

use super::error_text;
use crate::tracer::{FrameStart, FrameStop, FrameType, Tracer};
use alloy_primitives::{Address, Bytes, Log, U256, hex};
use revm::interpreter::InstructionResult;
use serde_json::{Map, Value, json};

/// Options of the call tracer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallConfig {
    /// Only the transaction's own frame.
    pub only_top_call: bool,
    /// Also the logs.
    pub with_logs: bool,
}

#[derive(Debug)]
struct Frame {
    entered_by: FrameType,
    from: Address,
    to: Option<Address>,
    code_address: Option<Address>,
    value: Option<U256>,
    gas: u64,
    gas_used: u64,
    input: Bytes,
    output: Bytes,
    result: InstructionResult,
    calls: Vec<Self>,
    logs: Vec<(Log, usize)>,
}

/// Records the tree of frames.
#[derive(Debug, Default)]
pub struct CallTracer {
    config: CallConfig,
    /// The frames that run, outermost first.
    open: Vec<Frame>,
    root: Option<Frame>,
}

impl CallTracer {
    /// A tracer with these options.
    #[must_use]
    pub fn new(config: CallConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// The tree, as callTracer gives it. The transaction's own frame has the transaction's gas.
    #[must_use]
    pub fn call_json(mut self, gas_limit: u64, gas_used: u64) -> Value {
        match &mut self.root {
            Some(root) => {
                (root.gas, root.gas_used) = (gas_limit, gas_used);
                root.json(self.config.with_logs)
            }
            None => Value::Null,
        }
    }

    /// The frames one after the other, as flatCallTracer gives them.
    #[must_use]
    pub fn flat_json(self) -> Value {
        let mut flat = Vec::new();
        if let Some(root) = &self.root {
            root.flatten(&mut Vec::new(), &mut flat);
        }
        Value::Array(flat)
    }
}

impl Tracer for CallTracer {
    fn enter(&mut self, frame: &FrameStart<'_>) {
        self.open.push(Frame {
            entered_by: frame.frame_type,
            from: frame.from,
            to: frame.to,
            code_address: frame.code_address,
            value: frame.value,
            gas: frame.gas,
            gas_used: 0,
            input: Bytes::copy_from_slice(frame.input),
            output: Bytes::new(),
            result: InstructionResult::Stop,
            calls: Vec::new(),
            logs: Vec::new(),
        });
    }

    fn exit(&mut self, stop: &FrameStop<'_>) {
        let Some(mut frame) = self.open.pop() else { return };
        (frame.gas_used, frame.output, frame.result) = (stop.gas_used, stop.output.clone(), stop.result);
        if !stop.result.is_ok() {
            frame.drop_logs();
        }
        match self.open.last_mut() {
            Some(caller) if !self.config.only_top_call => caller.calls.push(frame),
            Some(_) => {}
            None => self.root = Some(frame),
        }
    }

    fn log(&mut self, log: &Log) {
        if let Some(frame) = self.open.last_mut().filter(|_| self.config.with_logs) {
            let position = frame.calls.len();
            frame.logs.push((log.clone(), position));
        }
    }

    fn into_any(self: Box<Self>) -> Box<dyn core::any::Any> {
        self
    }
}

impl Frame {
    fn drop_logs(&mut self) {
        self.logs.clear();
        self.calls.iter_mut().for_each(Self::drop_logs);
    }

    const fn is_creation(&self) -> bool {
        matches!(self.entered_by, FrameType::Create | FrameType::Create2)
    }

    fn json(&self, with_logs: bool) -> Value {
        let mut object = Map::new();
        object.insert("type".into(), json!(type_name(self.entered_by)));
        object.insert("from".into(), json!(hex::encode_prefixed(self.from)));
        // A delegate call is shown at the address whose code runs.
        let shown = if self.is_creation() { self.to.filter(|_| self.result.is_ok()) } else { self.code_address };
        if let Some(to) = shown {
            object.insert("to".into(), json!(hex::encode_prefixed(to)));
        }
        if let Some(value) = self.value {
            object.insert("value".into(), json!(format!("{value:#x}")));
        }
        object.insert("gas".into(), json!(format!("{:#x}", self.gas)));
        object.insert("gasUsed".into(), json!(format!("{:#x}", self.gas_used)));
        object.insert("input".into(), json!(hex::encode_prefixed(&self.input)));
        if !self.output.is_empty() {
            object.insert("output".into(), json!(hex::encode_prefixed(&self.output)));
        }
        if let Some(error) = error_text(self.result) {
            object.insert("error".into(), json!(error));
            if let Some(reason) = revert_reason(&self.output) {
                object.insert("revertReason".into(), json!(reason));
            }
        }
        if !self.calls.is_empty() {
            object.insert("calls".into(), self.calls.iter().map(|call| call.json(with_logs)).collect());
        }
        if with_logs && !self.logs.is_empty() {
            let logs = self.logs.iter().map(|(log, position)| {
                json!({
                    "address": hex::encode_prefixed(log.address),
                    "topics": log.topics().iter().map(hex::encode_prefixed).collect::<Vec<_>>(),
                    "data": hex::encode_prefixed(&log.data.data),
                    "position": format!("{position:#x}"),
                })
            });
            object.insert("logs".into(), logs.collect());
        }
        Value::Object(object)
    }

    fn flatten(&self, path: &mut Vec<usize>, flat: &mut Vec<Value>) {
        let from = hex::encode_prefixed(self.from);
        let (gas, gas_used) = (format!("{:#x}", self.gas), format!("{:#x}", self.gas_used));
        let value = format!("{:#x}", self.value.unwrap_or_default());
        let (input, output) = (hex::encode_prefixed(&self.input), hex::encode_prefixed(&self.output));
        let to = self.code_address.or(self.to).map(hex::encode_prefixed);
        let mut object = if self.is_creation() {
            let address = self.to.map(hex::encode_prefixed);
            json!({
                "type": "create",
                "action": { "creationMethod": type_name(self.entered_by).to_lowercase(), "from": from, "gas": gas, "init": input, "value": value },
                "result": { "address": address, "code": output, "gasUsed": gas_used },
            })
        } else {
            json!({
                "type": "call",
                "action": { "callType": type_name(self.entered_by).to_lowercase(), "from": from, "to": to, "gas": gas, "input": input, "value": value },
                "result": { "gasUsed": gas_used, "output": output },
            })
        };
        object["subtraces"] = json!(self.calls.len());
        object["traceAddress"] = json!(path);
        if let Some(error) = error_text(self.result) {
            object["error"] = json!(error);
            object["result"] = Value::Null;
        }
        flat.push(object);
        for (index, call) in self.calls.iter().enumerate() {
            path.push(index);
            call.flatten(path, flat);
            path.pop();
        }
    }
}

const fn type_name(frame_type: FrameType) -> &'static str {
    match frame_type {
        FrameType::Call => "CALL",
        FrameType::CallCode => "CALLCODE",
        FrameType::DelegateCall => "DELEGATECALL",
        FrameType::StaticCall => "STATICCALL",
        FrameType::Create => "CREATE",
        FrameType::Create2 => "CREATE2",
    }
}

/// The text of Solidity's `Error(string)`, when the output is one.
fn revert_reason(output: &[u8]) -> Option<String> {
    let body = output.strip_prefix(&[0x08, 0xc3, 0x79, 0xa0])?;
    let length = usize::try_from(U256::from_be_slice(body.get(32..64)?)).ok()?;
    let text = body.get(64..)?.get(..length)?;
    String::from_utf8(text.to_vec()).ok()
}
