//! Whole batches, exactly as the ROM executes them.

use crate::block::{BlockExecutor, BlockParams, BlockTime, L1Info, OpenError};
use crate::cost::{CounterModel, Levels};
use crate::hashes::acc_input_hash;
use crate::l1_info::L1InfoSource;
use crate::outcome::{RecoveredTx, SealedBlock, TxOutcome};
use crate::{BatchState, CancelToken, ExecutorError};
use alloy_primitives::{Address, B256, Bytes, U256};
use core::ops::Range;
use zkevm_codec::{BatchItem, ChangeL2Block, DecodedItem, L2Transaction, Recovery, decode_batch, recover_senders};
use zkevm_primitives::{
    BatchNumber, Counters, ForkSpec, GER_MANAGER_L2, GER_MANAGER_SLOT_LOCAL_EXIT_ROOT, Limits, RomError,
};

/// A batch as L1 defines it, and how to execute it.
#[derive(Clone, Debug)]
pub struct BatchInput {
    /// Rules.
    pub spec: ForkSpec,
    /// Chain.
    pub chain_id: u64,
    /// State root before the batch.
    pub old_state_root: B256,
    /// Accumulated input hash before the batch.
    pub old_acc_input_hash: B256,
    /// Number of the batch before.
    pub old_batch_number: BatchNumber,
    /// The batch.
    pub batch_l2_data: Bytes,
    /// Root of the L1 info tree; the global exit root itself for a forced batch.
    pub l1_info_root: B256,
    /// Highest timestamp; the timestamp itself for a forced batch.
    pub timestamp_limit: u64,
    /// Coinbase.
    pub sequencer: Address,
    /// Zero, or the L1 block hash of a forced batch.
    pub forced_block_hash_l1: B256,
    /// Execute as a forced batch whatever the L1 block hash is: for the injected first batch of a chain that started
    /// without L1, which has none.
    pub is_injected: bool,
    /// L1 data the batch refers to.
    pub l1_info: L1InfoSource,
    /// Count virtual counters.
    pub counts: bool,
    /// Make the batch invalid when it uses more virtual counters than this.
    pub limits: Option<Limits>,
    /// The depth measure to use instead of the state's.
    pub depth_measure: Option<u32>,
    /// Threads for recovering senders.
    pub recovery_threads: usize,
    /// Keep what transactions read and wrote.
    pub records_reads: bool,
    /// When to give up.
    pub cancel: CancelToken,
}

impl BatchInput {
    /// Accumulated input hash after the batch.
    #[must_use]
    pub fn acc_input_hash(&self) -> B256 {
        acc_input_hash(
            &self.old_acc_input_hash,
            &self.batch_l2_data,
            &self.l1_info_root,
            self.timestamp_limit,
            &self.sequencer,
            &self.forced_block_hash_l1,
        )
    }
}

/// What became of an entry of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedTx {
    /// Index of the entry in the batch.
    pub entry: usize,
    /// Its bytes in batchL2Data.
    pub range: Range<usize>,
    /// Why it was skipped.
    pub error: RomError,
}

/// What a batch came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchResult {
    /// State root after the batch; the old one when it is invalid.
    pub new_state_root: B256,
    /// Accumulated input hash after the batch.
    pub new_acc_input_hash: B256,
    /// Local exit root in the new state.
    pub new_local_exit_root: B256,
    /// Number of this batch.
    pub new_batch_number: BatchNumber,
    /// Why the batch is invalid.
    pub invalid: Option<RomError>,
    /// Virtual counters, zero unless counted.
    pub counters: Counters,
    /// The blocks; none when the batch is invalid.
    pub blocks: Vec<SealedBlock>,
    /// Transactions that were skipped.
    pub skipped: Vec<SkippedTx>,
}

/// Executes a batch and writes its blocks to `state`. An invalid batch changes nothing if `state` can
/// still be taken back: it is executed in full before it is known to be invalid, so callers that keep
/// `state` must check [`BatchResult::invalid`] and discard what was applied.
///
/// # Errors
/// When the state fails, an L1 info proof is wrong, or the execution is cancelled.
pub fn execute_batch<S: BatchState>(input: &BatchInput, state: &mut S) -> Result<BatchResult, ExecutorError> {
    execute_batch_with(input, state, &|transactions| recover_senders(transactions, input.recovery_threads))
}

/// Recovers the senders of transactions, in their order.
pub type SenderRecovery<'a> = &'a dyn Fn(&[&L2Transaction]) -> Vec<Recovery>;

/// As [`execute_batch`] for a caller that may know senders already.
///
/// # Errors
/// As [`execute_batch`].
pub fn execute_batch_with<S: BatchState>(
    input: &BatchInput,
    state: &mut S,
    recovery: SenderRecovery<'_>,
) -> Result<BatchResult, ExecutorError> {
    if state.root() != input.old_state_root {
        return Err(ExecutorError::WrongOldStateRoot { expected: input.old_state_root, actual: state.root() });
    }
    let old_local_exit_root = local_exit_root(state)?;
    let mut run = BatchRun::new(input, state, recovery);
    let invalid = match run.execute() {
        Ok(()) => None,
        Err(Stop::Invalid(error)) => Some(error),
        Err(Stop::Failed(error)) => return Err(error),
    };
    let (counters, blocks, skipped) = (run.counters, run.blocks, run.skipped);
    let (new_state_root, new_local_exit_root, blocks) = match invalid {
        Some(_) => (input.old_state_root, old_local_exit_root, Vec::new()),
        None => (state.root(), local_exit_root(state)?, blocks),
    };
    Ok(BatchResult {
        new_state_root,
        new_acc_input_hash: input.acc_input_hash(),
        new_local_exit_root,
        new_batch_number: input.old_batch_number.next(),
        invalid,
        counters,
        blocks,
        skipped,
    })
}

fn local_exit_root(state: &impl BatchState) -> Result<B256, ExecutorError> {
    Ok(state.storage(&GER_MANAGER_L2, &U256::from(GER_MANAGER_SLOT_LOCAL_EXIT_ROOT))?.into())
}

/// Why a batch stopped early.
enum Stop {
    Invalid(RomError),
    Failed(ExecutorError),
}

impl<E: Into<ExecutorError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// A batch in execution.
struct BatchRun<'a, S> {
    input: &'a BatchInput,
    state: &'a mut S,
    recovery: SenderRecovery<'a>,
    model: CounterModel,
    levels: Levels,
    counters: Counters,
    blocks: Vec<SealedBlock>,
    skipped: Vec<SkippedTx>,
}

/// A block's entry and transactions, as entries of the batch.
struct BlockItems {
    opens: Option<ChangeL2Block>,
    transactions: Vec<(usize, Range<usize>, RecoveredTx)>,
}

impl<'a, S: BatchState> BatchRun<'a, S> {
    fn new(input: &'a BatchInput, state: &'a mut S, recovery: SenderRecovery<'a>) -> Self {
        let depth = input.depth_measure.unwrap_or_else(|| state.depth_measure());
        Self {
            input,
            state,
            recovery,
            model: CounterModel::new(input.spec.profile),
            levels: Levels::at_depth(input.spec.profile, depth),
            counters: Counters::ZERO,
            blocks: Vec::new(),
            skipped: Vec::new(),
        }
    }

    fn is_forced(&self) -> bool {
        self.input.is_injected || !self.input.forced_block_hash_l1.is_zero()
    }

    fn count(&mut self, counters: Counters) -> Result<(), Stop> {
        if self.input.counts {
            self.counters += counters;
        }
        self.out_of_counters(Counters::ZERO).map_or(Ok(()), |error| Err(Stop::Invalid(error)))
    }

    /// Whether the batch has used more than it may, with `more` on top where counters are counted.
    fn out_of_counters(&self, more: Counters) -> Option<RomError> {
        let limits = self.input.limits?;
        let used = if self.input.counts { self.counters + more } else { self.counters };
        used.first_exceeded(&limits).map(RomError::out_of_counters)
    }

    fn execute(&mut self) -> Result<(), Stop> {
        let blocks = self.decode()?;
        for block in blocks {
            self.execute_block(block)?;
        }
        Ok(())
    }

    /// Decodes the batch, recovers the senders and counts both.
    fn decode(&mut self) -> Result<Vec<BlockItems>, Stop> {
        let data = &self.input.batch_l2_data;
        let items = match decode_batch(data) {
            Ok(items) => items,
            Err(failure) => {
                let misplaced = self.misplaced(&failure.before);
                return Err(Stop::Invalid(misplaced.map_or(RomError::InvalidRlp, |(_, error)| error)));
            }
        };
        self.count(self.model.batch(data.len(), &self.levels))?;
        let misplaced = self.misplaced(&items);
        let executable = match misplaced {
            // What stands before a changeL2Block of a forced batch is still decoded and counted.
            Some((at, RomError::InvalidDecodeChangeL2Block)) => at,
            _ => items.len(),
        };
        let blocks = self.recover(&items[..executable])?;
        match misplaced {
            Some((_, error)) => Err(Stop::Invalid(error)),
            None => Ok(blocks),
        }
    }

    /// The first entry that may not stand where it does.
    fn misplaced(&self, items: &[DecodedItem]) -> Option<(usize, RomError)> {
        let is_block = |item: &DecodedItem| matches!(item.item, BatchItem::ChangeL2Block(_));
        if self.is_forced() {
            items.iter().position(is_block).map(|at| (at, RomError::InvalidDecodeChangeL2Block))
        } else {
            items.first().filter(|item| !is_block(item)).map(|_| (0, RomError::InvalidNotFirstTxChangeL2Block))
        }
    }

    /// Recovers the senders of the entries and groups these by block.
    fn recover(&mut self, items: &[DecodedItem]) -> Result<Vec<BlockItems>, Stop> {
        let transactions: Vec<_> = items
            .iter()
            .filter_map(|item| match &item.item {
                BatchItem::Transaction(tx) => Some(&**tx),
                BatchItem::ChangeL2Block(_) => None,
            })
            .collect();
        let mut recoveries = (self.recovery)(&transactions).into_iter();
        let mut blocks = Vec::new();
        if self.is_forced() && !self.input.batch_l2_data.is_empty() {
            blocks.push(BlockItems { opens: None, transactions: Vec::new() });
        }
        for (entry, DecodedItem { item, range }) in items.iter().enumerate() {
            match item {
                BatchItem::ChangeL2Block(opens) => {
                    self.count(self.model.decode_change_l2_block().at(self.levels.tx))?;
                    blocks.push(BlockItems { opens: Some(*opens), transactions: Vec::new() });
                }
                BatchItem::Transaction(tx) => {
                    let recovery = recoveries.next().unwrap_or(Recovery::OutOfRange);
                    let is_rejected = recovery.signer().is_none()
                        || tx.chain_id.is_some_and(|chain_id| chain_id != self.input.chain_id);
                    let parsing = self.model.rlp_parsing(tx, range.len(), recovery, is_rejected);
                    self.count(parsing.at(self.levels.tx))?;
                    let recovered = RecoveredTx { tx: (**tx).clone(), recovery, bytes: range.len() };
                    if let Some(block) = blocks.last_mut() {
                        block.transactions.push((entry, range.clone(), recovered));
                    }
                }
            }
        }
        Ok(blocks)
    }

    /// The L1 data a block imports, and what is wrong with them.
    fn l1_info(&self, opens: Option<ChangeL2Block>) -> Result<Option<L1Info>, Stop> {
        let Some(opens) = opens else {
            return Ok(Some(L1Info {
                global_exit_root: self.input.l1_info_root,
                l1_block_hash: self.input.forced_block_hash_l1,
                timestamp_min: 0,
            }));
        };
        if opens.index_l1_info_tree == 0 {
            return Ok(None);
        }
        let leaf = self.input.l1_info.leaf(opens.index_l1_info_tree, &self.input.l1_info_root)?;
        Ok(Some(L1Info {
            global_exit_root: leaf.global_exit_root,
            l1_block_hash: leaf.block_hash,
            timestamp_min: leaf.timestamp,
        }))
    }

    fn execute_block(&mut self, items: BlockItems) -> Result<(), Stop> {
        let verifies = items.opens.is_none_or(|opens| opens.index_l1_info_tree != 0);
        self.count(self.model.change_l2_block(verifies).at(self.levels.tx))?;
        let l1_info = self.l1_info(items.opens)?;
        let is_empty_leaf = l1_info.is_some_and(|info| {
            items.opens.is_some()
                && info.global_exit_root.is_zero()
                && info.l1_block_hash.is_zero()
                && info.timestamp_min == 0
        });
        let time = match items.opens {
            Some(opens) => BlockTime::Delta { seconds: opens.delta_timestamp, limit: self.input.timestamp_limit },
            None => BlockTime::At(self.input.timestamp_limit),
        };
        let params = BlockParams {
            spec: self.input.spec,
            chain_id: self.input.chain_id,
            coinbase: self.input.sequencer,
            previous_state_root: self.state.root(),
            time,
            l1_info,
            levels: self.levels,
            counts: self.input.counts,
            records_reads: self.input.records_reads,
        };
        let sealed = {
            let mut block = match BlockExecutor::open(&*self.state, params) {
                Ok(block) => block,
                Err(OpenError::Invalid(error)) => return Err(Stop::Invalid(error)),
                Err(OpenError::Failed(error)) => return Err(Stop::Failed(error)),
            };
            if is_empty_leaf && self.input.spec.zero_l1_leaf_is_invalid {
                return Err(Stop::Invalid(RomError::InvalidL1InfoTreeIndex));
            }
            block.set_cancel(self.input.cancel.clone());
            let mut executed = Counters::ZERO;
            let mut skipped = Vec::new();
            for (entry, range, recovered) in items.transactions {
                match block.execute(&recovered, None)? {
                    TxOutcome::Executed(result) => {
                        executed += result.execution.at(self.levels.tx);
                        // What follows cannot make it valid again, and might be long.
                        if let Some(error) = self.out_of_counters(executed) {
                            if self.input.counts {
                                self.counters += executed;
                            }
                            return Err(Stop::Invalid(error));
                        }
                    }
                    TxOutcome::Skipped(error) => skipped.push(SkippedTx { entry, range, error }),
                    TxOutcome::OutOfCounters { .. } => {
                        return Err(Stop::Failed(ExecutorError::Internal("counters ran out without a limit")));
                    }
                }
            }
            let sealed = block.seal()?;
            self.skipped.extend(skipped);
            self.count(executed)?;
            sealed
        };
        let root = self.state.apply_block(&sealed.diff)?;
        debug_assert_eq!(root, self.state.root());
        self.blocks.push(sealed);
        Ok(())
    }
}
