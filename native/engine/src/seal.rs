//! Sealing: the open L2 block becomes a header, receipts and logs, and its write set goes into the state tree. It then waits among the sealed
//! blocks (`ahead.rs`), on which the next one executes, for its durable write (`settle.rs`). Closing a batch rides on the same write where
//! it can.

use std::sync::Arc;
use std::time::Instant;

use alloy_primitives::{Address, B256, Bytes, Log, U256};
use zkevm_executor::{SealedBlock as ExecutedBlock, StateDiff, TxResult};
use zkevm_primitives::{GER_MANAGER_L2, GER_MANAGER_SLOT_LOCAL_EXIT_ROOT};
use zkevm_state_db::records::{BatchRecord, BlockRecord, HeadRecord, LogRecord, ReceiptRecord, TransactionRecord};

use crate::ahead::{BlockRecords, SealedAhead};
use crate::block::{Included, OpenBlock, ROM_NO_ERROR};
use crate::commit::{finish_block, leaf_writes};
use crate::engine::{ChainState, Engine};
use crate::error::{EngineError, EngineResult};
use crate::from_l1::OriginOnL1;
use crate::header::{ReceiptForRoot, receipts_root_and_bloom, transactions_root};
use crate::layout::Resources;
use crate::stages::Stage;
use crate::tree::TreeUpdate;
use crate::views::header_json;

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

/// What a block adds to its batch.
pub(crate) struct BatchPart {
    pub(crate) data: Vec<u8>,
    pub(crate) used: Resources,
    pub(crate) high: Resources,
    pub(crate) opened_at_ms: u64,
    /// Set for a batch that came from L1.
    pub(crate) origin: Option<OriginOnL1>,
}

impl Engine {
    /// Seals the open block and makes it durable, with all sealed before it; closes its batch in the same write when `closing` is given.
    /// When the write fails, all of them are dropped.
    ///
    /// # Errors
    /// As [`Engine::finish_block`] and [`Engine::commit_sealed`].
    pub fn seal_block(&self, now_ms: u64, closing: Option<&BatchClosing>) -> EngineResult<SealedBlock> {
        let sealed = self.finish_block(now_ms, closing)?;
        let committed = self.commit_sealed(u64::MAX).inspect_err(|_| self.discard_sealed())?;
        Ok(SealedBlock { nanos: SealNanos { commit: committed.nanos, ..sealed.nanos }, ..sealed })
    }

    /// Hashes the open block: the next one may be opened on it at once. It is durable after the next [`Engine::commit_sealed`] and not
    /// to be told to anybody before. Closes its batch with it when `closing` is given.
    ///
    /// # Errors
    /// [`EngineError::WrongState`] without an open block, or when too many blocks wait for the disk.
    pub fn finish_block(&self, now_ms: u64, closing: Option<&BatchClosing>) -> EngineResult<SealedBlock> {
        let mut slot = self.lock_open();
        if self.ahead().is_full() {
            return Err(EngineError::WrongState("too many L2 blocks wait to be committed"));
        }
        let open = slot.take().ok_or(EngineError::WrongState("no L2 block is open"))?;
        let OpenBlock { executor, data, included, used, high, opened_at_ms, start, .. } = open;
        let started = Instant::now();
        let executed = self.timed(Stage::Seal, || executor.seal())?;
        let part = BatchPart { data: data.into_bytes(), used, high, opened_at_ms, origin: None };
        let closing = closing.map(|closing| (closing, now_ms));
        let sealed = self.finish_executed(executed, &included, start.l1_info_tree_index, part, closing, started);
        // Only now: admission finds the block's accounts among those of the sealed blocks from here on.
        self.write_pending().clear();
        sealed
    }

    /// Hashes an executed block and puts it among the sealed ones; the caller holds the open-block lock.
    pub(crate) fn finish_executed(
        &self,
        executed: ExecutedBlock,
        included: &[Included],
        l1_info_index: u32,
        part: BatchPart,
        closing: Option<(&BatchClosing, u64)>,
        started: Instant,
    ) -> EngineResult<SealedBlock> {
        let mut tree = self.tree.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.settle_tree(&mut tree);
        let tree_started = Instant::now();
        let update = self.timed(Stage::Tree, || tree.update(&leaf_writes(&executed.diff)))?;
        let tree_nanos = tree_started.elapsed().as_nanos() as u64;
        let describe = || self.describe(&executed, included, l1_info_index, (&update, &part), closing);
        let described = self.timed(Stage::Seal, describe);
        let (records, chain, sealed) = described.inspect_err(|_| tree.discard(&update))?;
        drop(tree);
        let block = Arc::new(SealedAhead::new(executed.diff, records, update, chain, part.data));
        self.cache().apply(&block.diff);
        let chain = self.chain_after(&block);
        self.ahead().push(block, chain);
        let seal_nanos = (started.elapsed().as_nanos() as u64).saturating_sub(tree_nanos);
        Ok(SealedBlock { nanos: SealNanos { seal: seal_nanos, tree: tree_nanos, commit: 0 }, ..sealed })
    }

    /// The records of a hashed block, what it makes of head and batch, and what is told of it.
    fn describe(
        &self,
        executed: &ExecutedBlock,
        included: &[Included],
        l1_info_index: u32,
        (update, part): (&TreeUpdate, &BatchPart),
        closing: Option<(&BatchClosing, u64)>,
    ) -> EngineResult<(BlockRecords, (HeadRecord, BatchRecord), SealedBlock)> {
        let chain = self.ahead().chain();
        let mut records = block_records(executed, included, &chain, l1_info_index, update.root());
        finish_block(&mut records.block, included.iter().map(|included| included.raw.len()).sum());
        let (head, batch) = self.next_chain(&chain, executed, &records, update, part, closing)?;
        let hashes: Vec<B256> = included.iter().map(|included| included.hash).collect();
        let sealed = SealedBlock {
            number: records.block.number,
            hash: records.block.hash,
            state_root: records.block.state_root,
            timestamp: records.block.timestamp,
            gas_used: records.block.gas_used,
            batch: batch.number,
            header_json: header_json(&records.block)?,
            tx_hashes: hashes,
            nanos: SealNanos::default(),
        };
        Ok((records, (head, batch), sealed))
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
        let mut head = HeadRecord {
            block: executed.number.0,
            block_hash: records.block.hash,
            timestamp: executed.timestamp,
            state_root: update.root(),
            closed_batch,
            // Until the blocks before are settled, the tree does not count their paths.
            tree_depth: chain.head.tree_depth.max(update.depth()),
            forced_batch: chain.head.forced_batch,
        };
        if let Some(origin) = &part.origin {
            origin.mark(&mut batch, &mut head);
        }
        Ok((head, batch))
    }

    /// Storage slot 1 of the L2 global exit root manager after the block.
    fn local_exit_root(&self, diff: &StateDiff) -> EngineResult<B256> {
        let slot = U256::from(GER_MANAGER_SLOT_LOCAL_EXIT_ROOT);
        let changed = diff.storage.iter().find(|entry| entry.address == GER_MANAGER_L2 && entry.slot == slot);
        match changed {
            Some(entry) => Ok(entry.new.into()),
            None => match self.ahead().storage(&GER_MANAGER_L2, &slot) {
                Some(value) => Ok(value.into()),
                None => Ok(self.store().storage(&GER_MANAGER_L2, &slot)?.into()),
            },
        }
    }
}

pub(crate) fn close(batch: &mut BatchRecord, closing: &BatchClosing, now_ms: u64) {
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
    let (receipts_root, logs_bloom) = receipts_root_and_bloom(&receipts);
    let block = BlockRecord {
        number: executed.number.0,
        hash: B256::ZERO,
        parent_hash: chain.head.block_hash,
        state_root,
        transactions_root: transactions_root(&raw),
        receipts_root,
        logs_bloom,
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
