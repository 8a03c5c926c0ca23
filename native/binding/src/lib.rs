//! The N-API surface: converts and checks, decides nothing. The only crate that knows N-API.
//!
//! Every export catches panics: sync ones by `#[napi(catch_unwind)]`, asynchronous ones inside [`task::Job`] and [`lane::Lane`], so that a panic in native
//! code becomes a coded error in JavaScript and never ends the process.

#![allow(
    missing_docs,
    reason = "the generated d.ts carries the documentation of src/native/engine.ts; exports mirror it one to one"
)]
#![cfg_attr(test, allow(dead_code, reason = "without the registration of the addon nothing calls the exports"))]
#![allow(unreachable_pub, reason = "N-API exports are reached through generated registration, not through Rust paths")]
#![allow(clippy::needless_pass_by_value, reason = "N-API hands over owned values")]
#![allow(clippy::unused_self, reason = "verbs of the class that need no open engine")]
#![allow(clippy::missing_errors_doc, reason = "every export fails with the coded errors of docs/errors.md")]

mod convert;
mod engine;
mod error;
mod lane;
mod maintenance;
mod reads;
mod task;
mod trace;
mod types;
mod vectors;
mod verification;
