//! Transactions per second with counting, without, and of plain revm: transfers, ERC-20 transfers and
//! constant-product swaps on one thread, state in memory. Prints one JSON object.
//!
//! `cargo run --release --example executor_bench -- [--runs N]`
//!
//! CPU time of the thread is measured, runs are interleaved, medians are reported. The contracts are
//! `bench_contracts/Bench.sol`, compiled with solc 0.8 for Berlin, optimizer 200 runs.

#![allow(clippy::cast_precision_loss, reason = "rates are rounded anyway")]

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256};
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::database::{CacheDB, EmptyDB, WrapDatabaseRef};
use revm::primitives::hardfork::SpecId;
use revm::state::{AccountInfo, Bytecode};
use revm::{Context, ExecuteEvm, MainBuilder, MainContext};
use serde_json::json;
use std::collections::HashMap;
use zkevm_codec::{L2Transaction, Recovery};
use zkevm_executor::{
    AccountState, BlockExecutor, BlockParams, BlockTime, Levels, RecoveredTx, StateDiff, StateError, StateReader,
    TxOutcome,
};
use zkevm_primitives::{ForkId, ForkSpec};

const CHAIN_ID: u64 = 1000;
const ACCOUNTS: u64 = 1000;
const GAS_PRICE: u64 = 1;

/// A flat state in hash maps.
#[derive(Clone, Default)]
struct FlatState {
    accounts: HashMap<Address, AccountState>,
    storage: HashMap<(Address, U256), U256>,
    codes: HashMap<B256, Bytes>,
}

impl StateReader for FlatState {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        Ok(self.accounts.get(address).copied().unwrap_or_default())
    }
    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        Ok(self.storage.get(&(*address, *slot)).copied().unwrap_or_default())
    }
    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        self.codes.get(hash).cloned().ok_or(StateError::MissingCode(*hash))
    }
}

impl FlatState {
    fn apply(&mut self, diff: &StateDiff) {
        self.accounts.extend(diff.accounts.iter().map(|account| (account.address, account.new)));
        self.storage.extend(diff.storage.iter().map(|slot| ((slot.address, slot.slot), slot.new)));
        self.codes.extend(diff.codes.iter().cloned());
    }

    /// The same state for plain revm.
    fn cache_db(&self) -> CacheDB<EmptyDB> {
        let mut db = CacheDB::new(EmptyDB::new());
        for (address, account) in &self.accounts {
            let code = self.codes.get(&account.code_hash).cloned().unwrap_or_default();
            let hash = if code.is_empty() { revm::primitives::KECCAK_EMPTY } else { keccak256(&code) };
            let info = AccountInfo::new(account.balance, account.nonce, hash, Bytecode::new_legacy(code));
            db.insert_account_info(*address, info);
        }
        for ((address, slot), value) in &self.storage {
            db.insert_account_storage(*address, *slot, *value).expect("in memory");
        }
        db
    }
}

fn sender(index: u64) -> Address {
    Address::from_word(keccak256(index.to_be_bytes()))
}

struct Workload {
    name: &'static str,
    state: FlatState,
    transactions: Vec<RecoveredTx>,
}

struct Builder {
    state: FlatState,
    nonces: HashMap<Address, u64>,
}

impl Builder {
    fn new() -> Self {
        let mut state = FlatState::default();
        for index in 0..ACCOUNTS {
            let balance = U256::from(10).pow(U256::from(24));
            state.accounts.insert(sender(index), AccountState { balance, ..AccountState::default() });
        }
        Self { state, nonces: HashMap::new() }
    }

    fn transaction(&mut self, from: Address, to: Option<Address>, value: u64, data: Vec<u8>) -> RecoveredTx {
        let nonce = self.nonces.entry(from).or_default();
        let mut tx = L2Transaction::default();
        tx.nonce = *nonce;
        tx.gas_price = U256::from(GAS_PRICE);
        tx.gas_limit = 3_000_000;
        tx.to = to;
        tx.value = U256::from(value);
        tx.data = data.into();
        tx.chain_id = Some(CHAIN_ID);
        tx.effective_percentage = 255;
        *nonce += 1;
        RecoveredTx::with_recovery(tx, Recovery::Signer(from))
    }

    /// Executes set-up transactions.
    fn settle(&mut self, transactions: &[RecoveredTx]) -> Vec<Option<Address>> {
        let mut block = BlockExecutor::open(&self.state, params(false)).expect("opens");
        let mut created = Vec::new();
        for tx in transactions {
            match block.execute(tx, None).expect("executes") {
                TxOutcome::Executed(result) if result.succeeds => created.push(result.created_address),
                other => panic!("set-up failed: {other:?}"),
            }
        }
        let diff = block.seal().expect("seals").diff;
        self.state.apply(&diff);
        created
    }

    fn deploy(&mut self, code: &str, arguments: &[u8]) -> Address {
        let init = [hex::decode(code.trim()).expect("hex"), arguments.to_vec()].concat();
        let tx = self.transaction(sender(0), None, 0, init);
        self.settle(&[tx])[0].expect("a deployment creates")
    }

    fn token(&mut self) -> Address {
        let token = self.deploy(include_str!("bench_contracts/BenchToken.hex"), &[]);
        let mints: Vec<RecoveredTx> = (0..ACCOUNTS)
            .map(|index| {
                let data = call("40c10f19", &[sender(index).into_word().into(), U256::from(1u64 << 60)]);
                self.transaction(sender(index), Some(token), 0, data)
            })
            .collect();
        self.settle(&mints);
        token
    }

    fn finish(self, name: &'static str, transactions: Vec<RecoveredTx>) -> Workload {
        Workload { name, state: self.state, transactions }
    }
}

fn call(selector: &str, words: &[U256]) -> Vec<u8> {
    let mut data = hex::decode(selector).expect("hex");
    for word in words {
        data.extend_from_slice(&word.to_be_bytes::<32>());
    }
    data
}

fn transfers() -> Workload {
    let mut builder = Builder::new();
    let transactions = (0..2000)
        .map(|index| {
            let (from, to) = (sender(index % ACCOUNTS), sender((index * 7 + 3) % ACCOUNTS));
            builder.transaction(from, Some(to), 1 + index, Vec::new())
        })
        .collect();
    builder.finish("transfers", transactions)
}

fn erc20() -> Workload {
    let mut builder = Builder::new();
    let token = builder.token();
    let transactions = (0..2000)
        .map(|index| {
            let (from, to) = (sender(index % ACCOUNTS), sender((index * 7 + 3) % ACCOUNTS));
            let data = call("a9059cbb", &[to.into_word().into(), U256::from(1 + index)]);
            builder.transaction(from, Some(token), 0, data)
        })
        .collect();
    builder.finish("erc20", transactions)
}

fn swaps() -> Workload {
    let mut builder = Builder::new();
    let tokens = [builder.token(), builder.token()];
    let arguments = tokens.map(|token| U256::from_be_bytes(token.into_word().0).to_be_bytes::<32>()).concat();
    let pool = builder.deploy(include_str!("bench_contracts/BenchPool.hex"), &arguments);
    let mut setup: Vec<RecoveredTx> = Vec::new();
    for token in tokens {
        let fund = call("40c10f19", &[pool.into_word().into(), U256::from(1u64 << 60)]);
        setup.push(builder.transaction(sender(0), Some(token), 0, fund));
        for index in 0..ACCOUNTS {
            let approve = call("095ea7b3", &[pool.into_word().into(), U256::MAX]);
            setup.push(builder.transaction(sender(index), Some(token), 0, approve));
        }
    }
    setup.push(builder.transaction(sender(0), Some(pool), 0, call("fff6cae9", &[])));
    builder.settle(&setup);
    let transactions = (0..1000)
        .map(|index| {
            let data = call("08c84c21", &[U256::from(index % 2), U256::from(1_000_000 + index), U256::ZERO]);
            builder.transaction(sender(index % ACCOUNTS), Some(pool), 0, data)
        })
        .collect();
    builder.finish("swaps", transactions)
}

fn params(counts: bool) -> BlockParams {
    let spec = ForkSpec::new(ForkId::Elderberry2);
    BlockParams {
        spec,
        chain_id: CHAIN_ID,
        coinbase: Address::repeat_byte(0xcb),
        previous_state_root: B256::ZERO,
        time: BlockTime::At(1_700_000_000),
        l1_info: None,
        levels: Levels::at_depth(spec.profile, 0),
        counts,
        records_reads: false,
    }
}

/// Nanoseconds of CPU time and gas of one run of our executor.
fn run_ours(workload: &Workload, counts: bool) -> (u64, u64) {
    let mut block = BlockExecutor::open(&workload.state, params(counts)).expect("opens");
    let started = cpu_nanos();
    for tx in &workload.transactions {
        let outcome = block.execute(tx, None).expect("executes");
        assert!(matches!(&outcome, TxOutcome::Executed(result) if result.succeeds), "{outcome:?}");
    }
    (cpu_nanos() - started, block.gas_used())
}

/// The same of plain revm: one journal for the block, validation on.
fn run_revm(workload: &Workload, db: &CacheDB<EmptyDB>) -> (u64, u64) {
    let mut cfg = CfgEnv::new().with_chain_id(CHAIN_ID);
    cfg.set_spec_and_mainnet_gas_params(SpecId::SHANGHAI);
    let block = BlockEnv {
        number: U256::ONE,
        timestamp: U256::from(1_700_000_000),
        beneficiary: Address::repeat_byte(0xcb),
        gas_limit: 1 << 50,
        ..BlockEnv::default()
    };
    let mut evm = Context::mainnet().with_db(WrapDatabaseRef(db)).with_cfg(cfg).with_block(block).build_mainnet();
    let transactions: Vec<TxEnv> = workload.transactions.iter().map(tx_env).collect();
    let mut gas = 0;
    let started = cpu_nanos();
    for tx in transactions {
        let result = evm.transact_one(tx).expect("executes");
        assert!(result.is_success(), "{result:?}");
        gas += result.tx_gas_used();
    }
    (cpu_nanos() - started, gas)
}

fn tx_env(recovered: &RecoveredTx) -> TxEnv {
    let tx = &recovered.tx;
    TxEnv::builder()
        .caller(recovered.recovery.signer().expect("recovered"))
        .kind(tx.to.map_or(TxKind::Create, TxKind::Call))
        .nonce(tx.nonce)
        .gas_limit(tx.gas_limit)
        .gas_price(u128::from(GAS_PRICE))
        .value(tx.value)
        .data(tx.data.clone())
        .chain_id(Some(CHAIN_ID))
        .build()
        .expect("a valid transaction")
}

/// Nanoseconds this thread has run.
fn cpu_nanos() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is valid for the call, which writes nothing else.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(status, 0, "the thread's clock can be read");
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

fn median(mut nanos: Vec<u64>) -> u64 {
    nanos.sort_unstable();
    nanos[nanos.len() / 2]
}

fn main() {
    let runs = std::env::args().skip_while(|argument| argument != "--runs").nth(1);
    let runs: usize = runs.map_or(9, |runs| runs.parse().expect("--runs needs a number"));
    let mut report = serde_json::Map::new();
    for workload in [transfers(), erc20(), swaps()] {
        let db = workload.state.cache_db();
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        let mut gas = 0;
        for run in 0..=runs {
            let measured = [run_ours(&workload, true), run_ours(&workload, false), run_revm(&workload, &db)];
            gas = measured[0].1;
            // The first run warms caches.
            if run > 0 {
                times.iter_mut().zip(measured).for_each(|(times, (nanos, _))| times.push(nanos));
            }
        }
        let [counted, uncounted, plain] = times.map(median);
        let count = workload.transactions.len() as f64;
        let rate = |nanos: u64| (count * 1e9 / nanos as f64).round();
        let mgas = |nanos: u64| (gas as f64 * 1e3 / nanos as f64).round();
        let ratio = |slow: u64, fast: u64| (1000.0 * fast as f64 / slow as f64).round() / 1000.0;
        report.insert(
            workload.name.to_owned(),
            json!({
                "transactions": workload.transactions.len(),
                "runs": runs,
                "countedTxPerSecond": rate(counted),
                "uncountedTxPerSecond": rate(uncounted),
                "revmTxPerSecond": rate(plain),
                "countedMgasPerSecond": mgas(counted),
                "uncountedMgasPerSecond": mgas(uncounted),
                "countedOverUncounted": ratio(counted, uncounted),
                "uncountedOverRevm": ratio(uncounted, plain),
            }),
        );
    }
    println!("{}", serde_json::to_string_pretty(&report).expect("plain values"));
}
