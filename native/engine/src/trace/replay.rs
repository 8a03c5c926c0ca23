//! Executing a stored L2 block again.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use zkevm_codec::{L2Transaction, Recovery};
use zkevm_executor::tracers::TxPlace;
use zkevm_executor::{
    BlockExecutor, BlockParams, BlockTime, CancelToken, L1Info, OpenError, RecoveredTx, StateError, Tracer, TxOutcome,
    TxResult,
};
use zkevm_primitives::{Counters, ForkId, ForkSpec};
use zkevm_state_db::DbError;
use zkevm_state_db::records::{BlockRecord, ReceiptRecord};

use crate::block_id::BlockId;
use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};
use crate::reader::BlockReader;

/// A stored block that is executed again, transaction by transaction.
pub(super) struct Replay {
    executor: BlockExecutor<BlockReader>,
    block: BlockRecord,
}

/// A transaction that was executed again.
pub(super) struct Replayed {
    pub(super) transaction: L2Transaction,
    pub(super) hash: B256,
    pub(super) result: Arc<TxResult>,
    /// Its counters as the batch counts them.
    pub(super) counters: Counters,
    pub(super) tracer: Option<Box<dyn Tracer>>,
}

impl Replay {
    /// Opens the block on the state before it.
    pub(super) fn open(engine: &Engine, block: BlockRecord, cancel: CancelToken) -> EngineResult<Self> {
        let Some(parent) = block.number.checked_sub(1) else {
            return Err(EngineError::Executor("the genesis block has no transactions".into()));
        };
        let state = engine.pin_state(BlockId::Number(parent))?;
        let batch = engine.store().batch(block.batch)?;
        let batch = batch.ok_or_else(|| DbError::corrupt(format!("batch {} is missing", block.batch)))?;
        let fork = ForkId::try_from(batch.fork_id).map_err(|_| EngineError::UnsupportedForkId(batch.fork_id))?;
        let spec = ForkSpec::new(fork);
        let imports = block.l1_info_index != 0 || !block.global_exit_root.is_zero();
        let params = BlockParams {
            spec,
            chain_id: engine.config().chain_id,
            coinbase: block.coinbase,
            previous_state_root: engine.stored_block(parent)?.state_root,
            time: BlockTime::At(block.timestamp),
            l1_info: imports.then_some(L1Info {
                global_exit_root: block.global_exit_root,
                l1_block_hash: block.l1_block_hash,
                timestamp_min: 0,
            }),
            levels: engine.levels(engine.chain().head.tree_depth),
            counts: true,
            records_reads: true,
        };
        let mut executor = BlockExecutor::open(BlockReader::new(state), params).map_err(|error| match error {
            OpenError::Invalid(error) => differs(block.number, error.name()),
            OpenError::Failed(error) => error.into(),
        })?;
        executor.set_cancel(cancel);
        Ok(Self { executor, block })
    }

    /// Executes the transaction at `index`, which must be the next one.
    pub(super) fn execute(
        &mut self,
        engine: &Engine,
        index: u32,
        tracer: Option<Box<dyn Tracer>>,
    ) -> EngineResult<Replayed> {
        let number = self.block.number;
        let (record, receipt) = engine.stored_transaction(number, index)?;
        let mut transaction = L2Transaction::decode_signed(&record.raw)
            .map_err(|error| DbError::corrupt(format!("transaction {}: {error}", record.hash)))?;
        transaction.effective_percentage = record.effective_percentage;
        let recovered = RecoveredTx::with_recovery(transaction, Recovery::Signer(record.sender));
        if let Some(tracer) = tracer {
            self.executor.set_tracer(tracer);
        }
        let outcome = self.executor.execute(&recovered, None);
        let tracer = self.executor.take_tracer();
        let TxOutcome::Executed(result) = outcome? else {
            return Err(differs(number, "a transaction is not valid"));
        };
        check(number, &result, &receipt)?;
        let counters = Counters::from_array(std::array::from_fn(|at| receipt.counters.get(at).copied().unwrap_or(0)));
        Ok(Replayed { transaction: recovered.tx, hash: record.hash, result, counters, tracer })
    }

    /// Where a transaction of the block stands.
    pub(super) fn place(&self, done: &Replayed) -> TxPlace {
        TxPlace {
            block_hash: self.block.hash,
            block_number: self.block.number,
            tx_hash: done.hash,
            index: done.result.index,
        }
    }

    /// The code of a hash.
    pub(super) fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        self.executor.code(hash)
    }

    /// Tree levels that counters are given for.
    pub(super) const fn levels(&self) -> u64 {
        self.executor.params().levels.tx
    }
}

/// A replay that differs from what was committed would show something that never happened.
fn check(number: u64, result: &TxResult, receipt: &ReceiptRecord) -> EngineResult<()> {
    let is_same = result.gas_used == receipt.gas_used
        && u8::from(result.succeeds) == receipt.status
        && result.effective_gas_price == receipt.effective_gas_price
        && result.logs.len() as u64 == u64::from(receipt.log_count);
    if is_same { Ok(()) } else { Err(differs(number, "a transaction differs from its receipt")) }
}

fn differs(block: u64, what: &str) -> EngineError {
    EngineError::Executor(format!("executing L2 block {block} again: {what}"))
}
