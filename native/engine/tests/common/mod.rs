//! A chain in a temporary folder, and accounts that sign.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::default_trait_access,
    reason = "each test crate uses its own part of these helpers"
)]

use alloy_primitives::{Address, Bytes, U256, keccak256};
use secp256k1::{Message, PublicKey, Secp256k1, SecretKey};
use zkevm_codec::L2Transaction;
use zkevm_engine::block::{ExecuteRequest, OpenBlockRequest};
use zkevm_engine::engine::{Engine, EngineOptions};
use zkevm_engine::layout::{OUTCOME_HEADER_BYTES, OUTCOME_ROW_BYTES, Resources};

pub const CHAIN_ID: u64 = 1001;
pub const SEQUENCER: Address = Address::repeat_byte(0xee);
pub const FUNDS: u128 = 10_000_000_000_000_000_000_000;
pub const GAS_PRICE: u64 = 1_000_000_000;

/// A funded account.
pub struct Account {
    key: SecretKey,
    pub address: Address,
}

impl Account {
    pub fn new(number: u8) -> Self {
        let key = SecretKey::from_byte_array([number + 1; 32]).unwrap();
        let public = PublicKey::from_secret_key(&Secp256k1::new(), &key).serialize_uncompressed();
        Self { key, address: Address::from_slice(&keccak256(&public[1..])[12..]) }
    }

    /// A signed legacy transaction as bytes.
    pub fn sign(&self, nonce: u64, to: Option<Address>, value: u64, gas_limit: u64, data: &[u8]) -> Vec<u8> {
        let mut tx = L2Transaction::default();
        tx.nonce = nonce;
        tx.gas_price = U256::from(GAS_PRICE);
        tx.gas_limit = gas_limit;
        tx.to = to;
        tx.value = U256::from(value);
        tx.data = Bytes::copy_from_slice(data);
        tx.chain_id = Some(CHAIN_ID);
        tx.effective_percentage = u8::MAX;
        let message = Message::from_digest(tx.signing_hash().0);
        let (id, compact) = Secp256k1::new().sign_ecdsa_recoverable(message, &self.key).serialize_compact();
        tx.signature.r = U256::from_be_slice(&compact[..32]);
        tx.signature.s = U256::from_be_slice(&compact[32..]);
        tx.signature.v = 27 + u8::try_from(i32::from(id)).unwrap();
        tx.encode_signed()
    }

    pub fn transfer(&self, nonce: u64, to: Address, value: u64) -> Vec<u8> {
        self.sign(nonce, Some(to), value, 21_000, &[])
    }

    /// An item of a slice.
    pub fn item(&self, raw: &[u8]) -> Vec<u8> {
        [self.address.as_slice(), &[u8::MAX], raw].concat()
    }
}

pub fn accounts() -> Vec<Account> {
    (0..4).map(Account::new).collect()
}

pub fn genesis_json() -> String {
    let entries: Vec<String> = accounts()
        .iter()
        .map(|account| format!(r#"{{"address":"{}","balance":"{FUNDS}","nonce":"0"}}"#, account.address))
        .collect();
    format!(r#"{{"genesis":[{}]}}"#, entries.join(","))
}

pub fn options(path: &std::path::Path) -> EngineOptions {
    EngineOptions {
        path: path.to_path_buf(),
        chain_id: CHAIN_ID,
        fork_id: 9,
        genesis_json: genesis_json(),
        sequencer: SEQUENCER,
        cache_bytes: 32 << 20,
        sync_writes: false,
        history_blocks: None,
        pre_execution_bytes: 1 << 20,
    }
}

pub fn open_block(engine: &Engine, timestamp: u64) {
    let request = OpenBlockRequest {
        timestamp,
        now_ms: timestamp * 1000,
        l1_info_tree_index: 0,
        global_exit_root: Default::default(),
        l1_block_hash: Default::default(),
    };
    engine.open_block(&request).unwrap();
}

/// What a row says that the tests look at.
#[derive(Debug, PartialEq, Eq)]
pub struct RowFacts {
    pub result: u8,
    pub rom_error: u8,
    pub resource: u8,
    pub status: u8,
}

/// A slice with the whole batch left.
pub fn request<'a>(engine: &Engine, items: &'a [Vec<u8>]) -> ExecuteRequest<'a> {
    ExecuteRequest {
        transactions: items.iter().map(Vec::as_slice).collect(),
        remaining: engine.hard_limits(),
        high: Resources::default(),
        max_misfits: 16,
        budget_nanos: 0,
        repricing: None,
        must_succeed: Vec::new(),
    }
}

pub fn execute_with(engine: &Engine, items: &[Vec<u8>], remaining: Resources) -> Vec<RowFacts> {
    let request = ExecuteRequest { remaining, ..request(engine, items) };
    let answer = engine.execute(&request).unwrap();
    let rows = u32::from_le_bytes(answer[4..8].try_into().unwrap()) as usize;
    answer[OUTCOME_HEADER_BYTES..]
        .chunks_exact(OUTCOME_ROW_BYTES)
        .take(rows)
        .map(|row| RowFacts { result: row[0], rom_error: row[1], resource: row[2], status: row[3] })
        .collect()
}

pub fn execute(engine: &Engine, items: &[Vec<u8>]) -> Vec<RowFacts> {
    execute_with(engine, items, engine.hard_limits())
}
