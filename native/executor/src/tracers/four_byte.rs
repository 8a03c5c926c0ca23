//! 4byteTracer: how often each function selector was called, with the size of its arguments.

use super::is_precompile;
use crate::tracer::{FrameStart, FrameType, Tracer};
use alloy_primitives::hex;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Counts selectors.
#[derive(Debug, Default)]
pub struct FourByteTracer {
    counts: BTreeMap<([u8; 4], usize), u64>,
}

impl FourByteTracer {
    /// An empty tracer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `{"0x<selector>-<bytes of arguments>": count}`.
    #[must_use]
    pub fn json(&self) -> Value {
        let entries = self
            .counts
            .iter()
            .map(|((selector, bytes), count)| (format!("{}-{bytes}", hex::encode_prefixed(selector)), json!(count)));
        Value::Object(entries.collect::<Map<_, _>>())
    }
}

impl Tracer for FourByteTracer {
    fn enter(&mut self, frame: &FrameStart<'_>) {
        let is_creation = matches!(frame.frame_type, FrameType::Create | FrameType::Create2);
        // What precompiles are given are no selectors.
        if is_creation || frame.code_address.is_some_and(|address| is_precompile(&address)) {
            return;
        }
        if let Some((selector, arguments)) = frame.input.split_first_chunk::<4>() {
            *self.counts.entry((*selector, arguments.len())).or_default() += 1;
        }
    }

    fn into_any(self: Box<Self>) -> Box<dyn core::any::Any> {
        self
    }
}
