//! `eth_call`-like execution on any stored state.

use alloy_primitives::{Address, Bytes, U256};
use zkevm_primitives::Counters;

use crate::block_id::BlockId;
use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};

/// A call; absent fields take the defaults of the RPC specification.
#[derive(Debug, Clone, Default)]
pub struct CallRequest {
    /// Caller; the zero address when absent.
    pub from: Option<Address>,
    /// Recipient; a creation when absent.
    pub to: Option<Address>,
    /// Call data or init code.
    pub data: Bytes,
    /// Value, wei.
    pub value: U256,
    /// Gas price, wei; without it the call is free and no balance is checked.
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
    pub rom_error: &'static str,
    /// Counters used.
    pub counters: Counters,
}

impl Engine {
    /// Executes a call without keeping its effects.
    ///
    /// # Errors
    /// [`EngineError::BlockNotFound`], [`EngineError::CallInvalid`].
    pub fn call(&self, _request: &CallRequest, _block: BlockId) -> EngineResult<CallOutcome> {
        Err(EngineError::CallInvalid("calls".into()))
    }

    /// The lowest gas limit that the call succeeds with.
    ///
    /// # Errors
    /// As [`Engine::call`].
    pub fn estimate_gas(&self, _request: &CallRequest, _block: BlockId) -> EngineResult<(u64, CallOutcome)> {
        Err(EngineError::CallInvalid("calls".into()))
    }
}
