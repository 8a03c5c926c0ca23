//! An open L2 block: opened once, given transactions one by one, sealed at the end.
//!
//! open (system writes) → execute, execute, … (each may be undone while it is the last) → seal (block
//! info tree, diff). The block owns everything it needs and can be kept across calls and threads.

use crate::cost::{CounterModel, Meter, Priced};
use crate::host::{BlockEnv, CancelToken, Host, state_root_slot};
use crate::info_tree::{HeaderValues, InfoTree};
use crate::journal::Journal;
use crate::message::{self, Message, MessageOutcome};
use crate::outcome::{RecoveredTx, SealedBlock, TxOutcome, TxResult};
use crate::simulate::{Call, CallResult, run_and_undo};
use crate::tracer::Tracer;
use crate::{ExecutorError, StateReader};
use alloy_primitives::{Address, B256, U256};
use open::{import, number_at, timestamp};
use std::sync::Arc;
use zkevm_primitives::{
    Counters, L2BlockNumber, L2HashForm, Limits, RomError, SYSTEM, SYSTEM_SLOT_BLOCK_INFO_ROOT,
    SYSTEM_SLOT_BLOCK_NUMBER, SYSTEM_SLOT_TIMESTAMP,
};

mod open;
mod reprice;
mod take_over;

pub use open::{BlockParams, BlockTime, L1Info, OpenError};

/// What a transaction costs, by its parts and for this block's levels.
struct Price {
    parsing: Priced,
    execution: Priced,
    used: Counters,
    reserved: Counters,
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
        let shows_price = self.host.seen().shows_price();
        let price = self.price(recovered, execution);
        if let Some(counter) = remaining.and_then(|limits| price.used.first_exceeded(limits)) {
            return Ok(TxOutcome::OutOfCounters {
                counter,
                used: price.used,
                reserved: price.reserved,
                gas_used: outcome.gas_used,
            });
        }
        Ok(TxOutcome::Executed(self.include(recovered, from, (outcome, shows_price), &price)))
    }

    /// What a transaction costs altogether.
    fn price(&self, recovered: &RecoveredTx, execution: Priced) -> Price {
        let parsing = if self.params.counts {
            self.model.rlp_parsing(&recovered.tx, recovered.bytes, recovered.recovery, false)
        } else {
            Priced::default()
        };
        let all = parsing + execution;
        let levels = &self.params.levels;
        Price { parsing, execution, used: all.at(levels.tx), reserved: all.at(levels.tx_reserved) }
    }

    /// Gives a transaction that has run its place in the block.
    fn include(
        &mut self,
        recovered: &RecoveredTx,
        from: Address,
        (outcome, shows_price): (MessageOutcome, bool),
        price: &Price,
    ) -> Arc<TxResult> {
        let tx = &recovered.tx;
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
            effective_gas_price: tx.effective_gas_price(),
            effective_percentage: tx.effective_percentage,
            shows_price,
            parsing: price.parsing,
            execution: price.execution,
            counters_used: price.used,
            counters_reserved: price.reserved,
            reads,
            writes,
        });
        self.cumulative_gas_used = result.cumulative_gas_used;
        self.logs += result.logs.len() as u64;
        self.counters += price.parsing + price.execution;
        self.l2_preimages.push(match self.params.spec.l2_hash_form {
            L2HashForm::FixedWidth => tx.l2_hash_preimage(from),
            L2HashForm::Shortest => tx.l2_hash_preimage_shortest(from),
        });
        self.results.push(Arc::clone(&result));
        self.can_roll_back = true;
        result
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
    pub fn counters(&self) -> Counters {
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

    /// An account before the block and now; nothing when the block has not looked at it.
    pub fn account_change(&self, address: &Address) -> Option<(crate::AccountState, crate::AccountState)> {
        self.host.journal.account_change(address)
    }

    /// What the block has changed so far, without the block info root.
    pub fn diff(&self) -> crate::StateDiff {
        self.host.journal.diff()
    }
}
