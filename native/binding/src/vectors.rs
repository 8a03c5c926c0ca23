//! Exports that need no database: the conformance runner's, genesis roots, layout sizes.

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use zkevm_engine::EngineError;
use zkevm_engine::genesis::Genesis;
use zkevm_engine::layout;
use zkevm_engine::tree::Tree;

use crate::task::{Job, run};

/// Sizes that `src/native/layouts.ts` has to agree with, in the order that it compares.
#[napi(catch_unwind)]
pub fn layout_sizes() -> Vec<u32> {
    [
        usize::from(layout::VERSION),
        layout::ADMISSION_ROW_BYTES,
        layout::OUTCOME_HEADER_BYTES,
        layout::OUTCOME_ROW_BYTES,
        layout::TOUCHED_ROW_BYTES,
        layout::RESOURCE_COUNT,
        zkevm_engine::effective_gas_price::RULE_BYTES,
    ]
    .iter()
    .map(|size| *size as u32)
    .collect()
}

/// Stated and computed root of a genesis file, as JSON.
#[napi(catch_unwind, ts_return_type = "Promise<string>")]
pub fn genesis_root(json: String) -> AsyncTask<Job<String, String>> {
    let work = move || {
        let genesis = Genesis::parse(&json)?;
        let computed = Tree::root_of(&genesis.leaves());
        let stated = genesis.stated_root.map_or("null".to_owned(), |root| format!("\"{root}\""));
        Ok(format!("{{\"stated\":{stated},\"computed\":\"{computed}\"}}"))
    };
    run(work, |json| json)
}

/// Runs one executor vector (JSON text) and answers its report as JSON.
#[napi(catch_unwind, ts_return_type = "Promise<string>")]
pub fn run_vector(json: String) -> AsyncTask<Job<String, String>> {
    let work = move || {
        let reports = zkevm_executor::vectors::run_vectors(&json);
        serde_json::to_string(&reports).map_err(|error| EngineError::Panic(error.to_string()))
    };
    run(work, |report| report)
}
