//! batchL2Data: a plain concatenation of changeL2Block entries and transactions.

use crate::{CodecError, L2Transaction};
use core::ops::Range;
use zkevm_primitives::{CHANGE_L2_BLOCK_BYTES, CHANGE_L2_BLOCK_TYPE};

/// Opens an L2 block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChangeL2Block {
    /// Seconds since the previous block.
    pub delta_timestamp: u32,
    /// Index of the L1 info tree leaf the block imports; 0 for none.
    pub index_l1_info_tree: u32,
}

/// An entry of batchL2Data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchItem {
    /// Opens an L2 block.
    ChangeL2Block(ChangeL2Block),
    /// A transaction.
    Transaction(Box<L2Transaction>),
}

/// An entry and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedItem {
    /// The entry.
    pub item: BatchItem,
    /// Its bytes in batchL2Data.
    pub range: Range<usize>,
}

/// batchL2Data that cannot be decoded, and what was decoded before that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("batchL2Data is invalid at byte {offset}: {error}")]
pub struct BatchDecodeFailure {
    /// Why.
    pub error: CodecError,
    /// Where the entry at fault starts.
    pub offset: usize,
    /// The entries before it.
    pub before: Vec<DecodedItem>,
}

/// Decodes a whole batch. Which entries may stand where is the executor's matter.
///
/// # Errors
/// The first entry that breaks the strict encoding, with those before it.
pub fn decode_batch(data: &[u8]) -> Result<Vec<DecodedItem>, BatchDecodeFailure> {
    let mut items = Vec::new();
    let mut at = 0;
    while at < data.len() {
        match decode_item(&data[at..]) {
            Ok((item, length)) => {
                items.push(DecodedItem { item, range: at..at + length });
                at += length;
            }
            Err(error) => return Err(BatchDecodeFailure { error, offset: at, before: items }),
        }
    }
    Ok(items)
}

fn decode_item(bytes: &[u8]) -> Result<(BatchItem, usize), CodecError> {
    if bytes[0] != CHANGE_L2_BLOCK_TYPE {
        let (tx, length) = L2Transaction::decode_batch_form(bytes)?;
        return Ok((BatchItem::Transaction(Box::new(tx)), length));
    }
    let fields = bytes.get(1..CHANGE_L2_BLOCK_BYTES).ok_or(CodecError::Truncated)?;
    let number = |at: usize| u32::from_be_bytes([fields[at], fields[at + 1], fields[at + 2], fields[at + 3]]);
    let block = ChangeL2Block { delta_timestamp: number(0), index_l1_info_tree: number(4) };
    Ok((BatchItem::ChangeL2Block(block), CHANGE_L2_BLOCK_BYTES))
}

/// Builds batchL2Data entry by entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchEncoder {
    bytes: Vec<u8>,
}

impl BatchEncoder {
    /// An empty batch.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Appends a changeL2Block.
    pub fn change_l2_block(&mut self, block: ChangeL2Block) -> &mut Self {
        self.bytes.push(CHANGE_L2_BLOCK_TYPE);
        self.bytes.extend_from_slice(&block.delta_timestamp.to_be_bytes());
        self.bytes.extend_from_slice(&block.index_l1_info_tree.to_be_bytes());
        self
    }

    /// Appends a transaction.
    pub fn transaction(&mut self, tx: &L2Transaction) -> &mut Self {
        tx.encode_batch_form(&mut self.bytes);
        self
    }

    /// Appends an entry.
    pub fn item(&mut self, item: &BatchItem) -> &mut Self {
        match item {
            BatchItem::ChangeL2Block(block) => self.change_l2_block(*block),
            BatchItem::Transaction(tx) => self.transaction(tx),
        }
    }

    /// The bytes so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The finished batch.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
