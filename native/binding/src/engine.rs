//! The `Engine` class: each verb of `src/native/engine.ts`.

use std::sync::{Arc, RwLock};

use alloy_primitives::B256;
use napi::bindgen_prelude::{AsyncTask, Buffer, Env, Object};
use napi_derive::napi;
use zkevm_engine::effective_gas_price::Repricing;
use zkevm_engine::engine::{Engine as Core, EngineOptions as CoreOptions};
use zkevm_engine::layout::unpack_list;
use zkevm_engine::stages::Stage;
use zkevm_engine::{EngineError, EngineResult, LimitsDivisor, admission, block, explanations, pool, seal, settle};

use crate::convert::{
    address, closed_to_js, forced_to_js, forced_to_rust, hash32, head_to_js, sealed_to_js, sealing, signed, unsigned,
};
use crate::error::{Result, to_js};
use crate::lane::Lane;
use crate::task::{Job, run};
use crate::types::{
    ClosedBatch, CommittedBlocks, EngineHead, EngineOptions, ExecuteRequest, ForcedBatchRequest, OpenBlockRequest,
    SealRequest, SealedBlock,
};

/// One open database; `close` drops it once the calls in flight have ended.
#[napi]
pub struct Engine {
    core: Slot,
    sequencing: Lane,
    pub(crate) verifying: Lane,
}

pub(crate) type Slot = Arc<RwLock<Option<Arc<Core>>>>;

/// Opens or creates the database.
#[napi(catch_unwind, ts_return_type = "Promise<Engine>")]
pub fn open_engine(options: EngineOptions) -> Result<AsyncTask<Job<Core, Engine>>> {
    let options = CoreOptions {
        path: options.path.into(),
        chain_id: unsigned(options.chain_id, "chainId").map_err(to_js)?,
        fork_id: u64::from(options.fork_id),
        genesis_json: options.genesis_json,
        sequencer: address(&options.sequencer_address).map_err(to_js)?,
        cache_bytes: bytes(options.cache_bytes, "cacheBytes")?,
        sync_writes: options.sync_writes,
        history_blocks: options
            .history_blocks
            .map(|blocks| unsigned(blocks, "historyBlocks"))
            .transpose()
            .map_err(to_js)?,
        pre_execution_bytes: bytes(options.pre_execution_bytes, "preExecutionBytes")?,
    };
    Ok(run(
        move || Core::open(&options),
        |core| {
            // From here on the event loop says what is published: see `Durable`.
            core.publish();
            Engine {
                core: Arc::new(RwLock::new(Some(Arc::new(core)))),
                sequencing: Lane::new("sequencing"),
                verifying: Lane::new("verify"),
            }
        },
    ))
}

fn bytes(value: i64, what: &str) -> Result<usize> {
    usize::try_from(value).map_err(|_| to_js(EngineError::invalid_argument(format!("{what} must not be negative"))))
}

pub(crate) fn current(slot: &Slot) -> EngineResult<Arc<Core>> {
    let slot = slot.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    slot.as_ref().map(Arc::clone).ok_or(EngineError::Closed)
}

/// What a verb answers that may have made something durable. Reads see it from the moment at which the verb's promise resolves, which is on
/// the event loop: whatever the loop answers in one turn is answered about one state of the chain.
pub struct Durable<T> {
    core: Arc<Core>,
    answer: T,
}

impl<T> Durable<T> {
    /// To be called on the event loop.
    fn publish(self) -> T {
        self.core.publish();
        self.answer
    }
}

/// Runs a verb that may make something durable.
fn durable<T>(slot: &Slot, work: impl FnOnce(&Core) -> EngineResult<T>) -> EngineResult<Durable<T>> {
    let core = current(slot)?;
    let answer = work(&core)?;
    Ok(Durable { core, answer })
}

pub(crate) type Promised<T> = AsyncTask<Job<T, T>>;
type PromisedBuffer = AsyncTask<Job<Vec<u8>, Buffer>>;

#[napi]
impl Engine {
    /// The open engine, for work on the event loop.
    pub(crate) fn current(&self) -> EngineResult<Arc<Core>> {
        current(&self.core)
    }

    pub(crate) fn core(&self) -> Result<Arc<Core>> {
        self.current().map_err(to_js)
    }

    /// For work that outlives the call.
    pub(crate) fn slot(&self) -> Slot {
        Arc::clone(&self.core)
    }

    /// Work on the engine off the event loop.
    fn bytes(&self, work: impl FnOnce(&Core) -> EngineResult<Vec<u8>> + Send + 'static) -> PromisedBuffer {
        let slot = Arc::clone(&self.core);
        run(move || work(&*current(&slot)?), Buffer::from)
    }

    /// Work on the open L2 block, on the thread of sequencing.
    fn sequence<'env>(
        &self,
        env: &'env Env,
        work: impl FnOnce(&Core) -> EngineResult<Vec<u8>> + Send + 'static,
    ) -> napi::Result<Object<'env>> {
        let slot = Arc::clone(&self.core);
        let work = move || {
            let core = current(&slot)?;
            core.timed(Stage::Execution, || work(&core))
        };
        self.sequencing.run(env, work, Buffer::from)
    }

    /// The same for the account of a stage.
    fn staged(
        &self,
        stage: Stage,
        work: impl FnOnce(&Core) -> EngineResult<Vec<u8>> + Send + 'static,
    ) -> PromisedBuffer {
        self.bytes(move |core| core.timed(stage, || work(core)))
    }

    #[napi(catch_unwind)]
    pub fn head(&self) -> Result<EngineHead> {
        let core = self.core()?;
        Ok(head_to_js(&core, &core.published_chain()))
    }

    #[napi(catch_unwind)]
    pub fn sealed_head(&self) -> Result<EngineHead> {
        let core = self.core()?;
        Ok(head_to_js(&core, &core.sealed_chain()))
    }

    /// The newest published L2 block, without the rest of the head.
    #[napi(catch_unwind)]
    pub fn block_number(&self) -> Result<i64> {
        Ok(signed(self.core()?.published_block()))
    }

    #[napi(catch_unwind)]
    pub fn setting(&self, name: String) -> Result<Option<String>> {
        let read = || Ok(self.current()?.store().setting(&name)?);
        read().map_err(to_js)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn put_setting(&self, name: String, text: Option<String>) -> Promised<()> {
        let slot = Arc::clone(&self.core);
        run(move || Ok(current(&slot)?.store().put_setting(&name, text.as_deref())?), |()| ())
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn close(&self) -> Promised<()> {
        let slot = Arc::clone(&self.core);
        run(
            move || {
                let core = slot.write().unwrap_or_else(std::sync::PoisonError::into_inner).take();
                core.map_or(Ok(()), |core| core.close())
            },
            |()| (),
        )
    }

    #[napi(catch_unwind, ts_return_type = "Promise<Buffer>")]
    pub fn admit(&self, transactions: Buffer, pre_execute: bool) -> PromisedBuffer {
        self.staged(Stage::Admission, move |core| admission::admit(core, &unpack_list(&transactions)?, pre_execute))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<Buffer>")]
    pub fn pre_execute(&self, transactions: Buffer, limits_divisor: u32) -> PromisedBuffer {
        self.staged(Stage::Admission, move |core| {
            let divisor = LimitsDivisor::new(limits_divisor)
                .ok_or_else(|| EngineError::invalid_argument("limits are divided by 0"))?;
            admission::pre_execute(core, &unpack_list(&transactions)?, divisor)
        })
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn pool_write(&self, operations: Buffer) -> Promised<()> {
        let slot = Arc::clone(&self.core);
        let work = move || {
            let core = current(&slot)?;
            core.timed(Stage::PoolWrite, || pool::write(core.store(), &operations))
        };
        run(work, |()| ())
    }

    #[napi(catch_unwind, ts_return_type = "Promise<Buffer>")]
    pub fn pool_load(&self, after: Buffer, max: u32) -> PromisedBuffer {
        self.bytes(move |core| admission::pool_page(core, &after, max as usize))
    }

    #[napi(catch_unwind)]
    pub fn pool_status(&self, hash: Buffer) -> Result<Option<String>> {
        pool::status_json(self.core()?.store(), &hash32(&hash).map_err(to_js)?).map_err(to_js)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    pub fn pool_prune(&self, before_ms: i64) -> AsyncTask<Job<usize, u32>> {
        let slot = Arc::clone(&self.core);
        let work = move || pool::prune(current(&slot)?.store(), unsigned(before_ms, "beforeMs")?);
        run(work, |count| u32::try_from(count).unwrap_or(u32::MAX))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn explain_write(&self, operations: Buffer) -> Promised<()> {
        let slot = Arc::clone(&self.core);
        run(move || explanations::write(current(&slot)?.store(), &operations), |()| ())
    }

    #[napi(catch_unwind, ts_return_type = "Promise<Buffer>")]
    pub fn explain_load(&self) -> PromisedBuffer {
        self.bytes(|core| explanations::load(core.store()))
    }

    #[napi(catch_unwind)]
    pub fn pending_transaction_json(&self, raw: Buffer, sender: Buffer) -> Result<String> {
        let sender = address(&sender).map_err(to_js)?;
        zkevm_engine::views::pending_transaction_json(&raw, sender).map_err(to_js)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<Buffer>")]
    pub fn open_block<'env>(&self, env: &'env Env, request: OpenBlockRequest) -> napi::Result<Object<'env>> {
        self.sequence(env, move |core| {
            let request = block::OpenBlockRequest {
                timestamp: unsigned(request.timestamp, "timestamp")?,
                now_ms: unsigned(request.now_ms, "nowMs")?,
                l1_info_tree_index: request.l1_info_tree_index,
                global_exit_root: request.global_exit_root.as_ref().map_or(Ok(B256::ZERO), hash32)?,
                l1_block_hash: request.l1_block_hash.as_ref().map_or(Ok(B256::ZERO), hash32)?,
            };
            core.open_block(&request)
        })
    }

    #[napi(catch_unwind, ts_return_type = "Promise<Buffer>")]
    pub fn execute<'env>(&self, env: &'env Env, request: ExecuteRequest) -> napi::Result<Object<'env>> {
        self.sequence(env, move |core| {
            let transactions = unpack_list(&request.transactions)?;
            let repricing = request.repricing.map(|layout| Repricing::read(&layout, transactions.len())).transpose()?;
            let request = block::ExecuteRequest {
                transactions,
                remaining: zkevm_engine::layout::Resources::read(&request.remaining)?,
                high: zkevm_engine::layout::Resources::read(&request.high)?,
                max_misfits: request.max_misfits,
                budget_nanos: unsigned(request.budget_nanos, "budgetNanos")?,
                repricing,
                must_succeed: request
                    .must_succeed
                    .map_or_else(Vec::new, |flags| flags.iter().map(|flag| *flag != 0).collect()),
            };
            core.execute(&request)
        })
    }

    #[napi(catch_unwind, ts_return_type = "Promise<SealedBlock>")]
    pub fn seal_block(&self, request: SealRequest) -> Result<AsyncTask<Job<Durable<seal::SealedBlock>, SealedBlock>>> {
        let (now_ms, closing) = sealing(request).map_err(to_js)?;
        let slot = Arc::clone(&self.core);
        let work = move || durable(&slot, |core| core.seal_block(now_ms, closing.as_ref()));
        Ok(run(work, |done| sealed_to_js(done.publish())))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<SealedBlock>")]
    pub fn finish_block<'env>(&self, env: &'env Env, request: SealRequest) -> napi::Result<Object<'env>> {
        let slot = Arc::clone(&self.core);
        let work = move || {
            let (now_ms, closing) = sealing(request)?;
            current(&slot)?.finish_block(now_ms, closing.as_ref())
        };
        self.sequencing.run(env, work, sealed_to_js)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<CommittedBlocks>")]
    pub fn commit_blocks(
        &self,
        through: Option<i64>,
    ) -> Result<AsyncTask<Job<Durable<settle::Committed>, CommittedBlocks>>> {
        let through = through.map_or(Ok(u64::MAX), |through| unsigned(through, "through")).map_err(to_js)?;
        let slot = Arc::clone(&self.core);
        Ok(run(
            move || durable(&slot, |core| core.timed(Stage::Commit, || core.commit_sealed(through))),
            |done| {
                let committed = done.publish();
                CommittedBlocks {
                    block_number: signed(committed.block),
                    blocks: committed.blocks,
                    nanos: signed(committed.nanos),
                }
            },
        ))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn discard_sealed(&self) -> Promised<()> {
        let slot = Arc::clone(&self.core);
        run(
            move || {
                current(&slot)?.discard_sealed();
                Ok(())
            },
            |()| (),
        )
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn discard_block(&self) -> Promised<()> {
        let slot = Arc::clone(&self.core);
        run(
            move || {
                current(&slot)?.discard_block();
                Ok(())
            },
            |()| (),
        )
    }

    #[napi(catch_unwind, ts_return_type = "Promise<ClosedBatch>")]
    pub fn close_batch(
        &self,
        reason: String,
        detail_json: String,
        now_ms: i64,
    ) -> Result<AsyncTask<Job<Durable<seal::ClosedBatch>, ClosedBatch>>> {
        let now_ms = unsigned(now_ms, "nowMs").map_err(to_js)?;
        let slot = Arc::clone(&self.core);
        let closing = seal::BatchClosing { reason, detail_json };
        let work = move || durable(&slot, |core| core.close_batch(now_ms, &closing));
        Ok(run(work, |done| closed_to_js(done.publish())))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<ForcedBatchOutcome>")]
    pub fn execute_forced_batch<'env>(
        &self,
        env: &'env Env,
        request: ForcedBatchRequest,
    ) -> napi::Result<Object<'env>> {
        let slot = Arc::clone(&self.core);
        let work = move || durable(&slot, |core| core.execute_forced_batch(&forced_to_rust(&request)?));
        self.sequencing.run(env, work, |done| forced_to_js(done.publish()))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn rollback(&self, to_batch: i64) -> Result<Promised<String>> {
        let to_batch = unsigned(to_batch, "toBatch").map_err(to_js)?;
        let slot = Arc::clone(&self.core);
        let work = move || zkevm_engine::views::to_json(&current(&slot)?.rollback(to_batch)?);
        Ok(run(work, |json| json))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn snapshot(&self, target: String) -> Promised<String> {
        let slot = Arc::clone(&self.core);
        let work = move || {
            let report = zkevm_engine::maintenance::snapshot(current(&slot)?.store(), std::path::Path::new(&target))?;
            zkevm_engine::views::to_json(&report)
        };
        run(work, |json| json)
    }

    #[napi(catch_unwind)]
    pub fn metrics_text(&self) -> Result<String> {
        Ok(self.core()?.metrics_text())
    }
}
