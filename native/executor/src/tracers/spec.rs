//! Reading the name and the options of a tracer.

use super::{CallConfig, FlatConfig, PrestateConfig, StructLogConfig};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Most tracers in one muxTracer; there are no more kinds.
const MUX_MAX: usize = 8;

/// A tracer with its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TracerSpec {
    /// One entry for each opcode: the default.
    StructLog(StructLogConfig),
    /// callTracer.
    Call(CallConfig),
    /// flatCallTracer.
    FlatCall(FlatConfig),
    /// 4byteTracer.
    FourByte,
    /// prestateTracer.
    Prestate(PrestateConfig),
    /// noopTracer.
    Noop,
    /// counterTracer.
    Counter,
    /// muxTracer: several at once, by name.
    Mux(Vec<(String, Self)>),
    /// What `trace_replay…` and `trace_call` answer.
    Replay(ReplayConfig),
}

/// Parts of an answer of `trace_replay…`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "the RPC's own switches")]
pub struct ReplayConfig {
    /// The frames.
    pub trace: bool,
    /// The changes of the state.
    pub state_diff: bool,
    /// The opcodes.
    pub vm_trace: bool,
}

/// A name or options that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// There is no such tracer.
    #[error("tracer not found: {0}")]
    UnknownTracer(String),
    /// The options of a tracer are malformed.
    #[error("{tracer} options: {what}")]
    Options {
        /// Name of the tracer.
        tracer: String,
        /// What is wrong.
        what: String,
    },
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_excessive_bools, reason = "the RPC's own switches")]
struct StructLogFields {
    disable_stack: bool,
    disable_storage: bool,
    enable_memory: bool,
    /// The switch of older clients: memory is shown where it is false.
    disable_memory: Option<bool>,
    enable_return_data: bool,
    enable_counters: bool,
    limit: usize,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CallFields {
    only_top_call: bool,
    with_log: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FlatFields {
    convert_parity_errors: bool,
    include_precompiles: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_excessive_bools, reason = "the RPC's own switches")]
struct PrestateFields {
    diff_mode: bool,
    disable_code: bool,
    disable_storage: bool,
    include_empty: bool,
}

impl TracerSpec {
    /// Reads the options object of `debug_trace…`: `{tracer?, tracerConfig?, …}`. Members that are no tracer's
    /// are left alone.
    ///
    /// # Errors
    /// Says what is not understood.
    pub fn parse(options: &Map<String, Value>) -> Result<Self, SpecError> {
        match options.get("tracer") {
            None | Some(Value::Null) => struct_log(&Value::Object(options.clone())),
            Some(Value::String(name)) if name.is_empty() => struct_log(&Value::Object(options.clone())),
            Some(Value::String(name)) => Self::named(name, options.get("tracerConfig").unwrap_or(&Value::Null), true),
            Some(other) => Err(SpecError::UnknownTracer(other.to_string())),
        }
    }

    fn named(name: &str, config: &Value, may_nest: bool) -> Result<Self, SpecError> {
        Ok(match name {
            "structLogger" | "structLog" => struct_log(config)?,
            "callTracer" => {
                let CallFields { only_top_call, with_log } = fields(name, config)?;
                Self::Call(CallConfig { only_top_call, with_logs: with_log })
            }
            "flatCallTracer" => {
                let FlatFields { convert_parity_errors, include_precompiles } = fields(name, config)?;
                Self::FlatCall(FlatConfig { convert_parity_errors, include_precompiles })
            }
            "4byteTracer" => Self::FourByte,
            "prestateTracer" => {
                let PrestateFields { diff_mode, disable_code, disable_storage, include_empty } = fields(name, config)?;
                Self::Prestate(PrestateConfig { diff_mode, disable_code, disable_storage, include_empty })
            }
            "noopTracer" => Self::Noop,
            "counterTracer" => Self::Counter,
            "muxTracer" if may_nest => Self::Mux(mux(config)?),
            _ => return Err(SpecError::UnknownTracer(name.chars().take(64).collect())),
        })
    }
}

fn struct_log(config: &Value) -> Result<TracerSpec, SpecError> {
    let fields: StructLogFields = fields("structLog", config)?;
    Ok(TracerSpec::StructLog(StructLogConfig {
        disable_stack: fields.disable_stack,
        disable_storage: fields.disable_storage,
        enable_memory: fields.enable_memory || fields.disable_memory == Some(false),
        enable_return_data: fields.enable_return_data,
        enable_counters: fields.enable_counters,
        limit: fields.limit,
    }))
}

fn mux(config: &Value) -> Result<Vec<(String, TracerSpec)>, SpecError> {
    let options = |what: &str| SpecError::Options { tracer: "muxTracer".into(), what: what.into() };
    let Value::Object(tracers) = config else { return Err(options("an object of tracers is wanted")) };
    if tracers.is_empty() || tracers.len() > MUX_MAX {
        return Err(options("one to eight tracers are wanted"));
    }
    tracers.iter().map(|(name, config)| Ok((name.clone(), TracerSpec::named(name, config, false)?))).collect()
}

fn fields<T: DeserializeOwned + Default>(tracer: &str, config: &Value) -> Result<T, SpecError> {
    if config.is_null() {
        return Ok(T::default());
    }
    T::deserialize(config).map_err(|error| SpecError::Options { tracer: tracer.into(), what: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(options: &Value) -> Result<TracerSpec, SpecError> {
        TracerSpec::parse(options.as_object().expect("an object"))
    }

    #[test]
    fn names_and_options_are_read() {
        let logger = parse(&json!({ "disableStack": true, "disableMemory": false, "limit": 3, "timeout": "9s" }));
        let expected = StructLogConfig { disable_stack: true, enable_memory: true, limit: 3, ..Default::default() };
        assert_eq!(logger, Ok(TracerSpec::StructLog(expected)));
        let call = parse(&json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } }));
        assert_eq!(call, Ok(TracerSpec::Call(CallConfig { only_top_call: false, with_logs: true })));
        let tracers = json!({ "4byteTracer": null, "prestateTracer": { "diffMode": true, "disableCode": true } });
        let prestate = PrestateConfig { diff_mode: true, disable_code: true, ..Default::default() };
        assert_eq!(
            parse(&json!({ "tracer": "muxTracer", "tracerConfig": tracers })),
            Ok(TracerSpec::Mux(vec![
                ("4byteTracer".into(), TracerSpec::FourByte),
                ("prestateTracer".into(), TracerSpec::Prestate(prestate)),
            ]))
        );
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (options, wanted) in [
            (json!({ "tracer": "{result: function() {}}" }), "tracer not found: {result: function() {}}"),
            (json!({ "tracer": 7 }), "tracer not found: 7"),
            (json!({ "tracer": "callTracer", "tracerConfig": { "withLog": 1 } }), "callTracer options: "),
            (json!({ "tracer": "muxTracer" }), "muxTracer options: an object"),
            (json!({ "tracer": "muxTracer", "tracerConfig": { "muxTracer": {} } }), "tracer not found: muxTracer"),
            (json!({ "limit": -1 }), "structLog options: "),
        ] {
            let error = parse(&options).expect_err("refused").to_string();
            assert!(error.starts_with(wanted), "{options}: {error}");
        }
    }
}
