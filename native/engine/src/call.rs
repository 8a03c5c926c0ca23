//! `eth_call`-like execution on any stored state. Gas estimation is in [`crate::estimate`].

use std::time::{Duration, Instant};

use alloy_primitives::{Address, Bytes, U256};
use zkevm_executor::{Call, CallContext, CallResult, CancelToken, Simulation, StateReader};
use zkevm_primitives::{Counters, Limits, RomError};

use crate::access_list;
use crate::block_id::BlockId;
use crate::engine::Engine;
use crate::error::EngineResult;
use crate::overrides::{BlockOverrides, Overridden, StateOverrides};
use crate::reader::{BlockReader, PendingReader};

/// Most gas that a call may use; a transaction can use 30,000,000.
const CALL_GAS_MAX: u64 = 50_000_000;

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
    /// EIP-2930's access list, JSON text: what it names is warm, and paid for.
    pub access_list_json: Option<String>,
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
    pub(crate) fn new(result: &CallResult) -> Self {
        Self {
            status: u8::from(result.succeeds),
            gas_used: result.gas_used,
            output: result.output.clone(),
            rom_error: result.rom_error.map_or_else(|| "ROM_ERROR_NO_ERROR".to_owned(), rom_error_name),
            counters: result.counters_used,
        }
    }

    pub(crate) fn refused(error: RomError) -> Self {
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

/// The state of a stored block, or of the open one.
pub(crate) type View = Box<dyn StateReader>;

/// A call with its state and block, ready to be run any number of times: what one run reads stays loaded for the next.
pub(crate) struct Prepared {
    pub(crate) simulation: Simulation<Overridden<View>>,
    pub(crate) call: Call,
}

impl Prepared {
    pub(crate) fn run(&mut self, gas_limit: u64) -> EngineResult<Result<CallResult, RomError>> {
        self.call.gas_limit = gas_limit;
        Ok(self.simulation.call(&self.call)?)
    }
}

impl Engine {
    /// Executes a call without keeping its effects.
    ///
    /// # Errors
    /// [`EngineError::BlockNotFound`], [`EngineError::CallInvalid`], a timeout.
    pub fn call(&self, request: &CallRequest, block: BlockId) -> EngineResult<CallOutcome> {
        let mut prepared = self.prepare(request, block, None)?;
        let gas = call_gas(request);
        Ok(match prepared.run(gas)? {
            Ok(result) => CallOutcome::new(&result),
            Err(error) => CallOutcome::refused(error),
        })
    }

    /// A call over the state of `block`; with `limits`, one that needs more counters is refused.
    pub(crate) fn prepare(
        &self,
        request: &CallRequest,
        block: BlockId,
        limits: Option<Limits>,
    ) -> EngineResult<Prepared> {
        let state = StateOverrides::parse(request.state_overrides_json.as_deref())?;
        let reader = self.view(block)?;
        let context = self.context_of(request, block, limits)?;
        let simulation = Simulation::new(Overridden::new(reader, state), &context, true);
        Ok(Prepared { simulation, call: call_of(request)? })
    }

    /// The block that a call is in.
    pub(crate) fn context_of(
        &self,
        request: &CallRequest,
        block: BlockId,
        limits: Option<Limits>,
    ) -> EngineResult<CallContext> {
        let header = BlockOverrides::parse(request.block_overrides_json.as_deref())?;
        let base = if block == BlockId::Pending { self.head_block() } else { self.resolve(block) };
        let record = self.stored_block(base)?;
        let (number, timestamp) = match block {
            BlockId::Pending => self.pending_number_and_time(),
            _ => (record.number, record.timestamp),
        };
        let deadline = request.timeout_ms.map(|ms| Instant::now() + Duration::from_millis(u64::from(ms)));
        let depth = self.read_chain().head.tree_depth;
        let coinbase = if record.number == 0 { self.config().sequencer } else { record.coinbase };
        Ok(CallContext {
            spec: self.config().fork,
            chain_id: self.config().chain_id,
            number: header.number.unwrap_or(number),
            timestamp: header.time.unwrap_or(timestamp),
            coinbase: header.coinbase.unwrap_or(coinbase),
            gas_limit: header.gas_limit.unwrap_or(self.config().fork.block_gas_limit),
            levels: self.levels(depth),
            limits,
            cancel: CancelToken { deadline, flag: None },
        })
    }

    pub(crate) fn view(&self, block: BlockId) -> EngineResult<View> {
        // Before the durable state that they are laid over, so that no block is missing between.
        let pending = (block == BlockId::Pending).then(|| self.pending_changes());
        let base = BlockReader::new(self.pin_state(block)?);
        Ok(match pending {
            Some((sealed, diff)) => Box::new(PendingReader::new(base, &sealed, &diff)),
            None => Box::new(base),
        })
    }
}

/// The call of a request, its gas limit left open.
pub(crate) fn call_of(request: &CallRequest) -> EngineResult<Call> {
    Ok(Call {
        from: request.from.unwrap_or_default(),
        to: request.to,
        value: request.value,
        data: request.data.clone(),
        gas_limit: 0,
        gas_price: request.gas_price.unwrap_or_default(),
        nonce: request.nonce,
        has_unlimited_balance: request.from.is_none(),
        access_list: access_list::parse(request.access_list_json.as_deref())?,
    })
}

/// Gas that a call gets.
pub(crate) fn call_gas(request: &CallRequest) -> u64 {
    request.gas.unwrap_or(CALL_GAS_MAX).min(CALL_GAS_MAX)
}
