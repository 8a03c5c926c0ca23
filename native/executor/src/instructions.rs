//! The instruction tables: Berlin with the zkEVM's differences, plain or counting.
//!
//! Where an opcode counts follows the reference: opcodes without dynamic gas count before the stack
//! is looked at, the others once their gas is paid. The interpreter pays the static gas before it
//! calls an instruction, so the former tally first and the latter tally when the stock instruction
//! went through.

#![allow(clippy::needless_pass_by_value, reason = "instructions have the interpreter's signature")]

use crate::StateReader;
use crate::host::{Host, SPEC_ID, Seen};
use alloy_primitives::{Address, U256};
use core::marker::PhantomData;
use revm::bytecode::opcode as op;
use revm::context_interface::host::Host as _;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_types::{InputsTr, RuntimeFlag};
use revm::interpreter::{
    GasTable, Instruction, InstructionContext, InstructionResult, InstructionTable, instruction_table,
};

mod counted;

pub(crate) type Table<S> = InstructionTable<EthInterpreter, Host<S>>;
type Context<'a, S> = InstructionContext<'a, Host<S>, EthInterpreter>;
type Done = Result<(), InstructionResult>;

/// Static gas of every opcode.
pub(crate) const GAS_TABLE: GasTable = revm::interpreter::instructions::gas_table_spec(SPEC_ID);

/// The instruction table; it differs in whether opcodes are counted.
pub(crate) fn table<'a, S: StateReader + 'a>(counts: bool) -> &'a Table<S> {
    if counts { &Tables::<S>::COUNTED } else { &Tables::<S>::PLAIN }
}

struct Tables<S>(PhantomData<S>);

impl<S: StateReader> Tables<S> {
    const PLAIN: Table<S> = plain_table();
    const COUNTED: Table<S> = counted::table();
}

/// The opcodes of the chain; every other one is invalid.
const fn is_defined(opcode: u8) -> bool {
    matches!(opcode,
        op::STOP..=op::SIGNEXTEND
        | op::LT..=op::SAR
        | op::KECCAK256
        | op::ADDRESS..=op::SELFBALANCE
        | op::POP..=op::JUMPDEST
        | op::PUSH0..=op::SWAP16
        | op::LOG0..=op::LOG4
        | op::CREATE..=op::CREATE2
        | op::STATICCALL
        | op::REVERT
        | op::INVALID
        | op::SELFDESTRUCT)
}

const fn plain_table<S: StateReader>() -> Table<S> {
    let mut table = instruction_table::<EthInterpreter, Host<S>>();
    let mut opcode = 0;
    while opcode < 256 {
        if !is_defined(opcode as u8) {
            table[opcode] = Instruction::unknown();
        }
        opcode += 1;
    }
    table[op::PUSH0 as usize] = Instruction::new(push0::<S>);
    table[op::BALANCE as usize] = Instruction::new(balance::<S>);
    table[op::BLOCKHASH as usize] = Instruction::new(blockhash::<S>);
    table[op::EXTCODESIZE as usize] = Instruction::new(extcodesize::<S>);
    table[op::SELFDESTRUCT as usize] = Instruction::new(sendall::<S>);
    table[op::JUMP as usize] = Instruction::new(ticking::<{ op::JUMP }, S>);
    table[op::JUMPI as usize] = Instruction::new(ticking::<{ op::JUMPI }, S>);
    table
}

/// A jump, with a look at deadline and counters now and then.
fn ticking<const OPCODE: u8, S: StateReader>(context: Context<'_, S>) -> Done {
    if !context.host.tick(context.interpreter.gas.remaining()) {
        return Err(InstructionResult::FatalExternalError);
    }
    const { instruction_table::<EthInterpreter, Host<S>>()[OPCODE as usize] }.execute(context)
}

/// PUSH0, which the stock instruction refuses before Shanghai.
fn push0<S: StateReader>(context: Context<'_, S>) -> Done {
    if context.interpreter.stack.push(U256::ZERO) { Ok(()) } else { Err(InstructionResult::StackOverflow) }
}

/// BALANCE, noted: a sender's shows what it pays for gas.
fn balance<S: StateReader>(context: Context<'_, S>) -> Done {
    context.host.note(Seen::BALANCE);
    const { instruction_table::<EthInterpreter, Host<S>>()[op::BALANCE as usize] }.execute(context)
}

/// BLOCKHASH: the state root after any block, from the system contract, for a full 256-bit number.
fn blockhash<S: StateReader>(context: Context<'_, S>) -> Done {
    let Some(number) = context.interpreter.stack.top() else { return Err(InstructionResult::StackUnderflow) };
    match context.host.block_state_root(*number) {
        Ok(root) => {
            *number = root;
            Ok(())
        }
        Err(error) => {
            context.host.fail(error);
            Err(InstructionResult::FatalExternalError)
        }
    }
}

/// EXTCODESIZE, from the length leaf: the code itself is not loaded.
fn extcodesize<S: StateReader>(context: Context<'_, S>) -> Done {
    let Some(top) = context.interpreter.stack.top() else { return Err(InstructionResult::StackUnderflow) };
    let address = to_address(*top);
    let surcharge = context.host.gas_params().cold_account_additional_cost();
    let skips = context.interpreter.gas.remaining() < surcharge;
    let is_cold = context.host.load_account_info_skip_cold_load(address, false, skips)?.is_cold;
    if is_cold && !context.interpreter.gas.record_regular_cost(surcharge) {
        return Err(InstructionResult::OutOfGas);
    }
    match context.host.code_length(address) {
        Ok(length) => {
            *top = U256::from(length);
            Ok(())
        }
        Err(error) => {
            context.host.fail(error);
            Err(InstructionResult::FatalExternalError)
        }
    }
}

/// SENDALL in the place of SELFDESTRUCT: moves the balance and deletes nothing. The receiver is only
/// paid for and warmed when something moves.
fn sendall<S: StateReader>(context: Context<'_, S>) -> Done {
    let Context { interpreter, host } = context;
    if interpreter.runtime_flag.is_static() {
        return Err(InstructionResult::StateChangeDuringStaticCall);
    }
    let Ok(receiver) = interpreter.stack.pop() else { return Err(InstructionResult::StackUnderflow) };
    let (own, receiver) = (interpreter.input.target_address(), to_address(receiver));
    let mut move_balance = || -> Result<bool, crate::StateError> {
        let balance = host.journal.show_balance(own)?;
        if balance.is_zero() || own == receiver {
            return Ok(true);
        }
        host.journal.show_balance(receiver)?;
        let is_new = host.journal.account(receiver)?.state().is_empty();
        let is_cold = host.is_account_cold(&receiver);
        let cost = u64::from(is_new) * NEW_ACCOUNT_GAS + u64::from(is_cold) * COLD_ACCOUNT_GAS;
        if !interpreter.gas.record_regular_cost(cost) {
            return Ok(false);
        }
        host.warm_account(receiver)?;
        host.journal.transfer(own, receiver, balance)?;
        Ok(true)
    };
    match move_balance() {
        Ok(true) => Err(InstructionResult::SelfDestruct),
        Ok(false) => Err(InstructionResult::OutOfGas),
        Err(error) => {
            host.fail(error);
            Err(InstructionResult::FatalExternalError)
        }
    }
}

const NEW_ACCOUNT_GAS: u64 = 25_000;
const COLD_ACCOUNT_GAS: u64 = 2_600;

/// The low 160 bits.
fn to_address(word: U256) -> Address {
    Address::from_word(word.into())
}
