//! Block objects.

use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U64, U256};
use serde::Serialize;
use zkevm_state_db::records::BlockRecord;

use super::to_json;
use crate::error::EngineResult;
use crate::header::{EMPTY_UNCLES, Header};

/// Header fields of a block, as `newHeads` and `eth_getBlockBy*` show them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockView<'a, T: Serialize> {
    parent_hash: B256,
    sha3_uncles: B256,
    miner: Address,
    state_root: B256,
    transactions_root: B256,
    receipts_root: B256,
    logs_bloom: Bloom,
    difficulty: U64,
    total_difficulty: U64,
    size: U64,
    number: U64,
    gas_limit: U64,
    gas_used: U64,
    timestamp: U64,
    extra_data: Bytes,
    mix_hash: B256,
    nonce: B64,
    hash: B256,
    #[serde(skip_serializing_if = "Option::is_none")]
    transactions: Option<&'a [T]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uncles: Option<[B256; 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    global_exit_root: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_info_root: Option<B256>,
}

impl<'a, T: Serialize> BlockView<'a, T> {
    fn new(block: &BlockRecord, transactions: Option<&'a [T]>, extra: bool) -> Self {
        Self {
            parent_hash: block.parent_hash,
            sha3_uncles: EMPTY_UNCLES,
            miner: block.coinbase,
            state_root: block.state_root,
            transactions_root: block.transactions_root,
            receipts_root: block.receipts_root,
            logs_bloom: block.logs_bloom,
            difficulty: U64::ZERO,
            total_difficulty: U64::ZERO,
            size: U64::from(block.size),
            number: U64::from(block.number),
            gas_limit: U64::from(block.gas_limit),
            gas_used: U64::from(block.gas_used),
            timestamp: U64::from(block.timestamp),
            extra_data: Bytes::new(),
            mix_hash: B256::ZERO,
            nonce: B64::ZERO,
            hash: block.hash,
            transactions,
            uncles: transactions.is_some().then_some([]),
            global_exit_root: extra.then_some(block.global_exit_root),
            block_info_root: extra.then_some(block.block_info_root),
        }
    }
}

/// A block with its transactions (hashes or objects).
///
/// # Errors
/// As [`to_json`].
pub fn block_json<T: Serialize>(block: &BlockRecord, transactions: &[T], extra: bool) -> EngineResult<String> {
    to_json(&BlockView::new(block, Some(transactions), extra))
}

/// A header without transactions, for `newHeads`.
///
/// # Errors
/// As [`to_json`].
pub fn header_json(block: &BlockRecord) -> EngineResult<String> {
    to_json(&BlockView::<B256>::new(block, None, false))
}

/// The header whose keccak is the block's hash.
pub fn header_of(block: &BlockRecord) -> Header {
    Header {
        parent_hash: block.parent_hash,
        uncles_hash: EMPTY_UNCLES,
        coinbase: block.coinbase,
        state_root: block.state_root,
        transactions_root: block.transactions_root,
        receipts_root: block.receipts_root,
        logs_bloom: block.logs_bloom,
        difficulty: U256::ZERO,
        number: block.number,
        gas_limit: block.gas_limit,
        gas_used: block.gas_used,
        timestamp: block.timestamp,
        extra_data: Bytes::new(),
        mix_hash: B256::ZERO,
        nonce: B64::ZERO,
    }
}
