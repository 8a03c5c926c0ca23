//! counterTracer: which contract, which of its functions and which opcode used how many rows of the execution trace.
//!
//! A row is attributed to the code that ran, not to the account whose storage it touched: behind a proxy that is the
//! implementation. What no code is to blame for is named apart: decoding the transaction and recovering its sender,
//! buying gas and paying fees, and what the transaction's bytes add to the hash of its batch.

use super::json::{self, Object};
use super::opcode_name;
use crate::cost::Priced;
use crate::tracer::{FrameStart, FrameStop, FrameType, StateView, Tracer};
use alloy_primitives::{Address, hex};
use core::fmt::Write;
use revm::interpreter::Interpreter;
use revm::interpreter::interpreter_types::Jumps;
use std::collections::{BTreeMap, HashMap};
use zkevm_primitives::Counters;

/// Names of the counters as the protocol has them, in the order of [`Counters::to_array`].
const NAMES: [&str; 8] = ["steps", "arith", "binary", "memAlign", "keccakF", "paddingPG", "poseidonG", "sha256"];

/// What of a transaction's counters the tracer does not see itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TxCounters {
    /// Decoding the transaction and recovering its sender.
    pub decoding: Priced,
    /// Executing it.
    pub execution: Priced,
    /// All its counters as the batch counts them, where it is in one.
    pub in_batch: Option<Counters>,
    /// Tree levels that the counters are given for.
    pub levels: u64,
}

/// A function of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Function {
    /// Called with this selector.
    Selector([u8; 4]),
    /// Called with less than a selector: receive, fallback.
    Short,
    /// Init code.
    Constructor,
}

/// What ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Op {
    Opcode(u8),
    /// A precompile, or entering a frame.
    Entry,
}

#[derive(Debug, Default)]
struct Place {
    calls: u64,
    ops: BTreeMap<Op, (u64, Priced)>,
}

/// Attributes counters.
#[derive(Debug, Default)]
pub struct CounterTracer {
    /// Functions in the order in which they were first entered.
    places: Vec<((Address, Function), Place)>,
    index: HashMap<(Address, Function), usize>,
    /// The running frames, outermost first: a place, and what runs there.
    open: Vec<(usize, Op)>,
    /// What was attributed so far.
    seen: Priced,
}

impl CounterTracer {
    /// An empty tracer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The attribution as JSON text.
    #[must_use]
    pub fn finish(&self, counters: &TxCounters) -> String {
        let at = |priced: &Priced| priced.at(counters.levels);
        let attributed = self
            .places
            .iter()
            .flat_map(|(_, place)| place.ops.values())
            .fold(Priced::default(), |sum, (_, priced)| sum + *priced);
        let settlement = counters.execution.since(&attributed);
        let alone = at(&(counters.decoding + counters.execution));
        let total = counters.in_batch.unwrap_or(alone);
        let mut out = String::new();
        let mut object = Object::open(&mut out);
        write_counters(object.key("counters"), &total);
        write_counters(object.key("attributed"), &at(&attributed));
        let mut rest = Object::open(object.key("unattributable"));
        write_counters(rest.key("decoding"), &at(&counters.decoding));
        write_counters(rest.key("settlement"), &at(&settlement));
        write_counters(rest.key("batch"), &total.saturating_sub(&alone));
        rest.close();
        object.number("levels", counters.levels);
        self.write_contracts(object.key("contracts"), counters.levels);
        object.close();
        out
    }

    fn write_contracts(&self, out: &mut String, levels: u64) {
        let mut contracts: Vec<(Address, Vec<usize>)> = Vec::new();
        for (index, ((address, _), _)) in self.places.iter().enumerate() {
            match contracts.iter_mut().find(|(known, _)| known == address) {
                Some((_, places)) => places.push(index),
                None => contracts.push((*address, vec![index])),
            }
        }
        json::list(out, &contracts, |out, (address, places)| {
            let sum = places.iter().fold(Priced::default(), |sum, place| sum + self.places[*place].1.sum());
            let mut object = Object::open(out);
            object.hex("address", address);
            write_counters(object.key("counters"), &sum.at(levels));
            json::list(object.key("functions"), places, |out, place| {
                let ((_, function), place) = &self.places[*place];
                place.write(out, *function, levels);
            });
            object.close();
        });
    }

    fn enter_place(&mut self, key: (Address, Function)) -> usize {
        let next = self.places.len();
        let index = *self.index.entry(key).or_insert(next);
        if index == next {
            self.places.push((key, Place::default()));
        }
        self.places[index].1.calls += 1;
        index
    }
}

impl Place {
    fn sum(&self) -> Priced {
        self.ops.values().fold(Priced::default(), |sum, (_, priced)| sum + *priced)
    }

    fn write(&self, out: &mut String, function: Function, levels: u64) {
        let mut object = Object::open(out);
        match function {
            Function::Selector(selector) => object.text("selector", &hex::encode_prefixed(selector)),
            Function::Short => object.text("selector", "0x"),
            Function::Constructor => object.text("selector", "constructor"),
        }
        object.number("calls", self.calls);
        write_counters(object.key("counters"), &self.sum().at(levels));
        let shown = self.ops.iter().filter(|(op, (_, priced))| **op != Op::Entry || *priced != Priced::default());
        json::list(object.key("opcodes"), shown, |out, (op, (times, priced))| {
            let mut object = Object::open(out);
            match op {
                Op::Opcode(opcode) => object.text("op", &opcode_name(*opcode)),
                Op::Entry => object.text("op", "PRECOMPILE"),
            }
            object.number("times", *times);
            write_counters(object.key("counters"), &priced.at(levels));
            object.close();
        });
        object.close();
    }
}

impl Tracer for CounterTracer {
    fn counts(&self) -> bool {
        true
    }

    fn counted(&mut self, used: &Priced) {
        let more = used.since(&self.seen);
        if more == Priced::default() {
            return;
        }
        self.seen = *used;
        // Outside of frames nothing is to blame: what is not attributed is settlement.
        if let Some((place, op)) = self.open.last() {
            self.places[*place].1.ops.entry(*op).or_default().1 += more;
        }
    }

    fn step(&mut self, interpreter: &Interpreter, _depth: usize, _refund: i64, _state: &mut dyn StateView) {
        let Some((place, op)) = self.open.last_mut() else { return };
        *op = Op::Opcode(interpreter.bytecode.opcode());
        self.places[*place].1.ops.entry(*op).or_default().0 += 1;
    }

    fn enter(&mut self, frame: &FrameStart<'_>) {
        let function = match (frame.frame_type, frame.input.first_chunk()) {
            (FrameType::Create | FrameType::Create2, _) => Function::Constructor,
            (_, Some(selector)) => Function::Selector(*selector),
            (_, None) => Function::Short,
        };
        let address = frame.code_address.unwrap_or_default();
        let is_precompile = super::is_precompile(&address);
        // What precompiles are given are no selectors.
        let place = self.enter_place((address, if is_precompile { Function::Short } else { function }));
        if is_precompile {
            self.places[place].1.ops.entry(Op::Entry).or_default().0 += 1;
        }
        self.open.push((place, Op::Entry));
    }

    fn exit(&mut self, _stop: &FrameStop<'_>) {
        self.open.pop();
    }

    fn into_any(self: Box<Self>) -> Box<dyn core::any::Any> {
        self
    }
}

/// An object of the eight counters.
pub(super) fn write_counters(out: &mut String, counters: &Counters) {
    for (index, (name, rows)) in NAMES.iter().zip(counters.to_array()).enumerate() {
        let _ = write!(out, "{}\"{name}\":{rows}", if index == 0 { '{' } else { ',' });
    }
    out.push('}');
}
