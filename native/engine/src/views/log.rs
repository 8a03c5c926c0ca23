//! Log objects.

use alloy_primitives::{Address, B256, Bytes, U64};
use serde::Serialize;
use zkevm_state_db::records::{BlockRecord, LogRecord};

/// A log as `eth_getLogs` shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogView {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
    block_number: U64,
    transaction_hash: B256,
    transaction_index: U64,
    block_hash: B256,
    log_index: U64,
    removed: bool,
}

impl LogView {
    /// A log with the place it stands at.
    pub fn new(block: &BlockRecord, transaction_hash: B256, log_index: u32, log: LogRecord) -> Self {
        Self {
            address: log.address,
            topics: log.topics,
            data: log.data,
            block_number: U64::from(block.number),
            transaction_hash,
            transaction_index: U64::from(log.tx_index),
            block_hash: block.hash,
            log_index: U64::from(log_index),
            removed: false,
        }
    }
}

/// The logs of one transaction, whose first log has index `first` in the block.
pub fn log_views(block: &BlockRecord, transaction_hash: B256, first: u32, logs: Vec<LogRecord>) -> Vec<LogView> {
    logs.into_iter().zip(first..).map(|(log, index)| LogView::new(block, transaction_hash, index, log)).collect()
}
