//! A thread for verbs that follow each other. Those of sequencing (opening a block, executing its slices, hashing it) would wait behind admission
//! and behind writes that wait for the disk on the few threads of the libuv pool, and every block after them too; verification would hold
//! one of these threads, and has a priority of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};

use napi::bindgen_prelude::{Env, Object, ToNapiValue};
use zkevm_engine::{EngineError, EngineResult};

use crate::error::to_rejection;
use crate::task::panic_text;

type Task = Box<dyn FnOnce() + Send>;

/// The thread; it starts with its first task and ends with the lane.
pub struct Lane {
    name: &'static str,
    tasks: Mutex<Option<Sender<Task>>>,
}

impl Lane {
    /// A lane whose thread will have this name.
    pub const fn new(name: &'static str) -> Self {
        Self { name, tasks: Mutex::new(None) }
    }

    /// Runs `work` after everything before it; `convert` makes its result a JavaScript value. Panics and errors become coded rejections.
    pub fn run<'env, T: Send + 'static, J: ToNapiValue + 'static>(
        &self,
        env: &'env Env,
        work: impl FnOnce() -> EngineResult<T> + Send + 'static,
        convert: fn(T) -> J,
    ) -> napi::Result<Object<'env>> {
        let (deferred, promise) = env.create_deferred()?;
        self.submit(Box::new(move || {
            let outcome = catch_unwind(AssertUnwindSafe(work))
                .unwrap_or_else(|panic| Err(EngineError::Panic(panic_text(&*panic))));
            deferred.resolve(move |env: Env| outcome.map(convert).map_err(|error| to_rejection(env, &error)));
        }))?;
        Ok(promise)
    }

    fn submit(&self, task: Task) -> napi::Result<()> {
        let mut slot = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match slot.take() {
            Some(sender) => sender,
            None => start(self.name)?,
        };
        let sent = sender.send(task);
        *slot = Some(sender);
        sent.map_err(|_| napi::Error::from_reason(format!("the thread of {} has ended", self.name)))
    }
}

fn start(name: &str) -> napi::Result<Sender<Task>> {
    let (sender, tasks) = channel::<Task>();
    let serve = move || tasks.into_iter().for_each(|task| task());
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(serve)
        .map_err(|error| napi::Error::from_reason(format!("no thread for {name}: {error}")))?;
    Ok(sender)
}
