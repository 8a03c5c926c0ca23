//! The JSON formats of the vectors.

use super::counters::VectorCounters;
use super::export::Execution;
use super::{VectorState, input_template};
use crate::memory_state::{GenesisAccount, MemoryState};
use crate::{BatchInput, BatchState, L1InfoLeaf, L1InfoSource, ProvenL1InfoLeaf, WitnessState};
use alloy_primitives::{Address, B256, Bytes, U256, hex};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use zkevm_primitives::{BatchNumber, CostProfile, Counters, ForkId, ForkSpec};
use zkevm_state_tree::H4;
use zkevm_state_tree::witness::{Node, load_leaves};

/// A vector ready to run.
#[derive(Clone, Debug)]
pub struct Vector {
    /// Name, with its folder where the format has it.
    pub name: String,
    /// State before the batch.
    pub state: VectorState,
    /// The batch.
    pub input: BatchInput,
    /// What is to come out.
    pub expected: Expected,
}

/// The results a vector gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Root of the genesis, where the vector describes the state by one.
    pub old_state_root: Option<B256>,
    /// State root.
    pub new_state_root: Option<B256>,
    /// Accumulated input hash.
    pub new_acc_input_hash: Option<B256>,
    /// Local exit root.
    pub new_local_exit_root: Option<B256>,
    /// Batch number.
    pub new_batch_number: Option<u64>,
    /// Virtual counters.
    pub counters: Option<Counters>,
}

/// A vector that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// No JSON, or not of the expected shape.
    #[error("the vector is no JSON of a known shape: {0}")]
    Json(#[from] serde_json::Error),
    /// A field holds something else than it should.
    #[error("the field {field} of {name:?} is invalid: {what}")]
    Field {
        /// Name of the vector.
        name: String,
        /// The field.
        field: &'static str,
        /// What is wrong.
        what: String,
    },
}

/// Reads a document: one vector or an array of them.
///
/// # Errors
/// When it is no JSON of a known shape or a field is invalid.
pub fn parse(json: &str) -> Result<Vec<Vector>, VectorError> {
    if json.trim_start().starts_with('[') {
        let raw: Vec<RawVector<'_>> = serde_json::from_str(json)?;
        raw.into_iter().map(RawVector::build).collect()
    } else {
        let raw: RawVector<'_> = serde_json::from_str(json)?;
        Ok(vec![raw.build()?])
    }
}

/// A number as the vectors write it: JSON number, decimal or hexadecimal text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Number<'a> {
    Integer(u64),
    #[serde(borrow)]
    Text(Cow<'a, str>),
}

impl Number<'_> {
    fn u256(&self) -> Result<U256, String> {
        match self {
            Self::Integer(value) => Ok(U256::from(*value)),
            Self::Text(text) => number(text),
        }
    }

    fn u64(&self) -> Result<u64, String> {
        u64::try_from(self.u256()?).map_err(|_| "does not fit in 64 bits".to_owned())
    }
}

fn number(text: &str) -> Result<U256, String> {
    let parsed = match text.strip_prefix("0x") {
        Some("") => Ok(U256::ZERO),
        Some(digits) => U256::from_str_radix(digits, 16),
        None => U256::from_str_radix(text, 10),
    };
    parsed.map_err(|error| format!("{text:?}: {error}"))
}

fn bytes(text: &str) -> Result<Bytes, String> {
    hex::decode(text).map(Bytes::from).map_err(|error| error.to_string())
}

fn hash(text: &str) -> Result<B256, String> {
    Ok(number_hex(text)?.into())
}

/// Hexadecimal with or without prefix.
fn number_hex(text: &str) -> Result<U256, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    U256::from_str_radix(digits, 16).map_err(|error| format!("{text:?}: {error}"))
}

fn address(text: &str) -> Result<Address, String> {
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawVector<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(default)]
    id: Option<u64>,
    #[serde(borrow, default)]
    old_state_root: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    expected_old_root: Option<Cow<'a, str>>,
    #[serde(borrow, default, alias = "expectedNewRoot")]
    new_state_root: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    old_acc_input_hash: Option<Cow<'a, str>>,
    #[serde(borrow, default, alias = "expectedNewAccInputHash")]
    new_acc_input_hash: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    new_local_exit_root: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    old_num_batch: Option<Number<'a>>,
    #[serde(borrow, default)]
    new_num_batch: Option<Number<'a>>,
    #[serde(borrow, rename = "chainID")]
    chain_id: Number<'a>,
    #[serde(borrow, rename = "forkID")]
    fork_id: Number<'a>,
    #[serde(borrow, default, rename = "forcedBlockHashL1")]
    forced_block_hash_l1: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "batchL2Data")]
    batch_l2_data: Cow<'a, str>,
    #[serde(borrow)]
    l1_info_root: Cow<'a, str>,
    #[serde(borrow)]
    timestamp_limit: Number<'a>,
    #[serde(borrow, alias = "sequencerAddress")]
    sequencer_addr: Cow<'a, str>,
    #[serde(borrow, default)]
    contracts_bytecode: Option<HashMap<Cow<'a, str>, Cow<'a, str>>>,
    #[serde(borrow, default)]
    l1_info_tree: Option<HashMap<Cow<'a, str>, RawL1Info<'a>>>,
    #[serde(borrow, default)]
    db: Option<HashMap<Cow<'a, str>, Vec<Cow<'a, str>>>>,
    #[serde(borrow, default)]
    genesis: Option<Vec<RawAccount<'a>>>,
    #[serde(borrow, default)]
    txs: Option<Vec<RawEntry<'a>>>,
    #[serde(default)]
    virtual_counters: Option<VectorCounters>,
    #[serde(borrow, default)]
    gas_limit: Option<Number<'a>>,
    #[serde(default)]
    execution: Option<Execution>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawL1Info<'a> {
    Flag(bool),
    #[serde(borrow)]
    Leaf(RawLeaf<'a>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLeaf<'a> {
    #[serde(borrow)]
    global_exit_root: Cow<'a, str>,
    #[serde(borrow)]
    block_hash: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Number<'a>,
    #[serde(borrow, default)]
    smt_proof: Vec<Cow<'a, str>>,
}

/// An entry of `txs`; only changeL2Block entries matter, for their L1 data.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEntry<'a> {
    #[serde(borrow, default)]
    l1_info: Option<RawLeaf<'a>>,
    #[serde(borrow, default)]
    index_l1_info_tree: Option<Number<'a>>,
}

#[derive(Deserialize)]
struct RawAccount<'a> {
    #[serde(borrow)]
    address: Cow<'a, str>,
    #[serde(borrow, default)]
    nonce: Option<Number<'a>>,
    #[serde(borrow, default)]
    balance: Option<Number<'a>>,
    #[serde(borrow, default)]
    bytecode: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    storage: Option<HashMap<Cow<'a, str>, Cow<'a, str>>>,
}

impl RawVector<'_> {
    fn build(self) -> Result<Vector, VectorError> {
        let name = match (&self.name, self.id) {
            (Some(name), Some(id)) => format!("{name}#{id}"),
            (Some(name), None) => name.to_string(),
            (None, id) => format!("#{}", id.unwrap_or_default()),
        };
        let located = |field, result: Result<_, String>| {
            result.map_err(|what| VectorError::Field { name: name.clone(), field, what })
        };
        let state = located("db or genesis", self.state())?;
        let input = match self.input(&name, &state) {
            Ok(input) => input,
            Err((field, what)) => return Err(VectorError::Field { name, field, what }),
        };
        let expected = match self.expected() {
            Ok(expected) => expected,
            Err((field, what)) => return Err(VectorError::Field { name, field, what }),
        };
        Ok(Vector { name, state, input, expected })
    }

    fn state(&self) -> Result<VectorState, String> {
        if let (None, Some(genesis)) = (&self.db, &self.genesis) {
            let accounts = genesis.iter().map(RawAccount::build).collect::<Result<Vec<_>, _>>()?;
            return Ok(VectorState::Whole(MemoryState::from_genesis(&accounts)));
        }
        let root = self.old_state_root.as_deref().unwrap_or("0x0");
        let root = H4::from_u256(&number_hex(root)?).map_err(|error| error.to_string())?;
        let mut nodes = HashMap::new();
        for (key, elements) in self.db.iter().flatten() {
            let key = H4::from_u256(&number_hex(key)?).map_err(|error| error.to_string())?;
            nodes.insert(key, Node::from_hex(elements).map_err(|error| error.to_string())?);
        }
        let mut codes = Vec::new();
        for (key, code) in self.contracts_bytecode.iter().flatten() {
            // Shorter keys are addresses, aliases of no use here.
            if key.len() > 42 {
                codes.push((hash(key)?, bytes(code)?));
            }
        }
        if let Some(execution) = &self.execution {
            return Ok(VectorState::Witness(WitnessState::new(root, nodes, codes, execution.smt_depth)));
        }
        let leaves = load_leaves(&root, |hash| nodes.get(hash).copied()).map_err(|error| error.to_string())?;
        Ok(VectorState::Whole(MemoryState::from_leaves(leaves, codes)))
    }

    fn spec(&self, name: &str) -> Result<ForkSpec, String> {
        let fork = ForkId::try_from(self.fork_id.u64()?).map_err(|error| error.to_string())?;
        if let Some(execution) = &self.execution {
            let named = CostProfile::ALL.into_iter().find(|profile| profile.name() == execution.counter_profile);
            let profile = named.ok_or_else(|| format!("unknown counter profile {:?}", execution.counter_profile))?;
            return Ok(ForkSpec::new(fork).with_profile(profile));
        }
        // The vectors labelled fork 7 (the performance batches) precede its release; the counters below them are E9's either way.
        let mut spec = if fork == ForkId::Etrog { ForkSpec::etrog_draft() } else { ForkSpec::new(fork) };
        if fork < ForkId::Banana {
            spec = spec.with_profile(CostProfile::E9);
        }
        if let Some(limit) = &self.gas_limit {
            spec = spec.with_tx_gas_limit(limit.u64()?);
        }
        // Made for fork 7 and only relabelled: their block info trees hold that fork's gas limit.
        if name.contains("forcedtx-inputs-ignore") {
            spec.block_gas_limit = u64::MAX;
        }
        Ok(spec)
    }

    fn input(&self, name: &str, state: &VectorState) -> Result<BatchInput, (&'static str, String)> {
        let at = |field: &'static str| move |what: String| (field, what);
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or("0x0").to_owned();
        let mut input = input_template(self.spec(name).map_err(at("forkID"))?);
        input.chain_id = self.chain_id.u64().map_err(at("chainID"))?;
        input.old_state_root = match (&self.db, &self.genesis) {
            (None, Some(_)) => state.root(),
            _ => hash(&text(&self.old_state_root)).map_err(at("oldStateRoot"))?,
        };
        input.old_acc_input_hash = hash(&text(&self.old_acc_input_hash)).map_err(at("oldAccInputHash"))?;
        if let Some(number) = &self.old_num_batch {
            input.old_batch_number = BatchNumber(number.u64().map_err(at("oldNumBatch"))?);
        }
        input.batch_l2_data = bytes(&self.batch_l2_data).map_err(at("batchL2Data"))?;
        input.l1_info_root = hash(&self.l1_info_root).map_err(at("l1InfoRoot"))?;
        input.timestamp_limit = self.timestamp_limit.u64().map_err(at("timestampLimit"))?;
        input.sequencer = address(&self.sequencer_addr).map_err(at("sequencerAddr"))?;
        input.forced_block_hash_l1 = hash(&text(&self.forced_block_hash_l1)).map_err(at("forcedBlockHashL1"))?;
        input.is_injected = self.execution.as_ref().is_some_and(|execution| execution.injected);
        input.l1_info = self.l1_info().map_err(at("l1InfoTree"))?;
        Ok(input)
    }

    fn l1_info(&self) -> Result<L1InfoSource, String> {
        let mut source = L1InfoSource::default();
        let mut leaves = BTreeMap::new();
        for (key, info) in self.l1_info_tree.iter().flatten() {
            match info {
                RawL1Info::Flag(skips) => source.skips_proofs = *skips,
                RawL1Info::Leaf(leaf) => {
                    let index: u32 = key.parse().map_err(|error| format!("{key:?}: {error}"))?;
                    leaves.insert(index, leaf.build()?);
                }
            }
        }
        if self.l1_info_tree.is_none() {
            source.skips_proofs = true;
            for entry in self.txs.iter().flatten() {
                if let (Some(leaf), Some(index)) = (&entry.l1_info, &entry.index_l1_info_tree) {
                    let index = u32::try_from(index.u64()?).map_err(|error| error.to_string())?;
                    leaves.insert(index, leaf.build()?);
                }
            }
        }
        source.leaves = leaves;
        Ok(source)
    }

    fn expected(&self) -> Result<Expected, (&'static str, String)> {
        let root = |field: &'static str, text: &Option<Cow<'_, str>>| {
            text.as_deref().map(hash).transpose().map_err(|what| (field, what))
        };
        Ok(Expected {
            old_state_root: root("expectedOldRoot", &self.expected_old_root)?,
            new_state_root: root("newStateRoot", &self.new_state_root)?,
            new_acc_input_hash: root("newAccInputHash", &self.new_acc_input_hash)?,
            new_local_exit_root: root("newLocalExitRoot", &self.new_local_exit_root)?,
            new_batch_number: self
                .new_num_batch
                .as_ref()
                .map(Number::u64)
                .transpose()
                .map_err(|what| ("newNumBatch", what))?,
            counters: self.virtual_counters.map(Counters::from),
        })
    }
}

impl RawLeaf<'_> {
    fn build(&self) -> Result<ProvenL1InfoLeaf, String> {
        let leaf = L1InfoLeaf {
            global_exit_root: hash(&self.global_exit_root)?,
            block_hash: hash(&self.block_hash)?,
            timestamp: self.timestamp.u64()?,
        };
        let proof = self.smt_proof.iter().map(|sibling| hash(sibling)).collect::<Result<_, _>>()?;
        Ok(ProvenL1InfoLeaf { leaf, proof })
    }
}

impl RawAccount<'_> {
    fn build(&self) -> Result<GenesisAccount, String> {
        let mut storage = Vec::new();
        for (slot, value) in self.storage.iter().flatten() {
            storage.push((number_hex(slot)?, number_hex(value)?));
        }
        Ok(GenesisAccount {
            address: address(&self.address)?,
            nonce: self.nonce.as_ref().map_or(Ok(0), Number::u64)?,
            balance: self.balance.as_ref().map_or(Ok(U256::ZERO), Number::u256)?,
            code: self.bytecode.as_deref().map_or(Ok(Bytes::new()), bytes)?,
            storage,
        })
    }
}
