//! The default tracer: one entry for each opcode.

use super::error_text;
use crate::tracer::{StateView, Tracer};
use alloy_primitives::{Address, B256, Bytes, U256, hex};
use revm::bytecode::opcode::{OpCode, SLOAD, SSTORE};
use revm::interpreter::interpreter_types::{InputsTr, Jumps, ReturnData};
use revm::interpreter::{InstructionResult, Interpreter};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// Options of the struct logger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Most entries; further ones are dropped.
    pub limit: usize,
}

impl Default for StructLogConfig {
    fn default() -> Self {
        Self {
            disable_stack: false,
            disable_storage: false,
            enable_memory: false,
            enable_return_data: false,
            limit: 1_000_000,
        }
    }
}

/// Records every opcode.
#[derive(Debug, Default)]
pub struct StructLogger {
    config: StructLogConfig,
    entries: Vec<Value>,
    /// Whether an opcode is recorded that has not ended.
    is_open: bool,
    gas_before: u64,
    storage: HashMap<Address, BTreeMap<U256, U256>>,
}

impl StructLogger {
    /// A tracer with these options.
    #[must_use]
    pub fn new(config: StructLogConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// The trace of a transaction.
    #[must_use]
    pub fn json(self, gas_used: u64, failed: bool, output: &Bytes) -> Value {
        json!({
            "gas": gas_used,
            "failed": failed,
            "returnValue": hex::encode_prefixed(output),
            "structLogs": self.entries,
        })
    }

    fn storage_of(&mut self, interpreter: &Interpreter, opcode: u8, state: &mut dyn StateView) -> Option<Value> {
        if self.config.disable_storage || !matches!(opcode, SLOAD | SSTORE) {
            return None;
        }
        let stack = interpreter.stack.data();
        let slot = *stack.last()?;
        let address = interpreter.input.target_address();
        let value =
            if opcode == SLOAD { state.storage(address, slot) } else { *stack.get(stack.len().checked_sub(2)?)? };
        let known = self.storage.entry(address).or_default();
        known.insert(slot, value);
        let shown =
            known.iter().map(|(slot, value)| (hex::encode(B256::from(*slot)), json!(hex::encode(B256::from(*value)))));
        Some(Value::Object(shown.collect::<Map<_, _>>()))
    }
}

impl Tracer for StructLogger {
    fn step(&mut self, interpreter: &Interpreter, depth: usize, refund: i64, state: &mut dyn StateView) {
        self.is_open = self.entries.len() < self.config.limit;
        if !self.is_open {
            return;
        }
        let opcode = interpreter.bytecode.opcode();
        self.gas_before = interpreter.gas.remaining();
        let name = OpCode::new(opcode).map_or_else(|| format!("opcode {opcode:#x} not defined"), |op| op.to_string());
        let name = if opcode == 0x44 { "DIFFICULTY".to_owned() } else { name };
        let mut entry = Map::new();
        entry.insert("pc".into(), json!(interpreter.bytecode.pc()));
        entry.insert("op".into(), json!(name));
        entry.insert("gas".into(), json!(self.gas_before));
        entry.insert("depth".into(), json!(depth + 1));
        if refund != 0 {
            entry.insert("refund".into(), json!(refund));
        }
        if !self.config.disable_stack {
            let stack = interpreter.stack.data().iter().map(|word| json!(format!("{word:#x}")));
            entry.insert("stack".into(), stack.collect());
        }
        if self.config.enable_memory {
            let memory = interpreter.memory.context_memory();
            entry.insert("memory".into(), memory.chunks(32).map(|word| json!(hex::encode(word))).collect());
        }
        if self.config.enable_return_data && !interpreter.return_data.buffer().is_empty() {
            entry.insert("returnData".into(), json!(hex::encode_prefixed(interpreter.return_data.buffer())));
        }
        if let Some(storage) = self.storage_of(interpreter, opcode, state) {
            entry.insert("storage".into(), storage);
        }
        self.entries.push(Value::Object(entry));
    }

    fn step_end(&mut self, interpreter: &Interpreter, _depth: usize, result: Option<InstructionResult>) {
        if !core::mem::take(&mut self.is_open) {
            return;
        }
        let Some(entry) = self.entries.last_mut() else { return };
        let remaining = interpreter.gas.remaining();
        // An opcode that cannot be paid leaves the counter wrapped around.
        entry["gasCost"] = json!(self.gas_before.saturating_sub(remaining.min(self.gas_before)));
        if let Some(error) = result.filter(|result| *result != InstructionResult::Suspend).and_then(error_text) {
            entry["error"] = json!(error);
        }
    }

    fn into_any(self: Box<Self>) -> Box<dyn core::any::Any> {
        self
    }
}
