//! The injected first batch of a rollup: executed as a forced batch, closed at once.

use std::time::Instant;

use alloy_primitives::B256;
use zkevm_codec::{BatchItem, decode_batch};
use zkevm_executor::{BlockExecutor, CounterModel, L1Info, OpenError, RecoveredTx, TxOutcome, acc_input_hash};
use zkevm_primitives::Counters;

use crate::block::Included;
use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};
use crate::genesis::FirstBatch;
use crate::layout::Resources;
use crate::seal::{BatchClosing, BatchPart, InjectedOrigin};

const REASON: &str = "Sync L1: injected";

impl Engine {
    /// Executes and commits the injected first batch as batch 1.
    ///
    /// # Errors
    /// [`EngineError::GenesisInvalid`] when its data are malformed, and those of a commit.
    pub(crate) fn inject_first_batch(&self, first: &FirstBatch) -> EngineResult<()> {
        let started = Instant::now();
        let _open = self.lock_open();
        let chain = self.chain();
        let l1_info = Some(L1Info {
            global_exit_root: first.global_exit_root,
            l1_block_hash: first.forced_block_hash,
            timestamp_min: 0,
        });
        let params = self.block_params(&chain.head, first.sequencer, first.timestamp, l1_info);
        let mut executor = BlockExecutor::open(self.head_reader(), params).map_err(|error| match error {
            OpenError::Invalid(error) => EngineError::GenesisInvalid(format!("firstBatchData: {}", error.name())),
            OpenError::Failed(error) => error.into(),
        })?;
        let mut included = Vec::new();
        let items = decode_batch(&first.transactions)
            .map_err(|failure| EngineError::GenesisInvalid(format!("firstBatchData.transactions: {failure}")))?;
        for item in items {
            let BatchItem::Transaction(tx) = item.item else {
                return Err(EngineError::GenesisInvalid("firstBatchData.transactions holds a changeL2Block".into()));
            };
            let (raw, hash, effective_percentage) = (tx.encode_signed(), tx.hash(), tx.effective_percentage);
            if let TxOutcome::Executed(result) = executor.execute(&RecoveredTx::recover(*tx), None)? {
                let counters = result.counters_used;
                included.push(Included { raw: raw.into(), hash, sender: result.from, effective_percentage, counters });
            }
        }
        let model = CounterModel::new(params.spec.profile);
        let executed = executor.seal()?;
        // An open block counts the decoding of its changeL2Block, and a forced batch has none.
        let no_change_l2_block = model.decode_change_l2_block().at(params.levels.tx);
        let counters: Counters = executed.counters.saturating_sub(&no_change_l2_block)
            + model.batch(first.transactions.len(), &params.levels);
        let part = BatchPart {
            data: first.transactions.to_vec(),
            used: Resources::new(&counters, first.transactions.len() as u64, executed.gas_used),
            high: Resources::default(),
            opened_at_ms: first.timestamp * 1000,
            injected: Some(InjectedOrigin { coinbase: first.sequencer, acc_input_hash: acc_input_hash_of(first) }),
        };
        let closing = BatchClosing { reason: REASON.to_owned(), detail_json: String::new() };
        self.finish_executed(executed, &included, 0, part, Some((&closing, first.timestamp * 1000)), started)?;
        self.commit_sealed(u64::MAX)?;
        Ok(())
    }
}

/// accInputHash of the injected batch (executor.md section 10): the old one is zero, the global exit root stands for the L1 info root.
fn acc_input_hash_of(first: &FirstBatch) -> B256 {
    acc_input_hash(
        &B256::ZERO,
        &first.transactions,
        &first.global_exit_root,
        first.timestamp,
        &first.sequencer,
        &first.forced_block_hash,
    )
}
