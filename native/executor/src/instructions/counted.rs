//! The counting instruction table.

use super::{Context, Done, Table, op, plain_table, to_address};
use crate::StateReader;
use crate::host::Host;
use alloy_primitives::U256;
use revm::context_interface::host::Host as _;
use revm::interpreter::interpreter_types::{InputsTr, Jumps, LegacyBytecode, LoopControl};
use revm::interpreter::{
    FrameInput, Instruction, InstructionContext, InstructionResult, Interpreter, InterpreterAction,
};

macro_rules! wrap {
    ($table:ident, $function:ident: $($opcode:ident)*) => {
        $($table[op::$opcode as usize] = Instruction::new($function::<{ op::$opcode }, S>);)*
    };
}

#[rustfmt::skip]
pub(super) const fn table<S: StateReader>() -> Table<S> {
    let mut table = plain_table::<S>();
    table[op::STOP as usize] = Instruction::new(stop::<S>);
    wrap!(table, before:
        ADD MUL SUB DIV SDIV MOD SMOD ADDMOD MULMOD SIGNEXTEND
        LT GT SLT SGT EQ ISZERO AND OR XOR NOT BYTE SHL SHR SAR
        ADDRESS ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CODESIZE GASPRICE RETURNDATASIZE BLOCKHASH
        COINBASE TIMESTAMP NUMBER DIFFICULTY GASLIMIT CHAINID SELFBALANCE
        POP JUMP JUMPI PC MSIZE GAS JUMPDEST
        PUSH0 PUSH1 PUSH2 PUSH3 PUSH4 PUSH5 PUSH6 PUSH7 PUSH8 PUSH9 PUSH10 PUSH11 PUSH12 PUSH13 PUSH14 PUSH15 PUSH16
        PUSH17 PUSH18 PUSH19 PUSH20 PUSH21 PUSH22 PUSH23 PUSH24 PUSH25 PUSH26 PUSH27 PUSH28 PUSH29 PUSH30 PUSH31 PUSH32
        DUP1 DUP2 DUP3 DUP4 DUP5 DUP6 DUP7 DUP8 DUP9 DUP10 DUP11 DUP12 DUP13 DUP14 DUP15 DUP16
        SWAP1 SWAP2 SWAP3 SWAP4 SWAP5 SWAP6 SWAP7 SWAP8 SWAP9 SWAP10 SWAP11 SWAP12 SWAP13 SWAP14 SWAP15 SWAP16);
    wrap!(table, after: BALANCE EXTCODESIZE EXTCODEHASH MLOAD SLOAD SSTORE SELFDESTRUCT);
    wrap!(table, store: MSTORE MSTORE8);
    wrap!(table, by_first: EXP);
    wrap!(table, by_second: KECCAK256 RETURN REVERT);
    wrap!(table, copy: CALLDATACOPY CODECOPY RETURNDATACOPY);
    table[op::EXTCODECOPY as usize] = Instruction::new(extcodecopy::<S>);
    wrap!(table, log: LOG0 LOG1 LOG2 LOG3 LOG4);
    wrap!(table, call: CALL CALLCODE DELEGATECALL STATICCALL);
    wrap!(table, create: CREATE CREATE2);
    table
}

/// The instruction as it is without counting.
#[inline]
fn plain<const OPCODE: u8, S: StateReader>(context: Context<'_, S>) -> Done {
    const { plain_table::<S>()[OPCODE as usize] }.execute(context)
}

/// As [`plain`], leaving the context usable.
#[inline]
fn plain_by_ref<const OPCODE: u8, S: StateReader>(context: &mut Context<'_, S>) -> Done {
    plain::<OPCODE, S>(InstructionContext { interpreter: &mut *context.interpreter, host: &mut *context.host })
}

/// Whether the opcode went through: its gas was paid, whatever it led to.
const fn went_through(done: Done) -> bool {
    matches!(
        done,
        Ok(())
            | Err(InstructionResult::Return
                | InstructionResult::Revert
                | InstructionResult::SelfDestruct
                | InstructionResult::Suspend)
    )
}

/// The stack item `depth` below the top, zero when the stack is shorter.
#[inline]
fn peek(interpreter: &Interpreter, depth: usize) -> U256 {
    let items = interpreter.stack.data();
    items.len().checked_sub(depth + 1).map_or(U256::ZERO, |at| items[at])
}

/// As [`peek`], for a size. Sizes over 64 bits run out of gas and do not count.
#[inline]
fn peek_size(interpreter: &Interpreter, depth: usize) -> u64 {
    u64::try_from(peek(interpreter, depth)).unwrap_or(u64::MAX)
}

fn before<const OPCODE: u8, S: StateReader>(context: Context<'_, S>) -> Done {
    context.host.meter.hit(OPCODE);
    plain::<OPCODE, S>(context)
}

fn after<const OPCODE: u8, S: StateReader>(mut context: Context<'_, S>) -> Done {
    let done = plain_by_ref::<OPCODE, S>(&mut context);
    if went_through(done) {
        context.host.meter.hit(OPCODE);
    }
    done
}

/// STOP counts when it is in the code, not when the code has ended.
fn stop<S: StateReader>(context: Context<'_, S>) -> Done {
    // The interpreter has moved on to the byte after the opcode.
    if context.interpreter.bytecode.pc() <= context.interpreter.bytecode.bytecode_len() {
        context.host.meter.hit(op::STOP);
    }
    Err(InstructionResult::Stop)
}

/// MSTORE and MSTORE8: gas looks at one item only, so they count when only the value is missing.
fn store<const OPCODE: u8, S: StateReader>(mut context: Context<'_, S>) -> Done {
    if context.interpreter.stack.len() == 1 {
        let length: usize = if OPCODE == op::MSTORE { 32 } else { 1 };
        let Ok(offset) = usize::try_from(peek(context.interpreter, 0)) else {
            return Err(InstructionResult::InvalidOperandOOG);
        };
        context.interpreter.resize_memory(context.host.gas_params(), offset, length)?;
        context.host.meter.hit(OPCODE);
        return Err(InstructionResult::StackUnderflow);
    }
    let done = plain_by_ref::<OPCODE, S>(&mut context);
    if done.is_ok() {
        context.host.meter.hit(OPCODE);
    }
    done
}

/// EXP counts once its operands are there, before it pays for the exponent's bytes.
fn by_first<const OPCODE: u8, S: StateReader>(context: Context<'_, S>) -> Done {
    if context.interpreter.stack.len() >= 2 {
        let exponent = peek(context.interpreter, 1);
        context.host.meter.sized(OPCODE, &[exponent.byte_len().max(1) as u64]);
    }
    plain::<OPCODE, S>(context)
}

/// Opcodes whose second operand is a size.
fn by_second<const OPCODE: u8, S: StateReader>(mut context: Context<'_, S>) -> Done {
    let size = peek_size(context.interpreter, 1);
    let done = plain_by_ref::<OPCODE, S>(&mut context);
    if went_through(done) {
        context.host.meter.sized(OPCODE, &[size]);
    }
    done
}

/// Copies count nothing, not even the prologue, when they copy nothing.
fn copy<const OPCODE: u8, S: StateReader>(mut context: Context<'_, S>) -> Done {
    let size = peek_size(context.interpreter, 2);
    let done = plain_by_ref::<OPCODE, S>(&mut context);
    if done.is_ok() && size != 0 {
        context.host.meter.sized(OPCODE, &[size]);
    }
    done
}

fn extcodecopy<S: StateReader>(mut context: Context<'_, S>) -> Done {
    let (address, size) = (to_address(peek(context.interpreter, 0)), peek_size(context.interpreter, 3));
    plain_by_ref::<{ op::EXTCODECOPY }, S>(&mut context)?;
    if size != 0 {
        let code_length = fatal(context.host, |host| host.code_length(address))?;
        context.host.meter.sized(op::EXTCODECOPY, &[size, code_length]);
    }
    Ok(())
}

/// LOG: gas looks at two items only, so it counts when only topics are missing.
fn log<const OPCODE: u8, S: StateReader>(mut context: Context<'_, S>) -> Done {
    let (items, size) = (context.interpreter.stack.len(), peek_size(context.interpreter, 1));
    let done = plain_by_ref::<OPCODE, S>(&mut context);
    if done.is_ok() || (done == Err(InstructionResult::StackUnderflow) && items >= 2) {
        context.host.meter.sized(OPCODE, &[size]);
    }
    done
}

/// The calls: the opcode, and entering the callee with the code length of the address operand.
fn call<const OPCODE: u8, S: StateReader>(mut context: Context<'_, S>) -> Done {
    let first = if OPCODE == op::CALL || OPCODE == op::CALLCODE { 3 } else { 2 };
    let sizes = [peek_size(context.interpreter, first + 1), peek_size(context.interpreter, first + 3)];
    let done = plain_by_ref::<OPCODE, S>(&mut context);
    if let Some(InterpreterAction::NewFrame(FrameInput::Call(inputs))) = context.interpreter.bytecode.action() {
        let code_length = inputs.known_bytecode.1.len() as u64;
        let meter = &mut context.host.meter;
        meter.sized(OPCODE, &sizes);
        meter.formula(&meter.profile().contract_call, &[code_length]);
    }
    done
}

/// The creations: the opcode, and for CREATE2 also entering the init code. CREATE's init code counts
/// when it is entered.
fn create<const OPCODE: u8, S: StateReader>(mut context: Context<'_, S>) -> Done {
    let size = peek_size(context.interpreter, 2);
    let done = plain_by_ref::<OPCODE, S>(&mut context);
    if done == Err(InstructionResult::Suspend) {
        let creator = context.interpreter.input.target_address();
        let nonce = fatal(context.host, |host| Ok(host.journal.account(creator)?.info.nonce))?;
        let next_nonce_bytes = U256::from(nonce).saturating_add(U256::ONE).byte_len() as u64;
        let meter = &mut context.host.meter;
        meter.sized(OPCODE, &[size, next_nonce_bytes]);
        if OPCODE == op::CREATE2 {
            meter.formula(&meter.profile().contract_create2, &[size]);
        }
    }
    done
}

fn fatal<S: StateReader, T>(
    host: &mut Host<S>,
    read: impl FnOnce(&mut Host<S>) -> Result<T, crate::StateError>,
) -> Result<T, InstructionResult> {
    read(host).map_err(|error| {
        host.fail(error);
        InstructionResult::FatalExternalError
    })
}
