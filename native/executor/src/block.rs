//! An open L2 block: opened once, given transactions one by one, sealed at the end.
//!
//! open (system writes) → execute, execute, … (each may be undone while it is the last) → seal (block
//! info tree, diff). The block owns everything it needs and can be kept across calls and threads.

use crate::cost::{CounterModel, Levels, Meter, Priced};
use crate::host::{BlockEnv, CancelToken, Host, mapping_slot, state_root_slot};
use crate::info_tree::{HeaderValues, InfoTree};
use crate::journal::Journal;
use crate::message::{self, Message};
use crate::outcome::{RecoveredTx, SealedBlock, TxOutcome, TxResult};
use crate::simulate::{Call, CallResult, run_and_undo};
use crate::tracer::Tracer;
use crate::{ExecutorError, StateReader};
use alloy_primitives::{Address, B256, U256};
use std::sync::Arc;
use zkevm_codec::L2Transaction;
use zkevm_primitives::{
    ForkSpec, GER_MANAGER_L2, GER_MANAGER_SLOT_GLOBAL_EXIT_ROOTS, L2BlockNumber, L2HashForm, Limits, RomError, SYSTEM,
    SYSTEM_SLOT_BLOCK_INFO_ROOT, SYSTEM_SLOT_BLOCK_NUMBER, SYSTEM_SLOT_TIMESTAMP,
};

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

/// An open L2 block over a state.
pub struct BlockExecutor<S> {
    host: Host<S>,
    params: BlockParams,
    model: CounterModel,
    number: u64,
    timestamp: u64,
    previous_timestamp: u64,
    cumulative_gas_used: u64,
    logs: u64,
    /// Counters of opening the block and of its transactions.
    counters: Priced,
    results: Vec<Arc<TxResult>>,
    l2_preimages: Vec<Vec<u8>>,
    /// Whether the last transaction can still be undone.
    can_roll_back: bool,
}

impl<S: StateReader> BlockExecutor<S> {
    /// Opens a block over `reader`: number, timestamp, the state root before it and its L1 data are
    /// written to the system contracts.
    ///
    /// # Errors
    /// [`OpenError::Invalid`] when the timestamp breaks a limit, otherwise when the state fails.
    pub fn open(reader: S, params: BlockParams) -> Result<Self, OpenError> {
        let mut journal = Journal::new(reader, params.records_reads);
        let number = number_at(&mut journal, SYSTEM_SLOT_BLOCK_NUMBER, "the block number")?;
        journal.write_slot(SYSTEM, state_root_slot(U256::from(number)), params.previous_state_root.into())?;
        let number = number.checked_add(1).ok_or(ExecutorError::NumberOverflow("the block number"))?;
        journal.write_slot(SYSTEM, U256::from(SYSTEM_SLOT_BLOCK_NUMBER), U256::from(number))?;

        let previous_timestamp = number_at(&mut journal, SYSTEM_SLOT_TIMESTAMP, "the timestamp")?;
        let timestamp = timestamp(params.time, previous_timestamp)?;
        journal.write_slot(SYSTEM, U256::from(SYSTEM_SLOT_TIMESTAMP), U256::from(timestamp))?;
        if let Some(info) = &params.l1_info {
            if timestamp < info.timestamp_min {
                return Err(OpenError::Invalid(RomError::InvalidTxChangeL2BlockMinTimestamp));
            }
            import(&mut journal, info)?;
        }
        let block = BlockEnv {
            number: U256::from(number),
            timestamp: U256::from(timestamp),
            coinbase: params.coinbase,
            gas_limit: U256::from(params.spec.block_gas_limit),
            difficulty: U256::ZERO,
            chain_id: params.chain_id,
        };
        let meter = Meter::new(params.spec.profile, params.counts);
        let model = CounterModel::new(params.spec.profile);
        Ok(Self {
            host: Host::new(journal, meter, params.spec, block),
            params,
            model,
            number,
            timestamp,
            previous_timestamp,
            cumulative_gas_used: 0,
            logs: 0,
            counters: model.decode_change_l2_block() + model.change_l2_block(params.l1_info.is_some()),
            results: Vec::new(),
            l2_preimages: Vec::new(),
            can_roll_back: false,
        })
    }

    /// Ends executions early from now on; a cancelled transaction leaves no trace.
    pub fn set_cancel(&mut self, cancel: CancelToken) {
        self.host.cancel = cancel;
    }

    /// Executes a transaction. With `remaining`, one that needs more counters is undone.
    ///
    /// # Errors
    /// When the state fails or the execution is cancelled; the block is then as before the call.
    pub fn execute(&mut self, tx: &RecoveredTx, remaining: Option<&Limits>) -> Result<TxOutcome, ExecutorError> {
        self.host.journal.begin_transaction();
        self.can_roll_back = false;
        self.host.limit = remaining.map(|limits| (*limits, self.params.levels.tx));
        let outcome = match self.execute_begun(tx, remaining) {
            Err(ExecutorError::CountersExceeded { counter, used }) => {
                Ok(TxOutcome::OutOfCounters { counter, used, reserved: used, gas_used: tx.tx.gas_limit })
            }
            outcome => outcome,
        };
        self.host.limit = None;
        if !matches!(outcome, Ok(TxOutcome::Executed(_))) {
            self.host.journal.rollback_transaction();
            self.host.meter.take();
        }
        outcome
    }

    fn execute_begun(
        &mut self,
        recovered: &RecoveredTx,
        remaining: Option<&Limits>,
    ) -> Result<TxOutcome, ExecutorError> {
        let tx = &recovered.tx;
        let gas_price = tx.effective_gas_price();
        let from = match self.check(recovered, gas_price)? {
            Ok(from) => from,
            Err(error) => return Ok(TxOutcome::Skipped(error)),
        };
        let message = Message {
            from,
            to: tx.to,
            value: tx.value,
            data: &tx.data,
            gas_limit: tx.gas_limit,
            intrinsic_gas: tx.intrinsic_gas(),
            gas_price,
        };
        let outcome = message::run(&mut self.host, &message)?;
        let execution = self.host.meter.take();
        let parsing = if self.params.counts {
            self.model.rlp_parsing(tx, recovered.bytes, recovered.recovery, false)
        } else {
            Priced::default()
        };
        let counters_used = (parsing + execution).at(self.params.levels.tx);
        let counters_reserved = (parsing + execution).at(self.params.levels.tx_reserved);
        if let Some(counter) = remaining.and_then(|limits| counters_used.first_exceeded(limits)) {
            return Ok(TxOutcome::OutOfCounters {
                counter,
                used: counters_used,
                reserved: counters_reserved,
                gas_used: outcome.gas_used,
            });
        }
        let reads = self.host.journal.take_reads();
        let writes = self.host.journal.present_values(&reads);
        let result = Arc::new(TxResult {
            from,
            succeeds: outcome.succeeds,
            rom_error: outcome.rom_error,
            gas_used: outcome.gas_used,
            gas_refunded: outcome.gas_refunded,
            cumulative_gas_used: self.cumulative_gas_used + outcome.gas_used,
            output: outcome.output,
            logs: self.host.journal.take_logs(),
            first_log_index: self.logs,
            index: self.results.len() as u64,
            created_address: outcome.created_address,
            effective_gas_price: gas_price,
            effective_percentage: tx.effective_percentage,
            parsing,
            execution,
            counters_used,
            counters_reserved,
            reads,
            writes,
        });
        self.cumulative_gas_used = result.cumulative_gas_used;
        self.logs += result.logs.len() as u64;
        self.counters += parsing + execution;
        self.l2_preimages.push(match self.params.spec.l2_hash_form {
            L2HashForm::FixedWidth => tx.l2_hash_preimage(from),
            L2HashForm::Shortest => tx.l2_hash_preimage_shortest(from),
        });
        self.results.push(Arc::clone(&result));
        self.can_roll_back = true;
        Ok(TxOutcome::Executed(result))
    }

    /// The ROM's checks in its order; gives the sender.
    fn check(&mut self, recovered: &RecoveredTx, gas_price: U256) -> Result<Result<Address, RomError>, ExecutorError> {
        let tx = &recovered.tx;
        let Some(from) = recovered.recovery.signer() else { return Ok(Err(RomError::IntrinsicInvalidSignature)) };
        let sender = self.host.journal.account(from)?.state();
        Ok(check_sender(tx, &sender, gas_price, &self.params).map(|()| from))
    }

    /// Undoes the last executed transaction; says whether there was one to undo. Only the last one
    /// can be undone, and only until the next is executed.
    pub fn rollback_last(&mut self) -> bool {
        if !core::mem::take(&mut self.can_roll_back) {
            return false;
        }
        let Some(result) = self.results.pop() else { return false };
        self.host.journal.rollback_transaction();
        self.l2_preimages.pop();
        self.cumulative_gas_used -= result.gas_used;
        self.logs -= result.logs.len() as u64;
        // Saturation cannot have happened: it would need 2^64 rows.
        let undone = result.parsing + result.execution;
        for (sum, row) in self.counters.rows.iter_mut().zip(undone.rows) {
            *sum -= row;
        }
        self.counters.levels -= undone.levels;
        true
    }

    /// Executes a call on top of the open block and undoes it. The last transaction cannot be undone
    /// after that.
    ///
    /// # Errors
    /// When the state fails or the call is cancelled.
    pub fn call(&mut self, call: &Call) -> Result<Result<CallResult, RomError>, ExecutorError> {
        self.can_roll_back = false;
        run_and_undo(&mut self.host, call, &self.params.levels)
    }

    /// Lets `tracer` look at what executes from now on.
    pub fn set_tracer(&mut self, tracer: Box<dyn Tracer>) {
        self.host.tracer = Some(tracer);
    }

    /// Takes the tracer back.
    pub fn take_tracer(&mut self) -> Option<Box<dyn Tracer>> {
        self.host.tracer.take()
    }

    /// Closes the block.
    ///
    /// # Errors
    /// When the state fails.
    pub fn seal(mut self) -> Result<SealedBlock, ExecutorError> {
        let info = self.params.l1_info;
        let (global_exit_root, l1_block_hash) =
            info.map_or((B256::ZERO, B256::ZERO), |info| (info.global_exit_root, info.l1_block_hash));
        let mut tree = InfoTree::default();
        tree.header(&HeaderValues {
            previous_state_root: self.params.previous_state_root,
            coinbase: self.params.coinbase.into_word().into(),
            number: self.host.block.number,
            gas_limit: self.host.block.gas_limit,
            timestamp: self.host.block.timestamp,
            global_exit_root,
            l1_block_hash,
            gas_used: U256::from(self.cumulative_gas_used),
        });
        for (index, preimage) in self.l2_preimages.into_iter().enumerate() {
            tree.l2_hash(index as u64, preimage);
        }
        for result in &self.results {
            tree.receipt(result.index, result.succeeds, result.cumulative_gas_used, result.effective_percentage);
            for (log_index, log) in (result.first_log_index..).zip(&result.logs) {
                tree.log(result.index, log_index, log);
            }
        }
        let (root, l2_hashes) = tree.finish();
        self.host.journal.write_slot(SYSTEM, U256::from(SYSTEM_SLOT_BLOCK_INFO_ROOT), root)?;
        Ok(SealedBlock {
            number: L2BlockNumber(self.number),
            timestamp: self.timestamp,
            delta_timestamp: self.timestamp - self.previous_timestamp,
            coinbase: self.params.coinbase,
            gas_limit: self.params.spec.block_gas_limit,
            previous_state_root: self.params.previous_state_root,
            global_exit_root,
            l1_block_hash,
            block_info_root: root.into(),
            gas_used: self.cumulative_gas_used,
            transactions: self.results.into_iter().map(Arc::unwrap_or_clone).collect(),
            l2_hashes,
            counters: self.counters.at(self.params.levels.tx),
            diff: self.host.journal.diff(),
        })
    }

    /// Number of the block.
    pub const fn number(&self) -> L2BlockNumber {
        L2BlockNumber(self.number)
    }

    /// Timestamp of the block in seconds.
    pub const fn timestamp(&self) -> u64 {
        self.timestamp
    }

    /// Seconds since the block before.
    pub const fn delta_timestamp(&self) -> u64 {
        self.timestamp - self.previous_timestamp
    }

    /// Gas used so far.
    pub const fn gas_used(&self) -> u64 {
        self.cumulative_gas_used
    }

    /// Counters of opening the block and of its transactions so far.
    pub fn counters(&self) -> zkevm_primitives::Counters {
        self.counters.at(self.params.levels.tx)
    }

    /// What the block was opened with.
    pub const fn params(&self) -> &BlockParams {
        &self.params
    }

    /// Transactions executed so far.
    pub fn results(&self) -> &[Arc<TxResult>] {
        &self.results
    }

    /// An account as the open block has it.
    ///
    /// # Errors
    /// When the state fails.
    pub fn account(&mut self, address: Address) -> Result<crate::AccountState, crate::StateError> {
        Ok(self.host.journal.account(address)?.state())
    }

    /// A slot as the open block has it.
    ///
    /// # Errors
    /// When the state fails.
    pub fn storage(&mut self, address: Address, slot: U256) -> Result<U256, crate::StateError> {
        self.host.journal.read_slot(address, slot)
    }

    /// Accounts that the last transaction changed at any time, some of them more than once; none after it was
    /// undone.
    pub fn last_changed_accounts(&self) -> impl Iterator<Item = Address> + '_ {
        self.host.journal.changed_accounts()
    }

    /// The code of a hash that the block deployed or the state knows.
    ///
    /// # Errors
    /// When the state fails.
    pub fn code(&self, hash: &B256) -> Result<alloy_primitives::Bytes, crate::StateError> {
        self.host.journal.code(hash)
    }

    /// What the block has changed so far, without the block info root.
    pub fn diff(&self) -> crate::StateDiff {
        self.host.journal.diff()
    }
}

/// Checks 2 to 8 of the ROM.
fn check_sender(
    tx: &L2Transaction,
    sender: &crate::AccountState,
    gas_price: U256,
    params: &BlockParams,
) -> Result<(), RomError> {
    if sender.code_length != 0 {
        return Err(RomError::IntrinsicInvalidSenderCode);
    }
    if tx.chain_id.is_some_and(|chain_id| chain_id != params.chain_id) {
        return Err(RomError::IntrinsicInvalidChainId);
    }
    // A sender at the highest nonce could not be given the next one.
    if tx.nonce != sender.nonce || tx.nonce == u64::MAX {
        return Err(RomError::IntrinsicInvalidNonce);
    }
    if tx.gas_limit > params.spec.tx_gas_limit {
        return Err(RomError::IntrinsicInvalidBatchGasLimit);
    }
    if tx.gas_limit < tx.intrinsic_gas() {
        return Err(RomError::IntrinsicInvalidGasLimit);
    }
    let purchase = gas_price.checked_mul(U256::from(tx.gas_limit)).ok_or(RomError::IntrinsicTxGasOverflow)?;
    match purchase.checked_add(tx.value) {
        Some(cost) if cost <= sender.balance => Ok(()),
        _ => Err(RomError::IntrinsicInvalidBalance),
    }
}

fn number_at<S: StateReader>(journal: &mut Journal<S>, slot: u64, what: &'static str) -> Result<u64, ExecutorError> {
    u64::try_from(journal.read_slot(SYSTEM, U256::from(slot))?).map_err(|_| ExecutorError::NumberOverflow(what))
}

fn timestamp(time: BlockTime, previous: u64) -> Result<u64, OpenError> {
    match time {
        BlockTime::At(at) => Ok(previous.max(at)),
        BlockTime::Delta { seconds, limit } => previous
            .checked_add(u64::from(seconds))
            .filter(|&timestamp| timestamp <= limit)
            .ok_or(OpenError::Invalid(RomError::InvalidTxChangeL2BlockLimitTimestamp)),
    }
}

/// Writes the L1 block hash of a global exit root that is not known yet.
fn import<S: StateReader>(journal: &mut Journal<S>, info: &L1Info) -> Result<(), crate::StateError> {
    if info.global_exit_root.is_zero() {
        return Ok(());
    }
    let slot = mapping_slot(info.global_exit_root, GER_MANAGER_SLOT_GLOBAL_EXIT_ROOTS);
    if journal.read_slot(GER_MANAGER_L2, slot)?.is_zero() {
        journal.write_slot(GER_MANAGER_L2, slot, info.l1_block_hash.into())?;
    }
    Ok(())
}
