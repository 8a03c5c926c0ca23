//! Batch objects, with the counters and the closing reason.

use alloy_primitives::{Address, B256, Bytes, U64};
use serde::Serialize;
use serde_json::value::RawValue;
use zkevm_state_db::records::BatchRecord;

use super::to_json;
use crate::error::EngineResult;

/// A batch as `zkevm_getBatchByNumber` shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchView<'a, T: Serialize> {
    number: U64,
    #[serde(skip_serializing_if = "Option::is_none")]
    forced_batch_number: Option<U64>,
    #[serde(rename = "forkId")]
    fork_id: U64,
    coinbase: Address,
    state_root: B256,
    global_exit_root: B256,
    mainnet_exit_root: B256,
    rollup_exit_root: B256,
    local_exit_root: B256,
    acc_input_hash: B256,
    timestamp: U64,
    send_sequences_tx_hash: Option<B256>,
    verify_batch_tx_hash: Option<B256>,
    closed: bool,
    closing_reason: Option<&'a str>,
    closing_certificate: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    rom_error: &'a str,
    counters_used: ResourcesView,
    counters_limit: ResourcesView,
    blocks: &'a [B256],
    transactions: &'a [T],
    batch_l2_data: Bytes,
}

/// The ten resources by their RPC names.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourcesView {
    steps: U64,
    arithmetics: U64,
    binaries: U64,
    mem_aligns: U64,
    keccak_hashes: U64,
    poseidon_paddings: U64,
    poseidon_hashes: U64,
    #[serde(rename = "SHA256Hashes")]
    sha256_hashes: U64,
    bytes: U64,
    gas: U64,
}

impl ResourcesView {
    fn new(resources: &[u64]) -> Self {
        let at = |index: usize| U64::from(resources.get(index).copied().unwrap_or(0));
        Self {
            steps: at(0),
            arithmetics: at(1),
            binaries: at(2),
            mem_aligns: at(3),
            keccak_hashes: at(4),
            poseidon_paddings: at(5),
            poseidon_hashes: at(6),
            sha256_hashes: at(7),
            bytes: at(8),
            gas: at(9),
        }
    }
}

/// A batch with the hashes of its blocks and its transactions (hashes or objects).
///
/// # Errors
/// As [`to_json`].
pub fn batch_json<T: Serialize>(
    batch: &BatchRecord,
    limits: &[u64],
    blocks: &[B256],
    transactions: &[T],
    data: Vec<u8>,
) -> EngineResult<String> {
    let certificate = RawValue::from_string(batch.closing_detail.clone()).ok();
    to_json(&BatchView {
        number: U64::from(batch.number),
        forced_batch_number: batch.forced.map(|forced| U64::from(forced.number)),
        fork_id: U64::from(batch.fork_id),
        coinbase: batch.coinbase,
        state_root: batch.state_root,
        global_exit_root: batch.global_exit_root,
        mainnet_exit_root: B256::ZERO,
        rollup_exit_root: B256::ZERO,
        local_exit_root: batch.local_exit_root,
        acc_input_hash: batch.acc_input_hash,
        timestamp: U64::from(batch.timestamp),
        send_sequences_tx_hash: None,
        verify_batch_tx_hash: None,
        closed: batch.is_closed(),
        closing_reason: batch.is_closed().then_some(batch.closing_reason.as_str()),
        closing_certificate: certificate,
        rom_error: &batch.rom_error,
        counters_used: ResourcesView::new(&batch.used),
        counters_limit: ResourcesView::new(limits),
        blocks,
        transactions,
        batch_l2_data: data.into(),
    })
}
