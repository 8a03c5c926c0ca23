//! Batches that come from L1 whole: forced batches, and the injected first one of a rollup.
//!
//! Such a batch is executed by the same code that verifies it afterwards (`zkevm_executor::execute_batch`), over the newest state, and
//! closed at once: at most one L2 block, the batch and the head pointers are one write. What the batch holds is not ours to refuse: one
//! without effect takes its number all the same.

use std::cell::OnceCell;
use std::time::Instant;

use alloy_primitives::{Address, B256, Bytes, U256};
use zkevm_executor::{
    AccountState, BatchInput, BatchResult, BatchState, CancelToken, L1InfoSource, StateDiff, StateError, StateReader,
    execute_batch_with,
};
use zkevm_primitives::BatchNumber;
use zkevm_state_db::DbError;
use zkevm_state_db::WriteBatch;
use zkevm_state_db::records::{BatchKind, ForcedOrigin};

use crate::engine::{ChainState, Engine, empty_batch};
use crate::error::{EngineError, EngineResult};
use crate::included::included;
use crate::layout::Resources;
use crate::reader::HeadReader;
use crate::seal::{BatchClosing, BatchPart, SealedBlock, close};
use crate::stages::Stage;

/// A batch as L1 gives it.
#[derive(Debug, Clone)]
pub(crate) struct BatchFromL1 {
    /// Forced or injected.
    pub(crate) kind: BatchKind,
    /// L2 coinbase.
    pub(crate) coinbase: Address,
    /// batchL2Data, without changeL2Block.
    pub(crate) data: Bytes,
    /// Unix seconds: its block has this timestamp, or that of the block before where this one is later.
    pub(crate) timestamp: u64,
    /// Global exit root that its block imports.
    pub(crate) global_exit_root: B256,
    /// `forcedBlockHashL1`.
    pub(crate) block_hash: B256,
    /// Set for a forced batch.
    pub(crate) forced: Option<ForcedOrigin>,
}

/// What tells a batch from L1 from a sequenced one in its record.
#[derive(Debug, Clone)]
pub(crate) struct OriginOnL1 {
    pub(crate) kind: BatchKind,
    pub(crate) coinbase: Address,
    pub(crate) acc_input_hash: B256,
    pub(crate) forced: Option<ForcedOrigin>,
}

/// A batch from L1 that is executed and not committed.
pub(crate) struct ExecutedFromL1 {
    pub(crate) result: BatchResult,
    /// Its accInputHash; zero where that of the batch before is not known.
    pub(crate) acc_input_hash: B256,
    started: Instant,
}

impl Engine {
    /// Executes a batch from L1 on `chain`, which is durable and whose open batch is empty; the caller holds the open-block lock.
    pub(crate) fn execute_from_l1(&self, chain: &ChainState, batch: &BatchFromL1) -> EngineResult<ExecutedFromL1> {
        let started = Instant::now();
        let spec = self.config().fork;
        let before = chain.batch.number - 1;
        let previous = self.store().batch(before)?;
        let previous = previous.ok_or_else(|| DbError::corrupt(format!("batch {before} is missing")))?;
        let old_acc_input_hash = previous.known_acc_input_hash();
        let input = BatchInput {
            spec,
            chain_id: self.config().chain_id,
            old_state_root: chain.head.state_root,
            old_acc_input_hash: old_acc_input_hash.unwrap_or_default(),
            old_batch_number: BatchNumber(before),
            batch_l2_data: batch.data.clone(),
            l1_info_root: batch.global_exit_root,
            timestamp_limit: batch.timestamp,
            sequencer: batch.coinbase,
            forced_block_hash_l1: batch.block_hash,
            is_injected: batch.kind == BatchKind::Injected,
            l1_info: L1InfoSource::default(),
            counts: true,
            // Not what the sequencer plans with: what the ROM accepts decides whether the batch has an effect.
            limits: Some(spec.limits),
            depth_measure: None,
            recovery_threads: 1,
            records_reads: false,
            cancel: CancelToken::default(),
        };
        let depth = u32::try_from(chain.head.tree_depth).unwrap_or(u32::MAX);
        let mut state =
            OneBlock { reader: self.head_reader(), root: chain.head.state_root, depth, diff: OnceCell::new() };
        let recovery = |transactions: &[&zkevm_codec::L2Transaction]| self.senders.of_batch(transactions);
        let result = self.timed(Stage::Execution, || execute_batch_with(&input, &mut state, &recovery))?;
        let acc_input_hash = old_acc_input_hash.map_or(B256::ZERO, |_| result.new_acc_input_hash);
        Ok(ExecutedFromL1 { result, acc_input_hash, started })
    }

    /// Commits what [`Engine::execute_from_l1`] executed as a closed batch, in one write; answers its block, if it has one. When the write
    /// fails nothing of it is in the chain.
    pub(crate) fn commit_from_l1(
        &self,
        chain: &ChainState,
        batch: &BatchFromL1,
        executed: ExecutedFromL1,
        closing: (&BatchClosing, u64),
    ) -> EngineResult<Option<SealedBlock>> {
        let ExecutedFromL1 { mut result, acc_input_hash, started } = executed;
        let gas_used = result.blocks.iter().map(|block| block.gas_used).sum();
        let part = BatchPart {
            data: batch.data.to_vec(),
            used: Resources::new(&result.counters, batch.data.len() as u64, gas_used),
            high: Resources::default(),
            opened_at_ms: closing.1,
            origin: Some(OriginOnL1 {
                kind: batch.kind,
                coinbase: batch.coinbase,
                acc_input_hash,
                forced: batch.forced,
            }),
        };
        let mut transactions = included(&batch.data, &result, None)
            .map_err(|failure| EngineError::Executor(format!("an executed batch cannot be decoded: {failure}")))?;
        let Some(block) = result.blocks.pop() else {
            self.commit_without_block(chain, &result, &part, closing)?;
            return Ok(None);
        };
        let transactions = transactions.pop().unwrap_or_default();
        let sealed = self.finish_executed(block, &transactions, 0, part, Some(closing), started)?;
        self.commit_sealed(u64::MAX)?;
        Ok(Some(sealed))
    }

    /// A batch that leaves the state as it is: it has no data, or no effect.
    fn commit_without_block(
        &self,
        chain: &ChainState,
        result: &BatchResult,
        part: &BatchPart,
        closing: (&BatchClosing, u64),
    ) -> EngineResult<()> {
        let _writing = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ChainState { mut head, mut batch } = chain.clone();
        batch.opened_at_ms = part.opened_at_ms;
        batch.local_exit_root = result.new_local_exit_root;
        batch.used = part.used.0.to_vec();
        batch.rom_error = result.invalid.map_or_else(String::new, |error| error.name().to_owned());
        if let Some(origin) = &part.origin {
            origin.mark(&mut batch, &mut head);
        }
        close(&mut batch, closing.0, closing.1);
        head.closed_batch = batch.number;
        let mut write = WriteBatch::default();
        self.store().put_batch_data(&mut write, batch.number, batch.first_block, &part.data)?;
        self.store().put_batch(&mut write, &batch)?;
        self.store().put_head(&mut write, &head)?;
        self.store().write(write)?;
        let next = ChainState { batch: empty_batch(batch.number + 1, self.config(), &head), head };
        self.ahead().set_chain(next.clone());
        *self.write_chain() = next;
        Ok(())
    }
}

impl OriginOnL1 {
    /// Marks the record of the batch, and the head after it.
    pub(crate) fn mark(
        &self,
        batch: &mut zkevm_state_db::records::BatchRecord,
        head: &mut zkevm_state_db::records::HeadRecord,
    ) {
        batch.kind = self.kind as u8;
        batch.coinbase = self.coinbase;
        batch.acc_input_hash = self.acc_input_hash;
        batch.forced = self.forced;
        if let Some(forced) = &self.forced {
            head.forced_batch = Some(forced.number);
        }
    }
}

/// The newest state, and what the only block of a batch makes of it. Its root is computed when the block is committed: until then it is that
/// of the state before, and nothing in the batch asks for the one after.
struct OneBlock {
    reader: HeadReader,
    root: B256,
    depth: u32,
    diff: OnceCell<StateDiff>,
}

impl StateReader for OneBlock {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        let changed = self.diff.get().and_then(|diff| diff.accounts.iter().find(|account| account.address == *address));
        changed.map_or_else(|| self.reader.account(address), |account| Ok(account.new))
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        let is_it = |entry: &&zkevm_executor::StorageDiff| entry.address == *address && entry.slot == *slot;
        let changed = self.diff.get().and_then(|diff| diff.storage.iter().find(is_it));
        changed.map_or_else(|| self.reader.storage(address, slot), |entry| Ok(entry.new))
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        let deployed = self.diff.get().and_then(|diff| diff.codes.iter().find(|(known, _)| known == hash));
        deployed.map_or_else(|| self.reader.code(hash), |(_, code)| Ok(code.clone()))
    }
}

impl BatchState for OneBlock {
    fn apply_block(&mut self, diff: &StateDiff) -> Result<B256, StateError> {
        let applied = self.diff.set(diff.clone());
        applied.map_err(|_| StateError::Backend("a batch from L1 has a second L2 block".into()))?;
        Ok(self.root)
    }

    fn root(&self) -> B256 {
        self.root
    }

    fn depth_measure(&self) -> u32 {
        self.depth
    }
}
