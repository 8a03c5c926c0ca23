//! Verification of batches: on a thread of its own, so that it neither holds one of the few threads of the libuv pool nor competes on equal
//! terms with sequencing.

use std::path::PathBuf;

use napi::bindgen_prelude::{Env, Object};
use napi_derive::napi;
use zkevm_engine::background::lower_priority;
use zkevm_engine::verify::{BatchCheck as CoreCheck, Mismatch, VerifyOptions as CoreOptions};

use crate::convert::{signed, unsigned};
use crate::engine::{Engine, current};
use crate::error::{Result, to_js};

#[napi(object)]
pub struct VerifyOptions {
    /// Priority of the thread, 0 (usual) to 19 (lowest).
    pub nice: u32,
    /// Compute the state root from the tree as it was before the batch.
    pub recompute_root: bool,
    /// Folder for bundles of differing batches; none are written where absent.
    pub bundle_directory: Option<String>,
}

#[napi(object)]
pub struct BatchMismatch {
    pub what: String,
    pub block: Option<i64>,
    pub transaction: Option<u32>,
    pub expected: String,
    pub got: String,
    pub text: String,
}

#[napi(object)]
pub struct BatchCheck {
    pub number: i64,
    pub block_count: i64,
    pub tx_count: i64,
    pub nanos: i64,
    pub mismatch: Option<BatchMismatch>,
    /// Folder of the bundle, where one was written.
    pub bundle: Option<String>,
    /// Why no bundle was written, where that failed.
    pub bundle_failure: Option<String>,
}

#[napi]
impl Engine {
    #[napi(catch_unwind)]
    pub fn begin_verification(&self, lag_max: i64) -> Result<i64> {
        let begin = || current(&self.slot())?.begin_verification(unsigned(lag_max, "lagMax")?);
        begin().map(signed).map_err(to_js)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<BatchCheck>")]
    pub fn verify_batch<'env>(
        &self,
        env: &'env Env,
        number: i64,
        options: VerifyOptions,
    ) -> napi::Result<Object<'env>> {
        let slot = self.slot();
        let nice = u8::try_from(options.nice).unwrap_or(u8::MAX);
        let options = CoreOptions {
            recompute_root: options.recompute_root,
            bundle_directory: options.bundle_directory.map(PathBuf::from),
        };
        let work = move || {
            lower_priority(nice);
            current(&slot)?.verify_batch(unsigned(number, "number")?, &options)
        };
        self.verifying.run(env, work, to_object)
    }
}

fn to_object(check: CoreCheck) -> BatchCheck {
    BatchCheck {
        number: signed(check.number),
        block_count: signed(check.block_count),
        tx_count: signed(check.tx_count),
        nanos: signed(check.nanos),
        mismatch: check.mismatch.map(to_mismatch),
        bundle: check.bundle.map(|path| path.display().to_string()),
        bundle_failure: check.bundle_failure,
    }
}

/// With the block and the transaction where it begins.
fn to_mismatch(mismatch: Mismatch) -> BatchMismatch {
    let (block, transaction) = match &mismatch.first {
        Some(first) => (Some(first.block), first.transaction),
        None => (mismatch.block, mismatch.transaction),
    };
    BatchMismatch {
        text: mismatch.to_string(),
        what: mismatch.what,
        block: block.map(signed),
        transaction,
        expected: mismatch.expected,
        got: mismatch.got,
    }
}
