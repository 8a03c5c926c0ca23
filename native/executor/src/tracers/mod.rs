//! The tracers of `debug_trace…`, by the shapes that Ethereum's tools expect.
//!
//! A tracer is given to [`crate::Simulation::set_tracer`] or [`crate::BlockExecutor::set_tracer`] and
//! taken back as what it is after the execution. The prestate tracer needs no hooks: it is made from
//! what a transaction read and wrote.

mod call;
mod four_byte;
mod prestate;
mod struct_log;

pub use call::{CallConfig, CallTracer};
pub use four_byte::FourByteTracer;
pub use prestate::prestate;
pub use struct_log::{StructLogConfig, StructLogger};

use crate::Tracer;
use revm::interpreter::InstructionResult;

/// The tracer as what it is; none when it is another kind.
#[must_use]
pub fn downcast<T: Tracer + 'static>(tracer: Box<dyn Tracer>) -> Option<T> {
    tracer.into_any().downcast().ok().map(|tracer| *tracer)
}

/// The error text of Ethereum's tools; none for a success.
pub(crate) fn error_text(result: InstructionResult) -> Option<&'static str> {
    use InstructionResult as R;
    Some(match result {
        result if result.is_ok() => return None,
        R::Revert => "execution reverted",
        R::OutOfFunds => "insufficient balance for transfer",
        R::OpcodeNotFound | R::InvalidFEOpcode | R::NotActivated => "invalid opcode",
        R::StackUnderflow => "stack underflow",
        R::StackOverflow => "stack limit reached",
        R::InvalidJump => "invalid jump destination",
        R::CallNotAllowedInsideStatic | R::StateChangeDuringStaticCall => "write protection",
        R::OutOfOffset => "return data out of bounds",
        R::CreateCollision => "contract address collision",
        R::CreateContractSizeLimit => "max code size exceeded",
        R::CreateContractStartingWithEF => "invalid code: must not begin with 0xef",
        R::PrecompileError => "precompile failed",
        _ => "out of gas",
    })
}
