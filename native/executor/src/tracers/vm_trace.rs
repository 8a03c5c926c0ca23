//! Parity's `vmTrace`: every opcode with what it pushed, wrote to memory and stored, callees inside their callers.
//!
//! Written in one go: an entry starts when its opcode does, takes the callee's entries in between and ends when its
//! effects are seen, which for calls is before the caller's next opcode.

use super::json::{self, Object};
use super::pushed_items;
use crate::tracer::{FrameStop, StateView, Tracer};
use alloy_primitives::U256;
use core::fmt::Write;
use revm::bytecode::opcode as op;
use revm::interpreter::interpreter_types::{Jumps, LegacyBytecode};
use revm::interpreter::{InstructionResult, Interpreter};

/// An opcode whose entry is not finished.
#[derive(Clone, Copy, Debug)]
struct Pending {
    pc: usize,
    opcode: u8,
    gas_before: u64,
    cost: u64,
    /// Memory it writes: offset and length.
    memory: Option<(usize, usize)>,
    /// Slot and value it stores.
    store: Option<(U256, U256)>,
    has_callee: bool,
}

/// Records opcodes in Parity's shape.
#[derive(Debug)]
pub struct VmTracer {
    out: String,
    limit_bytes: usize,
    /// The unfinished opcode of each running frame that has code.
    frames: Vec<Option<Pending>>,
}

impl VmTracer {
    /// A tracer that is full when its text is over `limit_bytes`.
    #[must_use]
    pub const fn new(limit_bytes: usize) -> Self {
        Self { out: String::new(), limit_bytes, frames: Vec::new() }
    }

    /// The trace as JSON text.
    #[must_use]
    pub fn finish(self) -> String {
        if self.out.is_empty() { r#"{"code":"0x","ops":[]}"#.to_owned() } else { self.out }
    }

    fn open_frame(&mut self, interpreter: &Interpreter) {
        if let Some(Some(caller)) = self.frames.last_mut() {
            caller.has_callee = true;
            self.out.push_str("\"sub\":");
        }
        self.out.push_str("{\"code\":");
        let length = interpreter.bytecode.bytecode_len();
        json::hex(&mut self.out, interpreter.bytecode.bytecode_slice().get(..length).unwrap_or_default());
        self.out.push_str(",\"ops\":[");
        self.frames.push(None);
    }

    /// Ends the pending entry of the innermost frame; without interpreter its effects are not known.
    fn settle(&mut self, interpreter: Option<&Interpreter>) {
        let Some(pending) = self.frames.last_mut().and_then(Option::take) else { return };
        if pending.has_callee {
            self.out.push(',');
        } else {
            self.out.push_str("\"sub\":null,");
        }
        let _ = write!(self.out, "\"pc\":{},\"cost\":{},\"ex\":", pending.pc, pending.cost);
        match interpreter {
            Some(interpreter) => write_effects(&mut self.out, &pending, interpreter),
            None => self.out.push_str("null"),
        }
        self.out.push('}');
    }
}

fn write_effects(out: &mut String, pending: &Pending, interpreter: &Interpreter) {
    let mut object = Object::open(out);
    match pending.memory.filter(|(_, length)| *length > 0) {
        Some((offset, length)) => {
            let memory = interpreter.memory.context_memory();
            let mut written = Object::open(object.key("mem"));
            written.number("off", offset as u64);
            written.hex("data", memory.get(offset..offset.saturating_add(length)).unwrap_or_default());
            written.close();
        }
        None => object.raw("mem", "null"),
    }
    let stack = interpreter.stack.data();
    let pushed = stack.len().saturating_sub(pushed_items(pending.opcode));
    json::list(object.key("push"), &stack[pushed..], json::quantity);
    match pending.store {
        Some((slot, value)) => {
            let mut store = Object::open(object.key("store"));
            store.quantity("key", &slot);
            store.quantity("val", &value);
            store.close();
        }
        None => object.raw("store", "null"),
    }
    object.number("used", interpreter.gas.remaining());
    object.close();
}

/// Offset and length of the memory that the next opcode writes.
fn memory_written(opcode: u8, stack: &[U256]) -> Option<(usize, usize)> {
    let item = |depth: usize| {
        let value = stack.len().checked_sub(depth + 1).and_then(|at| stack.get(at))?;
        usize::try_from(*value).ok()
    };
    match opcode {
        op::MLOAD | op::MSTORE => Some((item(0)?, 32)),
        op::MSTORE8 => Some((item(0)?, 1)),
        op::CALLDATACOPY | op::CODECOPY | op::RETURNDATACOPY => Some((item(0)?, item(2)?)),
        op::EXTCODECOPY => Some((item(1)?, item(3)?)),
        op::CALL | op::CALLCODE => Some((item(5)?, item(6)?)),
        op::DELEGATECALL | op::STATICCALL => Some((item(4)?, item(5)?)),
        _ => None,
    }
}

impl Tracer for VmTracer {
    fn step(&mut self, interpreter: &Interpreter, depth: usize, _refund: i64, _state: &mut dyn StateView) {
        if self.frames.len() <= depth {
            self.open_frame(interpreter);
        }
        self.settle(Some(interpreter));
        if !self.out.ends_with('[') {
            self.out.push(',');
        }
        self.out.push('{');
        let (opcode, stack) = (interpreter.bytecode.opcode(), interpreter.stack.data().as_slice());
        let store = match stack {
            [.., value, slot] if opcode == op::SSTORE => Some((*slot, *value)),
            _ => None,
        };
        if let Some(frame) = self.frames.last_mut() {
            *frame = Some(Pending {
                pc: interpreter.bytecode.pc(),
                opcode,
                gas_before: interpreter.gas.remaining(),
                cost: 0,
                memory: memory_written(opcode, stack),
                store,
                has_callee: false,
            });
        }
    }

    fn step_end(&mut self, interpreter: &Interpreter, _depth: usize, result: Option<InstructionResult>) {
        if let Some(Some(pending)) = self.frames.last_mut() {
            let remaining = interpreter.gas.remaining().min(pending.gas_before);
            pending.cost = pending.gas_before - remaining;
        }
        match result {
            // A call: what it leaves is seen when its frame goes on.
            Some(InstructionResult::Suspend) => {}
            Some(result) if !result.is_ok_or_revert() => self.settle(None),
            _ => self.settle(Some(interpreter)),
        }
    }

    fn exit(&mut self, stop: &FrameStop<'_>) {
        if self.frames.len() == stop.depth + 1 {
            self.settle(None);
            self.frames.pop();
            self.out.push_str("]}");
        }
    }

    fn is_full(&self) -> bool {
        self.out.len() > self.limit_bytes
    }

    fn into_any(self: Box<Self>) -> Box<dyn core::any::Any> {
        self
    }
}
