//! The default tracer: one entry for each opcode.

use super::counter::write_counters;
use super::json::{self, Object};
use super::{error_text, opcode_name};
use crate::cost::Priced;
use crate::tracer::{StateView, Tracer};
use alloy_primitives::{Address, B256, Bytes, U256};
use core::fmt::Write;
use revm::bytecode::opcode::{SLOAD, SSTORE};
use revm::interpreter::interpreter_types::{InputsTr, Jumps, ReturnData};
use revm::interpreter::{InstructionResult, Interpreter};
use std::collections::{BTreeMap, HashMap};

/// Options of the struct logger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "the RPC's own switches")]
pub struct StructLogConfig {
    /// Leave out the stack.
    pub disable_stack: bool,
    /// Leave out the storage.
    pub disable_storage: bool,
    /// Show the memory.
    pub enable_memory: bool,
    /// Show the return data.
    pub enable_return_data: bool,
    /// Show the counters that each opcode used.
    pub enable_counters: bool,
    /// Most entries; further ones are dropped. 0 = no limit but that of bytes.
    pub limit: usize,
}

/// Records every opcode.
#[derive(Debug)]
pub struct StructLogger {
    config: StructLogConfig,
    /// Tree levels that the counters are given for.
    levels: u64,
    limit_bytes: usize,
    /// The entries as JSON, separated by commas.
    out: String,
    entries: usize,
    /// Whether an opcode is recorded that has not ended.
    is_open: bool,
    gas_before: u64,
    /// Counters before the open opcode, and now.
    counted: (Priced, Priced),
    storage: HashMap<Address, BTreeMap<U256, U256>>,
}

impl StructLogger {
    /// A tracer with these options. It is full when its entries are over `limit_bytes`; counters are those at
    /// `levels` tree levels.
    #[must_use]
    pub fn new(config: StructLogConfig, limit_bytes: usize, levels: u64) -> Self {
        Self {
            config,
            levels,
            limit_bytes,
            out: String::new(),
            entries: 0,
            is_open: false,
            gas_before: 0,
            counted: Default::default(),
            storage: HashMap::new(),
        }
    }

    /// The trace of a transaction as JSON text.
    #[must_use]
    pub fn finish(self, gas_used: u64, failed: bool, output: &Bytes) -> String {
        let mut out = String::with_capacity(self.out.len() + 2 * output.len() + 100);
        let mut object = Object::open(&mut out);
        object.number("gas", gas_used);
        object.raw("failed", if failed { "true" } else { "false" });
        object.hex("returnValue", output);
        let logs = object.key("structLogs");
        logs.push('[');
        logs.push_str(&self.out);
        logs.push(']');
        object.close();
        out
    }

    fn write_storage(&mut self, interpreter: &Interpreter, opcode: u8, state: &mut dyn StateView) {
        if self.config.disable_storage || !matches!(opcode, SLOAD | SSTORE) {
            return;
        }
        let stack = interpreter.stack.data();
        let Some(&slot) = stack.last() else { return };
        let address = interpreter.input.target_address();
        let value = if opcode == SLOAD {
            state.storage(address, slot)
        } else {
            let Some(&value) = stack.len().checked_sub(2).and_then(|at| stack.get(at)) else { return };
            value
        };
        let known = self.storage.entry(address).or_default();
        known.insert(slot, value);
        self.out.push_str(",\"storage\":");
        let mut object = Object::open(&mut self.out);
        for (slot, value) in known {
            object.hex(&B256::from(*slot).to_string(), B256::from(*value));
        }
        object.close();
    }
}

impl Tracer for StructLogger {
    fn step(&mut self, interpreter: &Interpreter, depth: usize, refund: i64, state: &mut dyn StateView) {
        self.is_open = self.config.limit == 0 || self.entries < self.config.limit;
        if !self.is_open {
            return;
        }
        let opcode = interpreter.bytecode.opcode();
        self.gas_before = interpreter.gas.remaining();
        self.counted.0 = self.counted.1;
        if self.entries > 0 {
            self.out.push(',');
        }
        self.entries += 1;
        let _ = write!(
            self.out,
            "{{\"pc\":{},\"op\":\"{}\",\"gas\":{},\"depth\":{}",
            interpreter.bytecode.pc(),
            opcode_name(opcode),
            self.gas_before,
            depth + 1
        );
        if refund != 0 {
            let _ = write!(self.out, ",\"refund\":{refund}");
        }
        if !self.config.disable_stack {
            self.out.push_str(",\"stack\":");
            json::list(&mut self.out, interpreter.stack.data(), json::quantity);
        }
        if self.config.enable_memory {
            let memory = interpreter.memory.context_memory();
            self.out.push_str(",\"memory\":");
            json::list(&mut self.out, memory.chunks(32), json::hex);
        }
        if self.config.enable_return_data && !interpreter.return_data.buffer().is_empty() {
            self.out.push_str(",\"returnData\":");
            json::hex(&mut self.out, interpreter.return_data.buffer());
        }
        self.write_storage(interpreter, opcode, state);
    }

    fn step_end(&mut self, interpreter: &Interpreter, _depth: usize, result: Option<InstructionResult>) {
        if !core::mem::take(&mut self.is_open) {
            return;
        }
        // An opcode that cannot be paid leaves the gas wrapped around.
        let remaining = interpreter.gas.remaining().min(self.gas_before);
        let _ = write!(self.out, ",\"gasCost\":{}", self.gas_before - remaining);
        if let Some(error) = result.filter(|result| *result != InstructionResult::Suspend).and_then(error_text) {
            let _ = write!(self.out, ",\"error\":\"{error}\"");
        }
        if self.config.enable_counters {
            self.out.push_str(",\"counters\":");
            write_counters(&mut self.out, &self.counted.1.since(&self.counted.0).at(self.levels));
        }
        self.out.push('}');
    }

    fn counts(&self) -> bool {
        self.config.enable_counters
    }

    fn counted(&mut self, used: &Priced) {
        self.counted.1 = *used;
    }

    fn is_full(&self) -> bool {
        self.out.len() > self.limit_bytes
    }

    fn into_any(self: Box<Self>) -> Box<dyn core::any::Any> {
        self
    }
}
