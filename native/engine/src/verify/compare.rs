//! Comparing the records of a batch with the result of its second execution.

use alloy_primitives::B256;
use zkevm_executor::{BatchInput, BatchResult, CounterModel, Levels, SealedBlock, forced_batch_hash};
use zkevm_state_db::Snapshot;
use zkevm_state_db::records::{BatchKind, BlockRecord};

use super::StoredBatch;
use super::mismatch::{Mismatch, same};
use crate::ahead::BlockRecords;
use crate::block::Included;
use crate::commit::finish_block;
use crate::error::EngineResult;
use crate::layout::{RESOURCE_BYTES, RESOURCE_GAS, Resources};
use crate::seal::block_records;

type Same = Result<(), Box<Mismatch>>;

/// The batch as a whole: validity, roots, counts, resources. Counters are equal where the levels they were counted with are.
pub(super) fn batch(stored: &StoredBatch, result: &BatchResult, levels: Option<Levels>) -> Same {
    let StoredBatch { record, data, blocks, .. } = stored;
    let rom_error = result.invalid.map_or("", |error| error.name());
    same("validity of the batch", &record.rom_error.as_str(), &rom_error)?;
    let is_sequenced = record.kind == BatchKind::Sequenced as u8;
    if is_sequenced {
        same("skipped transactions", &0, &result.skipped.len())?;
    }
    same("the number of L2 blocks", &blocks.len(), &result.blocks.len())?;
    let transactions: usize = result.blocks.iter().map(|block| block.transactions.len()).sum();
    same("the number of transactions", &record.tx_count, &(transactions as u64))?;
    same("state root", &record.state_root, &result.new_state_root)?;
    same("local exit root", &record.local_exit_root, &result.new_local_exit_root)?;
    let roots = result.blocks.iter().rev().map(|block| block.global_exit_root);
    let exit_root = roots.into_iter().find(|root| !root.is_zero());
    same("global exit root", &record.global_exit_root, &exit_root.unwrap_or_default())?;
    if !is_sequenced {
        let known = stored.previous.known_acc_input_hash().map_or(B256::ZERO, |_| result.new_acc_input_hash);
        same("accInputHash", &record.acc_input_hash, &known)?;
    }
    if let Some(forced) = &record.forced {
        let hash = forced_batch_hash(data, &forced.global_exit_root, forced.timestamp, &forced.block_hash);
        same("hash of the forced batch", &forced.hash, &hash)?;
    }
    let used = Resources(std::array::from_fn(|index| record.used.get(index).copied().unwrap_or(0)));
    same("bytes of batchL2Data", &used.0[RESOURCE_BYTES], &(data.len() as u64))?;
    let gas: u64 = result.blocks.iter().map(|block| block.gas_used).sum();
    same("gas of the batch", &used.0[RESOURCE_GAS], &gas)?;
    match levels {
        Some(_) => same("counters", &used.counters(), &result.counters),
        // They grew with the tree from block to block, here all are counted with those of the first.
        None => Ok(()),
    }
}

/// Transactions by block, as the batch's bytes have them.
pub(super) fn included(
    stored: &StoredBatch,
    result: &BatchResult,
    input: &BatchInput,
) -> Result<Vec<Vec<Included>>, Box<Mismatch>> {
    let model = CounterModel::new(input.spec.profile);
    let levels = Levels::at_depth(input.spec.profile, input.depth_measure.unwrap_or_default());
    let is_sequenced = stored.record.kind == BatchKind::Sequenced as u8;
    crate::included::included(&stored.data, result, is_sequenced.then_some((&model, &levels)))
        .map_err(|failure| Mismatch::of("batchL2Data", "", &failure.to_string()))
}

/// One block: header, transactions, receipts and logs.
pub(super) fn block(
    snapshot: &Snapshot<'_>,
    stored: &StoredBatch,
    block: &BlockRecord,
    executed: &SealedBlock,
    included: &[Included],
) -> EngineResult<Same> {
    let records = records(stored, block, executed, included);
    let compared = match header_and_logs(snapshot, block, &records)? {
        Ok(()) => transactions(snapshot, block.number, &records)?,
        different => different,
    };
    Ok(compared.map_err(|mismatch| mismatch.in_block(block.number)))
}

/// The records that an executed block should have.
pub(super) fn records(
    stored: &StoredBatch,
    block: &BlockRecord,
    executed: &SealedBlock,
    included: &[Included],
) -> BlockRecords {
    let parent = stored.blocks.iter().find(|other| other.number + 1 == block.number).unwrap_or(&stored.parent);
    let chain = stored.chain_before(parent);
    let l1_info_index = u32::try_from(block.l1_info_index).unwrap_or(u32::MAX);
    let mut records = block_records(executed, included, &chain, l1_info_index, block.state_root);
    finish_block(&mut records.block, included.iter().map(|included| included.raw.len()).sum());
    records
}

/// Header and logs of a block.
pub(super) fn header_and_logs(
    snapshot: &Snapshot<'_>,
    block: &BlockRecord,
    records: &BlockRecords,
) -> EngineResult<Same> {
    let logs = snapshot.logs(block.number)?;
    Ok(same("block", block, &records.block).and_then(|()| same("logs", &logs, &records.logs)))
}

/// Transactions of a block with their receipts.
pub(super) fn transactions(snapshot: &Snapshot<'_>, number: u64, records: &BlockRecords) -> EngineResult<Same> {
    let stored = snapshot.transactions(number)?;
    for (index, (stored, (transaction, receipt))) in (0_u32..).zip(stored.iter().zip(&records.transactions)) {
        let compared = same("transaction", &stored.0, transaction)
            .and_then(|()| same("receipt", &stored.1.as_ref(), &Some(receipt)))
            .map_err(|mismatch| mismatch.in_transaction(index));
        if compared.is_err() {
            return Ok(compared);
        }
    }
    Ok(same("stored transactions", &stored.len(), &records.transactions.len()))
}
