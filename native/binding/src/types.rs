//! Plain objects of rare calls, field for field as in `src/native/engine.ts`.

use napi::bindgen_prelude::{BigInt, Buffer};
use napi_derive::napi;

#[napi(object)]
pub struct EngineOptions {
    pub path: String,
    pub chain_id: i64,
    pub fork_id: u32,
    pub genesis_json: String,
    pub sequencer_address: Buffer,
    pub cache_bytes: i64,
    pub sync_writes: bool,
    pub history_blocks: Option<i64>,
    pub pre_execution_bytes: i64,
}

#[napi(object)]
pub struct EngineHead {
    pub chain_id: i64,
    pub fork_id: u32,
    pub genesis_root: String,
    pub block_number: i64,
    pub block_hash: String,
    pub block_timestamp: i64,
    pub state_root: String,
    pub closed_batch: i64,
    pub open_batch: i64,
    pub open_batch_used: Buffer,
    pub open_batch_high: Buffer,
    pub open_batch_tx_count: i64,
    pub open_batch_block_count: i64,
    pub open_batch_opened_at_ms: i64,
    pub hard_limits: Buffer,
    pub budget_limits: Buffer,
    pub created: bool,
    pub next_forced_batch: i64,
}

#[napi(object)]
pub struct OpenBlockRequest {
    pub timestamp: i64,
    pub now_ms: i64,
    pub l1_info_tree_index: u32,
    pub global_exit_root: Option<Buffer>,
    pub l1_block_hash: Option<Buffer>,
}

#[napi(object)]
pub struct ExecuteRequest {
    pub transactions: Buffer,
    pub remaining: Buffer,
    pub high: Buffer,
    pub max_misfits: u32,
    pub budget_nanos: i64,
    pub repricing: Option<Buffer>,
    pub must_succeed: Option<Buffer>,
}

#[napi(object)]
pub struct BatchClosing {
    pub reason: String,
    pub detail_json: Option<String>,
}

#[napi(object)]
pub struct SealRequest {
    pub close_batch: Option<BatchClosing>,
    pub now_ms: i64,
}

#[napi(object)]
pub struct SealedBlock {
    pub number: i64,
    pub hash: String,
    pub state_root: String,
    pub timestamp: i64,
    pub tx_count: u32,
    pub gas_used: BigInt,
    pub batch_number: i64,
    pub header_json: String,
    pub tx_hashes: Buffer,
    pub seal_nanos: i64,
    pub tree_nanos: i64,
    pub commit_nanos: i64,
}

#[napi(object)]
pub struct CommittedBlocks {
    pub block_number: i64,
    pub blocks: u32,
    pub nanos: i64,
}

#[napi(object)]
pub struct ClosedBatch {
    pub number: i64,
    pub state_root: String,
    pub local_exit_root: String,
    pub closing_reason: String,
    pub block_count: i64,
    pub tx_count: i64,
    pub bytes: i64,
}

#[napi(object)]
pub struct ForcedBatchRequest {
    pub number: i64,
    pub data: Buffer,
    pub timestamp: i64,
    pub global_exit_root: Buffer,
    pub l1_block_hash: Buffer,
    pub deadline_ms: i64,
    pub now_ms: i64,
}

#[napi(object)]
pub struct ForcedBatchOutcome {
    pub batch_number: i64,
    pub block: Option<SealedBlock>,
    pub rom_error: String,
    pub skipped: u32,
    pub certificate_json: String,
    pub used: Buffer,
    pub touched: Buffer,
}

#[napi(object)]
pub struct CallRequest {
    pub from: Option<Buffer>,
    pub to: Option<Buffer>,
    pub data: Option<Buffer>,
    pub value: Option<Buffer>,
    pub gas_price: Option<Buffer>,
    pub gas: Option<i64>,
    pub nonce: Option<i64>,
    pub state_overrides_json: Option<String>,
    pub block_overrides_json: Option<String>,
    pub access_list_json: Option<String>,
    pub timeout_ms: Option<u32>,
}

#[napi(object)]
pub struct CallOutcome {
    pub status: u32,
    pub gas_used: i64,
    pub output: Buffer,
    pub rom_error: String,
    pub counters: Buffer,
}

#[napi(object)]
pub struct GasEstimate {
    pub gas: i64,
    pub outcome: CallOutcome,
}

#[napi(object)]
pub struct TraceOptions {
    pub config_json: String,
    pub timeout_ms: u32,
    pub limit_bytes: u32,
}
