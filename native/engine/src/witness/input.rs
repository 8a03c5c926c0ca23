//! The executor's input for what the database holds: batches and ranges of blocks.

use alloy_primitives::{B256, Bytes};
use zkevm_executor::vectors::Expected;
use zkevm_executor::{BatchInput, CancelToken, L1InfoLeaf, L1InfoSource, ProvenL1InfoLeaf};
use zkevm_primitives::{BatchNumber, Counters, ForkId, ForkSpec};
use zkevm_state_db::records::{BatchKind, BatchRecord, BlockRecord};
use zkevm_state_db::{DbError, Snapshot, schema};

use super::Target;
use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};
use crate::seal::resources_of;
use crate::verify::from_l1;

impl Engine {
    /// A closed batch.
    pub(super) fn batch_target(&self, snapshot: &Snapshot<'_>, number: u64) -> EngineResult<Target> {
        let not_closed = || EngineError::BatchNotClosed(number);
        let batch = snapshot.batch(number)?.filter(BatchRecord::is_closed).ok_or_else(not_closed)?;
        if batch.kind == BatchKind::Genesis as u8 || batch.block_count == 0 {
            return Err(not_closed());
        }
        let blocks = blocks_of(snapshot, batch.first_block, batch.first_block + batch.block_count - 1)?;
        let input = self.input(snapshot, &batch, &blocks)?;
        let expected = Expected {
            old_state_root: None,
            new_state_root: Some(batch.state_root),
            new_acc_input_hash: Some(stored_or_computed_acc_input_hash(&batch, &input)),
            new_local_exit_root: Some(batch.local_exit_root),
            new_batch_number: Some(number),
            counters: Some(counters_of(&batch)),
        };
        Ok(Target { name: format!("batch-{number}"), first_block: batch.first_block, input, expected })
    }

    /// Blocks `first` to `last`.
    pub(super) fn range_target(&self, snapshot: &Snapshot<'_>, first: u64, last: u64) -> EngineResult<Target> {
        let invalid = |what: &str| EngineError::CallInvalid(format!("blocks {first} to {last}: {what}"));
        if last > snapshot.head()?.block {
            return Err(EngineError::BlockNotFound);
        }
        if first == 0 || first > last {
            return Err(invalid("want at least one, after the genesis"));
        }
        let blocks = blocks_of(snapshot, first, last)?;
        let number = blocks[0].batch;
        let mut batch = snapshot.batch(number)?.ok_or_else(|| missing_batch(number))?;
        if blocks.iter().any(|block| block.coinbase != batch.coinbase) {
            return Err(invalid("they have several coinbases"));
        }
        if batch.kind != BatchKind::Sequenced as u8 && blocks.len() > 1 {
            return Err(invalid("a forced or injected batch cannot be executed together with others"));
        }
        batch.timestamp = blocks.last().map_or(0, |block| block.timestamp);
        let input = self.input(snapshot, &batch, &blocks)?;
        let new_state_root = blocks.last().map(|block| block.state_root);
        let expected = Expected { new_state_root, ..Expected::default() };
        Ok(Target { name: format!("blocks-{first}-{last}"), first_block: first, input, expected })
    }

    fn input(&self, snapshot: &Snapshot<'_>, batch: &BatchRecord, blocks: &[BlockRecord]) -> EngineResult<BatchInput> {
        let fork = ForkId::try_from(batch.fork_id).map_err(|_| EngineError::UnsupportedForkId(batch.fork_id))?;
        let first = &blocks[0];
        let before = first.number - 1;
        let old_state_root = snapshot.block(before)?.ok_or_else(|| missing_block(before))?.state_root;
        let is_sequenced = batch.kind == BatchKind::Sequenced as u8;
        let origin = from_l1(batch, Some(first));
        let old_acc_input_hash = snapshot.batch(batch.number - 1)?.map_or(B256::ZERO, |old| old.acc_input_hash);
        Ok(BatchInput {
            spec: if fork == self.config().fork.fork { self.config().fork } else { ForkSpec::new(fork) },
            chain_id: self.config().chain_id,
            old_state_root,
            old_acc_input_hash,
            old_batch_number: BatchNumber(batch.number - 1),
            batch_l2_data: data_of(snapshot, blocks)?,
            l1_info_root: origin.global_exit_root,
            timestamp_limit: origin.timestamp,
            sequencer: batch.coinbase,
            forced_block_hash_l1: origin.block_hash,
            is_injected: batch.kind == BatchKind::Injected as u8,
            l1_info: if is_sequenced { l1_info(blocks) } else { L1InfoSource::default() },
            counts: true,
            limits: None,
            depth_measure: None,
            recovery_threads: 1,
            records_reads: false,
            cancel: CancelToken::default(),
        })
    }
}

/// The leaves that blocks used. The node took them from L1 as they are, so there are no proofs to check.
fn l1_info(blocks: &[BlockRecord]) -> L1InfoSource {
    let used = blocks.iter().filter(|block| block.l1_info_index != 0);
    let leaves = used.map(|block| {
        let leaf =
            L1InfoLeaf { global_exit_root: block.global_exit_root, block_hash: block.l1_block_hash, timestamp: 0 };
        (block.l1_info_index as u32, ProvenL1InfoLeaf { leaf, proof: Vec::new() })
    });
    L1InfoSource { leaves: leaves.collect(), skips_proofs: true }
}

/// A sequenced batch has no accInputHash before L1 sequenced it; then it is what these inputs give.
fn stored_or_computed_acc_input_hash(batch: &BatchRecord, input: &BatchInput) -> B256 {
    if batch.acc_input_hash.is_zero() { input.acc_input_hash() } else { batch.acc_input_hash }
}

fn counters_of(batch: &BatchRecord) -> Counters {
    resources_of(&batch.used).counters()
}

fn blocks_of(snapshot: &Snapshot<'_>, first: u64, last: u64) -> EngineResult<Vec<BlockRecord>> {
    (first..=last).map(|number| Ok(snapshot.block(number)?.ok_or_else(|| missing_block(number))?)).collect()
}

/// What the blocks added to batchL2Data.
fn data_of(snapshot: &Snapshot<'_>, blocks: &[BlockRecord]) -> EngineResult<Bytes> {
    let keys: Vec<_> = blocks.iter().map(|block| schema::pair_key(block.batch, block.number)).collect();
    let mut data = Vec::new();
    for (part, block) in snapshot.get_many(schema::BATCH_DATA, &keys)?.into_iter().zip(blocks) {
        data.extend(part.ok_or_else(|| DbError::corrupt(format!("batch data of block {} are missing", block.number)))?);
    }
    Ok(data.into())
}

fn missing_block(number: u64) -> DbError {
    DbError::corrupt(format!("block {number} is missing"))
}

fn missing_batch(number: u64) -> EngineError {
    DbError::corrupt(format!("batch {number} is missing")).into()
}
