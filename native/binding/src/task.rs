//! One kind of asynchronous work: a closure on the libuv pool whose panics and errors become coded rejections.

use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::bindgen_prelude::{AsyncTask, Env, Task, ToNapiValue, TypeName};
use zkevm_engine::{EngineError, EngineResult};

use crate::error::to_rejection;

type Work<T> = Box<dyn FnOnce() -> EngineResult<T> + Send>;

/// Work off the event loop, converted to JavaScript on it.
pub struct Job<T, J> {
    work: Option<Work<T>>,
    convert: fn(T) -> J,
}

impl<T: Send + 'static, J: ToNapiValue + TypeName + 'static> Task for Job<T, J> {
    type Output = EngineResult<T>;
    type JsValue = J;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let Some(work) = self.work.take() else {
            return Ok(Err(EngineError::Closed));
        };
        Ok(catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(EngineError::Panic(panic_text(&*panic)))))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        output.map(self.convert).map_err(|error| to_rejection(env, &error))
    }
}

/// Runs `work` on the libuv pool; `convert` makes its result a JavaScript value.
pub fn run<T: Send + 'static, J: ToNapiValue + TypeName + 'static>(
    work: impl FnOnce() -> EngineResult<T> + Send + 'static,
    convert: fn(T) -> J,
) -> AsyncTask<Job<T, J>> {
    AsyncTask::new(Job { work: Some(Box::new(work)), convert })
}

/// What a panic said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("panic without a message").to_owned()
}
