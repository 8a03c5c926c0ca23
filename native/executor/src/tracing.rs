//! The traced run loop, and telling the tracer of frames.

use crate::host::Host;
use crate::instructions::{GAS_TABLE, Table};
use crate::tracer::{FrameStart, FrameStop, FrameType, SentAll, StateView, Tracer};
use crate::{ExecutorError, StateReader, frame};
use alloy_primitives::{Address, B256, U256};
use revm::bytecode::opcode::SELFDESTRUCT;
use revm::context_interface::CreateScheme;
use revm::interpreter::interpreter_types::{InputsTr, Jumps, LoopControl};
use revm::interpreter::{
    CallInput, CallInputs, CallScheme, CreateInputs, InstructionResult, Interpreter, InterpreterAction,
    InterpreterResult,
};

/// Runs the interpreter opcode by opcode, telling the tracer of each.
pub(crate) fn run_traced<S: StateReader>(
    interpreter: &mut Interpreter,
    table: &Table<S>,
    host: &mut Host<S>,
    depth: usize,
) -> InterpreterAction {
    let Some(mut tracer) = host.tracer.take() else {
        return interpreter.run_plain(table, &GAS_TABLE, host);
    };
    let end = loop {
        if tracer.is_full() {
            host.fail(ExecutorError::TraceTooLarge);
            break InstructionResult::FatalExternalError;
        }
        // A traced opcode takes so much longer that jumps alone would look at the clock too rarely.
        if !host.tick(interpreter.gas.remaining()) {
            break InstructionResult::FatalExternalError;
        }
        tell_counted(host, &mut *tracer);
        tracer.step(interpreter, depth, interpreter.gas.refunded(), host);
        let sending = sending(interpreter, host);
        let logs = host.journal.logs.len();
        let done = interpreter.step(table, &GAS_TABLE, host);
        if let Some(log) = host.journal.logs.get(logs) {
            tracer.log(log);
        }
        if let Some(sent) = sending.filter(|_| done == Err(InstructionResult::SelfDestruct)) {
            tracer.sent_all(&sent);
        }
        tell_counted(host, &mut *tracer);
        tracer.step_end(interpreter, depth, done.err());
        if let Err(end) = done {
            break end;
        }
    };
    host.tracer = Some(tracer);
    if interpreter.bytecode.action().is_none() {
        interpreter.halt(end);
    }
    interpreter.take_next_action()
}

/// What SELFDESTRUCT would do when it is the next opcode.
fn sending<S: StateReader>(interpreter: &Interpreter, host: &mut Host<S>) -> Option<SentAll> {
    if interpreter.bytecode.opcode() != SELFDESTRUCT {
        return None;
    }
    let from = interpreter.input.target_address();
    let to = Address::from_word((*interpreter.stack.data().last()?).into());
    Some(SentAll { from, to, value: host.balance(from) })
}

fn tell_counted<S: StateReader>(host: &mut Host<S>, tracer: &mut dyn Tracer) {
    if tracer.counts() {
        tracer.counted(&host.meter.so_far());
    }
}

impl<S: StateReader> StateView for Host<S> {
    fn balance(&mut self, address: Address) -> U256 {
        let balance = self.journal.account(address).map(|account| account.info.balance);
        self.or_fail(balance)
    }
    fn storage(&mut self, address: Address, slot: U256) -> U256 {
        let value = self.journal.read_slot(address, slot);
        self.or_fail(value)
    }
    fn code_hash(&mut self, address: Address) -> B256 {
        let hash = self.journal.account(address).map(|account| account.info.code_hash);
        self.or_fail(hash)
    }
}

impl<S: StateReader> Host<S> {
    /// The value, or the default after remembering the failure, which ends the execution with an error.
    fn or_fail<T: Default>(&mut self, read: Result<T, crate::StateError>) -> T {
        read.unwrap_or_else(|error| {
            self.fail(error);
            T::default()
        })
    }
}

fn told<S: StateReader>(host: &mut Host<S>, tell: impl FnOnce(&mut dyn Tracer)) {
    if let Some(tracer) = host.tracer.as_deref_mut() {
        if tracer.counts() {
            tracer.counted(&host.meter.so_far());
        }
        tell(tracer);
    }
}

/// A call starts.
pub(crate) fn enter_call<S: StateReader>(host: &mut Host<S>, inputs: &CallInputs, frames: &frame::Frames) {
    if host.tracer.is_none() {
        return;
    }
    let frame_type = match inputs.scheme {
        CallScheme::Call => FrameType::Call,
        CallScheme::CallCode => FrameType::CallCode,
        CallScheme::DelegateCall => FrameType::DelegateCall,
        CallScheme::StaticCall => FrameType::StaticCall,
    };
    let has_value = frame_type != FrameType::StaticCall;
    // A delegate call shows its callee the caller's caller; who makes it is the running account.
    let from = if frame_type == FrameType::DelegateCall { inputs.target_address } else { inputs.caller };
    let tell = |host: &mut Host<S>, input: &[u8]| {
        let start = FrameStart {
            frame_type,
            from,
            to: Some(inputs.target_address),
            code_address: Some(inputs.bytecode_address),
            input,
            value: has_value.then(|| inputs.value.get()),
            gas: inputs.gas_limit,
            depth: frames.depth(),
        };
        told(host, |tracer| tracer.enter(&start));
    };
    match &inputs.input {
        CallInput::Bytes(bytes) => tell(host, bytes),
        CallInput::SharedBuffer(range) if range.is_empty() => tell(host, &[]),
        CallInput::SharedBuffer(range) => frames.with_memory(range, |input| tell(host, input)),
    }
}

/// A creation starts; without address when it fails before there is one.
pub(crate) fn enter_creation<S: StateReader>(
    host: &mut Host<S>,
    inputs: &CreateInputs,
    address: Option<Address>,
    depth: usize,
) {
    let frame_type = if inputs.scheme() == CreateScheme::Create { FrameType::Create } else { FrameType::Create2 };
    told(host, |tracer| {
        tracer.enter(&FrameStart {
            frame_type,
            from: inputs.caller(),
            to: address,
            code_address: address,
            input: inputs.init_code(),
            value: Some(inputs.value()),
            gas: inputs.gas_limit(),
            depth,
        });
    });
}

/// A frame ended.
pub(crate) fn exit<S: StateReader>(host: &mut Host<S>, done: &InterpreterResult, depth: usize) {
    told(host, |tracer| {
        tracer.exit(&FrameStop {
            result: done.result,
            gas_used: done.gas.total_gas_spent(),
            output: &done.output,
            depth,
        });
    });
}
