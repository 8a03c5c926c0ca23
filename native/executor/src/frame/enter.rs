//! Entering calls and creations, and finishing creations.

use super::{Ended, Frames, Receiver};
use crate::cost::Entry;
use crate::host::{Host, SPEC_ID};
use crate::precompiles::{self, Outcome};
use crate::{ExecutorError, StateError, StateReader, code};
use alloy_primitives::{Address, Bytes, U256};
use revm::context_interface::CreateScheme;
use revm::interpreter::interpreter::ExtBytecode;
use revm::interpreter::{
    CallInput, CallInputs, CallScheme, CallValue, CreateInputs, FrameInput, Gas, InputsImpl, InstructionResult,
    InterpreterResult,
};
use zkevm_primitives::CODE_MAX_BYTES;

/// Gas for each byte of deployed code.
const CODE_DEPOSIT_GAS: u64 = 200;
/// PUSH1, which code must not end with up to fork 9.
const BARE_PUSH: u8 = 0x60;

type Entered = Result<Option<Ended>, ExecutorError>;

/// Enters a frame on top of the running ones. Gives the result when there is nothing to run.
pub(super) fn enter<S: StateReader>(host: &mut Host<S>, frames: &mut Frames, input: FrameInput) -> Entered {
    match input {
        FrameInput::Call(inputs) => {
            crate::tracing::enter_call(host, &inputs, frames);
            let ended = enter_call(host, frames, *inputs)?;
            trace_immediate(host, frames, ended.as_ref());
            Ok(ended)
        }
        FrameInput::Create(inputs) => {
            let ended = enter_creation(host, frames, &inputs)?;
            trace_immediate(host, frames, ended.as_ref());
            Ok(ended)
        }
        FrameInput::Empty => Err(ExecutorError::Internal("an empty frame was asked for")),
    }
}

fn trace_immediate<S: StateReader>(host: &mut Host<S>, frames: &Frames, ended: Option<&Ended>) {
    if let Some(ended) = ended {
        let done = InterpreterResult::new(ended.result, ended.output.clone(), ended.gas);
        crate::tracing::exit(host, &done, frames.depth);
    }
}

fn enter_call<S: StateReader>(host: &mut Host<S>, frames: &mut Frames, inputs: CallInputs) -> Entered {
    let gas = Gas::new(inputs.gas_limit);
    let receiver = Receiver::Call(inputs.return_memory_offset.clone());
    let end = |result, gas: Gas, output| Ended {
        result,
        gas,
        output,
        receiver: receiver.clone(),
        is_unsupported_precompile: false,
    };
    let value = inputs.value.transfer().unwrap_or_default();
    if !value.is_zero() && balance_of_payer(host, frames, inputs.caller)? < value {
        return Ok(Some(end(InstructionResult::OutOfFunds, gas, Bytes::new())));
    }
    let bytecode = inputs.known_bytecode.1.clone();
    if host.spec.refuse_bare_push && bytecode.original_byte_slice().last() == Some(&BARE_PUSH) {
        return Ok(Some(end(InstructionResult::Revert, gas, Bytes::new())));
    }
    let checkpoint = host.journal.checkpoint();
    host.journal.transfer(inputs.caller, inputs.target_address, value)?;

    if let Some(outcome) = run_precompile(host, frames, &inputs) {
        let mut ended = end(InstructionResult::Return, gas, Bytes::new());
        match outcome {
            Outcome::Success { gas_used, output } => {
                let remaining = inputs.gas_limit.saturating_sub(gas_used);
                ended.gas.set_remaining(remaining);
                ended.output = output;
            }
            Outcome::Refused { is_unsupported } => {
                ended.result = InstructionResult::Revert;
                ended.is_unsupported_precompile = is_unsupported;
            }
            Outcome::OutOfGas => ended.result = InstructionResult::PrecompileOOG,
            Outcome::Failed => ended.result = InstructionResult::PrecompileError,
        }
        if ended.result.is_halt() {
            ended.gas.spend_all();
        }
        if !ended.result.is_ok() {
            host.journal.revert(checkpoint);
        }
        return Ok(Some(ended));
    }
    if bytecode.is_empty() {
        return Ok(Some(end(InstructionResult::Stop, gas, Bytes::new())));
    }
    let depth = frames.depth;
    let (frame, memory) = frames.push();
    frame.checkpoint = checkpoint;
    frame.kind = host.meter.kind_of(Entry::Call);
    frame.receiver = receiver;
    let input = InputsImpl {
        target_address: inputs.target_address,
        bytecode_address: Some(inputs.bytecode_address),
        caller_address: inputs.caller,
        input: inputs.input,
        call_value: inputs.value.get(),
        depth,
    };
    let code = ExtBytecode::new_with_hash(bytecode, inputs.known_bytecode.0);
    frame.interpreter.clear(memory, code, input, inputs.is_static, SPEC_ID, inputs.gas_limit, 0);
    Ok(None)
}

/// The balance that has to cover a call's value. That a transaction's own value is covered was checked before it
/// began, so it does not depend on the balance any more.
fn balance_of_payer<S: StateReader>(host: &mut Host<S>, frames: &Frames, payer: Address) -> Result<U256, StateError> {
    if frames.depth == 0 { Ok(host.journal.account(payer)?.info.balance) } else { host.journal.show_balance(payer) }
}

fn run_precompile<S: StateReader>(host: &mut Host<S>, frames: &mut Frames, inputs: &CallInputs) -> Option<Outcome> {
    crate::host::precompile_number(&inputs.bytecode_address)?;
    let return_bytes = inputs.return_memory_offset.len() as u64;
    let mut run =
        |input: &[u8]| precompiles::run(host, &inputs.bytecode_address, input, inputs.gas_limit, return_bytes);
    match &inputs.input {
        CallInput::Bytes(bytes) => run(bytes),
        CallInput::SharedBuffer(range) if range.is_empty() => run(&[]),
        CallInput::SharedBuffer(range) => {
            let memory = frames.memory.borrow();
            run(memory.get(range.clone()).unwrap_or_default())
        }
    }
}

fn enter_creation<S: StateReader>(host: &mut Host<S>, frames: &mut Frames, inputs: &CreateInputs) -> Entered {
    let is_transaction = frames.depth == 0;
    let gas = Gas::new(inputs.gas_limit());
    let end = |result, gas| Ended {
        result,
        gas,
        output: Bytes::new(),
        receiver: Receiver::Create(None),
        is_unsupported_precompile: false,
    };
    let nonce = host.journal.account(inputs.caller())?.info.nonce;
    // A transaction has increased its sender's nonce already.
    let nonce = if is_transaction { nonce.wrapping_sub(1) } else { nonce };
    if !inputs.value().is_zero() && balance_of_payer(host, frames, inputs.caller())? < inputs.value() {
        crate::tracing::enter_creation(host, inputs, None, frames.depth);
        return Ok(Some(end(InstructionResult::OutOfFunds, gas)));
    }
    if !is_transaction {
        let Some(next) = nonce.checked_add(1) else {
            crate::tracing::enter_creation(host, inputs, None, frames.depth);
            return Ok(Some(end(InstructionResult::OutOfFunds, gas)));
        };
        host.journal.set_nonce(inputs.caller(), next)?;
        if inputs.scheme() == CreateScheme::Create {
            let profile = host.meter.profile();
            host.meter.formula(&profile.contract_create, &[inputs.init_code().len() as u64]);
        }
    }
    let address = inputs.created_address(nonce);
    crate::tracing::enter_creation(host, inputs, Some(address), frames.depth);
    if host.spec.created_address_stays_warm {
        host.warm_account(address)?;
    }
    let checkpoint = host.journal.checkpoint();
    host.warm_account(address)?;
    if !claim(host, address)? {
        host.journal.revert(checkpoint);
        let mut gas = gas;
        gas.spend_all();
        return Ok(Some(end(InstructionResult::CreateCollision, gas)));
    }
    host.journal.transfer(inputs.caller(), address, inputs.value())?;

    let depth = frames.depth;
    let (frame, memory) = frames.push();
    frame.checkpoint = checkpoint;
    frame.kind = host.meter.kind_of(match inputs.scheme() {
        _ if is_transaction => Entry::Deploy,
        CreateScheme::Create2 { .. } => Entry::Create2,
        _ => Entry::Create,
    });
    frame.receiver = Receiver::Create(Some(address));
    let input = InputsImpl {
        target_address: address,
        bytecode_address: None,
        caller_address: inputs.caller(),
        input: CallInput::Bytes(Bytes::new()),
        call_value: inputs.value(),
        depth,
    };
    let code = ExtBytecode::new(code::prepare(inputs.init_code()));
    frame.interpreter.clear(memory, code, input, false, SPEC_ID, inputs.gas_limit(), 0);
    Ok(None)
}

/// Gives the new account its nonce; says no when the address is taken. Balance or storage alone do
/// not take an address.
fn claim<S: StateReader>(host: &mut Host<S>, address: Address) -> Result<bool, StateError> {
    let info = &host.journal.account(address)?.info;
    if info.nonce != 0 || !info.code_hash.is_zero() {
        return Ok(false);
    }
    host.journal.set_nonce(address, 1)?;
    Ok(true)
}

/// Checks and stores the code that init code returned.
pub(super) fn finish_creation<S: StateReader>(
    host: &mut Host<S>,
    address: Address,
    done: &mut InterpreterResult,
) -> Result<(), StateError> {
    let code = core::mem::take(&mut done.output);
    if code.len() > CODE_MAX_BYTES {
        done.result = InstructionResult::CreateContractSizeLimit;
    } else if !done.gas.record_regular_cost(CODE_DEPOSIT_GAS * code.len() as u64) {
        done.result = InstructionResult::OutOfGas;
    } else if code.first() == Some(&0xef) {
        done.result = InstructionResult::CreateContractStartingWithEF;
    } else {
        if !code.is_empty() {
            host.deploy(address, &code)?;
        }
        done.output = code;
    }
    Ok(())
}

/// A transaction's call.
pub(crate) fn call_input(
    caller: Address,
    to: Address,
    value: U256,
    data: Bytes,
    gas: u64,
    code: (alloy_primitives::B256, revm::bytecode::Bytecode),
) -> FrameInput {
    FrameInput::Call(Box::new(CallInputs {
        input: CallInput::Bytes(data),
        return_memory_offset: 0..0,
        gas_limit: gas,
        reservoir: 0,
        bytecode_address: to,
        known_bytecode: code,
        target_address: to,
        caller,
        value: CallValue::Transfer(value),
        scheme: CallScheme::Call,
        is_static: false,
        charged_new_account_state_gas: false,
    }))
}

/// A transaction's creation.
pub(crate) fn create_input(caller: Address, value: U256, init_code: Bytes, gas: u64) -> FrameInput {
    FrameInput::Create(Box::new(CreateInputs::new(caller, CreateScheme::Create, value, init_code, gas, 0)))
}
