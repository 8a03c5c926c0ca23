//! Forced batches: what users put into the chain through L1, past the sequencer's choice.
//!
//! They are executed in the order of their numbers, each as a batch of its own. The head pointers say which was the newest one and are
//! written with it, so that whatever ends the node, each is executed exactly once.

use alloy_primitives::{B256, Bytes};
use serde::Serialize;
use zkevm_codec::{BatchItem, decode_batch};
use zkevm_executor::{BatchResult, SkippedTx, StateDiff, forced_batch_hash};
use zkevm_primitives::RomError;
use zkevm_state_db::records::{BatchKind, ForcedOrigin};

use crate::block::touched_answer;
use crate::commit::record_of;
use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};
use crate::from_l1::{BatchFromL1, ExecutedFromL1};
use crate::layout::Resources;
use crate::seal::{BatchClosing, SealedBlock};
use crate::views::to_json;

/// Closing reason of a forced batch.
pub const FORCED_BATCH_REASON: &str = "Forced batch";
/// Most bytes of batchL2Data that L1 accepts in a forced batch.
pub const FORCED_BATCH_BYTES_MAX: usize = 5_000;
/// Version of the certificate's shape.
const CERTIFICATE_VERSION: u32 = 1;

/// A forced batch.
#[derive(Debug, Clone)]
pub struct ForcedBatchRequest {
    /// Its number among the forced batches.
    pub number: u64,
    /// batchL2Data, as it was forced.
    pub data: Bytes,
    /// When it was forced: the timestamp of that L1 block, Unix seconds.
    pub timestamp: u64,
    /// The global exit root of that moment.
    pub global_exit_root: B256,
    /// Hash of the parent of that L1 block.
    pub block_hash: B256,
    /// By when it had to be processed, Unix ms; for the certificate.
    pub deadline_ms: u64,
    /// Unix ms.
    pub now_ms: u64,
}

/// What became of a forced batch; it is durable.
#[derive(Debug, Clone)]
pub struct ForcedBatchOutcome {
    /// Its batch.
    pub batch: u64,
    /// Its block, where it has one.
    pub sealed: Option<SealedBlock>,
    /// ROM error of a batch without effect, else empty.
    pub rom_error: &'static str,
    /// Transactions that were not valid and are not in the block.
    pub skipped: usize,
    /// The closing certificate, JSON text.
    pub certificate_json: String,
    /// Resources used.
    pub used: Resources,
    /// Accounts that it changed, in the layout of the answer to `execute`.
    pub touched: Vec<u8>,
}

/// Why the batch is as it is, as far as the record of the batch does not say so.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Certificate<'a> {
    version: u32,
    batch: u64,
    reason: &'a str,
    forced_batch_number: u64,
    forced_batch_hash: B256,
    /// Unix seconds.
    forced_at: u64,
    /// Unix ms by which it had to be processed.
    bound: u64,
    tx_count: usize,
    block_count: usize,
    closed_at_ms: u64,
    rom_error: Option<&'a str>,
    skipped: Vec<SkippedView>,
}

/// A transaction that is in the data and not in the block.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SkippedView {
    index: usize,
    hash: B256,
    rom_error: &'static str,
}

impl Engine {
    /// Executes the next forced batch on the head and commits it as a closed batch, with everything sealed before it. There is no open L2
    /// block, and the open batch has none.
    ///
    /// # Errors
    /// [`EngineError::InvalidArgument`] for a batch that L1 cannot have, or that is not the next one; [`EngineError::WrongState`] while the
    /// open batch holds something; those of executing and of a commit, after which nothing of it is in the chain.
    pub fn execute_forced_batch(&self, request: &ForcedBatchRequest) -> EngineResult<ForcedBatchOutcome> {
        let slot = self.lock_open();
        if slot.is_some() {
            return Err(EngineError::WrongState("an L2 block is open"));
        }
        self.commit_sealed(u64::MAX)?;
        let chain = self.chain();
        if chain.batch.block_count > 0 {
            return Err(EngineError::WrongState("the open batch has L2 blocks"));
        }
        request.check(chain.head.next_forced_batch())?;
        let origin = request.origin();
        let batch = BatchFromL1 {
            kind: BatchKind::Forced,
            coinbase: self.config().sequencer,
            data: request.data.clone(),
            timestamp: request.timestamp,
            global_exit_root: request.global_exit_root,
            block_hash: request.block_hash,
            forced: Some(origin),
        };
        let executed = self.execute_from_l1(&chain, &batch)?;
        let ExecutedFromL1 { result, .. } = &executed;
        let rom_error = result.invalid.map_or("", |error| error.name());
        let certificate_json = certificate(chain.batch.number, request, &origin, result)?;
        let gas_used = result.blocks.iter().map(|block| block.gas_used).sum();
        let used = Resources::new(&result.counters, request.data.len() as u64, gas_used);
        let touched = result.blocks.first().map_or_else(|| touched_answer(&[]), |block| touched_rows(&block.diff));
        let skipped = result.skipped.len();
        let closing = BatchClosing { reason: FORCED_BATCH_REASON.to_owned(), detail_json: certificate_json.clone() };
        let sealed = self.commit_from_l1(&chain, &batch, executed, (&closing, request.now_ms));
        drop(slot);
        let sealed = sealed.inspect_err(|_| self.discard_sealed())?;
        Ok(ForcedBatchOutcome {
            batch: chain.batch.number,
            sealed,
            rom_error,
            skipped,
            certificate_json,
            used,
            touched,
        })
    }
}

impl ForcedBatchRequest {
    /// Refuses what L1 cannot have.
    fn check(&self, next: u64) -> EngineResult<()> {
        let number = self.number;
        let invalid = |why: String| Err(EngineError::invalid_argument(format!("forced batch {number}: {why}")));
        if number != next {
            return invalid(format!("the next one is {next}"));
        }
        if self.data.len() > FORCED_BATCH_BYTES_MAX {
            let bytes = self.data.len();
            return invalid(format!("{bytes} bytes are more than the {FORCED_BATCH_BYTES_MAX} that L1 accepts"));
        }
        if self.block_hash.is_zero() {
            return invalid("it has no L1 block hash".into());
        }
        Ok(())
    }

    fn origin(&self) -> ForcedOrigin {
        ForcedOrigin {
            number: self.number,
            timestamp: self.timestamp,
            global_exit_root: self.global_exit_root,
            block_hash: self.block_hash,
            hash: forced_batch_hash(&self.data, &self.global_exit_root, self.timestamp, &self.block_hash),
        }
    }
}

fn certificate(
    batch: u64,
    request: &ForcedBatchRequest,
    origin: &ForcedOrigin,
    result: &BatchResult,
) -> EngineResult<String> {
    to_json(&Certificate {
        version: CERTIFICATE_VERSION,
        batch,
        reason: FORCED_BATCH_REASON,
        forced_batch_number: request.number,
        forced_batch_hash: origin.hash,
        forced_at: request.timestamp,
        bound: request.deadline_ms,
        tx_count: result.blocks.iter().map(|block| block.transactions.len()).sum(),
        block_count: result.blocks.len(),
        closed_at_ms: request.now_ms,
        rom_error: result.invalid.map(RomError::name),
        skipped: if result.invalid.is_some() { Vec::new() } else { skipped(&request.data, &result.skipped) },
    })
}

/// The skipped transactions by the hash that their senders know.
fn skipped(data: &[u8], skipped: &[SkippedTx]) -> Vec<SkippedView> {
    let items = decode_batch(data).unwrap_or_default();
    let view = |skipped: &SkippedTx| match &items.get(skipped.entry)?.item {
        BatchItem::Transaction(tx) => {
            Some(SkippedView { index: skipped.entry, hash: tx.hash(), rom_error: skipped.error.name() })
        }
        BatchItem::ChangeL2Block(_) => None,
    };
    skipped.iter().filter_map(view).collect()
}

/// The accounts that a block changed, by address.
fn touched_rows(diff: &StateDiff) -> Vec<u8> {
    let accounts: Vec<_> = diff.accounts.iter().map(|account| (account.address, record_of(&account.new))).collect();
    touched_answer(&accounts)
}
