//! Words of Ethereum's tools for opcodes and failures.

use alloy_primitives::{Address, U256};
use revm::bytecode::opcode::{self as op, OpCode};
use revm::interpreter::InstructionResult;
use std::borrow::Cow;

/// The error text of geth; none for a success.
pub(super) fn error_text(result: InstructionResult) -> Option<&'static str> {
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

/// The error text of Parity; none for a success.
pub(super) fn parity_error_text(result: InstructionResult) -> Option<&'static str> {
    use InstructionResult as R;
    Some(match result {
        result if result.is_ok() => return None,
        R::Revert => "Reverted",
        R::OpcodeNotFound | R::InvalidFEOpcode | R::NotActivated => "Bad instruction",
        R::StackUnderflow => "Stack underflow",
        R::StackOverflow => "Out of stack",
        R::InvalidJump => "Bad jump destination",
        R::CallNotAllowedInsideStatic | R::StateChangeDuringStaticCall => "Mutable Call In Static Context",
        R::OutOfOffset => "Out of bounds",
        R::PrecompileError => "Built-in failed",
        R::OutOfFunds | R::CreateCollision | R::CreateContractStartingWithEF => {
            return error_text(result);
        }
        _ => "Out of gas",
    })
}

/// The name of an opcode.
pub(super) fn opcode_name(opcode: u8) -> Cow<'static, str> {
    match OpCode::new(opcode) {
        // Its name before the merge, which never came here.
        Some(_) if opcode == op::DIFFICULTY => Cow::Borrowed("DIFFICULTY"),
        Some(known) => Cow::Borrowed(known.as_str()),
        None => Cow::Owned(format!("opcode {opcode:#x} not defined")),
    }
}

/// Stack items that Parity shows as pushed by an opcode: swaps and duplications show all that they touch.
pub(super) fn pushed_items(opcode: u8) -> usize {
    match opcode {
        op::DUP1..=op::DUP16 => usize::from(opcode - op::DUP1) + 2,
        op::SWAP1..=op::SWAP16 => usize::from(opcode - op::SWAP1) + 2,
        _ => OpCode::new(opcode).map_or(0, |opcode| usize::from(opcode.info().outputs())),
    }
}

/// Whether the address is a precompile of some fork.
pub(super) fn is_precompile(address: &Address) -> bool {
    crate::host::precompile_number(address).is_some_and(|number| (1..=9).contains(&number) || number == 0x100)
}

const ERROR_SELECTOR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
const PANIC_SELECTOR: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];

/// The text of Solidity's `Error(string)` or `Panic(uint256)`, when the output is one.
pub(super) fn revert_reason(output: &[u8]) -> Option<String> {
    let (selector, body) = output.split_first_chunk::<4>()?;
    match *selector {
        ERROR_SELECTOR => {
            let offset = usize::try_from(U256::from_be_slice(body.get(..32)?)).ok()?;
            let body = body.get(offset..)?;
            let length = usize::try_from(U256::from_be_slice(body.get(..32)?)).ok()?;
            let text = body.get(32..)?.get(..length)?;
            String::from_utf8(text.to_vec()).ok()
        }
        PANIC_SELECTOR => {
            let code = U256::from_be_slice(body.get(..32)?);
            Some(panic_text(code).map_or_else(|| format!("unknown panic code: {code:#x}"), str::to_owned))
        }
        _ => None,
    }
}

/// What the Solidity documentation says about a panic code.
fn panic_text(code: U256) -> Option<&'static str> {
    Some(match u8::try_from(code).ok()? {
        0x00 => "generic panic",
        0x01 => "assert(false)",
        0x11 => "arithmetic underflow or overflow",
        0x12 => "division or modulo by zero",
        0x21 => "enum overflow",
        0x22 => "invalid encoded storage byte array accessed",
        0x31 => "out-of-bounds array access; popping on an empty array",
        0x32 => "out-of-bounds access of an array or bytesN",
        0x41 => "out of memory",
        0x51 => "uninitialized function",
        _ => return None,
    })
}
