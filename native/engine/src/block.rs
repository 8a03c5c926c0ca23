//! The open L2 block: opening it, executing slices of transactions on it ([`crate::slice`]), giving it up. Sealing is in [`crate::seal`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::time::Instant;

use alloy_primitives::map::HashSet;
use alloy_primitives::{Address, B256, Bytes};
use zkevm_codec::{BatchEncoder, ChangeL2Block, L2Transaction, Recovery};
use zkevm_executor::{
    BlockExecutor, BlockParams, BlockTime, CounterModel, L1Info, Levels, OpenError, RecoveredTx, TxOutcome,
};
use zkevm_primitives::Counters;
use zkevm_state_db::records::{AccountRecord, HeadRecord};

use crate::commit::record_of;
use crate::effective_gas_price::Repricing;
use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};
use crate::layout::{
    OUTCOME_HEADER_BYTES, OUTCOME_ROW_BYTES, RESOURCE_BYTES, Resources, Row, TOUCHED_ROW_BYTES, VERSION,
};
use crate::reader::HeadReader;
use crate::slice::{Attempt, RESULT_INTERNAL_ERROR, SliceItem, SliceRun};

/// Public number of "no error"; [`zkevm_primitives::RomError`] has the errors only.
pub(crate) const ROM_NO_ERROR: u8 = 1;

/// How to open an L2 block.
#[derive(Debug, Clone)]
pub struct OpenBlockRequest {
    /// Unix seconds; raised to the previous timestamp when lower.
    pub timestamp: u64,
    /// Unix ms of the opening.
    pub now_ms: u64,
    /// Leaf of the L1 info tree, 0 = none.
    pub l1_info_tree_index: u32,
    /// Global exit root of that leaf.
    pub global_exit_root: B256,
    /// L1 block hash of that leaf.
    pub l1_block_hash: B256,
}

/// A slice of transactions to execute.
#[derive(Debug)]
pub struct ExecuteRequest<'a> {
    /// sender 20, effective percentage 1, signed RLP.
    pub transactions: Vec<&'a [u8]>,
    /// What is left in the batch.
    pub remaining: Resources,
    /// High-reserved slack so far.
    pub high: Resources,
    /// Stop after so many that did not fit.
    pub max_misfits: u32,
    /// Stop after so much time; 0 = no limit.
    pub budget_nanos: u64,
    /// How transactions are priced again once their gas is known; without it each keeps its percentage.
    pub repricing: Option<Repricing>,
    /// For each transaction whether it is left out where it fails, as it pays nothing; what is not there may fail.
    pub must_succeed: Vec<bool>,
}

/// A transaction of the open L2 block.
#[derive(Debug, Clone)]
pub struct Included {
    /// Signed RLP.
    pub raw: Bytes,
    /// Its keccak.
    pub hash: B256,
    /// Sender.
    pub sender: Address,
    /// Effective percentage.
    pub effective_percentage: u8,
    /// Counters used, batch keccaks included.
    pub counters: Counters,
}

/// The open L2 block.
pub struct OpenBlock {
    pub(crate) executor: BlockExecutor<HeadReader>,
    pub(crate) opened_at_ms: u64,
    pub(crate) start: OpenBlockRequest,
    /// Encoded bytes of the block.
    pub(crate) data: BatchEncoder,
    pub(crate) included: Vec<Included>,
    /// Used by the block, and the high-reserved slack of its items.
    pub(crate) used: Resources,
    pub(crate) high: Resources,
    /// Bytes of the batch, this block included.
    batch_bytes: usize,
    model: CounterModel,
    levels: Levels,
}

impl OpenBlock {
    /// What more bytes of batchL2Data cost: the keccaks of the batch hash.
    pub(crate) fn batch_growth(&self, bytes: usize) -> Counters {
        let before = self.model.batch(self.batch_bytes, &self.levels);
        self.model.batch(self.batch_bytes + bytes, &self.levels).saturating_sub(&before)
    }

    pub(crate) fn account(&mut self, used: &Resources, reserved: &Resources) {
        self.used.add(used);
        self.high.raise_high(used, reserved);
        self.batch_bytes += used.0[RESOURCE_BYTES] as usize;
    }
}

impl Engine {
    /// Opens the next L2 block on the newest sealed one, durable or not. Answers one outcome row for the changeL2Block.
    ///
    /// # Errors
    /// [`EngineError::WrongState`] when a block is open, [`EngineError::Executor`].
    pub fn open_block(&self, request: &OpenBlockRequest) -> EngineResult<Vec<u8>> {
        let mut slot = self.lock_open();
        if slot.is_some() {
            return Err(EngineError::WrongState("an L2 block is open already"));
        }
        let chain = self.sealed_chain();
        let l1_info = (request.l1_info_tree_index != 0).then_some(L1Info {
            global_exit_root: request.global_exit_root,
            l1_block_hash: request.l1_block_hash,
            timestamp_min: 0,
        });
        let params = self.block_params(&chain.head, self.config().sequencer, request.timestamp, l1_info);
        let mut open =
            OpenBlock::open(self.head_reader(), &params, request, chain.batch.used[RESOURCE_BYTES] as usize)?;
        let row = open.start_row();
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) =
            (open.executor.number().0, open.executor.timestamp());
        *slot = Some(open);
        Ok(answer(&[row], &[]))
    }

    /// The parameters of the next block on `head`.
    pub(crate) fn block_params(
        &self,
        head: &HeadRecord,
        coinbase: Address,
        timestamp: u64,
        l1_info: Option<L1Info>,
    ) -> BlockParams {
        BlockParams {
            spec: self.config().fork,
            chain_id: self.config().chain_id,
            coinbase,
            previous_state_root: head.state_root,
            time: BlockTime::At(timestamp),
            l1_info,
            levels: self.levels(head.tree_depth),
            counts: true,
            records_reads: false,
        }
    }

    /// Level numbers of the virtual counters at a depth of the state tree.
    pub(crate) fn levels(&self, depth: u64) -> Levels {
        Levels::at_depth(self.config().fork.profile, u32::try_from(depth).unwrap_or(u32::MAX))
    }

    /// Executes a slice in order on the open block. Answers a row for each transaction reached, then the accounts that the included
    /// ones changed.
    ///
    /// # Errors
    /// [`EngineError::WrongState`] without an open block, [`EngineError::InvalidArgument`] on a malformed item.
    pub fn execute(&self, request: &ExecuteRequest<'_>) -> EngineResult<Vec<u8>> {
        let items = request.transactions.iter().map(|item| SliceItem::parse(item)).collect::<EngineResult<Vec<_>>>()?;
        let mut slot = self.lock_open();
        let open = slot.as_mut().ok_or(EngineError::WrongState("no L2 block is open"))?;
        let started = Instant::now();
        let mut run = SliceRun::new(request, &self.pre_executions);
        let mut rows = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let before = started.elapsed().as_nanos() as u64;
            let spent = request.budget_nanos != 0 && before >= request.budget_nanos;
            if spent || run.misfits >= request.max_misfits.max(1) {
                break;
            }
            // A defect of the executor must cost no more than the transaction that shows it.
            let attempt = if let Ok(attempt) = catch_unwind(AssertUnwindSafe(|| run.attempt(open, index, item))) {
                attempt?
            } else {
                open.rebuild(self.head_reader())?;
                run.refused.insert(item.sender);
                Attempt::without_execution(RESULT_INTERNAL_ERROR)
            };
            rows.push(attempt.row(started.elapsed().as_nanos() as u64 - before));
        }
        let touched = self.publish_pending(open, run.touched);
        Ok(answer(&rows, &touched))
    }

    /// Gives up the open block, if there is one.
    pub fn discard_block(&self) {
        let mut slot = self.lock_open();
        *slot = None;
        self.write_pending().clear();
    }

    /// Makes the accounts that a slice touched visible to admission; answers those that changed as rows, by address.
    fn publish_pending(&self, open: &OpenBlock, touched: HashSet<Address>) -> Vec<Row<TOUCHED_ROW_BYTES>> {
        let mut touched: Vec<Address> = touched.into_iter().collect();
        touched.sort_unstable();
        let mut pending = self.write_pending();
        let mut rows = Vec::with_capacity(touched.len());
        for address in touched {
            let Some((before, now)) = open.executor.account_change(&address) else { continue };
            let record = record_of(&now);
            // Some are as they were: what a transaction changed and changed back.
            if pending.insert(address, record).unwrap_or(record_of(&before)) == record {
                continue;
            }
            rows.push(touched_row(&address, &record));
        }
        rows
    }
}

impl OpenBlock {
    fn open(
        reader: HeadReader,
        params: &BlockParams,
        request: &OpenBlockRequest,
        batch_bytes: usize,
    ) -> EngineResult<Self> {
        let executor = open_executor(reader, params)?;
        let delta_timestamp = u32::try_from(executor.delta_timestamp()).map_err(|_| {
            EngineError::invalid_argument("the timestamp is more than 2^32 seconds after the previous block")
        })?;
        let mut data = BatchEncoder::default();
        data.change_l2_block(ChangeL2Block { delta_timestamp, index_l1_info_tree: request.l1_info_tree_index });
        Ok(Self {
            opened_at_ms: request.now_ms,
            start: request.clone(),
            executor,
            data,
            included: Vec::new(),
            used: Resources::default(),
            high: Resources::default(),
            batch_bytes,
            model: CounterModel::new(params.spec.profile),
            levels: params.levels,
        })
    }

    /// Executes what is included once more on a fresh executor, after the old one was left half-way.
    fn rebuild(&mut self, reader: HeadReader) -> EngineResult<()> {
        let params = *self.executor.params();
        let mut executor = open_executor(reader, &params)?;
        for included in &self.included {
            let mut tx = L2Transaction::decode_signed(&included.raw)
                .map_err(|error| EngineError::Executor(format!("rebuilding the open block: {error}")))?;
            tx.effective_percentage = included.effective_percentage;
            let recovered = RecoveredTx::with_recovery(tx, Recovery::Signer(included.sender));
            if !matches!(executor.execute(&recovered, None)?, TxOutcome::Executed(_)) {
                return Err(EngineError::Executor(format!(
                    "rebuilding the open block: {} is not valid any more",
                    included.hash
                )));
            }
        }
        self.executor = executor;
        Ok(())
    }

    /// Accounts for the changeL2Block; in the first block of a batch also for the batch itself.
    fn start_row(&mut self) -> Row<OUTCOME_ROW_BYTES> {
        let bytes = self.data.as_bytes().len();
        let mut used = self.executor.counters();
        used += self.batch_growth(bytes);
        if self.batch_bytes == 0 {
            used += self.model.batch(0, &self.levels);
        }
        let resources = Resources::new(&used, bytes as u64, 0);
        self.account(&resources, &resources);
        Attempt::marker(used, bytes as u64).row(0)
    }
}

fn open_executor(reader: HeadReader, params: &BlockParams) -> EngineResult<BlockExecutor<HeadReader>> {
    BlockExecutor::open(reader, *params).map_err(|error| match error {
        OpenError::Invalid(error) => EngineError::Executor(format!("the L2 block cannot be opened: {}", error.name())),
        OpenError::Failed(error) => error.into(),
    })
}

/// An account as it is after a slice, or a batch.
fn touched_row(address: &Address, record: &AccountRecord) -> Row<TOUCHED_ROW_BYTES> {
    let mut row = Row::new();
    row.bytes(0, address.as_slice());
    row.bytes(24, &record.nonce.to_le_bytes());
    row.u256(32, &record.balance);
    row
}

/// An answer without rows: accounts that changed.
pub(crate) fn touched_answer(accounts: &[(Address, AccountRecord)]) -> Vec<u8> {
    let rows: Vec<_> = accounts.iter().map(|(address, record)| touched_row(address, record)).collect();
    answer(&[], &rows)
}

/// Head, rows, touched accounts.
fn answer(rows: &[Row<OUTCOME_ROW_BYTES>], touched: &[Row<TOUCHED_ROW_BYTES>]) -> Vec<u8> {
    let mut out =
        Vec::with_capacity(OUTCOME_HEADER_BYTES + rows.len() * OUTCOME_ROW_BYTES + touched.len() * TOUCHED_ROW_BYTES);
    out.extend_from_slice(&u32::from(VERSION).to_le_bytes());
    out.extend_from_slice(&(rows.len() as u32).to_le_bytes());
    out.extend_from_slice(&(touched.len() as u32).to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend(rows.iter().flat_map(|row| row.0));
    out.extend(touched.iter().flat_map(|row| row.0));
    out
}

#[cfg(test)]
#[path = "block_test.rs"]
mod tests;
