//! Runs frames: the loop around the interpreter, entering calls and creations, and handing results back.
//!
//! Frames live on the heap and are reused; there is no limit on their depth but gas.

use crate::cost::FrameKind;
use crate::host::Host;
use crate::instructions::{self, GAS_TABLE};
use crate::journal::Checkpoint;
use crate::{ExecutorError, StateReader};
use alloy_primitives::{Address, Bytes, U256};
use core::ops::Range;
use revm::interpreter::interpreter::SharedMemory;
use revm::interpreter::interpreter_types::ReturnData;
use revm::interpreter::{FrameInput, Gas, InstructionResult, Interpreter, InterpreterAction, InterpreterResult};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use zkevm_primitives::MEMORY_MAX_BYTES;

mod enter;

pub(crate) use enter::{call_input, create_input};

/// Frames that stay allocated between transactions.
const FRAMES_KEPT: usize = 64;
/// Memory that stays allocated between transactions, in bytes.
const MEMORY_KEPT_BYTES: usize = 1 << 20;

/// Where a frame's result goes.
#[derive(Clone, Debug)]
pub(crate) enum Receiver {
    /// Into this part of the caller's memory.
    Call(Range<usize>),
    /// Onto the caller's stack as an address.
    Create(Option<Address>),
}

/// A frame that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) result: InstructionResult,
    pub(crate) gas: Gas,
    pub(crate) output: Bytes,
    pub(crate) receiver: Receiver,
    /// The top-level transaction was a call to an unsupported precompile.
    pub(crate) is_unsupported_precompile: bool,
}

/// A frame that runs.
struct Frame {
    interpreter: Interpreter,
    checkpoint: Checkpoint,
    kind: FrameKind,
    receiver: Receiver,
}

/// The running frames, innermost last; those beyond `depth` are kept for reuse.
pub(crate) struct Frames {
    stack: Vec<Frame>,
    depth: usize,
    memory: Rc<RefCell<Vec<u8>>>,
}

impl Frames {
    fn new() -> Self {
        Self { stack: Vec::new(), depth: 0, memory: Rc::new(RefCell::new(Vec::with_capacity(4096))) }
    }

    fn reset(&mut self) {
        self.depth = 0;
        self.stack.truncate(FRAMES_KEPT);
        let mut memory = self.memory.borrow_mut();
        memory.clear();
        memory.shrink_to(MEMORY_KEPT_BYTES);
    }

    /// Number of running frames.
    pub(crate) const fn depth(&self) -> usize {
        self.depth
    }

    /// Shows a part of the shared memory.
    pub(crate) fn with_memory<T>(&self, range: &Range<usize>, look: impl FnOnce(&[u8]) -> T) -> T {
        look(self.memory.borrow().get(range.clone()).unwrap_or_default())
    }

    fn top(&mut self) -> Option<&mut Frame> {
        self.depth.checked_sub(1).and_then(|at| self.stack.get_mut(at))
    }

    /// Makes room for a frame on top, with its own memory.
    fn push(&mut self) -> (&mut Frame, SharedMemory) {
        let memory = match self.top() {
            Some(caller) => caller.interpreter.memory.new_child_context(),
            None => SharedMemory::new_with_buffer(self.memory.clone()),
        };
        if self.stack.len() == self.depth {
            self.stack.push(Frame {
                interpreter: Interpreter::invalid(),
                checkpoint: Checkpoint::default(),
                kind: FrameKind::Call,
                receiver: Receiver::Call(0..0),
            });
        }
        self.depth += 1;
        (&mut self.stack[self.depth - 1], memory)
    }
}

thread_local! {
    static FRAMES: Cell<Option<Frames>> = const { Cell::new(None) };
}

/// Runs a transaction's frame with everything it calls. A failed frame leaves the state as it was.
pub(crate) fn run<S: StateReader>(host: &mut Host<S>, input: FrameInput) -> Result<Ended, ExecutorError> {
    let mut frames = FRAMES.take().unwrap_or_else(Frames::new);
    frames.reset();
    let ended = run_all(host, &mut frames, input);
    frames.reset();
    FRAMES.set(Some(frames));
    let ended = ended?;
    host.check_failure()?;
    Ok(ended)
}

fn run_all<S: StateReader>(host: &mut Host<S>, frames: &mut Frames, input: FrameInput) -> Result<Ended, ExecutorError> {
    let table = instructions::table::<S>(host.meter.is_enabled());
    let mut ended = enter::enter(host, frames, input)?;
    loop {
        if let Some(ended) = ended.take() {
            match frames.top() {
                None => return Ok(ended),
                Some(caller) => deliver(caller, ended),
            }
        }
        let depth = frames.depth - 1;
        let Some(frame) = frames.top() else {
            return Err(ExecutorError::Internal("no frame runs"));
        };
        if !host.tick_frame(frame.interpreter.gas.remaining()) {
            return Err(host.take_failure());
        }
        host.meter.enter(frame.kind);
        let action = if host.tracer.is_some() {
            crate::tracing::run_traced(&mut frame.interpreter, table, host, depth)
        } else {
            frame.interpreter.run_plain(table, &GAS_TABLE, host)
        };
        // Memory only grows, so a frame that went over the ROM's memory at any time still is over it:
        // it ran out of gas there, and nothing it did since then counts.
        let is_over_memory = frame.interpreter.memory.len() > MEMORY_MAX_BYTES;
        ended = match action {
            InterpreterAction::NewFrame(input) if !is_over_memory => enter::enter(host, frames, input)?,
            InterpreterAction::NewFrame(_) => Some(leave(host, frames, out_of_memory())?),
            InterpreterAction::Return(_) if is_over_memory => Some(leave(host, frames, out_of_memory())?),
            InterpreterAction::Return(result) => Some(leave(host, frames, result)?),
        };
    }
}

fn out_of_memory() -> InterpreterResult {
    InterpreterResult::new(InstructionResult::MemoryLimitOOG, Bytes::new(), Gas::new_spent_with_reservoir(0, 0))
}

/// Ends the top frame.
fn leave<S: StateReader>(
    host: &mut Host<S>,
    frames: &mut Frames,
    mut done: InterpreterResult,
) -> Result<Ended, ExecutorError> {
    if done.result == InstructionResult::FatalExternalError {
        return Err(host.take_failure());
    }
    let Some(frame) = frames.top() else {
        return Err(ExecutorError::Internal("no frame ends"));
    };
    let (checkpoint, receiver) = (frame.checkpoint, frame.receiver.clone());
    frames.depth -= 1;
    if let Receiver::Create(Some(address)) = receiver
        && done.result.is_ok()
    {
        enter::finish_creation(host, address, &mut done)?;
    }
    if !done.result.is_ok() {
        host.journal.revert(checkpoint);
        done.gas.set_refunded(0);
    }
    if done.result.is_halt() {
        done.gas.spend_all();
        done.output = Bytes::new();
    }
    crate::tracing::exit(host, &done, frames.depth);
    Ok(Ended { result: done.result, gas: done.gas, output: done.output, receiver, is_unsupported_precompile: false })
}

/// Hands a result to the caller.
fn deliver(caller: &mut Frame, ended: Ended) {
    let interpreter = &mut caller.interpreter;
    interpreter.memory.free_child_context();
    let succeeds = ended.result.is_ok();
    if succeeds || ended.result.is_revert() {
        interpreter.gas.erase_cost(ended.gas.remaining());
    }
    if succeeds {
        interpreter.gas.record_refund(ended.gas.refunded());
    }
    let item = match ended.receiver {
        Receiver::Call(area) => {
            let length = area.len().min(ended.output.len());
            if length != 0 && !ended.result.is_halt() {
                interpreter.memory.set(area.start, &ended.output[..length]);
            }
            interpreter.return_data.set_buffer(ended.output);
            U256::from(succeeds)
        }
        Receiver::Create(address) => {
            let shows_output = ended.result == InstructionResult::Revert;
            interpreter.return_data.set_buffer(if shows_output { ended.output } else { Bytes::new() });
            address.filter(|_| succeeds).map_or(U256::ZERO, |address| address.into_word().into())
        }
    };
    // The opcode took its operands off the stack, so there is room.
    let _ = interpreter.stack.push(item);
}
