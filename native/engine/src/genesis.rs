//! Genesis files in the public format: `{root?, genesis: [{address, balance, nonce, bytecode?, storage?}], firstBatchData?}`.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::Deserialize;
use zkevm_state_db::records::AccountRecord;
use zkevm_state_tree::{H4, keys::KeySource, keys::derive_many, poseidon};

use crate::error::{EngineError, EngineResult};

/// A parsed genesis.
#[derive(Debug, Clone)]
pub struct Genesis {
    /// Root that the file states.
    pub stated_root: Option<B256>,
    /// Accounts, by address; an address that stands twice keeps its last entry.
    pub accounts: BTreeMap<Address, GenesisAccount>,
    /// The injected first batch of the rollup.
    pub first_batch: Option<FirstBatch>,
}

/// An account of the genesis.
#[derive(Debug, Clone, Default)]
pub struct GenesisAccount {
    /// Nonce, balance, code hash and length.
    pub account: AccountRecord,
    /// Code; empty without.
    pub code: Bytes,
    /// Slots that are not zero.
    pub storage: BTreeMap<U256, U256>,
}

/// The injected first batch (executor.md section 10): executed as a forced batch.
#[derive(Debug, Clone)]
pub struct FirstBatch {
    /// batchL2Data.
    pub transactions: Bytes,
    /// Stands in the place of the L1 info root.
    pub global_exit_root: B256,
    /// Timestamp limit, Unix seconds.
    pub timestamp: u64,
    /// L2 coinbase.
    pub sequencer: Address,
    /// Parent hash of the L1 block; a development genesis may leave it out.
    pub forced_block_hash: B256,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    root: Option<B256>,
    genesis: Vec<FileAccount>,
    first_batch_data: Option<FileFirstBatch>,
}

#[derive(Deserialize)]
struct FileAccount {
    address: Address,
    #[serde(default)]
    balance: Option<Number>,
    #[serde(default)]
    nonce: Option<Number>,
    bytecode: Option<Bytes>,
    #[serde(default)]
    storage: BTreeMap<String, String>,
}

/// A number as JSON number, decimal or 0x string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Text(String),
    Small(u64),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileFirstBatch {
    transactions: Bytes,
    global_exit_root: B256,
    timestamp: Number,
    sequencer: Address,
    #[serde(default, alias = "parentHash")]
    forced_block_hash_l1: B256,
}

impl Number {
    fn value(&self, what: &str) -> EngineResult<U256> {
        match self {
            Self::Small(value) => Ok(U256::from(*value)),
            Self::Text(text) => parse_number(text, what),
        }
    }

    fn value_u64(&self, what: &str) -> EngineResult<u64> {
        u64::try_from(self.value(what)?)
            .map_err(|_| EngineError::GenesisInvalid(format!("{what} does not fit 64 bits")))
    }
}

/// Decimal, or hex with 0x; an empty hex number is 0.
fn parse_number(text: &str, what: &str) -> EngineResult<U256> {
    let parsed = match text.strip_prefix("0x") {
        Some("") => return Ok(U256::ZERO),
        Some(hex) => U256::from_str_radix(hex, 16),
        None => U256::from_str_radix(text, 10),
    };
    parsed.map_err(|_| EngineError::GenesisInvalid(format!("{what}: {text:?} is no 256-bit number")))
}

impl Genesis {
    /// Parses a genesis file.
    ///
    /// # Errors
    /// [`EngineError::GenesisInvalid`], saying which field.
    pub fn parse(json: &str) -> EngineResult<Self> {
        let file: File = serde_json::from_str(json).map_err(|error| EngineError::GenesisInvalid(error.to_string()))?;
        let mut accounts = BTreeMap::new();
        for entry in file.genesis {
            let address = entry.address;
            accounts.insert(address, GenesisAccount::from_file(entry)?);
        }
        let first_batch = file.first_batch_data.map(FirstBatch::from_file).transpose()?;
        Ok(Self { stated_root: file.root, accounts, first_batch })
    }

    /// The leaves of the state tree: balance, nonce, code hash and length, storage; zero values leave none.
    pub fn leaves(&self) -> Vec<(H4, U256)> {
        let mut sources = Vec::new();
        let mut values = Vec::new();
        let mut leaf = |source: KeySource, value: U256| {
            if !value.is_zero() {
                sources.push(source);
                values.push(value);
            }
        };
        for (address, entry) in &self.accounts {
            leaf(KeySource::balance(address), entry.account.balance);
            leaf(KeySource::nonce(address), U256::from(entry.account.nonce));
            leaf(KeySource::code_hash(address), entry.account.code_hash.into());
            leaf(KeySource::code_length(address), U256::from(entry.account.code_length));
            for (slot, value) in &entry.storage {
                leaf(KeySource::storage(address, slot), *value);
            }
        }
        derive_many(&sources).into_iter().zip(values).collect()
    }

    /// Compares the computed root with the stated one.
    ///
    /// # Errors
    /// [`EngineError::GenesisRootMismatch`] with both roots.
    pub fn check_root(&self, computed: B256) -> EngineResult<()> {
        match self.stated_root {
            Some(stated) if stated != computed => Err(EngineError::GenesisRootMismatch { stated, computed }),
            _ => Ok(()),
        }
    }
}

impl GenesisAccount {
    fn from_file(entry: FileAccount) -> EngineResult<Self> {
        let of = |field: &str| format!("{field} of {}", entry.address);
        let code = entry.bytecode.unwrap_or_default();
        let (code_hash, code_length) =
            if code.is_empty() { (B256::ZERO, 0) } else { (poseidon::linear_hash(&code).to_b256(), code.len() as u64) };
        let mut storage = BTreeMap::new();
        for (slot, value) in &entry.storage {
            let value = parse_number(value, &of("storage"))?;
            if !value.is_zero() {
                storage.insert(parse_number(slot, &of("storage slot"))?, value);
            }
        }
        let account = AccountRecord {
            nonce: entry.nonce.as_ref().map_or(Ok(0), |nonce| nonce.value_u64(&of("nonce")))?,
            balance: entry.balance.as_ref().map_or(Ok(U256::ZERO), |balance| balance.value(&of("balance")))?,
            code_hash,
            code_length,
        };
        Ok(Self { account, code, storage })
    }
}

impl FirstBatch {
    fn from_file(file: FileFirstBatch) -> EngineResult<Self> {
        Ok(Self {
            transactions: file.transactions,
            global_exit_root: file.global_exit_root,
            timestamp: file.timestamp.value_u64("firstBatchData.timestamp")?,
            sequencer: file.sequencer,
            forced_block_hash: file.forced_block_hash_l1,
        })
    }
}

#[cfg(test)]
#[path = "genesis_test.rs"]
mod tests;
