//! The injected first batch of a rollup: executed as a forced batch, closed at once.

use zkevm_state_db::records::BatchKind;

use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};
use crate::from_l1::BatchFromL1;
use crate::genesis::FirstBatch;
use crate::seal::BatchClosing;

const REASON: &str = "Sync L1: injected";

impl Engine {
    /// Executes and commits the injected first batch as batch 1.
    ///
    /// # Errors
    /// [`EngineError::GenesisInvalid`] when it would not make a block, and those of a commit.
    pub(crate) fn inject_first_batch(&self, first: &FirstBatch) -> EngineResult<()> {
        let _open = self.lock_open();
        let chain = self.chain();
        let batch = BatchFromL1 {
            kind: BatchKind::Injected,
            coinbase: first.sequencer,
            data: first.transactions.clone(),
            timestamp: first.timestamp,
            global_exit_root: first.global_exit_root,
            block_hash: first.forced_block_hash,
            forced: None,
        };
        let executed = self.execute_from_l1(&chain, &batch)?;
        if let Some(error) = executed.result.invalid {
            let reason = error.name();
            return Err(EngineError::GenesisInvalid(format!("firstBatchData.transactions has no effect: {reason}")));
        }
        if executed.result.blocks.is_empty() {
            return Err(EngineError::GenesisInvalid("firstBatchData.transactions is empty".into()));
        }
        let closing = BatchClosing { reason: REASON.to_owned(), detail_json: String::new() };
        self.commit_from_l1(&chain, &batch, executed, (&closing, first.timestamp * 1000))?;
        Ok(())
    }
}
