//! The public executor vectors: reading every format of theirs, running them and comparing.
//!
//! A vector gives inputs and expected results of one batch. [`parse`] reads one JSON document (an
//! object, or an array of them), [`run_vector`] executes one and reports field by field. A batch of our own can be
//! written in the same format ([`WitnessedBatch`]).

mod counters;
mod exceptions;
mod export;
mod format;
mod report;
mod state;

pub use exceptions::{Exception, exception};
pub use export::WitnessedBatch;
pub use format::{Expected, Vector, VectorError, parse};
pub use report::{FieldReport, VectorReport, Verdict};
pub use state::VectorState;

use crate::{BatchInput, CancelToken, execute_batch};
use alloy_primitives::hex;
use zkevm_primitives::{BatchNumber, Counter, Counters};

/// Reads a JSON document and runs every vector in it. Documents that cannot be read or executed give a
/// report with an error.
#[must_use]
pub fn run_vectors(json: &str) -> Vec<VectorReport> {
    match parse(json) {
        Ok(vectors) => vectors.into_iter().map(run_vector).collect(),
        Err(error) => vec![VectorReport::failed(String::new(), error.to_string())],
    }
}

/// Runs a vector.
#[must_use]
pub fn run_vector(vector: Vector) -> VectorReport {
    let Vector { name, mut state, input, expected } = vector;
    let mut report = VectorReport::new(name);
    if let Some(root) = expected.old_state_root {
        report.check("oldStateRoot", &hex_of(root), &hex_of(input.old_state_root));
    }
    let result = match execute_batch(&input, &mut state) {
        Ok(result) => result,
        Err(error) => {
            report.error = Some(error.to_string());
            return report;
        }
    };
    if let Some(root) = expected.new_state_root {
        report.check("stateRoot", &hex_of(root), &hex_of(result.new_state_root));
    }
    if let Some(hash) = expected.new_acc_input_hash {
        report.check("accInputHash", &hex_of(hash), &hex_of(result.new_acc_input_hash));
    }
    if let Some(root) = expected.new_local_exit_root {
        report.check("localExitRoot", &hex_of(root), &hex_of(result.new_local_exit_root));
    }
    if let Some(number) = expected.new_batch_number {
        report.check("newNumBatch", &number.to_string(), &result.new_batch_number.to_string());
    }
    if let Some(counters) = expected.counters {
        report.check("counters", &text_of(&counters), &text_of(&result.counters));
    }
    report
}

fn hex_of(bytes: alloy_primitives::B256) -> String {
    hex::encode_prefixed(bytes)
}

fn text_of(counters: &Counters) -> String {
    Counter::ALL.map(|counter| format!("{counter} {}", counters[counter])).join(", ")
}

/// What every vector's input has in common.
fn input_template(spec: zkevm_primitives::ForkSpec) -> BatchInput {
    BatchInput {
        spec,
        chain_id: 0,
        old_state_root: alloy_primitives::B256::ZERO,
        old_acc_input_hash: alloy_primitives::B256::ZERO,
        old_batch_number: BatchNumber(0),
        batch_l2_data: alloy_primitives::Bytes::new(),
        l1_info_root: alloy_primitives::B256::ZERO,
        timestamp_limit: 0,
        sequencer: alloy_primitives::Address::ZERO,
        forced_block_hash_l1: alloy_primitives::B256::ZERO,
        is_injected: false,
        l1_info: crate::L1InfoSource::default(),
        counts: true,
        limits: None,
        depth_measure: None,
        recovery_threads: 1,
        records_reads: false,
        cancel: CancelToken::default(),
    }
}
