//! What transactions and blocks come to.

use crate::cost::Priced;
use crate::{StateDiff, StateRead};
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use std::sync::Arc;
use zkevm_codec::{L2Transaction, Recovery};
use zkevm_primitives::{Counter, Counters, L2BlockNumber, RomError};

/// A transaction with what recovering its sender gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredTx {
    /// The transaction.
    pub tx: L2Transaction,
    /// The sender, or why there is none.
    pub recovery: Recovery,
    /// Bytes it takes in batchL2Data.
    pub bytes: usize,
}

impl RecoveredTx {
    /// Recovers the sender.
    #[must_use]
    pub fn recover(tx: L2Transaction) -> Self {
        let recovery = tx.recover();
        Self::with_recovery(tx, recovery)
    }

    /// A transaction whose sender was recovered elsewhere.
    #[must_use]
    pub fn with_recovery(tx: L2Transaction, recovery: Recovery) -> Self {
        let bytes = tx.batch_form_bytes();
        Self { tx, recovery, bytes }
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxOutcome {
    /// It is in the block, whether it succeeded or not.
    Executed(Arc<TxResult>),
    /// It is not valid now: the state is as before it.
    Skipped(RomError),
    /// It does not fit in what remains: the state is as before it.
    OutOfCounters {
        /// The first counter that does not suffice.
        counter: Counter,
        /// What the transaction needs; where it was stopped early, what it had used until then.
        used: Counters,
        /// What should be reserved for it.
        reserved: Counters,
        /// Gas it would use; where it was stopped early, its gas limit.
        gas_used: u64,
    },
}

/// An executed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxResult {
    /// Sender.
    pub from: Address,
    /// Whether it succeeded.
    pub succeeds: bool,
    /// Why it did not.
    pub rom_error: Option<RomError>,
    /// Gas it paid for.
    pub gas_used: u64,
    /// Gas refunded for cleared storage; not in [`Self::gas_used`].
    pub gas_refunded: u64,
    /// Gas used in the block up to and with this transaction.
    pub cumulative_gas_used: u64,
    /// Return data, or revert data.
    pub output: Bytes,
    /// Logs in the order of emission.
    pub logs: Vec<Log>,
    /// Index in the block of the first log.
    pub first_log_index: u64,
    /// Index of the transaction in the block.
    pub index: u64,
    /// The contract it created.
    pub created_address: Option<Address>,
    /// The price it paid per gas.
    pub effective_gas_price: U256,
    /// The percentage that gave the price.
    pub effective_percentage: u8,
    /// Whether it could tell its price (GASPRICE or BALANCE ran, wherever): at another one it may do something else.
    pub shows_price: bool,
    /// Counters of decoding it and recovering its sender.
    pub parsing: Priced,
    /// Counters of executing it.
    pub execution: Priced,
    /// All its counters.
    pub counters_used: Counters,
    /// Its counters should the state tree grow deeper before the batch is proved.
    pub counters_reserved: Counters,
    /// Everything it read of the state, with the values before it. Empty unless asked for.
    pub reads: Vec<StateRead>,
    /// What it changed of that, with the values after it. Empty unless asked for.
    pub writes: Vec<StateRead>,
}

/// A closed L2 block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBlock {
    /// Number.
    pub number: L2BlockNumber,
    /// Timestamp in seconds.
    pub timestamp: u64,
    /// Seconds since the block before, as changeL2Block encodes it.
    pub delta_timestamp: u64,
    /// Coinbase.
    pub coinbase: Address,
    /// Gas limit that the block reports.
    pub gas_limit: u64,
    /// State root before the block.
    pub previous_state_root: B256,
    /// Global exit root it imports, or zero.
    pub global_exit_root: B256,
    /// L1 block hash of that, or zero.
    pub l1_block_hash: B256,
    /// Root of the block info tree.
    pub block_info_root: B256,
    /// Gas of all its transactions.
    pub gas_used: u64,
    /// Its transactions.
    pub transactions: Vec<TxResult>,
    /// L2 hashes of its transactions.
    pub l2_hashes: Vec<B256>,
    /// Counters of opening it and of its transactions.
    pub counters: Counters,
    /// What it changes of the state.
    pub diff: StateDiff,
}
