//! Witnesses: a closed batch, or a range of blocks, with all that executing it needs and nothing else.
//!
//! The batch is executed once more, over the state before it, and what it asks of the state and of the tree is written down
//! ([`recorder`]). What comes out is a vector in the format of the public ones, which the conformance runner executes without a database.

mod input;
mod recorder;

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes};
use serde::Serialize;
use zkevm_executor::vectors::{Expected, WitnessedBatch};
use zkevm_executor::{BatchInput, BatchResult, WitnessState, execute_batch};
use zkevm_state_db::Snapshot;
use zkevm_state_tree::H4;

use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};
use crate::old_tree::tree_at;
use crate::views::to_json;
use recorder::Recorder;

/// A batch with its witness, and what executing it for the recording gave.
#[derive(Debug, Clone)]
pub struct BatchWitness {
    /// The batch, its witness and what the database says came out.
    pub batch: WitnessedBatch,
    /// What came out this time.
    pub result: BatchResult,
}

/// What is executed, and from where.
struct Target {
    name: String,
    /// First block; the state before it is the state the witness describes.
    first_block: u64,
    input: BatchInput,
    expected: Expected,
}

impl Engine {
    /// The witness of a closed batch. That executing it again gives what was committed is for the caller to see:
    /// [`BatchWitness::result`] against [`WitnessedBatch::expected`].
    ///
    /// # Errors
    /// [`EngineError::BatchNotClosed`], those of [`tree_at`] and of executing.
    pub fn batch_witness(&self, number: u64, changes_max: usize) -> EngineResult<BatchWitness> {
        let snapshot = self.store().snapshot();
        let target = self.batch_target(&snapshot, number)?;
        record(&snapshot, target, changes_max)
    }

    /// The witness of consecutive L2 blocks, of one batch or of several with the same coinbase.
    ///
    /// # Errors
    /// [`EngineError::BlockNotFound`], [`EngineError::CallInvalid`] for blocks that cannot be executed as one, and as
    /// [`Engine::batch_witness`].
    pub fn block_range_witness(&self, first: u64, last: u64, changes_max: usize) -> EngineResult<BatchWitness> {
        let snapshot = self.store().snapshot();
        let target = self.range_target(&snapshot, first, last)?;
        record(&snapshot, target, changes_max)
    }
}

fn record(snapshot: &Snapshot<'_>, target: Target, changes_max: usize) -> EngineResult<BatchWitness> {
    let Target { name, first_block, mut input, expected } = target;
    let before = first_block - 1;
    let old = tree_at(snapshot, before, changes_max)?;
    let depth = u32::try_from(snapshot.change_set(before)?.tree_depth).unwrap_or(u32::MAX);
    input.depth_measure = Some(depth);
    let mut recorder = Recorder::new(snapshot, old, depth);
    let result = execute_batch(&input, &mut recorder)?;
    let (nodes, codes, code_owners) = recorder.into_parts();
    Ok(BatchWitness { batch: WitnessedBatch { name, input, nodes, codes, code_owners, expected }, result })
}

/// The tree and code part of a witness, as RPC answers it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WitnessView {
    old_state_root: B256,
    new_state_root: B256,
    db: BTreeMap<B256, Vec<String>>,
    contracts_bytecode: BTreeMap<String, String>,
}

impl BatchWitness {
    /// The state that the witness describes, without any database.
    ///
    /// # Errors
    /// [`EngineError::Tree`] when the old root is no hash.
    pub fn state(&self) -> EngineResult<WitnessState> {
        let root =
            H4::from_b256(&self.batch.input.old_state_root).map_err(|error| EngineError::Tree(error.to_string()))?;
        let nodes = self.batch.nodes.iter().map(|(hash, node)| (*hash, *node));
        let codes = self.batch.codes.iter().map(|(hash, code): (&B256, &Bytes)| (*hash, code.clone()));
        Ok(WitnessState::new(root, nodes, codes, self.batch.input.depth_measure.unwrap_or_default()))
    }

    /// Executes the batch from the witness alone.
    ///
    /// # Errors
    /// Those of executing.
    pub fn replay(&self) -> EngineResult<BatchResult> {
        Ok(execute_batch(&self.batch.input, &mut self.state()?)?)
    }

    /// Roots, nodes and codes, as JSON.
    ///
    /// # Errors
    /// None in practice.
    pub fn witness_json(&self) -> EngineResult<String> {
        to_json(&WitnessView {
            old_state_root: self.batch.input.old_state_root,
            new_state_root: self.result.new_state_root,
            db: self.batch.db(),
            contracts_bytecode: self.batch.contracts_bytecode(),
        })
    }

    /// The whole input of the executor with the expected results, in the format of the public vectors.
    ///
    /// # Errors
    /// None in practice.
    pub fn vector_json(&self) -> EngineResult<String> {
        self.batch.to_json().map_err(|error| EngineError::Panic(format!("JSON vector: {error}")))
    }
}
