//! The transactions of an executed batch as its bytes have them, by block.

use alloy_primitives::keccak256;
use zkevm_codec::{BatchDecodeFailure, BatchItem, decode_batch};
use zkevm_executor::{BatchResult, CounterModel, Levels};
use zkevm_primitives::Counters;

use crate::block::Included;

/// How the keccaks of a batch's hash are shared out to its transactions as the data grow; those of a batch from L1 belong to the batch.
pub(crate) type Growth<'a> = Option<(&'a CounterModel, &'a Levels)>;

/// Transactions by block, those that were skipped left out. A batch without effect has none.
///
/// # Errors
/// When the bytes are no batch, although `result` says otherwise.
pub(crate) fn included(
    data: &[u8],
    result: &BatchResult,
    growth: Growth<'_>,
) -> Result<Vec<Vec<Included>>, Box<BatchDecodeFailure>> {
    if result.invalid.is_some() {
        return Ok(Vec::new());
    }
    let items = decode_batch(data).map_err(Box::new)?;
    let mut results = result.blocks.iter().map(|block| block.transactions.iter());
    // Without changeL2Block there is one block from the start.
    let opens_itself = growth.is_none();
    let mut results_now = if opens_itself { results.next() } else { None };
    let mut blocks: Vec<Vec<Included>> = if opens_itself { vec![Vec::new()] } else { Vec::new() };
    for (entry, item) in items.into_iter().enumerate() {
        let tx = match item.item {
            BatchItem::ChangeL2Block(_) => {
                blocks.push(Vec::new());
                results_now = results.next();
                continue;
            }
            BatchItem::Transaction(_) if result.skipped.iter().any(|skipped| skipped.entry == entry) => continue,
            BatchItem::Transaction(tx) => tx,
        };
        let next = results_now.as_mut().and_then(Iterator::next);
        let (Some(block), Some(executed)) = (blocks.last_mut(), next) else { continue };
        let growth = growth.map_or(Counters::ZERO, |(model, levels)| {
            model.batch(item.range.end, levels).saturating_sub(&model.batch(item.range.start, levels))
        });
        let raw = tx.encode_signed();
        block.push(Included {
            hash: keccak256(&raw),
            raw: raw.into(),
            sender: executed.from,
            effective_percentage: tx.effective_percentage,
            counters: executed.counters_used + growth,
        });
    }
    Ok(blocks)
}
