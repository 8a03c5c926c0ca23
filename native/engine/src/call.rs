//! `eth_call`-like execution on any stored state, gas estimation, pre-execution.

use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, Bytes, U256};
use zkevm_executor::{Call, CallContext, CallResult, CancelToken, StateReader, simulate};
use zkevm_primitives::{Counters, RomError};

use crate::block_id::BlockId;
use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};
use crate::overrides::{BlockOverrides, Overridden, StateOverrides};
use crate::reader::{BlockReader, PendingReader};

/// Gas of a call that names none.
const CALL_GAS_DEFAULT: u64 = 30_000_000;
/// Most gas that a call may use; a transaction can use 30,000,000.
const CALL_GAS_MAX: u64 = 50_000_000;
/// Gas of a plain transfer, exactly.
const TRANSFER_GAS: u64 = 21_000;
/// An estimate may exceed the lowest sufficient gas limit by one part in so many.
const ESTIMATE_TOLERANCE: u64 = 64;
/// Stipend of a call with value: what a callee may have had beyond the gas that was counted.
const CALL_STIPEND: u64 = 2_300;

/// A call; absent fields take the defaults of the RPC specification.
#[derive(Debug, Clone, Default)]
pub struct CallRequest {
    /// Caller; the zero address, with whatever balance it needs, when absent.
    pub from: Option<Address>,
    /// Recipient; a creation when absent.
    pub to: Option<Address>,
    /// Call data or init code.
    pub data: Bytes,
    /// Value, wei.
    pub value: U256,
    /// Gas price, wei; without it the call is free.
    pub gas_price: Option<U256>,
    /// Gas limit.
    pub gas: Option<u64>,
    /// Nonce of the caller; the state's when absent.
    pub nonce: Option<u64>,
    /// geth's state overrides, JSON text.
    pub state_overrides_json: Option<String>,
    /// geth's block overrides, JSON text.
    pub block_overrides_json: Option<String>,
    /// Milliseconds after which execution is cancelled.
    pub timeout_ms: Option<u32>,
}

/// What a call came to.
#[derive(Debug, Clone)]
pub struct CallOutcome {
    /// 1 success, 0 failure.
    pub status: u8,
    /// Gas used, intrinsic gas included.
    pub gas_used: u64,
    /// Return data or revert data.
    pub output: Bytes,
    /// Public ROM error name.
    pub rom_error: String,
    /// Counters of executing it.
    pub counters: Counters,
}

impl CallOutcome {
    fn new(result: &CallResult) -> Self {
        Self {
            status: u8::from(result.succeeds),
            gas_used: result.gas_used,
            output: result.output.clone(),
            rom_error: result.rom_error.map_or_else(|| "ROM_ERROR_NO_ERROR".to_owned(), rom_error_name),
            counters: result.counters_used,
        }
    }

    fn refused(error: RomError) -> Self {
        Self {
            status: 0,
            gas_used: 0,
            output: Bytes::new(),
            rom_error: rom_error_name(error),
            counters: Counters::ZERO,
        }
    }
}

fn rom_error_name(error: RomError) -> String {
    format!("ROM_ERROR_{}", error.name())
}

/// A call with its state and block, ready to be run any number of times.
struct Prepared {
    reader: Overridden<ViewReader>,
    context: CallContext,
    call: Call,
}

impl Prepared {
    fn run(&self, gas_limit: u64) -> EngineResult<Result<CallResult, RomError>> {
        let call = Call { gas_limit, ..self.call.clone() };
        Ok(simulate(&self.reader, &self.context, &call)?)
    }
}

/// The state of a stored block, or of the open one.
pub(crate) enum ViewReader {
    Block(BlockReader),
    Pending(PendingReader),
}

impl StateReader for ViewReader {
    fn account(&self, address: &Address) -> Result<zkevm_executor::AccountState, zkevm_executor::StateError> {
        match self {
            Self::Block(reader) => reader.account(address),
            Self::Pending(reader) => reader.account(address),
        }
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, zkevm_executor::StateError> {
        match self {
            Self::Block(reader) => reader.storage(address, slot),
            Self::Pending(reader) => reader.storage(address, slot),
        }
    }

    fn code(&self, hash: &alloy_primitives::B256) -> Result<Bytes, zkevm_executor::StateError> {
        match self {
            Self::Block(reader) => reader.code(hash),
            Self::Pending(reader) => reader.code(hash),
        }
    }
}

impl Engine {
    /// Executes a call without keeping its effects.
    ///
    /// # Errors
    /// [`EngineError::BlockNotFound`], [`EngineError::CallInvalid`], a timeout.
    pub fn call(&self, request: &CallRequest, block: BlockId) -> EngineResult<CallOutcome> {
        let prepared = self.prepare(request, block)?;
        let gas = request.gas.unwrap_or(CALL_GAS_MAX).min(CALL_GAS_MAX);
        Ok(match prepared.run(gas)? {
            Ok(result) => CallOutcome::new(&result),
            Err(error) => CallOutcome::refused(error),
        })
    }

    /// The lowest gas limit that the call succeeds with, exact where no frame keeps gas back, else within one part in
    /// [`ESTIMATE_TOLERANCE`]. Where even the cap does not suffice, gas is 0 and the outcome says why.
    ///
    /// # Errors
    /// As [`Engine::call`].
    pub fn estimate_gas(&self, request: &CallRequest, block: BlockId) -> EngineResult<(u64, CallOutcome)> {
        let mut prepared = self.prepare(request, block)?;
        // A transaction has to fit a batch; a mere call has not.
        prepared.context.limits = Some(self.config().fork.limits);
        let cap = request.gas.unwrap_or(CALL_GAS_DEFAULT).min(self.config().fork.tx_gas_limit);
        let cap = affordable_gas(&prepared, cap)?;
        if let Some(result) = plain_transfer(&prepared, cap)? {
            return Ok((TRANSFER_GAS, CallOutcome::new(&result)));
        }
        let at_cap = match prepared.run(cap)? {
            Ok(result) => result,
            Err(error) => return Ok((0, CallOutcome::refused(error))),
        };
        let outcome = CallOutcome::new(&at_cap);
        if !at_cap.succeeds {
            return Ok((0, outcome));
        }
        Ok((search(&prepared, &at_cap, cap)?, outcome))
    }

    fn prepare(&self, request: &CallRequest, block: BlockId) -> EngineResult<Prepared> {
        let state = StateOverrides::parse(request.state_overrides_json.as_deref())?;
        let header = BlockOverrides::parse(request.block_overrides_json.as_deref())?;
        let reader = self.view(block)?;
        let record = self.stored_block(self.resolve(block))?;
        let (number, timestamp) = match block {
            BlockId::Pending => self.pending_number_and_time(&record),
            _ => (record.number, record.timestamp),
        };
        let deadline = request.timeout_ms.map(|ms| Instant::now() + Duration::from_millis(u64::from(ms)));
        let depth = self.read_chain().head.tree_depth;
        let coinbase = if record.number == 0 { self.config().sequencer } else { record.coinbase };
        let context = CallContext {
            spec: self.config().fork,
            chain_id: self.config().chain_id,
            number: header.number.unwrap_or(number),
            timestamp: header.time.unwrap_or(timestamp),
            coinbase: header.coinbase.unwrap_or(coinbase),
            gas_limit: header.gas_limit.unwrap_or(self.config().fork.block_gas_limit),
            levels: self.levels(depth),
            limits: None,
            cancel: CancelToken { deadline, flag: None },
        };
        let call = Call {
            from: request.from.unwrap_or_default(),
            to: request.to,
            value: request.value,
            data: request.data.clone(),
            gas_limit: 0,
            gas_price: request.gas_price.unwrap_or_default(),
            nonce: request.nonce,
            has_unlimited_balance: request.from.is_none(),
        };
        Ok(Prepared { reader: Overridden::new(reader, state), context, call })
    }

    pub(crate) fn view(&self, block: BlockId) -> EngineResult<ViewReader> {
        let number = self.resolve(block);
        self.check_block(number)?;
        let base = BlockReader::new(Arc::clone(self.store()), number);
        Ok(match block {
            BlockId::Pending => ViewReader::Pending(PendingReader::new(base, self.pending_diff())),
            _ => ViewReader::Block(base),
        })
    }
}

/// A transfer to an account without code needs no search.
fn plain_transfer(prepared: &Prepared, cap: u64) -> EngineResult<Option<CallResult>> {
    let call = &prepared.call;
    let Some(to) = call.to.filter(|_| call.data.is_empty() && cap >= TRANSFER_GAS) else { return Ok(None) };
    if prepared.reader.account(&to).map_err(zkevm_executor::ExecutorError::from)?.code_length != 0 {
        return Ok(None);
    }
    Ok(prepared.run(TRANSFER_GAS)?.ok().filter(|result| result.succeeds))
}

/// The highest gas limit up to `cap` that the sender can pay for.
fn affordable_gas(prepared: &Prepared, cap: u64) -> EngineResult<u64> {
    let call = &prepared.call;
    if call.gas_price.is_zero() || call.has_unlimited_balance {
        return Ok(cap);
    }
    let balance = prepared.reader.account(&call.from).map_err(zkevm_executor::ExecutorError::from)?.balance;
    let available = balance.saturating_sub(call.value);
    Ok(u64::try_from(available / call.gas_price).map_or(cap, |affordable| affordable.min(cap)))
}

/// Bounded search between what the run at the cap spent and the cap.
fn search(prepared: &Prepared, at_cap: &CallResult, cap: u64) -> EngineResult<u64> {
    let succeeds = |gas: u64| -> EngineResult<bool> { Ok(prepared.run(gas)?.is_ok_and(|result| result.succeeds)) };
    let spent = (at_cap.gas_used + at_cap.gas_refunded).max(prepared.call.intrinsic_gas());
    if spent >= cap || succeeds(spent)? {
        return Ok(spent.min(cap));
    }
    let (mut low, mut high) = (spent, cap);
    // A caller keeps 1/64 back at each call, so one level of calls needs about this much.
    let probe = spent + spent / 63 + CALL_STIPEND;
    if probe < high {
        if succeeds(probe)? { high = probe } else { low = probe }
    }
    while high - low > high / ESTIMATE_TOLERANCE {
        // The answer is rarely far above the lower end.
        let middle = (low + (high - low) / 2).min(low.saturating_mul(2));
        if succeeds(middle)? { high = middle } else { low = middle }
    }
    Ok(high)
}

/// For callers that need to tell an invalid call from a failed one.
pub(crate) fn invalid(what: impl Into<String>) -> EngineError {
    EngineError::CallInvalid(what.into())
}
