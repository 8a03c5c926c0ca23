//! What a trace is to show.

use std::cell::Cell;

use alloy_primitives::Address;
use serde::Deserialize;
use serde_json::{Map, Value};
use zkevm_executor::tracers::{FlatFrame, ReplayConfig, TracerSpec};

use super::answer::Answer;
use crate::error::{EngineError, EngineResult};

/// The shape of the answer.
pub(super) enum Form {
    /// `debug_trace…`: what the tracer answers, in a list with the hash of its transaction.
    Debug(TracerSpec),
    /// `trace_block` and its relatives: the frames of all transactions in one list.
    Frames(FrameFilter),
    /// `trace_replay…`: frames, changes of the state and opcodes of each transaction.
    Replay(TracerSpec),
}

#[derive(Deserialize)]
#[serde(tag = "form", rename_all = "camelCase")]
enum FormFields {
    Debug {
        #[serde(default)]
        options: Map<String, Value>,
    },
    Frames {
        #[serde(default)]
        filter: FilterFields,
    },
    Replay {
        types: Vec<String>,
    },
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FilterFields {
    from_addresses: Vec<Address>,
    to_addresses: Vec<Address>,
    /// Whether both lists have to match; else one suffices.
    intersects: bool,
    after: usize,
    count: Option<usize>,
}

impl Form {
    pub(super) fn parse(json: &str) -> EngineResult<Self> {
        let fields: FormFields =
            serde_json::from_str(json).map_err(|error| EngineError::call_invalid(format!("trace options: {error}")))?;
        Ok(match fields {
            FormFields::Debug { options } => {
                Self::Debug(TracerSpec::parse(&options).map_err(|error| EngineError::call_invalid(error.to_string()))?)
            }
            FormFields::Frames { filter } => Self::Frames(FrameFilter { skipped: Cell::new(0), fields: filter }),
            FormFields::Replay { types } => Self::Replay(TracerSpec::Replay(replay_config(&types)?)),
        })
    }

    /// The tracer, where it is not that of frames.
    pub(super) const fn spec(&self) -> Option<&TracerSpec> {
        match self {
            Self::Debug(spec) | Self::Replay(spec) => Some(spec),
            Self::Frames(_) => None,
        }
    }

    /// Whether the answer holds all that was asked for.
    pub(super) fn is_satisfied(&self, answer: &Answer) -> bool {
        matches!(self, Self::Frames(filter) if filter.fields.count.is_some_and(|count| answer.items() >= count))
    }
}

fn replay_config(types: &[String]) -> EngineResult<ReplayConfig> {
    let mut config = ReplayConfig::default();
    for wanted in types {
        match wanted.as_str() {
            "trace" => config.trace = true,
            "stateDiff" => config.state_diff = true,
            "vmTrace" => config.vm_trace = true,
            other => {
                return Err(EngineError::call_invalid(format!(
                    "trace type {other:?}: want trace, stateDiff or vmTrace"
                )));
            }
        }
    }
    Ok(config)
}

/// Which frames are shown.
pub(super) struct FrameFilter {
    fields: FilterFields,
    /// Matching frames left out at the start.
    skipped: Cell<usize>,
}

impl FrameFilter {
    /// Adds those of the frames that match.
    pub(super) fn show(&self, frames: &[FlatFrame], answer: &mut Answer) -> EngineResult<()> {
        answer.make_list();
        for frame in frames.iter().filter(|frame| self.matches(frame)) {
            if self.skipped.get() < self.fields.after {
                self.skipped.set(self.skipped.get() + 1);
                continue;
            }
            if self.fields.count.is_some_and(|count| answer.items() >= count) {
                break;
            }
            answer.push(&frame.json)?;
        }
        Ok(())
    }

    fn matches(&self, frame: &FlatFrame) -> bool {
        let FilterFields { from_addresses, to_addresses, intersects, .. } = &self.fields;
        let from = from_addresses.contains(&frame.from);
        let to = frame.to.is_some_and(|to| to_addresses.contains(&to));
        match (from_addresses.is_empty(), to_addresses.is_empty()) {
            (true, true) => true,
            (false, true) => from,
            (true, false) => to,
            (false, false) if *intersects => from && to,
            (false, false) => from || to,
        }
    }
}
