//! What admission has to know of raw transactions, for a whole group at once: fields, sender, and the sender's pending state.

use alloy_primitives::{Address, B256, keccak256};
use zkevm_codec::{CodecError, L2Transaction, Recovery};
use zkevm_executor::RecoveredTx;

use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};
use crate::layout::{ADMISSION_HASH_AT, ADMISSION_ROW_BYTES, Row, pack_list};
use crate::pre_execution::{self, LimitsDivisor};

const CODE_RLP: u16 = 1;
const CODE_TYPE: u16 = 2;
const CODE_SIGNATURE: u16 = 3;

const FLAG_CREATE: u8 = 1;
const FLAG_EIP155: u8 = 2;
const FLAG_SENDER_HAS_CODE: u8 = 4;
const FLAG_PLAIN_TRANSFER: u8 = 8;

/// The admission row of a transaction that did not decode or whose sender cannot be recovered.
fn refused_row(code: u16, raw: &[u8]) -> Row<ADMISSION_ROW_BYTES> {
    let mut row = Row::new();
    row.bytes(0, &code.to_le_bytes());
    row.bytes(12, &(raw.len() as u32).to_le_bytes());
    row
}

const fn code_of(error: CodecError) -> u16 {
    match error {
        CodecError::UnsupportedTransactionType(_) => CODE_TYPE,
        CodecError::InvalidSignatureV => CODE_SIGNATURE,
        _ => CODE_RLP,
    }
}

/// Decodes and recovers `raw`; answers one row for each, in order.
///
/// # Errors
/// Only failures of the store: a transaction that cannot be decoded is a row with a code.
pub fn admit(engine: &Engine, raw: &[&[u8]], pre_execute: bool) -> EngineResult<Vec<u8>> {
    let decoded: Vec<Result<L2Transaction, CodecError>> =
        raw.iter().map(|raw| L2Transaction::decode_signed(raw)).collect();
    let valid: Vec<(&L2Transaction, &[u8])> =
        decoded.iter().zip(raw).filter_map(|(decoded, raw)| Some((decoded.as_ref().ok()?, *raw))).collect();
    let divisor = pre_execute.then_some(LimitsDivisor::WHOLE);
    let mut senders = engine.senders.recover(&valid).into_iter();
    let mut rows = Vec::with_capacity(raw.len() * ADMISSION_ROW_BYTES);
    for (raw, decoded) in raw.iter().zip(decoded) {
        let row = match decoded {
            Err(error) => refused_row(code_of(error), raw),
            Ok(transaction) => match senders.next() {
                Some((hash, Some(sender))) => row_of(engine, transaction, (sender, &hash), raw, divisor)?,
                _ => refused_row(CODE_SIGNATURE, raw),
            },
        };
        rows.extend_from_slice(&row.0);
    }
    Ok(rows)
}

/// Pre-executes transactions whose sender is known, with a part of a batch's counters for each; an item is the sender, then the signed
/// RLP. Answers one row for each, in order.
///
/// # Errors
/// [`crate::EngineError::InvalidArgument`] on an item without a sender, and failures of the store.
pub fn pre_execute(engine: &Engine, items: &[&[u8]], divisor: LimitsDivisor) -> EngineResult<Vec<u8>> {
    let mut rows = Vec::with_capacity(items.len() * ADMISSION_ROW_BYTES);
    for item in items {
        let (sender, raw) = item
            .split_at_checked(Address::len_bytes())
            .ok_or_else(|| EngineError::invalid_argument("an item to pre-execute is shorter than its sender"))?;
        let sender = Address::from_slice(sender);
        let row = match L2Transaction::decode_signed(raw) {
            Err(error) => refused_row(code_of(error), raw),
            Ok(transaction) => row_of(engine, transaction, (sender, &keccak256(raw)), raw, Some(divisor))?,
        };
        rows.extend_from_slice(&row.0);
    }
    Ok(rows)
}

/// The row of a decoded transaction, pre-executed where it says with how many counters.
fn row_of(
    engine: &Engine,
    transaction: L2Transaction,
    (sender, hash): (Address, &B256),
    raw: &[u8],
    divisor: Option<LimitsDivisor>,
) -> EngineResult<Row<ADMISSION_ROW_BYTES>> {
    let mut row = row(engine, &transaction, (sender, hash), raw)?;
    if let Some(divisor) = divisor {
        let recovered = RecoveredTx::with_recovery(transaction, Recovery::Signer(sender));
        pre_execution::fill(engine, &recovered, divisor, &mut row);
    }
    Ok(row)
}

/// The row of a decoded transaction whose sender and hash are known. The canonical form is the only one that decodes, so the hash of the
/// signed bytes is the transaction's.
///
/// # Errors
/// [`crate::EngineError::Db`].
pub fn row(
    engine: &Engine,
    transaction: &L2Transaction,
    (sender, hash): (Address, &B256),
    raw: &[u8],
) -> EngineResult<Row<ADMISSION_ROW_BYTES>> {
    let account = engine.pending_account(&sender)?;
    let mut encoded = Vec::with_capacity(raw.len() + 72);
    transaction.encode_batch_form(&mut encoded);
    let zero_bytes = encoded.iter().map(|byte| u32::from(*byte == 0)).sum::<u32>();
    let mut flags = 0;
    match transaction.to {
        None => flags |= FLAG_CREATE,
        Some(to) if transaction.data.is_empty() && engine.pending_account(&to)?.code_length == 0 => {
            flags |= FLAG_PLAIN_TRANSFER;
        }
        Some(_) => {}
    }
    flags |= if transaction.chain_id.is_some() { FLAG_EIP155 } else { 0 };
    flags |= if account.code_length > 0 { FLAG_SENDER_HAS_CODE } else { 0 };
    let mut row = Row::new();
    row.bytes(2, &[flags]);
    row.bytes(4, &(encoded.len() as u32).to_le_bytes());
    row.bytes(8, &(transaction.data.len() as u32).to_le_bytes());
    row.bytes(12, &(raw.len() as u32).to_le_bytes());
    row.bytes(16, &transaction.nonce.to_le_bytes());
    row.bytes(24, &transaction.gas_limit.to_le_bytes());
    row.bytes(32, &transaction.intrinsic_gas().to_le_bytes());
    row.bytes(40, &transaction.chain_id.unwrap_or(0).to_le_bytes());
    row.bytes(48, &account.nonce.to_le_bytes());
    row.u256(64, &transaction.gas_price);
    row.u256(96, &transaction.value);
    row.u256(128, &account.balance);
    row.bytes(ADMISSION_HASH_AT, hash.as_slice());
    row.bytes(192, sender.as_slice());
    row.bytes(212, transaction.to.unwrap_or_default().as_slice());
    row.bytes(280, &zero_bytes.to_le_bytes());
    Ok(row)
}

/// A page of pending records for the reload: each with its arrival, its admission row and its bytes.
///
/// # Errors
/// [`crate::EngineError::Db`].
pub fn pool_page(engine: &Engine, after: &[u8], max: usize) -> EngineResult<Vec<u8>> {
    let page = engine.store().pool_page(after, max)?;
    let mut items = Vec::with_capacity(page.len());
    for (hash, record) in page {
        let transaction = L2Transaction::decode_signed(&record.raw)
            .map_err(|error| zkevm_state_db::DbError::corrupt(format!("pool record {hash}: {error}")))?;
        let row = row(engine, &transaction, (record.sender, &keccak256(&record.raw)), &record.raw)?;
        let mut item = Vec::with_capacity(16 + ADMISSION_ROW_BYTES + record.raw.len());
        item.extend_from_slice(&record.received_at_ms.to_le_bytes());
        item.extend_from_slice(&record.arrival.to_le_bytes());
        item.extend_from_slice(&row.0);
        item.extend_from_slice(&record.raw);
        items.push(item);
    }
    Ok(pack_list(&items))
}
