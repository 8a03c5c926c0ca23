//! The tracers of `debug_trace…` and `trace_…`, by the shapes that Ethereum's tools expect.
//!
//! [`TracerSpec`] reads a tracer's name and options. For each transaction it makes a [`TxTracer`], which is given to
//! [`crate::Simulation::set_tracer`] or [`crate::BlockExecutor::set_tracer`], taken back after the execution
//! ([`downcast`]) and finished to JSON text. The prestate tracer needs no hooks: it is made from what a transaction
//! read and wrote. Every tracer has a limit of bytes, so that no trace exhausts the memory.

mod call;
mod counter;
mod flat;
mod four_byte;
mod json;
mod names;
mod prestate;
mod spec;
mod struct_log;
mod tx_tracer;
mod vm_trace;

pub use call::{CallConfig, CallTracer};
pub use counter::{CounterTracer, TxCounters};
pub use flat::{FlatConfig, FlatFrame, TxPlace};
pub use four_byte::FourByteTracer;
pub use prestate::{CodeOf, PrestateConfig, StateAccess};
pub use spec::{ReplayConfig, SpecError, TracerSpec};
pub use struct_log::{StructLogConfig, StructLogger};
pub use tx_tracer::{TracedTx, TxTracer};
pub use vm_trace::VmTracer;

use crate::Tracer;
use names::{error_text, is_precompile, opcode_name, parity_error_text, pushed_items, revert_reason};

/// The tracer as what it is; none when it is another kind.
#[must_use]
pub fn downcast<T: Tracer + 'static>(tracer: Box<dyn Tracer>) -> Option<T> {
    tracer.into_any().downcast().ok().map(|tracer| *tracer)
}
