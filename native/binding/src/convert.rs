//! Between JavaScript's values and the engine's.

use alloy_primitives::{Address, B256, U256};
use napi::bindgen_prelude::Buffer;
use zkevm_engine::engine::{ChainState, Engine as Core};
use zkevm_engine::{EngineError, EngineResult, call, forced, seal};

use crate::types::{
    CallOutcome, CallRequest, ClosedBatch, EngineHead, ForcedBatchOutcome, ForcedBatchRequest, SealRequest, SealedBlock,
};

pub(crate) fn head_to_js(core: &Core, chain: &ChainState) -> EngineHead {
    let config = core.config();
    let resources =
        |values: &[u64]| Buffer::from(values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>());
    EngineHead {
        chain_id: signed(config.chain_id),
        fork_id: config.fork.fork.number() as u32,
        genesis_root: config.genesis_root.to_string(),
        block_number: signed(chain.head.block),
        block_hash: chain.head.block_hash.to_string(),
        block_timestamp: signed(chain.head.timestamp),
        state_root: chain.head.state_root.to_string(),
        closed_batch: signed(chain.head.closed_batch),
        open_batch: signed(chain.batch.number),
        open_batch_used: resources(&chain.batch.used),
        open_batch_high: resources(&chain.batch.high),
        open_batch_tx_count: signed(chain.batch.tx_count),
        open_batch_block_count: signed(chain.batch.block_count),
        open_batch_opened_at_ms: signed(chain.batch.opened_at_ms),
        hard_limits: resources(&core.hard_limits().0),
        budget_limits: resources(&core.budget_limits().0),
        created: core.created(),
        next_forced_batch: signed(chain.head.next_forced_batch()),
    }
}

pub(crate) fn sealing(request: SealRequest) -> EngineResult<(u64, Option<seal::BatchClosing>)> {
    let closing = request.close_batch.map(|closing| seal::BatchClosing {
        reason: closing.reason,
        detail_json: closing.detail_json.unwrap_or_default(),
    });
    Ok((unsigned(request.now_ms, "nowMs")?, closing))
}

pub(crate) fn sealed_to_js(sealed: seal::SealedBlock) -> SealedBlock {
    let hashes: Vec<u8> = sealed.tx_hashes.iter().flat_map(|hash| hash.0).collect();
    SealedBlock {
        number: signed(sealed.number),
        hash: sealed.hash.to_string(),
        state_root: sealed.state_root.to_string(),
        timestamp: signed(sealed.timestamp),
        tx_count: sealed.tx_hashes.len() as u32,
        gas_used: sealed.gas_used.into(),
        batch_number: signed(sealed.batch),
        header_json: sealed.header_json,
        tx_hashes: hashes.into(),
        seal_nanos: signed(sealed.nanos.seal),
        tree_nanos: signed(sealed.nanos.tree),
        commit_nanos: signed(sealed.nanos.commit),
    }
}

pub(crate) fn closed_to_js(closed: seal::ClosedBatch) -> ClosedBatch {
    ClosedBatch {
        number: signed(closed.number),
        state_root: closed.state_root.to_string(),
        local_exit_root: closed.local_exit_root.to_string(),
        closing_reason: closed.closing_reason,
        block_count: signed(closed.block_count),
        tx_count: signed(closed.tx_count),
        bytes: signed(closed.bytes),
    }
}

pub(crate) fn forced_to_rust(request: &ForcedBatchRequest) -> EngineResult<forced::ForcedBatchRequest> {
    Ok(forced::ForcedBatchRequest {
        number: unsigned(request.number, "number")?,
        data: request.data.to_vec().into(),
        timestamp: unsigned(request.timestamp, "timestamp")?,
        global_exit_root: hash32(&request.global_exit_root)?,
        block_hash: hash32(&request.l1_block_hash)?,
        deadline_ms: unsigned(request.deadline_ms, "deadlineMs")?,
        now_ms: unsigned(request.now_ms, "nowMs")?,
    })
}

pub(crate) fn forced_to_js(outcome: forced::ForcedBatchOutcome) -> ForcedBatchOutcome {
    ForcedBatchOutcome {
        batch_number: signed(outcome.batch),
        block: outcome.sealed.map(sealed_to_js),
        rom_error: outcome.rom_error.to_owned(),
        skipped: u32::try_from(outcome.skipped).unwrap_or(u32::MAX),
        certificate_json: outcome.certificate_json,
        used: outcome.used.0.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>().into(),
        touched: outcome.touched.into(),
    }
}

pub(crate) fn outcome_to_js(outcome: call::CallOutcome) -> CallOutcome {
    let counters: Vec<u8> = outcome
        .counters
        .to_array()
        .iter()
        .flat_map(|value| u32::try_from(*value).unwrap_or(u32::MAX).to_le_bytes())
        .collect();
    CallOutcome {
        status: u32::from(outcome.status),
        gas_used: signed(outcome.gas_used),
        output: outcome.output.to_vec().into(),
        rom_error: outcome.rom_error,
        counters: counters.into(),
    }
}

pub(crate) fn call_request(request: CallRequest) -> EngineResult<call::CallRequest> {
    Ok(call::CallRequest {
        from: request.from.as_ref().map(address).transpose()?,
        to: request.to.as_ref().map(address).transpose()?,
        data: request.data.map(|data| data.to_vec().into()).unwrap_or_default(),
        value: request.value.as_ref().map_or(Ok(U256::ZERO), word)?,
        gas_price: request.gas_price.as_ref().map(word).transpose()?,
        gas: request.gas.map(|gas| unsigned(gas, "gas")).transpose()?,
        nonce: request.nonce.map(|nonce| unsigned(nonce, "nonce")).transpose()?,
        state_overrides_json: request.state_overrides_json,
        block_overrides_json: request.block_overrides_json,
        access_list_json: request.access_list_json,
        timeout_ms: request.timeout_ms,
    })
}

/// Numbers of blocks, bytes and milliseconds stay far below 2^53.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(value: i64, what: &str) -> EngineResult<u64> {
    u64::try_from(value).map_err(|_| EngineError::invalid_argument(format!("{what} must not be negative")))
}

pub(crate) fn address(bytes: &Buffer) -> EngineResult<Address> {
    Address::try_from(bytes.as_ref()).map_err(|_| EngineError::invalid_argument("an address has 20 bytes"))
}

pub(crate) fn hash32(bytes: &Buffer) -> EngineResult<B256> {
    B256::try_from(bytes.as_ref()).map_err(|_| EngineError::invalid_argument("a hash has 32 bytes"))
}

/// A big-endian number of at most 32 bytes.
pub(crate) fn word(bytes: &Buffer) -> EngineResult<U256> {
    U256::try_from_be_slice(bytes).ok_or_else(|| EngineError::invalid_argument("a number has at most 32 bytes"))
}
