//! Opening a block: its parameters, and what is written to the system contracts.

use crate::cost::Levels;
use crate::host::mapping_slot;
use crate::journal::Journal;
use crate::{ExecutorError, StateReader};
use alloy_primitives::{Address, B256, U256};
use zkevm_primitives::{ForkSpec, GER_MANAGER_L2, GER_MANAGER_SLOT_GLOBAL_EXIT_ROOTS, RomError, SYSTEM};

/// Where a block's timestamp comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockTime {
    /// So many seconds after the block before, at most `limit`.
    Delta {
        /// Seconds.
        seconds: u32,
        /// Highest timestamp.
        limit: u64,
    },
    /// This time, or that of the block before when it is later. Forced batches and sequencers use it.
    At(u64),
}

/// The L1 data a block imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct L1Info {
    /// Global exit root.
    pub global_exit_root: B256,
    /// Hash of the L1 block before the root's.
    pub l1_block_hash: B256,
    /// The block may not be earlier than this; 0 for forced batches.
    pub timestamp_min: u64,
}

/// What a block is opened with.
#[derive(Clone, Copy, Debug)]
pub struct BlockParams {
    /// Rules.
    pub spec: ForkSpec,
    /// Chain.
    pub chain_id: u64,
    /// Coinbase, which gets the fees.
    pub coinbase: Address,
    /// State root before the block.
    pub previous_state_root: B256,
    /// Timestamp.
    pub time: BlockTime,
    /// L1 data, when the block imports some.
    pub l1_info: Option<L1Info>,
    /// Level numbers for the counters.
    pub levels: Levels,
    /// Whether virtual counters are counted.
    pub counts: bool,
    /// Whether results hold what transactions read and wrote.
    pub records_reads: bool,
}

/// Why a block could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The batch is invalid.
    #[error("the batch is invalid: {0}")]
    Invalid(RomError),
    /// Opening failed.
    #[error(transparent)]
    Failed(#[from] ExecutorError),
}

impl From<crate::StateError> for OpenError {
    fn from(error: crate::StateError) -> Self {
        Self::Failed(error.into())
    }
}

pub(super) fn number_at<S: StateReader>(
    journal: &mut Journal<S>,
    slot: u64,
    what: &'static str,
) -> Result<u64, ExecutorError> {
    u64::try_from(journal.read_slot(SYSTEM, U256::from(slot))?).map_err(|_| ExecutorError::NumberOverflow(what))
}

pub(super) fn timestamp(time: BlockTime, previous: u64) -> Result<u64, OpenError> {
    match time {
        BlockTime::At(at) => Ok(previous.max(at)),
        BlockTime::Delta { seconds, limit } => previous
            .checked_add(u64::from(seconds))
            .filter(|&timestamp| timestamp <= limit)
            .ok_or(OpenError::Invalid(RomError::InvalidTxChangeL2BlockLimitTimestamp)),
    }
}

/// Writes the L1 block hash of a global exit root that is not known yet.
pub(super) fn import<S: StateReader>(journal: &mut Journal<S>, info: &L1Info) -> Result<(), crate::StateError> {
    if info.global_exit_root.is_zero() {
        return Ok(());
    }
    let slot = mapping_slot(info.global_exit_root, GER_MANAGER_SLOT_GLOBAL_EXIT_ROOTS);
    if journal.read_slot(GER_MANAGER_L2, slot)?.is_zero() {
        journal.write_slot(GER_MANAGER_L2, slot, info.l1_block_hash.into())?;
    }
    Ok(())
}
