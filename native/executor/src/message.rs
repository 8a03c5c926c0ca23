//! Runs one message: gas purchase, the frames, refund and fee.

use crate::frame::{self, Ended, Receiver};
use crate::host::{Host, TxEnv};
use crate::journal::Look;
use crate::{ExecutorError, StateReader};
use alloy_primitives::{Address, Bytes, U256};
use revm::interpreter::InstructionResult;
use zkevm_primitives::RomError;

/// A transaction whose checks have passed, or a call to simulate.
#[derive(Clone, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) from: Address,
    pub(crate) to: Option<Address>,
    pub(crate) value: U256,
    pub(crate) data: &'a Bytes,
    pub(crate) gas_limit: u64,
    pub(crate) intrinsic_gas: u64,
    /// The effective gas price.
    pub(crate) gas_price: U256,
}

/// What a message did.
#[derive(Clone, Debug)]
pub(crate) struct MessageOutcome {
    pub(crate) rom_error: Option<RomError>,
    pub(crate) succeeds: bool,
    pub(crate) gas_used: u64,
    pub(crate) gas_refunded: u64,
    pub(crate) output: Bytes,
    pub(crate) created_address: Option<Address>,
}

/// Runs a message whose sender can pay for it.
pub(crate) fn run<S: StateReader>(host: &mut Host<S>, message: &Message<'_>) -> Result<MessageOutcome, ExecutorError> {
    let ended = execute(host, message)?;
    settle(host, message, ended)
}

/// The first half of [`run`]: everything but refund and fee.
pub(crate) fn execute<S: StateReader>(host: &mut Host<S>, message: &Message<'_>) -> Result<Ended, ExecutorError> {
    host.begin()?;
    host.tx = TxEnv { origin: message.from, gas_price: message.gas_price };
    // Checked before: gas limit times price fits, and the balance covers it.
    let purchase = U256::from(message.gas_limit).wrapping_mul(message.gas_price);
    host.journal.buy_gas(message.from, purchase)?;
    host.warm_account(message.from)?;

    let gas = message.gas_limit.saturating_sub(message.intrinsic_gas);
    let mut called_code_bytes = 0;
    let input = match message.to {
        Some(to) => {
            let is_always_warm = host.is_always_warm(&to);
            let Some((account, _)) = host.journal.access_account(to, is_always_warm, Look::Code, false)? else {
                return Err(ExecutorError::Internal("the recipient was not loaded"));
            };
            called_code_bytes = account.code_length;
            let code = (account.info.code_hash, account.info.code.clone().unwrap_or_default());
            frame::call_input(message.from, to, message.value, message.data.clone(), gas, code)
        }
        None => frame::create_input(message.from, message.value, message.data.clone(), gas),
    };
    host.meter.begin(message.to.is_none());
    let ended = frame::run(host, input)?;
    count(host, message, called_code_bytes, &ended);
    Ok(ended)
}

/// Counts what the ROM does around the frames.
fn count<S: StateReader>(host: &mut Host<S>, message: &Message<'_>, called_code_bytes: u64, ended: &Ended) {
    let profile = host.meter.profile();
    if message.to.is_some() {
        host.meter.formula(&profile.process_tx_call, &[called_code_bytes]);
    } else {
        let returned = if ended.result.is_halt() { 0 } else { ended.output.len() as u64 };
        host.meter.formula(&profile.process_tx_deploy, &[returned]);
    }
}

/// The second half of [`run`]: refund, fee and outcome.
pub(crate) fn settle<S: StateReader>(
    host: &mut Host<S>,
    message: &Message<'_>,
    ended: Ended,
) -> Result<MessageOutcome, ExecutorError> {
    let fork_7_quirk = ended.is_unsupported_precompile && host.spec.unsupported_precompile_succeeds;
    let succeeds = ended.result.is_ok() || fork_7_quirk;
    let gas_left = if ended.result.is_halt() { 0 } else { ended.gas.remaining() };
    let spent = message.gas_limit.saturating_sub(gas_left);
    let earned = if ended.result.is_ok() { u64::try_from(ended.gas.refunded()).unwrap_or(0) } else { 0 };
    let gas_refunded = earned.min(spent / 2);
    let gas_used = spent - gas_refunded;

    let unused = U256::from(message.gas_limit - gas_used).wrapping_mul(message.gas_price);
    let fee = U256::from(gas_used).wrapping_mul(message.gas_price);
    let coinbase = host.block.coinbase;
    host.journal.add_balance(message.from, unused)?;
    host.journal.add_balance(coinbase, fee)?;

    let created_address = match ended.receiver {
        Receiver::Create(address) if ended.result.is_ok() => address,
        _ => None,
    };
    let rom_error = if succeeds { None } else { Some(rom_error(ended.result)) };
    Ok(MessageOutcome { rom_error, succeeds, gas_used, gas_refunded, output: ended.output, created_address })
}

/// The ROM's name of a frame's failure.
pub(crate) const fn rom_error(result: InstructionResult) -> RomError {
    match result {
        InstructionResult::Revert | InstructionResult::OutOfFunds => RomError::ExecutionReverted,
        InstructionResult::OpcodeNotFound | InstructionResult::InvalidFEOpcode | InstructionResult::NotActivated => {
            RomError::InvalidOpcode
        }
        InstructionResult::CallNotAllowedInsideStatic | InstructionResult::StateChangeDuringStaticCall => {
            RomError::InvalidStatic
        }
        InstructionResult::InvalidJump => RomError::InvalidJump,
        InstructionResult::StackUnderflow => RomError::StackUnderflow,
        InstructionResult::StackOverflow => RomError::StackOverflow,
        InstructionResult::CreateCollision => RomError::ContractAddressCollision,
        InstructionResult::CreateContractSizeLimit => RomError::MaxCodeSizeExceeded,
        InstructionResult::CreateContractStartingWithEF => RomError::InvalidBytecodeStartsEf,
        _ => RomError::OutOfGas,
    }
}
