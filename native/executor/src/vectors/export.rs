//! Batches written in the format of the vectors, with a witness in the place of the whole state.

use super::Expected;
use super::counters::VectorCounters;
use crate::BatchInput;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zkevm_state_tree::H4;
use zkevm_state_tree::witness::Node;

/// A batch and all that executing it needs.
#[derive(Clone, Debug)]
pub struct WitnessedBatch {
    /// Name of the vector.
    pub name: String,
    /// The batch. Its depth measure is set, as a witness does not show one.
    pub input: BatchInput,
    /// Nodes and values of the tree before the batch, by hash.
    pub nodes: BTreeMap<H4, Node>,
    /// Codes, by linear Poseidon hash.
    pub codes: BTreeMap<B256, Bytes>,
    /// The accounts that have these codes.
    pub code_owners: BTreeMap<Address, B256>,
    /// What is to come out.
    pub expected: Expected,
}

/// What the public vectors leave to the fork id: how an exported batch was executed. Where it is given, the rules of
/// the fork are those of its release.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Execution {
    /// The table of counter costs.
    pub(super) counter_profile: String,
    /// The depth of the state tree that the counters take.
    pub(super) smt_depth: u32,
    /// An injected first batch, also where there is no L1 block hash that would tell.
    #[serde(default)]
    pub(super) injected: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    name: &'a str,
    old_state_root: B256,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_state_root: Option<B256>,
    old_acc_input_hash: B256,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_acc_input_hash: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_local_exit_root: Option<B256>,
    old_num_batch: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_num_batch: Option<u64>,
    #[serde(rename = "chainID")]
    chain_id: u64,
    #[serde(rename = "forkID")]
    fork_id: u64,
    #[serde(rename = "forcedBlockHashL1")]
    forced_block_hash_l1: B256,
    #[serde(rename = "batchL2Data")]
    batch_l2_data: &'a Bytes,
    l1_info_root: B256,
    timestamp_limit: String,
    sequencer_addr: Address,
    batch_hash_data: B256,
    execution: Execution,
    l1_info_tree: BTreeMap<String, L1Info>,
    contracts_bytecode: BTreeMap<String, String>,
    db: BTreeMap<B256, Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    virtual_counters: Option<VectorCounters>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum L1Info {
    Flag(bool),
    #[serde(rename_all = "camelCase")]
    Leaf {
        global_exit_root: B256,
        block_hash: B256,
        timestamp: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        smt_proof: Vec<B256>,
    },
}

impl WitnessedBatch {
    /// The `db` object: node hash to its elements.
    #[must_use]
    pub fn db(&self) -> BTreeMap<B256, Vec<String>> {
        self.nodes.iter().map(|(hash, node)| (hash.to_b256(), node.to_hex())).collect()
    }

    /// The `contractsBytecode` object: code hash to code, address to code hash.
    #[must_use]
    pub fn contracts_bytecode(&self) -> BTreeMap<String, String> {
        let codes = self.codes.iter().map(|(hash, code)| (hash.to_string(), code.to_string()));
        let owners = self.code_owners.iter().map(|(owner, hash)| (format!("{owner:#x}"), hash.to_string()));
        codes.chain(owners).collect()
    }

    /// The vector as JSON text; [`super::parse`] reads it back.
    ///
    /// # Errors
    /// None in practice: all keys are strings.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let Self { name, input, expected, .. } = self;
        serde_json::to_string(&Document {
            name,
            old_state_root: input.old_state_root,
            new_state_root: expected.new_state_root,
            old_acc_input_hash: input.old_acc_input_hash,
            new_acc_input_hash: expected.new_acc_input_hash,
            new_local_exit_root: expected.new_local_exit_root,
            old_num_batch: input.old_batch_number.0,
            new_num_batch: expected.new_batch_number,
            chain_id: input.chain_id,
            fork_id: input.spec.fork.number(),
            forced_block_hash_l1: input.forced_block_hash_l1,
            batch_l2_data: &input.batch_l2_data,
            l1_info_root: input.l1_info_root,
            timestamp_limit: input.timestamp_limit.to_string(),
            sequencer_addr: input.sequencer,
            batch_hash_data: keccak256(&input.batch_l2_data),
            execution: Execution {
                counter_profile: input.spec.profile.name().to_owned(),
                smt_depth: input.depth_measure.unwrap_or_default(),
                injected: input.is_injected,
            },
            l1_info_tree: l1_info_tree(input),
            contracts_bytecode: self.contracts_bytecode(),
            db: self.db(),
            virtual_counters: expected.counters.map(VectorCounters::from),
        })
    }
}

fn l1_info_tree(input: &BatchInput) -> BTreeMap<String, L1Info> {
    let leaves = input.l1_info.leaves.iter().map(|(index, proven)| {
        let leaf = L1Info::Leaf {
            global_exit_root: proven.leaf.global_exit_root,
            block_hash: proven.leaf.block_hash,
            timestamp: proven.leaf.timestamp.to_string(),
            smt_proof: proven.proof.clone(),
        };
        (index.to_string(), leaf)
    });
    let flag = input.l1_info.skips_proofs.then(|| ("skipVerifyL1InfoRoot".to_owned(), L1Info::Flag(true)));
    leaves.chain(flag).collect()
}
