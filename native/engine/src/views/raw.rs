//! Blocks and receipts as Ethereum encodes them: `debug_getRaw…`. Transactions are kept in that form already.

use alloy_primitives::hex;
use alloy_rlp::Encodable;
use zkevm_state_db::records::BlockRecord;

use super::{header_of, to_json, to_log};
use crate::engine::Engine;
use crate::error::EngineResult;
use crate::header::{ReceiptForRoot, encode_receipt};

/// What of a block to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawPart {
    /// The header: its keccak is the block's hash.
    Header,
    /// Header, transactions, and the empty list of uncles.
    Block,
    /// Each receipt in consensus form.
    Receipts,
}

impl Engine {
    /// RLP of a block's part as JSON text: a hex string, or an array of them for receipts; none when there is no
    /// such block.
    ///
    /// # Errors
    /// [`crate::EngineError::Db`].
    pub fn raw_block_json(&self, number: u64, part: RawPart) -> EngineResult<Option<String>> {
        let Some(block) = self.published_record(number)? else { return Ok(None) };
        let mut header = Vec::with_capacity(600);
        header_of(&block).encode(&mut header);
        match part {
            RawPart::Header => to_json(&hex::encode_prefixed(header)),
            RawPart::Block => to_json(&hex::encode_prefixed(self.raw_block(&block, &header)?)),
            RawPart::Receipts => to_json(&self.raw_receipts(&block)?),
        }
        .map(Some)
    }

    fn raw_block(&self, block: &BlockRecord, header: &[u8]) -> EngineResult<Vec<u8>> {
        let mut transactions = Vec::new();
        for transaction in self.store().transactions(block.number, block.tx_count)? {
            transactions.extend_from_slice(&transaction.raw);
        }
        let uncles = list(&[]);
        Ok(list(&[header, &list(&transactions), &uncles].concat()))
    }

    fn raw_receipts(&self, block: &BlockRecord) -> EngineResult<Vec<String>> {
        let mut receipts = Vec::with_capacity(block.tx_count as usize);
        for index in 0..block.tx_count {
            let receipt = self.stored_transaction(block.number, index)?.1;
            let logs = self.store().logs(block.number, receipt.first_log, receipt.log_count)?;
            let logs: Vec<_> = logs.iter().map(to_log).collect();
            let mut out = Vec::new();
            let (status, cumulative_gas_used) = (receipt.status, receipt.cumulative_gas_used);
            encode_receipt(&ReceiptForRoot { status, cumulative_gas_used, logs: &logs }, &mut out);
            receipts.push(hex::encode_prefixed(out));
        }
        Ok(receipts)
    }
}

/// An RLP list of encoded items.
fn list(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 9);
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend_from_slice(payload);
    out
}
