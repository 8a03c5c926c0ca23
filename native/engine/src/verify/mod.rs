//! Verification of closed batches: the batch is executed again from its stored bytes, and everything that the database says of it is
//! compared with what comes out.
//!
//! batchL2Data is read back and decoded, state is read as it was before the batch. Of the first execution only senders are used, by the hash
//! of the decoded transaction; where roots are recomputed, every signature is recovered again. What each block changes is compared key by key
//! with its change set ([`state`]), headers, transactions, receipts and logs record by record, counters, gas, bytes and exit root with the
//! batch ([`compare`]). The system contract keeps the state root before each block, and is part of what is compared: so the roots are one
//! chain from the first verified batch on, given a sound tree.

mod bundle;
mod compare;
mod locate;
mod mismatch;
mod state;

use std::path::PathBuf;
use std::time::Instant;

use alloy_primitives::{B256, Bytes};
use zkevm_codec::{L2Transaction, recover_senders};
use zkevm_executor::{
    BatchInput, CancelToken, ExecutorError, L1InfoLeaf, L1InfoSource, Levels, ProvenL1InfoLeaf, execute_batch_with,
};
use zkevm_primitives::{BatchNumber, ForkId, ForkSpec};
use zkevm_state_db::records::{BatchKind, BatchRecord, BlockRecord, ForcedOrigin, HeadRecord};
use zkevm_state_db::{DbError, Snapshot};

use crate::engine::{ChainState, Engine};
use crate::error::{EngineError, EngineResult};
use crate::stages::Stage;
pub use locate::Divergence;
pub use mismatch::Mismatch;
use mismatch::same;
use state::CheckedState;

/// How to verify a batch.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Compute the state root from the tree before the batch, instead of trusting the tree with what the batch changed, and recover every
    /// sender from its signature.
    pub recompute_root: bool,
    /// Where a differing batch leaves a bundle; none where `None`.
    pub bundle_directory: Option<PathBuf>,
}

/// What verifying a batch came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchCheck {
    /// The batch.
    pub number: u64,
    /// Its L2 blocks.
    pub block_count: u64,
    /// Its transactions.
    pub tx_count: u64,
    /// Time spent.
    pub nanos: u64,
    /// The first difference; `None` where everything is as stored.
    pub mismatch: Option<Mismatch>,
    /// Folder of the bundle.
    pub bundle: Option<PathBuf>,
    /// Why there is no bundle although there should be one.
    pub bundle_failure: Option<String>,
}

/// A closed batch as it is stored.
struct StoredBatch {
    record: BatchRecord,
    data: Bytes,
    blocks: Vec<BlockRecord>,
    /// The block before the first.
    parent: BlockRecord,
    /// The batch before.
    previous: BatchRecord,
    /// Depth of the tree before each block, and before the first.
    depths: Vec<u32>,
    depth: u32,
}

impl StoredBatch {
    /// Head and batch as they were when the block after `parent` was sealed, as far as its records depend on them.
    fn chain_before(&self, parent: &BlockRecord) -> ChainState {
        let head = HeadRecord {
            block: parent.number,
            block_hash: parent.hash,
            timestamp: parent.timestamp,
            state_root: parent.state_root,
            closed_batch: self.previous.number,
            tree_depth: 0,
            forced_batch: None,
        };
        ChainState { head, batch: self.record.clone() }
    }
}

impl Engine {
    /// The newest batch that was verified, and every one before it; 0 when none was.
    ///
    /// # Errors
    /// [`EngineError::Db`].
    pub fn checked_batch(&self) -> EngineResult<u64> {
        Ok(self.store().checked_batch()?.unwrap_or(0))
    }

    /// Verification begins: answers the newest batch that counts as verified. What is needed to verify later ones is kept from now on,
    /// however little history is. Not more than `lag_max` batches are made up for: where verification was off, or history was pruned,
    /// the batches before are left out.
    ///
    /// # Errors
    /// Those of the database.
    pub fn begin_verification(&self, lag_max: u64) -> EngineResult<u64> {
        let closed = self.chain().head.closed_batch;
        let stored = self.store().checked_batch()?;
        let mut checked = stored.unwrap_or(0).max(closed.saturating_sub(lag_max));
        while checked < closed && self.block_before(checked + 1)? < self.store().change_sets_from() {
            checked += 1;
        }
        self.store().need_change_sets_from(self.block_before(checked + 1)?);
        if stored != Some(checked) {
            self.store().set_checked_batch(checked)?;
        }
        Ok(checked)
    }

    /// The L2 block before those of a batch, which may have none yet.
    fn block_before(&self, batch: u64) -> EngineResult<u64> {
        match self.store().batch(batch)? {
            Some(record) => Ok(record.first_block.saturating_sub(1)),
            None => Ok(self.head_block()),
        }
    }

    /// Executes a closed batch again and compares. Where everything is as stored, and all batches before it were verified, it counts as
    /// verified from now on.
    ///
    /// # Errors
    /// [`EngineError::InvalidArgument`] when the batch is not closed; those of the database. A difference is no error.
    pub fn verify_batch(&self, number: u64, options: &VerifyOptions) -> EngineResult<BatchCheck> {
        let started = Instant::now();
        let snapshot = self.store().snapshot();
        let stored = load(&snapshot, number)?;
        let mismatch = if stored.record.kind == BatchKind::Genesis as u8 {
            None
        } else {
            let compared =
                self.timed(Stage::Verification, || match self.verify_stored(&snapshot, &stored, options)? {
                    Ok(()) if options.recompute_root => self.verify_root(&stored),
                    compared => Ok(compared),
                })?;
            compared.err().map(|mismatch| self.with_origin(&snapshot, &stored, mismatch))
        };
        drop(snapshot);
        if mismatch.is_none() && self.checked_batch()? + 1 == number {
            self.store().set_checked_batch(number)?;
            let last = stored.blocks.last().unwrap_or(&stored.parent);
            self.store().need_change_sets_from(last.number);
        }
        let nanos = started.elapsed().as_nanos() as u64;
        let (block_count, tx_count) = (stored.record.block_count, stored.record.tx_count);
        let mut check =
            BatchCheck { number, block_count, tx_count, nanos, mismatch, bundle: None, bundle_failure: None };
        if let (Some(mismatch), Some(folder)) = (&check.mismatch, &options.bundle_directory) {
            match bundle::write(self, folder, &stored, mismatch) {
                Ok(path) => check.bundle = Some(path),
                // The difference matters more than its bundle.
                Err(error) => check.bundle_failure = Some(error.to_string()),
            }
        }
        Ok(check)
    }

    /// A difference with the first L2 block and transaction of the batch that differ.
    fn with_origin(&self, snapshot: &Snapshot<'_>, stored: &StoredBatch, mismatch: Box<Mismatch>) -> Mismatch {
        let (first, unlocated) = match self.locate(snapshot, stored, &mismatch) {
            Ok(Some(first)) => (Some(first), None),
            Ok(None) => (None, Some("no L2 block of it differs".to_owned())),
            // The difference matters more than where it begins.
            Err(error) => (None, Some(error.to_string())),
        };
        Mismatch { first, unlocated, ..*mismatch }
    }

    /// The outer result is whether it could be verified, the inner one whether it is as stored.
    fn verify_stored(
        &self,
        snapshot: &Snapshot<'_>,
        stored: &StoredBatch,
        options: &VerifyOptions,
    ) -> EngineResult<Result<(), Box<Mismatch>>> {
        let mut state = CheckedState::new(snapshot, stored)?;
        let input = self.batch_input(stored)?;
        let recovery = |transactions: &[&L2Transaction]| {
            if options.recompute_root {
                return recover_senders(transactions, input.recovery_threads);
            }
            self.senders.of_batch(transactions)
        };
        let result = match execute_batch_with(&input, &mut state, &recovery) {
            Ok(result) => result,
            Err(error) => {
                if let Some(mismatch) = state.take_mismatch() {
                    return Ok(Err(mismatch));
                }
                return match error {
                    ExecutorError::State(_) | ExecutorError::Cancelled => Err(error.into()),
                    error => Ok(Err(Mismatch::of("execution", "a result", &error.to_string()))),
                };
            }
        };
        if let Some(mismatch) = state.take_mismatch() {
            return Ok(Err(mismatch));
        }
        let compared = compare::batch(stored, &result, self.levels_of(stored))
            .and_then(|()| compare::included(stored, &result, &input));
        let blocks = match compared {
            Ok(blocks) => blocks,
            Err(mismatch) => return Ok(Err(mismatch)),
        };
        for ((executed, included), block) in result.blocks.iter().zip(&blocks).zip(&stored.blocks) {
            if let Err(mismatch) = compare::block(snapshot, stored, block, executed, included)? {
                return Ok(Err(mismatch));
            }
        }
        state.compare_final_values()
    }

    /// Computes the roots of the batch's blocks from the nodes of the tree before it, instead of taking those that are stored.
    fn verify_root(&self, stored: &StoredBatch) -> EngineResult<Result<(), Box<Mismatch>>> {
        if stored.blocks.is_empty() {
            return Ok(Ok(()));
        }
        let witness = match self.batch_witness(stored.record.number, bundle::CHANGES_MAX) {
            Ok(witness) => witness,
            Err(error @ EngineError::Tree(_)) => {
                return Ok(Err(Mismatch::of("the tree before the batch", "the flat state", &error.to_string())));
            }
            // Where fewer states are kept than verification lags there is no such tree any more; the rest was compared.
            Err(error) if matches!(error.code(), "STATE_PRUNED" | "STATE_TOO_OLD") => return Ok(Ok(())),
            Err(error) => return Err(error),
        };
        let befores = witness.result.blocks.iter().skip(1).map(|block| block.previous_state_root);
        let computed: Vec<B256> = befores.chain([witness.result.new_state_root]).collect();
        let roots: Vec<B256> = stored.blocks.iter().map(|block| block.state_root).collect();
        Ok(same("the state roots of its blocks", &roots, &computed))
    }

    /// The levels that the batch was counted with, where they were the same for all its blocks.
    fn levels_of(&self, stored: &StoredBatch) -> Option<Levels> {
        let profile = self.config().fork.profile;
        let mut levels = stored.depths.iter().map(|depth| Levels::at_depth(profile, *depth));
        let first = Levels::at_depth(profile, stored.depth);
        levels.all(|other| other == first).then_some(first)
    }

    /// The batch as the executor takes it.
    fn batch_input(&self, stored: &StoredBatch) -> EngineResult<BatchInput> {
        let StoredBatch { record, data, blocks, parent, previous, .. } = stored;
        let fork = ForkId::try_from(record.fork_id).map_err(|_| EngineError::UnsupportedForkId(record.fork_id))?;
        let spec = ForkSpec::new(fork);
        let origin = from_l1(record, blocks.first());
        let leaves = blocks.iter().filter_map(|block| Some((u32::try_from(block.l1_info_index).ok()?, leaf_of(block))));
        Ok(BatchInput {
            spec,
            chain_id: self.config().chain_id,
            old_state_root: parent.state_root,
            old_acc_input_hash: previous.known_acc_input_hash().unwrap_or_default(),
            old_batch_number: BatchNumber(previous.number),
            batch_l2_data: data.clone(),
            l1_info_root: origin.global_exit_root,
            timestamp_limit: origin.timestamp,
            sequencer: record.coinbase,
            forced_block_hash_l1: origin.block_hash,
            is_injected: record.kind == BatchKind::Injected as u8,
            l1_info: L1InfoSource { leaves: leaves.filter(|(index, _)| *index != 0).collect(), skips_proofs: true },
            counts: true,
            limits: Some(spec.limits),
            depth_measure: Some(stored.depth),
            recovery_threads: 1,
            records_reads: false,
            cancel: CancelToken::default(),
        })
    }
}

/// What L1 gave a batch, as the executor takes it.
#[derive(Debug, Default)]
pub(crate) struct GivenByL1 {
    pub(crate) global_exit_root: B256,
    pub(crate) timestamp: u64,
    pub(crate) block_hash: B256,
}

/// Batches that came from L1 carry their L1 data themselves, also where no block shows them; `block` is their only one.
pub(crate) fn from_l1(record: &BatchRecord, block: Option<&BlockRecord>) -> GivenByL1 {
    if let Some(forced) = &record.forced {
        let ForcedOrigin { global_exit_root, timestamp, block_hash, .. } = *forced;
        return GivenByL1 { global_exit_root, timestamp, block_hash };
    }
    let block = block.filter(|_| record.kind != BatchKind::Sequenced as u8);
    let (global_exit_root, block_hash) =
        block.map_or((B256::ZERO, B256::ZERO), |block| (block.global_exit_root, block.l1_block_hash));
    GivenByL1 { global_exit_root, timestamp: record.timestamp, block_hash }
}

/// The L1 data that a block took. The sequencer took them as final: there is no proof with them.
fn leaf_of(block: &BlockRecord) -> ProvenL1InfoLeaf {
    let leaf = L1InfoLeaf { global_exit_root: block.global_exit_root, block_hash: block.l1_block_hash, timestamp: 0 };
    ProvenL1InfoLeaf { leaf, proof: Vec::new() }
}

/// Reads what the database has of a closed batch.
fn load(snapshot: &Snapshot<'_>, number: u64) -> EngineResult<StoredBatch> {
    let missing = |what: &str| DbError::corrupt(format!("{what} of batch {number} is missing"));
    let record = snapshot.batch(number)?.filter(BatchRecord::is_closed);
    let record = record.ok_or_else(|| EngineError::invalid_argument(format!("batch {number} is not closed")))?;
    let read = |number: u64| snapshot.block(number)?.ok_or_else(|| missing("a block"));
    let blocks = (0..record.block_count).map(|i| read(record.first_block + i)).collect::<Result<Vec<_>, _>>()?;
    let parent = read(record.first_block.saturating_sub(1))?;
    let previous = snapshot.batch(number.saturating_sub(1))?.ok_or_else(|| missing("the batch before"))?;
    let depth_after = |block: u64| {
        let changes = snapshot.change_set(block)?;
        Ok::<_, DbError>(u32::try_from(changes.tree_depth).unwrap_or(u32::MAX))
    };
    let befores = blocks.iter().map(|block| depth_after(block.number.saturating_sub(1)));
    let depths = befores.collect::<Result<Vec<_>, _>>()?;
    let depth = depth_after(parent.number)?;
    let data = Bytes::from(snapshot.batch_data(number)?);
    Ok(StoredBatch { record, data, blocks, parent, previous, depths, depth })
}
