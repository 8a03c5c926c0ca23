//! Where in a batch a difference begins: the first L2 block and transaction that are not what is stored. The batch is known to differ; it is
//! gone through again, first its bytes and then, with nothing ending it early, its execution.

use alloy_primitives::B256;
use serde::Serialize;
use zkevm_codec::{BatchItem, ChangeL2Block, L2Transaction, decode_batch};
use zkevm_executor::{BatchInput, BatchResult, SealedBlock, StateRead, execute_batch};
use zkevm_state_db::Snapshot;
use zkevm_state_db::records::{BatchKind, BlockRecord, TransactionRecord};

use super::mismatch::{Key, Mismatch, same};
use super::state::CheckedState;
use super::{StoredBatch, compare};
use crate::block::Included;
use crate::engine::Engine;
use crate::error::EngineResult;

/// The first L2 block, and the first transaction in it, that are not what is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Divergence {
    /// L2 block.
    pub block: u64,
    /// Index of the transaction in the block; `None` where no transaction of it differs, or it has none there.
    pub transaction: Option<u32>,
    /// Its hash.
    pub transaction_hash: Option<B256>,
    /// What of it differs.
    pub what: String,
    /// As stored.
    pub expected: String,
    /// As executed, or as the batch's bytes have it.
    pub got: String,
}

impl Divergence {
    fn new(mismatch: Mismatch, block: u64, transaction: Option<(u32, B256)>) -> Self {
        let Mismatch { what, expected, got, .. } = mismatch;
        let (index, hash) = transaction.unzip();
        Self { block, transaction: index, transaction_hash: hash, what, expected, got }
    }
}

impl Engine {
    /// The first block and transaction behind `mismatch`; `None` where every block is as stored.
    pub(super) fn locate(
        &self,
        snapshot: &Snapshot<'_>,
        stored: &StoredBatch,
        mismatch: &Mismatch,
    ) -> EngineResult<Option<Divergence>> {
        // Batches that came from L1 may hold anything; what the sequencer made holds what it stored.
        if stored.record.kind == BatchKind::Sequenced as u8
            && let Some(found) = in_data(snapshot, stored)?
        {
            return Ok(Some(found));
        }
        let input = BatchInput { records_reads: true, ..self.batch_input(stored)? };
        let mut state = CheckedState::unchecked(snapshot, stored)?;
        let result = execute_batch(&input, &mut state)?;
        let Ok(blocks) = compare::included(stored, &result, &input) else { return Ok(None) };
        for ((executed, included), block) in result.blocks.iter().zip(&blocks).zip(&stored.blocks) {
            if let Some(found) = in_block(snapshot, stored, &state, (block, executed, included))? {
                return Ok(Some(found));
            }
        }
        Ok(last_writer(&result, &blocks, mismatch))
    }
}

/// The first difference between the batch's bytes and the stored blocks.
fn in_data(snapshot: &Snapshot<'_>, stored: &StoredBatch) -> EngineResult<Option<Divergence>> {
    let (items, failure) = match decode_batch(&stored.data) {
        Ok(items) => (items, None),
        Err(failure) => (failure.before.clone(), Some(failure.to_string())),
    };
    let mut walk = Walk { snapshot, stored, opened: 0, transactions: Vec::new(), index: 0 };
    for item in items {
        let found = match item.item {
            BatchItem::ChangeL2Block(opens) => walk.next_block(Some(opens))?,
            BatchItem::Transaction(tx) => walk.next_transaction(&tx),
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    if let Some(failure) = failure {
        return Ok(Some(walk.here(Mismatch::of("batchL2Data", "what follows", &failure))));
    }
    if walk.opened < stored.blocks.len() { walk.next_block(None) } else { Ok(walk.leave_block()) }
}

/// Goes through the stored blocks as the bytes of the batch do.
struct Walk<'a> {
    snapshot: &'a Snapshot<'a>,
    stored: &'a StoredBatch,
    /// Blocks that were opened.
    opened: usize,
    /// Transactions of the newest of them, and how many of them were seen.
    transactions: Vec<TransactionRecord>,
    index: u32,
}

impl Walk<'_> {
    /// Leaves a block and enters the next one; `None` where the bytes have no further one.
    fn next_block(&mut self, opens: Option<ChangeL2Block>) -> EngineResult<Option<Divergence>> {
        if let Some(found) = self.leave_block() {
            return Ok(Some(found));
        }
        let (before, time_before) = (self.newest().number, self.newest().timestamp);
        let (stored, seen) = (self.stored.blocks.len(), self.opened + usize::from(opens.is_some()));
        self.opened += 1;
        self.index = 0;
        self.transactions.clear();
        let (Some(block), Some(opens)) = (self.stored.blocks.get(self.opened - 1), opens) else {
            let mismatch = same("the number of L2 blocks", &stored, &seen).err();
            return Ok(mismatch.map(|mismatch| Divergence::new(*mismatch, before + 1, None)));
        };
        let transactions = self.snapshot.transactions(block.number)?;
        self.transactions = transactions.into_iter().map(|(transaction, _)| transaction).collect();
        let compared = same("timestamp", &block.timestamp, &(time_before + u64::from(opens.delta_timestamp)))
            .and_then(|()| same("L1 info index", &block.l1_info_index, &u64::from(opens.index_l1_info_tree)));
        Ok(compared.err().map(|mismatch| Divergence::new(*mismatch, block.number, None)))
    }

    fn next_transaction(&mut self, tx: &L2Transaction) -> Option<Divergence> {
        let Some(record) = self.transactions.get(self.index as usize) else {
            let expected = self.transactions.len();
            return Some(self.here(Mismatch::of("the number of transactions", &expected.to_string(), "more")));
        };
        let compared = same("transaction in batchL2Data", &record.raw, &tx.encode_signed().into())
            .and_then(|()| same("effective percentage", &record.effective_percentage, &tx.effective_percentage));
        if let Err(mismatch) = compared {
            return Some(self.here(mismatch));
        }
        self.index += 1;
        None
    }

    /// All transactions of the block were seen.
    fn leave_block(&self) -> Option<Divergence> {
        let compared = same("the number of transactions", &self.transactions.len(), &(self.index as usize));
        compared.err().map(|mismatch| self.here(mismatch))
    }

    /// A difference at the transaction that is next.
    fn here(&self, mismatch: Box<Mismatch>) -> Divergence {
        let next = self.transactions.get(self.index as usize).map(|record| (self.index, record.hash));
        Divergence::new(*mismatch, self.newest().number, next)
    }

    /// The newest block that was opened and is stored, or the one before the batch.
    fn newest(&self) -> &BlockRecord {
        let at = self.opened.min(self.stored.blocks.len());
        at.checked_sub(1).and_then(|at| self.stored.blocks.get(at)).unwrap_or(&self.stored.parent)
    }
}

/// The first difference of a block: of a transaction, of what it changed, of its header or logs.
fn in_block(
    snapshot: &Snapshot<'_>,
    stored: &StoredBatch,
    state: &CheckedState<'_>,
    (block, executed, included): (&BlockRecord, &SealedBlock, &[Included]),
) -> EngineResult<Option<Divergence>> {
    let with_hash = |index: u32| included.get(index as usize).map(|included| (index, included.hash));
    let records = compare::records(stored, block, executed, included);
    if let Err(mismatch) = compare::transactions(snapshot, block.number, &records)? {
        let transaction = mismatch.transaction.and_then(with_hash);
        return Ok(Some(Divergence::new(*mismatch, block.number, transaction)));
    }
    if let Err(mismatch) = state.compare(block, &executed.diff)? {
        let touched = |key: Key| executed.transactions.iter().position(|tx| touches(&tx.reads, key));
        let index = mismatch.key.and_then(touched).and_then(|index| u32::try_from(index).ok());
        return Ok(Some(Divergence::new(*mismatch, block.number, index.and_then(with_hash))));
    }
    let compared = compare::header_and_logs(snapshot, block, &records)?;
    Ok(compared.err().map(|mismatch| Divergence::new(*mismatch, block.number, None)))
}

/// A value that the database does not have at the end of the batch: who wrote it last.
fn last_writer(result: &BatchResult, included: &[Vec<Included>], mismatch: &Mismatch) -> Option<Divergence> {
    let key = mismatch.key?;
    let writes = |block: &SealedBlock| match key {
        Key::Account(address) => block.diff.accounts.iter().any(|account| account.address == address),
        Key::Slot(address, slot) => {
            block.diff.storage.iter().any(|other| (other.address, other.slot) == (address, slot))
        }
    };
    let at = result.blocks.iter().rposition(writes)?;
    let (block, included) = (result.blocks.get(at)?, included.get(at)?);
    let index = block.transactions.iter().rposition(|tx| touches(&tx.writes, key));
    let transaction = index.and_then(|index| Some((u32::try_from(index).ok()?, included.get(index)?.hash)));
    Some(Divergence::new(mismatch.clone(), block.number.0, transaction))
}

fn touches(values: &[StateRead], key: Key) -> bool {
    values.iter().any(|value| match value {
        StateRead::Account(address, _) => key == Key::Account(*address),
        StateRead::Storage(address, slot, _) => key == Key::Slot(*address, *slot),
    })
}
