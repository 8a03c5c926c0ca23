//! The tree of frames one after the other, parents first: flatCallTracer and Parity's `trace_…`.

use super::call::{Call, CallKind, CallTracer};
use super::json::{self, Object};
use super::{error_text, is_precompile, parity_error_text};
use alloy_primitives::{Address, B256, U256};
use core::fmt::Write;
use revm::interpreter::InstructionResult;

/// Options of the flat call tracer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlatConfig {
    /// Errors in Parity's words.
    pub convert_parity_errors: bool,
    /// Also calls of precompiles.
    pub include_precompiles: bool,
}

/// Where a stored transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxPlace {
    /// Header hash of its L2 block.
    pub block_hash: B256,
    /// Number of its L2 block.
    pub block_number: u64,
    /// Its hash.
    pub tx_hash: B256,
    /// Its index in the block.
    pub index: u64,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatFrame {
    /// Who made the call.
    pub from: Address,
    /// Whose code ran, what was created, or who got the balance.
    pub to: Option<Address>,
    /// The frame as JSON text.
    pub json: String,
}

impl CallTracer {
    /// The frames in the order of entering.
    #[must_use]
    pub fn flat(&self, config: FlatConfig, place: Option<&TxPlace>) -> Vec<FlatFrame> {
        let mut frames = Vec::with_capacity(self.calls().len());
        if !self.calls().is_empty() {
            let mut walk = Walk { calls: self.calls(), config, place, address: Vec::new(), frames: &mut frames };
            walk.visit(0);
        }
        frames
    }
}

/// A walk through the tree.
struct Walk<'a> {
    calls: &'a [Call],
    config: FlatConfig,
    place: Option<&'a TxPlace>,
    /// Index of each frame on the way among its siblings.
    address: Vec<usize>,
    frames: &'a mut Vec<FlatFrame>,
}

impl Walk<'_> {
    fn visit(&mut self, index: usize) {
        let calls = self.calls;
        let children: Vec<usize> =
            calls[index].calls.iter().copied().filter(|&call| self.shows(&calls[call])).collect();
        let mut json = String::with_capacity(512 + 2 * calls[index].input.len());
        self.write(&mut json, &calls[index], children.len());
        self.frames.push(FlatFrame { from: calls[index].from, to: calls[index].to, json });
        for (position, child) in children.into_iter().enumerate() {
            self.address.push(position);
            self.visit(child);
            self.address.pop();
        }
    }

    fn shows(&self, call: &Call) -> bool {
        let is_call = matches!(call.kind, CallKind::Frame(_)) && !call.kind.is_creation();
        self.config.include_precompiles || !is_call || !call.to.is_some_and(|to| is_precompile(&to))
    }

    fn write(&self, out: &mut String, call: &Call, subtraces: usize) {
        let mut object = Object::open(out);
        write_action(object.key("action"), call);
        if let Some(place) = self.place {
            object.hex("blockHash", place.block_hash);
            object.number("blockNumber", place.block_number);
        }
        let error = if self.config.convert_parity_errors { parity_error_text } else { error_text };
        if let Some(error) = error(call.result) {
            object.text("error", error);
        }
        // Of a revert the output is of interest: it has the reason.
        let has_result = call.result.is_ok() || call.result == InstructionResult::Revert;
        if has_result && call.kind != CallKind::SelfDestruct {
            write_result(object.key("result"), call);
        } else {
            object.raw("result", "null");
        }
        object.number("subtraces", subtraces as u64);
        json::list(object.key("traceAddress"), &self.address, |out, position| {
            let _ = write!(out, "{position}");
        });
        if let Some(place) = self.place {
            object.hex("transactionHash", place.tx_hash);
            object.number("transactionPosition", place.index);
        }
        object.text(
            "type",
            match call.kind {
                CallKind::SelfDestruct => "suicide",
                kind if kind.is_creation() => "create",
                CallKind::Frame(_) => "call",
            },
        );
        object.close();
    }
}

fn write_action(out: &mut String, call: &Call) {
    let mut action = Object::open(out);
    let value = call.value.unwrap_or(U256::ZERO);
    if call.kind == CallKind::SelfDestruct {
        action.hex("address", call.from);
        action.hex("refundAddress", call.to.unwrap_or_default());
        action.quantity("balance", &value);
        action.close();
        return;
    }
    action.hex("from", call.from);
    action.quantity("gas", &call.gas);
    action.quantity("value", &value);
    if call.kind.is_creation() {
        action.hex("init", &call.input);
        action.text("creationMethod", &call.kind.name().to_lowercase());
    } else {
        action.hex("input", &call.input);
        action.text("callType", &call.kind.name().to_lowercase());
        if let Some(to) = call.to {
            action.hex("to", to);
        }
    }
    action.close();
}

fn write_result(out: &mut String, call: &Call) {
    let mut result = Object::open(out);
    result.quantity("gasUsed", &call.gas_used);
    if call.kind.is_creation() && call.result.is_ok() {
        if let Some(address) = call.to {
            result.hex("address", address);
        }
        result.hex("code", &call.output);
    } else {
        result.hex("output", &call.output);
    }
    result.close();
}
