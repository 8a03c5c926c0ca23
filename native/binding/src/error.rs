//! Engine errors as JavaScript errors with a stable `code`.

use napi::bindgen_prelude::{Env, JsObjectValue, JsValue};
use zkevm_engine::EngineError;

/// The `code` of a synchronously thrown error.
#[derive(Debug)]
pub struct Code(&'static str);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        self.0
    }
}

/// Result of a synchronous export.
pub type Result<T, E = napi::Error<Code>> = std::result::Result<T, E>;

/// For a synchronous export.
pub fn to_js(error: EngineError) -> napi::Error<Code> {
    napi::Error::new(Code(error.code()), error.to_string())
}

/// For a rejected promise: an Error object that carries the code as an own property.
pub fn to_rejection(env: Env, error: &EngineError) -> napi::Error {
    let build = || -> napi::Result<napi::Error> {
        let mut object = env.create_error(napi::Error::new(napi::Status::GenericFailure, error.to_string()))?;
        object.set_named_property("code", error.code())?;
        Ok(napi::Error::from(object.to_unknown()))
    };
    build().unwrap_or_else(|failure| failure)
}
