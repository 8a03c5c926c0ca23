//! The verbs of `Engine` that read: state, chain, proofs and witnesses.

use alloy_primitives::U256;
use napi::bindgen_prelude::{AsyncTask, Buffer};
use napi_derive::napi;
use zkevm_engine::block_id::BlockId;
use zkevm_engine::{EngineError, EngineResult, call};

use crate::convert::{self, call_request, hash32, outcome_to_js, signed, unsigned, word};
use crate::engine::{Engine, Promised, current};
use crate::error::{Result, to_js};
use crate::task::{Job, run};
use crate::types::{CallOutcome, CallRequest, GasEstimate};

#[napi]
impl Engine {
    #[napi(catch_unwind)]
    pub fn account(&self, address: Buffer, block: i64) -> Result<Buffer> {
        let read = || -> EngineResult<Vec<u8>> {
            let core = self.current()?;
            let account = core.account_in(&convert::address(&address)?, BlockId::from(block))?;
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
            self.current()?.storage_in(&convert::address(&address)?, &slot, BlockId::from(block))
        };
        read().map(|value| Buffer::from(value.to_be_bytes::<32>().to_vec())).map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn code(&self, address: Buffer, block: i64) -> Result<Buffer> {
        let read = || self.current()?.code_in(&convert::address(&address)?, BlockId::from(block));
        read().map(|code| Buffer::from(code.to_vec())).map_err(to_js)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<CallOutcome>")]
    pub fn call(&self, request: CallRequest, block: i64) -> Result<AsyncTask<Job<call::CallOutcome, CallOutcome>>> {
        let request = call_request(request).map_err(to_js)?;
        let slot = self.slot();
        Ok(run(move || current(&slot)?.call(&request, BlockId::from(block)), outcome_to_js))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<GasEstimate>")]
    pub fn estimate_gas(
        &self,
        request: CallRequest,
        block: i64,
    ) -> Result<AsyncTask<Job<(u64, call::CallOutcome), GasEstimate>>> {
        let request = call_request(request).map_err(to_js)?;
        let slot = self.slot();
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
        let read = || self.current()?.block_number_by_hash(&hash32(&hash)?);
        read().map(|number| number.map(signed)).map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn transaction_json(&self, hash: Buffer) -> Result<Option<String>> {
        let read = || self.current()?.transaction_json(&hash32(&hash)?);
        read().map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn transaction_by_index_json(&self, block: i64, index: u32) -> Result<Option<String>> {
        let core = self.core()?;
        core.transaction_by_index_json(core.resolve(BlockId::from(block)), index).map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn raw_transaction(&self, hash: Buffer) -> Result<Option<Buffer>> {
        let read = || self.current()?.raw_transaction(&hash32(&hash)?);
        read().map(|raw| raw.map(Buffer::from)).map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn transaction_hash_by_l2_hash(&self, l2_hash: Buffer) -> Result<Option<Buffer>> {
        let read = || self.current()?.hash_by_l2_hash(&hash32(&l2_hash)?);
        Ok(read().map_err(to_js)?.map(|hash| Buffer::from(hash.to_vec())))
    }

    #[napi(catch_unwind)]
    pub fn receipt_json(&self, hash: Buffer) -> Result<Option<String>> {
        let read = || self.current()?.receipt_json(&hash32(&hash)?);
        read().map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn block_receipts_json(&self, block: i64) -> Result<Option<String>> {
        let core = self.core()?;
        core.block_receipts_json(core.resolve(BlockId::from(block))).map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn block_logs_json(&self, block: i64) -> Result<String> {
        let core = self.core()?;
        core.block_logs_json(core.resolve(BlockId::from(block))).map_err(to_js)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn logs_json(&self, filter_json: String, max_results: u32) -> Promised<String> {
        let slot = self.slot();
        run(move || current(&slot)?.logs_json(&filter_json, max_results as usize), |json| json)
    }

    #[napi(catch_unwind)]
    pub fn batch_json(&self, batch: i64, full_transactions: bool) -> Result<Option<String>> {
        let read = || self.current()?.batch_json(unsigned(batch, "batch")?, full_transactions);
        read().map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn batch_number_by_block(&self, block: i64) -> Result<Option<i64>> {
        let read = || self.current()?.batch_number_by_block(unsigned(block, "block")?);
        read().map(|number| number.map(signed)).map_err(to_js)
    }

    #[napi(catch_unwind)]
    pub fn batch_data(&self, batch: i64) -> Result<Option<Buffer>> {
        let read = || self.current()?.batch_data(unsigned(batch, "batch")?);
        read().map(|data| data.map(Buffer::from)).map_err(to_js)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn proof_json(&self, address: Buffer, slots: Buffer, block: i64, changes_max: u32) -> Result<Promised<String>> {
        let address = convert::address(&address).map_err(to_js)?;
        if !slots.len().is_multiple_of(32) {
            return Err(to_js(EngineError::invalid_argument("slots are 32 bytes each")));
        }
        let slots: Vec<U256> = slots.chunks_exact(32).map(U256::from_be_slice).collect();
        let slot = self.slot();
        let work = move || current(&slot)?.proof_json(&address, &slots, BlockId::from(block), changes_max as usize);
        Ok(run(work, |json| json))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn batch_witness(&self, batch: i64, as_vector: bool, changes_max: u32) -> Result<Promised<String>> {
        let batch = unsigned(batch, "batch").map_err(to_js)?;
        let slot = self.slot();
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
        let slot = self.slot();
        let work = move || current(&slot)?.block_range_witness(first, last, changes_max as usize)?.witness_json();
        Ok(run(work, |json| json))
    }
}
