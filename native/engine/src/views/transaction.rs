//! Transaction and receipt objects.

use alloy_primitives::{Address, B256, Bloom, Bytes, U64, U256};
use serde::Serialize;
use zkevm_codec::L2Transaction;
use zkevm_state_db::records::{BlockRecord, LogRecord, ReceiptRecord, TransactionRecord};

use super::log::{LogView, log_views};
use super::to_json;
use crate::error::{EngineError, EngineResult};
use crate::header::logs_bloom;

/// A transaction as `eth_getTransactionBy*` shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionView {
    nonce: U64,
    gas_price: U256,
    gas: U64,
    to: Option<Address>,
    value: U256,
    input: Bytes,
    v: U256,
    r: U256,
    s: U256,
    hash: B256,
    from: Address,
    block_hash: Option<B256>,
    block_number: Option<U64>,
    transaction_index: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain_id: Option<U64>,
    #[serde(rename = "type")]
    kind: U64,
    #[serde(skip_serializing_if = "Option::is_none")]
    l2_hash: Option<B256>,
}

impl TransactionView {
    fn new(transaction: &L2Transaction, hash: B256, from: Address) -> Self {
        Self {
            nonce: U64::from(transaction.nonce),
            gas_price: transaction.gas_price,
            gas: U64::from(transaction.gas_limit),
            to: transaction.to,
            value: transaction.value,
            input: transaction.data.clone(),
            v: transaction.signed_v(),
            r: transaction.signature.r,
            s: transaction.signature.s,
            hash,
            from,
            block_hash: None,
            block_number: None,
            transaction_index: None,
            chain_id: transaction.chain_id.map(U64::from),
            kind: U64::ZERO,
            l2_hash: None,
        }
    }
}

fn decode(raw: &[u8]) -> EngineResult<L2Transaction> {
    L2Transaction::decode_signed(raw).map_err(|error| EngineError::invalid_argument(format!("transaction: {error}")))
}

/// A transaction that is in an L2 block.
///
/// # Errors
/// [`EngineError::InvalidArgument`] when the stored bytes do not decode.
pub fn transaction_view(block: &BlockRecord, index: u32, record: &TransactionRecord) -> EngineResult<TransactionView> {
    let mut view = TransactionView::new(&decode(&record.raw)?, record.hash, record.sender);
    view.block_hash = Some(block.hash);
    view.block_number = Some(U64::from(block.number));
    view.transaction_index = Some(U64::from(index));
    view.l2_hash = Some(record.l2_hash);
    Ok(view)
}

/// A transaction that waits in the pool.
///
/// # Errors
/// [`EngineError::InvalidArgument`] when the bytes do not decode.
pub fn pending_transaction_json(raw: &[u8], sender: Address) -> EngineResult<String> {
    let transaction = decode(raw)?;
    to_json(&TransactionView::new(&transaction, transaction.hash(), sender))
}

/// A receipt as `eth_getTransactionReceipt` shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptView {
    transaction_hash: B256,
    transaction_index: U64,
    block_hash: B256,
    block_number: U64,
    from: Address,
    to: Option<Address>,
    contract_address: Option<Address>,
    cumulative_gas_used: U64,
    gas_used: U64,
    effective_gas_price: U256,
    logs: Vec<LogView>,
    logs_bloom: Bloom,
    status: U64,
    #[serde(rename = "type")]
    kind: U64,
    #[serde(rename = "transactionL2Hash")]
    transaction_l2_hash: B256,
}

/// Where a receipt stands.
#[derive(Debug, Clone, Copy)]
pub struct ReceiptContext<'a> {
    /// Its L2 block.
    pub block: &'a BlockRecord,
    /// Its index in the block.
    pub index: u32,
}

/// The receipt of a transaction, with its logs.
///
/// # Errors
/// [`EngineError::InvalidArgument`] when the stored transaction does not decode.
pub fn receipt_view(
    at: ReceiptContext<'_>,
    transaction: &TransactionRecord,
    receipt: &ReceiptRecord,
    logs: Vec<LogRecord>,
) -> EngineResult<ReceiptView> {
    let bloom = logs_bloom(&logs.iter().map(to_log).collect::<Vec<_>>());
    let contract = receipt.contract_address.as_ref();
    Ok(ReceiptView {
        transaction_hash: transaction.hash,
        transaction_index: U64::from(at.index),
        block_hash: at.block.hash,
        block_number: U64::from(at.block.number),
        from: transaction.sender,
        to: decode(&transaction.raw)?.to,
        contract_address: (contract.len() == 20).then(|| Address::from_slice(contract)),
        cumulative_gas_used: U64::from(receipt.cumulative_gas_used),
        gas_used: U64::from(receipt.gas_used),
        effective_gas_price: receipt.effective_gas_price,
        logs: log_views(at.block, transaction.hash, receipt.first_log, logs),
        logs_bloom: bloom,
        status: U64::from(receipt.status),
        kind: U64::ZERO,
        transaction_l2_hash: transaction.l2_hash,
    })
}

/// A stored log as Ethereum's primitive.
pub fn to_log(record: &LogRecord) -> alloy_primitives::Log {
    alloy_primitives::Log::new_unchecked(record.address, record.topics.clone(), record.data.clone())
}
