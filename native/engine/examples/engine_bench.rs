//! Where the time of a transaction goes in the engine: admission with pre-execution, execution in the open block with and without
//! taking over what pre-execution came to, sealing. Transfers, ERC-20 transfers and swaps on a database in a temporary folder.
//!
//! `cargo run --release -p zkevm-engine --example engine_bench -- [--runs N] [--only NAME]`: microseconds a transaction, medians.

#![allow(clippy::cast_precision_loss, reason = "times are rounded anyway")]

use std::collections::HashMap;
use std::time::Instant;

use alloy_primitives::{Address, B256, U256, hex, keccak256};
use secp256k1::{Message, PublicKey, Secp256k1, SecretKey};
use zkevm_codec::L2Transaction;
use zkevm_engine::admission::admit;
use zkevm_engine::block::{ExecuteRequest, OpenBlockRequest};
use zkevm_engine::engine::{Engine, EngineOptions};
use zkevm_engine::layout::{OUTCOME_HEADER_BYTES, OUTCOME_ROW_BYTES, Resources};
use zkevm_engine::seal::BatchClosing;

const CHAIN_ID: u64 = 1001;
const ACCOUNTS: u64 = 500;
const SLICE: usize = 50;
/// No batch is to end here.
const UNLIMITED: Resources = Resources([u64::MAX / 4; 10]);

struct Signer {
    key: SecretKey,
    address: Address,
    nonce: u64,
}

impl Signer {
    fn new(index: u64) -> Self {
        let key = SecretKey::from_byte_array(keccak256(index.to_be_bytes()).0).expect("a key");
        let public = PublicKey::from_secret_key(&Secp256k1::new(), &key).serialize_uncompressed();
        Self { key, address: Address::from_slice(&keccak256(&public[1..])[12..]), nonce: 0 }
    }

    fn sign(&mut self, to: Option<Address>, value: u64, gas_limit: u64, data: Vec<u8>) -> Vec<u8> {
        let mut tx = L2Transaction::default();
        tx.nonce = self.nonce;
        tx.gas_price = U256::from(1_000_000_000);
        tx.gas_limit = gas_limit;
        tx.to = to;
        tx.value = U256::from(value);
        tx.data = data.into();
        tx.chain_id = Some(CHAIN_ID);
        let message = Message::from_digest(tx.signing_hash().0);
        let (id, compact) = Secp256k1::new().sign_ecdsa_recoverable(message, &self.key).serialize_compact();
        tx.signature.r = U256::from_be_slice(&compact[..32]);
        tx.signature.s = U256::from_be_slice(&compact[32..]);
        tx.signature.v = 27 + u8::try_from(i32::from(id)).expect("0 or 1");
        self.nonce += 1;
        tx.encode_signed()
    }
}

struct Chain {
    engine: Engine,
    signers: Vec<Signer>,
    time: u64,
    _dir: tempfile::TempDir,
}

/// Nanoseconds of the stages.
#[derive(Clone, Copy, Default)]
struct Stages {
    admit: u64,
    execute: u64,
    seal: u64,
}

type Item = (Address, Vec<u8>);

impl Chain {
    fn new(pre_execution_bytes: usize) -> Self {
        let signers: Vec<Signer> = (0..ACCOUNTS).map(Signer::new).collect();
        let entries: Vec<String> = signers
            .iter()
            .map(|signer| format!(r#"{{"address":"{}","balance":"1000000000000000000000000"}}"#, signer.address))
            .collect();
        let dir = tempfile::tempdir().expect("a temporary folder");
        let options = EngineOptions {
            path: dir.path().to_path_buf(),
            chain_id: CHAIN_ID,
            fork_id: 9,
            genesis_json: format!(r#"{{"genesis":[{}]}}"#, entries.join(",")),
            sequencer: Address::repeat_byte(0xcb),
            cache_bytes: 256 << 20,
            sync_writes: false,
            history_blocks: None,
            pre_execution_bytes,
        };
        Self { engine: Engine::open(&options).expect("opens"), signers, time: 1_700_000_000, _dir: dir }
    }

    /// Admits the transactions, executes them in one block in slices, seals it.
    fn run(&mut self, items: &[Item]) -> Stages {
        self.time += 1;
        let request = OpenBlockRequest {
            timestamp: self.time,
            now_ms: self.time * 1000,
            l1_info_tree_index: 0,
            global_exit_root: B256::ZERO,
            l1_block_hash: B256::ZERO,
        };
        self.engine.open_block(&request).expect("opens");
        let raw: Vec<&[u8]> = items.iter().map(|(_, raw)| raw.as_slice()).collect();
        let started = Instant::now();
        for group in raw.chunks(SLICE) {
            admit(&self.engine, group, true).expect("admits");
        }
        let admitted = Instant::now();
        let packed: Vec<Vec<u8>> =
            items.iter().map(|(sender, raw)| [sender.as_slice(), &[u8::MAX], raw].concat()).collect();
        let executing = Instant::now();
        for slice in packed.chunks(SLICE) {
            let request = ExecuteRequest {
                transactions: slice.iter().map(Vec::as_slice).collect(),
                remaining: UNLIMITED,
                high: Resources::default(),
                max_misfits: 1,
                budget_nanos: 0,
                repricing: None,
                must_succeed: Vec::new(),
            };
            let answer = self.engine.execute(&request).expect("executes");
            for row in answer[OUTCOME_HEADER_BYTES..].chunks(OUTCOME_ROW_BYTES).take(slice.len()) {
                assert_eq!((row[0], row[3]), (0, 1), "included and successful");
            }
        }
        let executed = Instant::now();
        let closing = BatchClosing { reason: "Operator".into(), detail_json: String::new() };
        self.engine.seal_block(self.time * 1000, Some(&closing)).expect("seals");
        let nanos = |from: Instant, to: Instant| (to - from).as_nanos() as u64;
        Stages {
            admit: nanos(started, admitted),
            execute: nanos(executing, executed),
            seal: nanos(executed, Instant::now()),
        }
    }

    fn item(&mut self, signer: u64, to: Option<Address>, value: u64, data: Vec<u8>) -> Item {
        let signer = &mut self.signers[(signer % ACCOUNTS) as usize];
        let gas_limit = if data.is_empty() { 21_000 } else { 3_000_000 };
        (signer.address, signer.sign(to, value, gas_limit, data))
    }

    fn address(&self, signer: u64) -> Address {
        self.signers[(signer % ACCOUNTS) as usize].address
    }

    fn deploy(&mut self, code: &str, arguments: &[u8]) -> Address {
        let created = self.address(0).create(self.signers[0].nonce);
        let init = [hex::decode(code.trim()).expect("hex"), arguments.to_vec()].concat();
        let item = self.item(0, None, 0, init);
        self.run(&[item]);
        created
    }

    fn token(&mut self) -> Address {
        let token = self.deploy(include_str!("../../executor/examples/bench_contracts/BenchToken.hex"), &[]);
        let mints: Vec<Item> = (0..ACCOUNTS)
            .map(|index| {
                let data = call("40c10f19", &[self.address(index).into_word().into(), U256::from(1u64 << 60)]);
                self.item(index, Some(token), 0, data)
            })
            .collect();
        self.run(&mints);
        token
    }

    fn pool(&mut self) -> Address {
        let tokens = [self.token(), self.token()];
        let arguments = tokens.map(|token| B256::from(token.into_word()).0).concat();
        let pool = self.deploy(include_str!("../../executor/examples/bench_contracts/BenchPool.hex"), &arguments);
        let mut setup = Vec::new();
        for token in tokens {
            let fund = call("40c10f19", &[pool.into_word().into(), U256::from(1u64 << 60)]);
            setup.push(self.item(0, Some(token), 0, fund));
            for index in 0..ACCOUNTS {
                let approve = call("095ea7b3", &[pool.into_word().into(), U256::MAX]);
                setup.push(self.item(index, Some(token), 0, approve));
            }
        }
        setup.push(self.item(0, Some(pool), 0, call("fff6cae9", &[])));
        self.run(&setup);
        pool
    }
}

fn call(selector: &str, words: &[U256]) -> Vec<u8> {
    let mut data = hex::decode(selector).expect("hex");
    for word in words {
        data.extend_from_slice(&word.to_be_bytes::<32>());
    }
    data
}

/// One block of a workload: every sender once, receivers that do not send.
fn block(chain: &mut Chain, name: &str, contract: Address, round: u64) -> Vec<Item> {
    let half = ACCOUNTS / 2;
    (0..half)
        .map(|index| match name {
            "transfers" => {
                let to = chain.address(half + index);
                chain.item(index, Some(to), 1 + round, Vec::new())
            }
            "erc20" => {
                let to = chain.address(half + index).into_word().into();
                chain.item(index, Some(contract), 0, call("a9059cbb", &[to, U256::from(1 + round)]))
            }
            _ => {
                let words = [U256::from(index % 2), U256::from(1_000_000 + index), U256::ZERO];
                chain.item(index, Some(contract), 0, call("08c84c21", &words))
            }
        })
        .collect()
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}

fn main() {
    let argument = |name: &str| std::env::args().skip_while(|argument| argument != name).nth(1);
    let runs: u64 = argument("--runs").map_or(9, |runs| runs.parse().expect("--runs needs a number"));
    let only = argument("--only");
    for name in ["transfers", "erc20", "swaps"] {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let mut chains = [0, 64 << 20].map(|bytes| (Chain::new(bytes), Vec::new()));
        let contracts = chains.each_mut().map(|(chain, _)| match name {
            "transfers" => Address::ZERO,
            "erc20" => chain.token(),
            _ => chain.pool(),
        });
        for round in 0..=runs {
            for ((chain, stages), contract) in chains.iter_mut().zip(contracts) {
                let items = block(chain, name, contract, round);
                let measured = chain.run(&items);
                // The first run warms caches.
                if round > 0 {
                    stages.push(measured);
                }
            }
        }
        for ((chain, stages), label) in chains.iter().zip(["executed", "taken over"]) {
            let micros = |of: fn(&Stages) -> u64| {
                let nanos = median(stages.iter().map(of).collect());
                (nanos as f64 / (ACCOUNTS / 2) as f64 / 10.0).round() / 100.0
            };
            let (admit, execute, seal) = (micros(|of| of.admit), micros(|of| of.execute), micros(|of| of.seal));
            println!("{name:10} {label:10} us/tx: admit {admit:6.2}  execute {execute:6.2}  seal {seal:6.2}");
            let metrics: HashMap<String, String> = chain
                .engine
                .metrics_text()
                .lines()
                .filter(|line| line.starts_with("zknode_pre_execution"))
                .filter_map(|line| line.rsplit_once(' ').map(|(name, value)| (name.to_owned(), value.to_owned())))
                .collect();
            println!("{:21} {metrics:?}", "");
        }
    }
}
