//! The verbs of the `Engine` class that show executions and encodings.

use napi::bindgen_prelude::{AsyncTask, Buffer};
use napi_derive::napi;
use zkevm_engine::block_id::BlockId;
use zkevm_engine::trace::TraceOptions as CoreOptions;
use zkevm_engine::views::RawPart;
use zkevm_engine::{EngineError, EngineResult};

use crate::convert::{call_request, hash32, unsigned};
use crate::engine::Engine;
use crate::error::{Result, to_js};
use crate::task::{Job, run};
use crate::types::{CallRequest, TraceOptions};

type PromisedText = AsyncTask<Job<Option<String>, Option<String>>>;

#[napi]
impl Engine {
    #[napi(catch_unwind, ts_return_type = "Promise<string | null>")]
    pub fn trace_transaction(&self, hash: Buffer, options: TraceOptions) -> Result<PromisedText> {
        let (hash, options) = (hash32(&hash).map_err(to_js)?, core_options(options));
        let slot = self.slot();
        Ok(run(move || crate::engine::current(&slot)?.trace_transaction(&hash, &options), |json| json))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string | null>")]
    pub fn trace_blocks(&self, first: i64, last: i64, options: TraceOptions) -> Result<PromisedText> {
        let read = || Ok((unsigned(first, "first")?, unsigned(last, "last")?));
        let ((first, last), options) = (read().map_err(to_js)?, core_options(options));
        let slot = self.slot();
        Ok(run(move || crate::engine::current(&slot)?.trace_blocks(first, last, &options), |json| json))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn trace_call(
        &self,
        request: CallRequest,
        block: i64,
        options: TraceOptions,
    ) -> Result<AsyncTask<Job<String, String>>> {
        let (request, options) = (call_request(request).map_err(to_js)?, core_options(options));
        let slot = self.slot();
        let work = move || crate::engine::current(&slot)?.trace_call(&request, BlockId::from(block), &options);
        Ok(run(work, |json| json))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn trace_calls(
        &self,
        bundles: Vec<Vec<CallRequest>>,
        block: i64,
        options: TraceOptions,
    ) -> Result<AsyncTask<Job<String, String>>> {
        let read = |bundle: Vec<CallRequest>| bundle.into_iter().map(call_request).collect::<EngineResult<Vec<_>>>();
        let bundles = bundles.into_iter().map(read).collect::<EngineResult<Vec<_>>>().map_err(to_js)?;
        let (slot, options) = (self.slot(), core_options(options));
        let work = move || crate::engine::current(&slot)?.trace_calls(&bundles, BlockId::from(block), &options);
        Ok(run(work, |json| json))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn state_roots_json(&self, first: i64, last: i64) -> Result<AsyncTask<Job<String, String>>> {
        let read = || Ok((unsigned(first, "first")?, unsigned(last, "last")?));
        let ((first, last), slot) = (read().map_err(to_js)?, self.slot());
        Ok(run(move || crate::engine::current(&slot)?.state_roots_json(first, last), |json| json))
    }

    /// `part`: 0 header, 1 block, 2 receipts.
    #[napi(catch_unwind)]
    pub fn raw_block_json(&self, block: i64, part: u32) -> Result<Option<String>> {
        let read = || {
            let core = self.current()?;
            core.raw_block_json(core.resolve(BlockId::from(block)), raw_part(part)?)
        };
        read().map_err(to_js)
    }
}

fn core_options(options: TraceOptions) -> CoreOptions {
    CoreOptions {
        config_json: options.config_json,
        timeout_ms: options.timeout_ms,
        limit_bytes: options.limit_bytes as usize,
    }
}

fn raw_part(part: u32) -> EngineResult<RawPart> {
    match part {
        0 => Ok(RawPart::Header),
        1 => Ok(RawPart::Block),
        2 => Ok(RawPart::Receipts),
        other => Err(EngineError::invalid_argument(format!("{other} is no part of a block"))),
    }
}
