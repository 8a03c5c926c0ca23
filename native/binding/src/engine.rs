//! The `Engine` class: each verb of `src/native/engine.ts`.

use std::sync::{Arc, RwLock};

use alloy_primitives::{Address, B256, U256};
use napi::bindgen_prelude::{AsyncTask, Buffer};
use napi_derive::napi;
use zkevm_engine::block_id::BlockId;
use zkevm_engine::engine::{ChainState, Engine as Core, EngineOptions as CoreOptions};
use zkevm_engine::layout::unpack_list;
use zkevm_engine::stages::Stage;
use zkevm_engine::{EngineError, EngineResult, admission, block, call, explanations, pool, seal, settle};

use crate::error::{Result, to_js};
use crate::task::{Job, run};
use crate::types::{
    CallOutcome, CallRequest, ClosedBatch, CommittedBlocks, EngineHead, EngineOptions, ExecuteRequest, GasEstimate,
    OpenBlockRequest, SealRequest, SealedBlock,
};

/// One open database; `close` drops it once the calls in flight have ended.
#[napi]
pub struct Engine {
    core: Slot,
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
    Ok(run(move || Core::open(&options), |core| Engine { core: Arc::new(RwLock::new(Some(Arc::new(core)))) }))
}

fn bytes(value: i64, what: &str) -> Result<usize> {
    usize::try_from(value).map_err(|_| to_js(EngineError::invalid_argument(format!("{what} must not be negative"))))
}

pub(crate) fn current(slot: &Slot) -> EngineResult<Arc<Core>> {
    let slot = slot.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    slot.as_ref().map(Arc::clone).ok_or(EngineError::Closed)
}

type Promised<T> = AsyncTask<Job<T, T>>;
type PromisedBuffer = AsyncTask<Job<Vec<u8>, Buffer>>;

#[napi]
impl Engine {
    fn core(&self) -> Result<Arc<Core>> {
        current(&self.core).map_err(to_js)
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
        Ok(head_to_js(&core, &core.chain()))
    }

    #[napi(catch_unwind)]
    pub fn sealed_head(&self) -> Result<EngineHead> {
        let core = self.core()?;
        Ok(head_to_js(&core, &core.sealed_chain()))
    }

    /// The newest committed L2 block, without the rest of the head.
    #[napi(catch_unwind)]
    pub fn block_number(&self) -> Result<i64> {
        Ok(signed(self.core()?.head_block()))
    }

    #[napi(catch_unwind)]
    pub fn setting(&self, name: String) -> Result<Option<String>> {
        let read = || Ok(current(&self.core)?.store().setting(&name)?);
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
    pub fn pre_execute(&self, transactions: Buffer) -> PromisedBuffer {
        self.staged(Stage::Admission, move |core| admission::pre_execute(core, &unpack_list(&transactions)?))
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
    pub fn open_block(&self, request: OpenBlockRequest) -> Result<PromisedBuffer> {
        let read = || -> EngineResult<block::OpenBlockRequest> {
            Ok(block::OpenBlockRequest {
                timestamp: unsigned(request.timestamp, "timestamp")?,
                now_ms: unsigned(request.now_ms, "nowMs")?,
                l1_info_tree_index: request.l1_info_tree_index,
                global_exit_root: request.global_exit_root.as_ref().map_or(Ok(B256::ZERO), hash32)?,
                l1_block_hash: request.l1_block_hash.as_ref().map_or(Ok(B256::ZERO), hash32)?,
            })
        };
        let request = read().map_err(to_js)?;
        Ok(self.staged(Stage::Execution, move |core| core.open_block(&request)))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<Buffer>")]
    pub fn execute(&self, request: ExecuteRequest) -> PromisedBuffer {
        self.staged(Stage::Execution, move |core| {
            let request = block::ExecuteRequest {
                transactions: unpack_list(&request.transactions)?,
                remaining: zkevm_engine::layout::Resources::read(&request.remaining)?,
                high: zkevm_engine::layout::Resources::read(&request.high)?,
                max_misfits: request.max_misfits,
                budget_nanos: unsigned(request.budget_nanos, "budgetNanos")?,
            };
            core.execute(&request)
        })
    }

    #[napi(catch_unwind, ts_return_type = "Promise<SealedBlock>")]
    pub fn seal_block(&self, request: SealRequest) -> Result<AsyncTask<Job<seal::SealedBlock, SealedBlock>>> {
        let (now_ms, closing) = sealing(request).map_err(to_js)?;
        let slot = Arc::clone(&self.core);
        Ok(run(move || current(&slot)?.seal_block(now_ms, closing.as_ref()), sealed_to_js))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<SealedBlock>")]
    pub fn finish_block(&self, request: SealRequest) -> Result<AsyncTask<Job<seal::SealedBlock, SealedBlock>>> {
        let (now_ms, closing) = sealing(request).map_err(to_js)?;
        let slot = Arc::clone(&self.core);
        Ok(run(move || current(&slot)?.finish_block(now_ms, closing.as_ref()), sealed_to_js))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<CommittedBlocks>")]
    pub fn commit_blocks(&self, through: Option<i64>) -> Result<AsyncTask<Job<settle::Committed, CommittedBlocks>>> {
        let through = through.map_or(Ok(u64::MAX), |through| unsigned(through, "through")).map_err(to_js)?;
        let slot = Arc::clone(&self.core);
        Ok(run(
            move || {
                let core = current(&slot)?;
                core.timed(Stage::Commit, || core.commit_sealed(through))
            },
            |committed| CommittedBlocks {
                block_number: signed(committed.block),
                blocks: committed.blocks,
                nanos: signed(committed.nanos),
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
    ) -> Result<AsyncTask<Job<seal::ClosedBatch, ClosedBatch>>> {
        let now_ms = unsigned(now_ms, "nowMs").map_err(to_js)?;
        let slot = Arc::clone(&self.core);
        let work = move || current(&slot)?.close_batch(now_ms, &seal::BatchClosing { reason, detail_json });
        Ok(run(work, closed_to_js))
    }

    #[napi(catch_unwind)]
    pub fn account(&self, address: Buffer, block: i64) -> Result<Buffer> {
        let read = || -> EngineResult<Vec<u8>> {
            let core = current(&self.core)?;
            let account = core.account_in(&self::address(&address)?, BlockId::from(block))?;
            let mut out = Vec::with_capacity(80);
            out.extend_from_slice(&account.nonce.to_le_bytes());
            out.extend_from_slice(&account.balance.to_le_bytes::<32>());
            out.extend_from_slice(account.code_hash.as_slice());
            out.extend_from_slice(&account.code_length.to_le_bytes());
            Ok(out)
        };
        read().map(Buffer::from).map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn storage_at(&self, address: Buffer, slot: Buffer, block: i64) -> Result<Buffer> {
        let read = || -> EngineResult<U256> {
            let slot = word(&slot)?;
            current(&self.core)?.storage_in(&self::address(&address)?, &slot, BlockId::from(block))
        };
        read().map(|value| Buffer::from(value.to_be_bytes::<32>().to_vec())).map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn code(&self, address: Buffer, block: i64) -> Result<Buffer> {
        let read = || current(&self.core)?.code_in(&self::address(&address)?, BlockId::from(block));
        read().map(|code| Buffer::from(code.to_vec())).map_err(to_js)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<CallOutcome>")]
    pub fn call(&self, request: CallRequest, block: i64) -> Result<AsyncTask<Job<call::CallOutcome, CallOutcome>>> {
        let request = call_request(request).map_err(to_js)?;
        let slot = Arc::clone(&self.core);
        Ok(run(move || current(&slot)?.call(&request, BlockId::from(block)), outcome_to_js))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<GasEstimate>")]
    pub fn estimate_gas(
        &self,
        request: CallRequest,
        block: i64,
    ) -> Result<AsyncTask<Job<(u64, call::CallOutcome), GasEstimate>>> {
        let request = call_request(request).map_err(to_js)?;
        let slot = Arc::clone(&self.core);
        let work = move || current(&slot)?.estimate_gas(&request, BlockId::from(block));
        Ok(run(work, |(gas, outcome)| GasEstimate { gas: signed(gas), outcome: outcome_to_js(outcome) }))
    }

    #[napi(catch_unwind)]
    pub fn block_json(&self, block: i64, full_transactions: bool, extra: bool) -> Result<Option<String>> {
        let core = self.core()?;
        let number = core.resolve(BlockId::from(block));
        core.block_json(number, full_transactions, extra).map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn block_number_by_hash(&self, hash: Buffer) -> Result<Option<i64>> {
        let read = || Ok(current(&self.core)?.store().block_number_by_hash(&hash32(&hash)?)?);
        read().map(|number| number.map(signed)).map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn transaction_json(&self, hash: Buffer) -> Result<Option<String>> {
        let read = || current(&self.core)?.transaction_json(&hash32(&hash)?);
        read().map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn transaction_by_index_json(&self, block: i64, index: u32) -> Result<Option<String>> {
        let core = self.core()?;
        core.transaction_by_index_json(core.resolve(BlockId::from(block)), index).map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn raw_transaction(&self, hash: Buffer) -> Result<Option<Buffer>> {
        let read = || current(&self.core)?.raw_transaction(&hash32(&hash)?);
        read().map(|raw| raw.map(Buffer::from)).map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn receipt_json(&self, hash: Buffer) -> Result<Option<String>> {
        let read = || current(&self.core)?.receipt_json(&hash32(&hash)?);
        read().map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn block_receipts_json(&self, block: i64) -> Result<Option<String>> {
        let core = self.core()?;
        core.block_receipts_json(core.resolve(BlockId::from(block))).map_err(to_js)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn logs_json(&self, filter_json: String, max_results: u32) -> Promised<String> {
        let slot = Arc::clone(&self.core);
        run(move || current(&slot)?.logs_json(&filter_json, max_results as usize), |json| json)
    }

    #[napi(catch_unwind)]
    pub fn batch_json(&self, batch: i64, full_transactions: bool) -> Result<Option<String>> {
        let read = || current(&self.core)?.batch_json(unsigned(batch, "batch")?, full_transactions);
        read().map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn batch_number_by_block(&self, block: i64) -> Result<Option<i64>> {
        let read = || current(&self.core)?.batch_number_by_block(unsigned(block, "block")?);
        read().map(|number| number.map(signed)).map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn batch_data(&self, batch: i64) -> Result<Option<Buffer>> {
        let read = || current(&self.core)?.batch_data(unsigned(batch, "batch")?);
        read().map(|data| data.map(Buffer::from)).map_err(to_js)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn proof_json(&self, address: Buffer, slots: Buffer, block: i64, changes_max: u32) -> Result<Promised<String>> {
        let address = self::address(&address).map_err(to_js)?;
        if !slots.len().is_multiple_of(32) {
            return Err(to_js(EngineError::invalid_argument("slots are 32 bytes each")));
        }
        let slots: Vec<U256> = slots.chunks_exact(32).map(U256::from_be_slice).collect();
        let slot = Arc::clone(&self.core);
        let work = move || current(&slot)?.proof_json(&address, &slots, BlockId::from(block), changes_max as usize);
        Ok(run(work, |json| json))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn batch_witness(&self, batch: i64, as_vector: bool, changes_max: u32) -> Result<Promised<String>> {
        let batch = unsigned(batch, "batch").map_err(to_js)?;
        let slot = Arc::clone(&self.core);
        let work = move || {
            let witness = current(&slot)?.batch_witness(batch, changes_max as usize)?;
            if as_vector { witness.vector_json() } else { witness.witness_json() }
        };
        Ok(run(work, |json| json))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn block_range_witness(&self, first: i64, last: i64, changes_max: u32) -> Result<Promised<String>> {
        let first = unsigned(first, "first").map_err(to_js)?;
        let last = unsigned(last, "last").map_err(to_js)?;
        let slot = Arc::clone(&self.core);
        let work = move || current(&slot)?.block_range_witness(first, last, changes_max as usize)?.witness_json();
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

fn head_to_js(core: &Core, chain: &ChainState) -> EngineHead {
    let config = core.config();
    let resources =
        |values: &[u64]| Buffer::from(values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>());
    EngineHead {
        chain_id: signed(config.chain_id),
        fork_id: config.fork.fork.number() as u32,
        genesis_root: config.genesis_root.to_string(),
        block_number: signed(chain.head.block),
        block_hash: chain.head.block_hash.to_string(),
        block_timestamp: signed(chain.head.timestamp),
        state_root: chain.head.state_root.to_string(),
        closed_batch: signed(chain.head.closed_batch),
        open_batch: signed(chain.batch.number),
        open_batch_used: resources(&chain.batch.used),
        open_batch_high: resources(&chain.batch.high),
        open_batch_tx_count: signed(chain.batch.tx_count),
        open_batch_block_count: signed(chain.batch.block_count),
        open_batch_opened_at_ms: signed(chain.batch.opened_at_ms),
        hard_limits: resources(&core.hard_limits().0),
        budget_limits: resources(&core.budget_limits().0),
        created: core.created(),
    }
}

fn sealing(request: SealRequest) -> EngineResult<(u64, Option<seal::BatchClosing>)> {
    let closing = request.close_batch.map(|closing| seal::BatchClosing {
        reason: closing.reason,
        detail_json: closing.detail_json.unwrap_or_default(),
    });
    Ok((unsigned(request.now_ms, "nowMs")?, closing))
}

fn sealed_to_js(sealed: seal::SealedBlock) -> SealedBlock {
    let hashes: Vec<u8> = sealed.tx_hashes.iter().flat_map(|hash| hash.0).collect();
    SealedBlock {
        number: signed(sealed.number),
        hash: sealed.hash.to_string(),
        state_root: sealed.state_root.to_string(),
        timestamp: signed(sealed.timestamp),
        tx_count: sealed.tx_hashes.len() as u32,
        gas_used: sealed.gas_used.into(),
        batch_number: signed(sealed.batch),
        header_json: sealed.header_json,
        logs_json: sealed.logs_json,
        tx_hashes: hashes.into(),
        seal_nanos: signed(sealed.nanos.seal),
        tree_nanos: signed(sealed.nanos.tree),
        commit_nanos: signed(sealed.nanos.commit),
    }
}

fn closed_to_js(closed: seal::ClosedBatch) -> ClosedBatch {
    ClosedBatch {
        number: signed(closed.number),
        state_root: closed.state_root.to_string(),
        local_exit_root: closed.local_exit_root.to_string(),
        closing_reason: closed.closing_reason,
        block_count: signed(closed.block_count),
        tx_count: signed(closed.tx_count),
        bytes: signed(closed.bytes),
    }
}

fn outcome_to_js(outcome: call::CallOutcome) -> CallOutcome {
    let counters: Vec<u8> = outcome
        .counters
        .to_array()
        .iter()
        .flat_map(|value| u32::try_from(*value).unwrap_or(u32::MAX).to_le_bytes())
        .collect();
    CallOutcome {
        status: u32::from(outcome.status),
        gas_used: signed(outcome.gas_used),
        output: outcome.output.to_vec().into(),
        rom_error: outcome.rom_error,
        counters: counters.into(),
    }
}

pub(crate) fn call_request(request: CallRequest) -> EngineResult<call::CallRequest> {
    Ok(call::CallRequest {
        from: request.from.as_ref().map(address).transpose()?,
        to: request.to.as_ref().map(address).transpose()?,
        data: request.data.map(|data| data.to_vec().into()).unwrap_or_default(),
        value: request.value.as_ref().map_or(Ok(U256::ZERO), word)?,
        gas_price: request.gas_price.as_ref().map(word).transpose()?,
        gas: request.gas.map(|gas| unsigned(gas, "gas")).transpose()?,
        nonce: request.nonce.map(|nonce| unsigned(nonce, "nonce")).transpose()?,
        state_overrides_json: request.state_overrides_json,
        block_overrides_json: request.block_overrides_json,
        access_list_json: request.access_list_json,
        timeout_ms: request.timeout_ms,
    })
}

/// Numbers of blocks, bytes and milliseconds stay far below 2^53.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(value: i64, what: &str) -> EngineResult<u64> {
    u64::try_from(value).map_err(|_| EngineError::invalid_argument(format!("{what} must not be negative")))
}

fn address(bytes: &Buffer) -> EngineResult<Address> {
    Address::try_from(bytes.as_ref()).map_err(|_| EngineError::invalid_argument("an address has 20 bytes"))
}

pub(crate) fn hash32(bytes: &Buffer) -> EngineResult<B256> {
    B256::try_from(bytes.as_ref()).map_err(|_| EngineError::invalid_argument("a hash has 32 bytes"))
}

/// A big-endian number of at most 32 bytes.
fn word(bytes: &Buffer) -> EngineResult<U256> {
    U256::try_from_be_slice(bytes).ok_or_else(|| EngineError::invalid_argument("a number has at most 32 bytes"))
}
