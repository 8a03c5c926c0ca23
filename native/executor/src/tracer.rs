//! Looking into an execution while it runs.

use crate::cost::Priced;
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use revm::interpreter::{InstructionResult, Interpreter};

/// How a frame was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameType {
    /// CALL, or a transaction to an address.
    Call,
    /// CALLCODE.
    CallCode,
    /// DELEGATECALL.
    DelegateCall,
    /// STATICCALL.
    StaticCall,
    /// CREATE, or a transaction without recipient.
    Create,
    /// CREATE2.
    Create2,
}

/// A frame that starts.
#[derive(Clone, Debug)]
pub struct FrameStart<'a> {
    /// How it was entered.
    pub frame_type: FrameType,
    /// The account whose code makes the call.
    pub from: Address,
    /// Account it runs in; the created address for creations (none when there will be none).
    pub to: Option<Address>,
    /// Where the code comes from.
    pub code_address: Option<Address>,
    /// Call data or init code.
    pub input: &'a [u8],
    /// Value in wei; that of the caller's own frame for delegate calls, none for static calls.
    pub value: Option<U256>,
    /// Gas it may use.
    pub gas: u64,
    /// 0 for the transaction's own frame.
    pub depth: usize,
}

/// A frame that ended.
#[derive(Clone, Debug)]
pub struct FrameStop<'a> {
    /// How.
    pub result: InstructionResult,
    /// Gas it used.
    pub gas_used: u64,
    /// Return data, or revert data.
    pub output: &'a Bytes,
    /// Depth of the frame.
    pub depth: usize,
}

/// What SELFDESTRUCT did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentAll {
    /// The account that ran it.
    pub from: Address,
    /// Who got the balance.
    pub to: Address,
    /// The balance in wei.
    pub value: U256,
}

/// Reads the state as it is while an execution is looked at.
pub trait StateView {
    /// Balance, nonce and code hash of an account, when they are loaded already.
    fn balance(&mut self, address: Address) -> U256;
    /// A storage slot as it is now.
    fn storage(&mut self, address: Address, slot: U256) -> U256;
    /// Whether an account has neither code, nonce nor balance.
    fn code_hash(&mut self, address: Address) -> B256;
}

/// Told of everything that happens. Executions without tracer do not pay for this.
pub trait Tracer: Send {
    /// An opcode is about to run.
    fn step(&mut self, _interpreter: &Interpreter, _depth: usize, _refund: i64, _state: &mut dyn StateView) {}
    /// An opcode ran; a frame it opened has not run yet.
    fn step_end(&mut self, _interpreter: &Interpreter, _depth: usize, _result: Option<InstructionResult>) {}
    /// A frame starts.
    fn enter(&mut self, _frame: &FrameStart<'_>) {}
    /// A frame ended.
    fn exit(&mut self, _frame: &FrameStop<'_>) {}
    /// A log was emitted; it may be reverted later.
    fn log(&mut self, _log: &Log) {}
    /// SELFDESTRUCT moved all of an account's balance; it may be reverted later.
    fn sent_all(&mut self, _sent: &SentAll) {}
    /// Whether [`Self::counted`] is told.
    fn counts(&self) -> bool {
        false
    }
    /// What the transaction has counted so far; told before `step`, `step_end`, `enter` and `exit`.
    fn counted(&mut self, _used: &Priced) {}
    /// Whether it holds more than it may: the execution then ends with
    /// [`crate::ExecutorError::TraceTooLarge`].
    fn is_full(&self) -> bool {
        false
    }
    /// Hands the tracer back as what it is.
    fn into_any(self: Box<Self>) -> Box<dyn core::any::Any>;
}
