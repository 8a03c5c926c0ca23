//! Sealing: the open L2 block becomes a header, receipts and logs, its write set goes into the state tree, and all of it is committed in
//! one durable write. Closing a batch rides on the same write where it can.

use std::time::Instant;

use alloy_primitives::{Address, B256, Bytes, Log, U256};
use zkevm_executor::{SealedBlock as ExecutedBlock, StateDiff, TxResult};
use zkevm_primitives::{GER_MANAGER_L2, GER_MANAGER_SLOT_LOCAL_EXIT_ROOT};
use zkevm_state_db::WriteBatch;
use zkevm_state_db::records::{
    BatchKind, BatchRecord, BlockRecord, HeadRecord, LogRecord, ReceiptRecord, TransactionRecord,
};

use crate::block::{Included, OpenBlock, ROM_NO_ERROR};
use crate::commit::{finish_block, leaf_writes, put_state};
use crate::engine::{ChainState, Engine, empty_batch};
use crate::error::{EngineError, EngineResult};
use crate::header::{ReceiptForRoot, logs_bloom, receipts_root, transactions_root};
use crate::layout::{RESOURCE_BYTES, Resources};
use crate::tree::TreeUpdate;
use crate::views::{header_json, to_json};

/// Why and how a batch is closed.
#[derive(Debug, Clone)]
pub struct BatchClosing {
    /// Closing reason.
    pub reason: String,
    /// The closing certificate, JSON text.
    pub detail_json: String,
}

/// Time of the stages of a seal, nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct SealNanos {
    /// Block info tree, header, records.
    pub seal: u64,
    /// State tree.
    pub tree: u64,
    /// Database write.
    pub commit: u64,
}

/// A committed L2 block, for publication.
#[derive(Debug, Clone)]
pub struct SealedBlock {
    /// Number.
    pub number: u64,
    /// Header hash.
    pub hash: B256,
    /// State root after it.
    pub state_root: B256,
    /// Unix seconds.
    pub timestamp: u64,
    /// Gas of its transactions.
    pub gas_used: u64,
    /// Its batch.
    pub batch: u64,
    /// Its transactions.
    pub tx_hashes: Vec<B256>,
    /// Header for `newHeads`.
    pub header_json: String,
    /// Logs for subscriptions.
    pub logs_json: String,
    /// Time spent.
    pub nanos: SealNanos,
}

/// A closed batch.
#[derive(Debug, Clone)]
pub struct ClosedBatch {
    /// Number.
    pub number: u64,
    /// State root after it.
    pub state_root: B256,
    /// Local exit root after it.
    pub local_exit_root: B256,
    /// Closing reason.
    pub closing_reason: String,
    /// L2 blocks.
    pub block_count: u64,
    /// Transactions.
    pub tx_count: u64,
    /// Bytes of batchL2Data.
    pub bytes: u64,
}

/// A block's records, ready to be written.
pub(crate) struct BlockRecords {
    pub(crate) block: BlockRecord,
    pub(crate) transactions: Vec<(TransactionRecord, ReceiptRecord)>,
    pub(crate) logs: Vec<LogRecord>,
}

/// What a block adds to its batch.
pub(crate) struct BatchPart {
    pub(crate) data: Vec<u8>,
    pub(crate) used: Resources,
    pub(crate) high: Resources,
    pub(crate) opened_at_ms: u64,
    /// Set for the injected first batch.
    pub(crate) injected: Option<InjectedOrigin>,
}

/// What tells the injected first batch from a sequenced one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InjectedOrigin {
    pub(crate) coinbase: Address,
    pub(crate) acc_input_hash: B256,
}

impl Engine {
    /// Hashes and commits the open block; closes its batch in the same write when `closing` is given.
    ///
    /// # Errors
    /// [`EngineError::WrongState`] without an open block. After a failed write the store refuses further ones.
    pub fn seal_block(&self, now_ms: u64, closing: Option<&BatchClosing>) -> EngineResult<SealedBlock> {
        let mut slot = self.lock_open();
        let open = slot.take().ok_or(EngineError::WrongState("no L2 block is open"))?;
        let OpenBlock { executor, data, included, used, high, opened_at_ms, start, .. } = open;
        let started = Instant::now();
        let executed = executor.seal()?;
        let part = BatchPart { data: data.into_bytes(), used, high, opened_at_ms, injected: None };
        let closing = closing.map(|closing| (closing, now_ms));
        let sealed = self.commit_block(&executed, &included, start.l1_info_tree_index, &part, closing, started);
        // Only now: until the block is committed, admission sees its accounts in the pending view.
        self.write_pending().clear();
        sealed
    }

    /// Commits an executed block; the caller holds the open-block lock.
    pub(crate) fn commit_block(
        &self,
        executed: &ExecutedBlock,
        included: &[Included],
        l1_info_index: u32,
        part: &BatchPart,
        closing: Option<(&BatchClosing, u64)>,
        started: Instant,
    ) -> EngineResult<SealedBlock> {
        let mut tree = self.tree.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let tree_started = Instant::now();
        let update = tree.update(&leaf_writes(&executed.diff))?;
        let tree_nanos = tree_started.elapsed().as_nanos() as u64;
        let chain = self.chain();
        let mut records = block_records(executed, included, &chain, l1_info_index, update.root());
        finish_block(&mut records.block, included.iter().map(|included| included.raw.len()).sum());
        let (head, batch) = self.next_chain(&chain, executed, &records, &update, part, closing)?;
        let hashes: Vec<B256> = included.iter().map(|included| included.hash).collect();
        let header = header_json(&records.block)?;
        let logs = to_json(&Self::block_logs(&records.block, &hashes, records.logs.clone()))?;
        let seal_nanos = (started.elapsed().as_nanos() as u64).saturating_sub(tree_nanos);

        let commit_started = Instant::now();
        let written = self.write_block(&executed.diff, &records, &update, &head, &batch, &part.data);
        if let Err(error) = written {
            tree.discard(&update);
            return Err(error);
        }
        tree.settle(&update);
        drop(tree);
        self.cache().apply(&executed.diff);
        let batch_number = batch.number;
        let next = if batch.is_closed() { empty_batch(batch.number + 1, self.config(), &head) } else { batch };
        *self.write_chain() = ChainState { head, batch: next };
        self.forget_old_states(&executed.diff);
        Ok(SealedBlock {
            number: records.block.number,
            hash: records.block.hash,
            state_root: records.block.state_root,
            timestamp: records.block.timestamp,
            gas_used: records.block.gas_used,
            batch: batch_number,
            tx_hashes: hashes,
            header_json: header,
            logs_json: logs,
            nanos: SealNanos { seal: seal_nanos, tree: tree_nanos, commit: commit_started.elapsed().as_nanos() as u64 },
        })
    }

    /// Head pointers and batch record after the block.
    fn next_chain(
        &self,
        chain: &ChainState,
        executed: &ExecutedBlock,
        records: &BlockRecords,
        update: &TreeUpdate,
        part: &BatchPart,
        closing: Option<(&BatchClosing, u64)>,
    ) -> EngineResult<(HeadRecord, BatchRecord)> {
        let mut batch = chain.batch.clone();
        if batch.block_count == 0 {
            batch.opened_at_ms = part.opened_at_ms;
        }
        batch.block_count += 1;
        batch.tx_count += executed.transactions.len() as u64;
        batch.state_root = update.root();
        batch.timestamp = executed.timestamp;
        batch.local_exit_root = self.local_exit_root(&executed.diff)?;
        if !executed.global_exit_root.is_zero() {
            batch.global_exit_root = executed.global_exit_root;
        }
        if let Some(origin) = part.injected {
            batch.kind = BatchKind::Injected as u8;
            batch.coinbase = origin.coinbase;
            batch.acc_input_hash = origin.acc_input_hash;
        }
        let mut used = resources_of(&batch.used);
        used.add(&part.used);
        let mut high = resources_of(&batch.high);
        for (high, more) in high.0.iter_mut().zip(part.high.0) {
            *high = (*high).max(more);
        }
        batch.used = used.0.to_vec();
        batch.high = high.0.to_vec();
        let mut closed_batch = chain.head.closed_batch;
        if let Some((closing, now_ms)) = closing {
            close(&mut batch, closing, now_ms);
            closed_batch = batch.number;
        }
        let head = HeadRecord {
            block: executed.number.0,
            block_hash: records.block.hash,
            timestamp: executed.timestamp,
            state_root: update.root(),
            closed_batch,
            tree_depth: update.depth(),
        };
        Ok((head, batch))
    }

    /// Storage slot 1 of the L2 global exit root manager after the block.
    fn local_exit_root(&self, diff: &StateDiff) -> EngineResult<B256> {
        let slot = U256::from(GER_MANAGER_SLOT_LOCAL_EXIT_ROOT);
        let changed = diff.storage.iter().find(|entry| entry.address == GER_MANAGER_L2 && entry.slot == slot);
        match changed {
            Some(entry) => Ok(entry.new.into()),
            None => Ok(self.store().storage(&GER_MANAGER_L2, &slot)?.into()),
        }
    }

    /// The one write of a block.
    fn write_block(
        &self,
        diff: &StateDiff,
        records: &BlockRecords,
        update: &TreeUpdate,
        head: &HeadRecord,
        batch_record: &BatchRecord,
        data: &[u8],
    ) -> EngineResult<()> {
        let store = self.store();
        let number = records.block.number;
        let mut batch = WriteBatch::default();
        put_state(store, &mut batch, number, diff, head.tree_depth)?;
        update.put(store, &mut batch)?;
        store.put_block(&mut batch, &records.block)?;
        for (index, (transaction, receipt)) in (0_u32..).zip(&records.transactions) {
            store.put_transaction(&mut batch, (number, index), transaction, receipt)?;
            store.remove_pool(&mut batch, &transaction.hash)?;
        }
        for (index, log) in (0_u32..).zip(&records.logs) {
            store.put_log(&mut batch, number, index, log)?;
        }
        store.put_batch(&mut batch, batch_record)?;
        store.put_batch_data(&mut batch, batch_record.number, number, data)?;
        store.put_head(&mut batch, head)?;
        Ok(store.write(batch)?)
    }

    /// Closes the open batch, which holds at least one committed block and no open one.
    ///
    /// # Errors
    /// [`EngineError::WrongState`] when a block is open or the batch is empty.
    pub fn close_batch(&self, now_ms: u64, closing: &BatchClosing) -> EngineResult<ClosedBatch> {
        let slot = self.lock_open();
        if slot.is_some() {
            return Err(EngineError::WrongState("an L2 block is open"));
        }
        let ChainState { mut head, mut batch } = self.chain();
        if batch.block_count == 0 {
            return Err(EngineError::WrongState("the open batch has no L2 block"));
        }
        close(&mut batch, closing, now_ms);
        head.closed_batch = batch.number;
        let mut write = WriteBatch::default();
        self.store().put_batch(&mut write, &batch)?;
        self.store().put_head(&mut write, &head)?;
        self.store().write(write)?;
        let next = empty_batch(batch.number + 1, self.config(), &head);
        *self.write_chain() = ChainState { head, batch: next };
        Ok(ClosedBatch {
            number: batch.number,
            state_root: batch.state_root,
            local_exit_root: batch.local_exit_root,
            closing_reason: batch.closing_reason,
            block_count: batch.block_count,
            tx_count: batch.tx_count,
            bytes: batch.used[RESOURCE_BYTES],
        })
    }
}

fn close(batch: &mut BatchRecord, closing: &BatchClosing, now_ms: u64) {
    batch.closing_reason.clone_from(&closing.reason);
    batch.closing_detail.clone_from(&closing.detail_json);
    // A closed batch is told from an open one by its reason.
    if batch.closing_reason.is_empty() {
        "Operator".clone_into(&mut batch.closing_reason);
    }
    batch.closed_at_ms = now_ms;
}

pub(crate) fn resources_of(values: &[u64]) -> Resources {
    Resources(std::array::from_fn(|index| values.get(index).copied().unwrap_or(0)))
}

pub(crate) fn block_records(
    executed: &ExecutedBlock,
    included: &[Included],
    chain: &ChainState,
    l1_info_index: u32,
    state_root: B256,
) -> BlockRecords {
    let results = &executed.transactions;
    let receipts: Vec<ReceiptForRoot<'_>> = results
        .iter()
        .map(|result| ReceiptForRoot {
            status: u8::from(result.succeeds),
            cumulative_gas_used: result.cumulative_gas_used,
            logs: &result.logs,
        })
        .collect();
    let raw: Vec<&[u8]> = included.iter().map(|included| included.raw.as_ref()).collect();
    let logs: Vec<LogRecord> =
        results.iter().flat_map(|result| result.logs.iter().map(|log| log_record(log, result.index))).collect();
    let block = BlockRecord {
        number: executed.number.0,
        hash: B256::ZERO,
        parent_hash: chain.head.block_hash,
        state_root,
        transactions_root: transactions_root(&raw),
        receipts_root: receipts_root(&receipts),
        logs_bloom: logs_bloom(results.iter().flat_map(|result| &result.logs)),
        timestamp: executed.timestamp,
        coinbase: executed.coinbase,
        gas_limit: executed.gas_limit,
        gas_used: executed.gas_used,
        batch: chain.batch.number,
        l1_info_index: u64::from(l1_info_index),
        global_exit_root: executed.global_exit_root,
        l1_block_hash: executed.l1_block_hash,
        block_info_root: executed.block_info_root,
        tx_count: results.len() as u32,
        log_count: logs.len() as u32,
        size: 0,
    };
    let transactions = results
        .iter()
        .zip(included)
        .zip(&executed.l2_hashes)
        .map(|((result, included), l2_hash)| (transaction_record(included, *l2_hash), receipt_record(result, included)))
        .collect();
    BlockRecords { block, transactions, logs }
}

fn transaction_record(included: &Included, l2_hash: B256) -> TransactionRecord {
    TransactionRecord {
        raw: included.raw.clone(),
        hash: included.hash,
        l2_hash,
        sender: included.sender,
        effective_percentage: included.effective_percentage,
    }
}

fn receipt_record(result: &TxResult, included: &Included) -> ReceiptRecord {
    ReceiptRecord {
        status: u8::from(result.succeeds),
        rom_error: result.rom_error.map_or(ROM_NO_ERROR, |error| error as u8),
        gas_used: result.gas_used,
        cumulative_gas_used: result.cumulative_gas_used,
        effective_gas_price: result.effective_gas_price,
        contract_address: result
            .created_address
            .map(|address: Address| Bytes::copy_from_slice(address.as_slice()))
            .unwrap_or_default(),
        first_log: result.first_log_index as u32,
        log_count: result.logs.len() as u32,
        counters: included.counters.to_array().to_vec(),
    }
}

fn log_record(log: &Log, tx_index: u64) -> LogRecord {
    LogRecord {
        address: log.address,
        topics: log.topics().to_vec(),
        data: log.data.data.clone(),
        tx_index: tx_index as u32,
    }
}
