//! Transactions whose gas is not what admission found are charged another percentage (node.md 2.6), in the slice that executes them; the
//! sealed batch verifies, and the receipt shows what was charged.

mod common;

use alloy_primitives::{Address, U256};
use common::{Account, GAS_PRICE, accounts, execute_with, open_block, options, request};
use zkevm_engine::block::ExecuteRequest;
use zkevm_engine::effective_gas_price::{RULE_BYTES, Repricing};
use zkevm_engine::engine::Engine;
use zkevm_engine::layout::{OUTCOME_HEADER_BYTES, OUTCOME_ROW_BYTES, Resources};
use zkevm_engine::seal::BatchClosing;
use zkevm_engine::verify::VerifyOptions;

/// Burns gas: 200 cold slots are read when anything is sent, none otherwise.
const BURNER: [u8; 22] = [
    0x36, 0x60, 0x05, 0x57, 0x00, // CALLDATASIZE PUSH1 5 JUMPI STOP
    0x5b, 0x60, 0xc8, // JUMPDEST PUSH1 200
    0x5b, 0x60, 0x01, 0x90, 0x03, 0x80, 0x54, 0x50, // JUMPDEST PUSH1 1 SWAP1 SUB DUP1 SLOAD POP
    0x80, 0x60, 0x08, 0x57, 0x00, 0x00, // DUP1 PUSH1 8 JUMPI STOP
];
/// The same after a GASPRICE, or a BALANCE of the caller.
const GASPRICE: &[u8] = &[0x3a, 0x50];
const BALANCE: &[u8] = &[0x33, 0x31, 0x50];

/// Init code that returns `code`.
fn deployment(code: &[u8]) -> Vec<u8> {
    let length = code.len() as u8;
    [&[0x60, length, 0x60, 12, 0x60, 0, 0x39, 0x60, length, 0x60, 0, 0xf3][..], code].concat()
}

fn shifted_burner(head: &[u8]) -> Vec<u8> {
    let mut code = [head, &BURNER].concat();
    let by = head.len() as u8;
    code[head.len() + 2] += by;
    code[head.len() + 18] += by;
    code
}

/// L1 price 100 gwei; a fiftieth of it for gas, 16 and 4 for bytes, deviation 10 %: `repricing` of one transaction.
fn repricing(expected_gas: &[u64]) -> Repricing {
    let wei = [U256::from(GAS_PRICE) * U256::from(2), U256::ZERO, U256::ZERO];
    let factors: [u64; 6] = [20_000, 16, 4, 1_000_000, 0, 100_000];
    let mut bytes: Vec<u8> = wei.iter().flat_map(U256::to_le_bytes::<32>).collect();
    bytes.extend(factors.iter().chain(expected_gas).flat_map(|number| number.to_le_bytes()));
    assert_eq!(bytes.len(), RULE_BYTES + 8 * expected_gas.len());
    Repricing::read(&bytes, expected_gas.len()).unwrap()
}

/// What a row says: result, percentage, how it was priced, gas.
type Facts = (u8, u8, u8, u64);

fn run(engine: &Engine, items: &[Vec<u8>], repricing: Repricing, remaining: Resources) -> Vec<Facts> {
    let request = ExecuteRequest { repricing: Some(repricing), remaining, ..request(engine, items) };
    let answer = engine.execute(&request).unwrap();
    let rows = u32::from_le_bytes(answer[4..8].try_into().unwrap()) as usize;
    let rows = answer[OUTCOME_HEADER_BYTES..].chunks_exact(OUTCOME_ROW_BYTES).take(rows);
    rows.map(|row| (row[0], row[100], row[101], u64::from_le_bytes(row[8..16].try_into().unwrap()))).collect()
}

fn item(account: &Account, raw: &[u8], percentage: u8) -> Vec<u8> {
    [account.address.as_slice(), &[percentage], raw].concat()
}

struct Chain {
    engine: Engine,
    /// Burner, with GASPRICE, with BALANCE.
    contracts: [Address; 3],
    _dir: tempfile::TempDir,
}

fn chain() -> Chain {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let deployer = &accounts()[3];
    open_block(&engine, 100);
    let codes = [BURNER.to_vec(), shifted_burner(GASPRICE), shifted_burner(BALANCE)];
    let items: Vec<Vec<u8>> = codes
        .iter()
        .zip(0..)
        .map(|(code, nonce)| deployer.item(&deployer.sign(nonce, None, 0, 200_000, &deployment(code))))
        .collect();
    assert!(common::execute(&engine, &items).iter().all(|row| (row.result, row.status) == (0, 1)));
    engine.seal_block(101_000, None).unwrap();
    let contracts = [0, 1, 2].map(|nonce| deployer.address.create(nonce));
    Chain { engine, contracts, _dir: dir }
}

/// Closes the open batch and verifies it, as every batch before it.
fn seal_and_verify(engine: &Engine) {
    let closing = BatchClosing { reason: "Operator".into(), detail_json: "{}".into() };
    let batch = engine.seal_block(201_000, Some(&closing)).unwrap().batch;
    let options = VerifyOptions { recompute_root: true, ..VerifyOptions::default() };
    let check = engine.verify_batch(batch, &options).unwrap();
    assert_eq!(check.mismatch, None);
}

fn receipt(engine: &Engine, raw: &[u8]) -> (u8, U256, u64) {
    let hash = alloy_primitives::keccak256(raw);
    let at = engine.store().transaction_position(&hash).unwrap().unwrap();
    let (transaction, receipt) = engine.store().transaction(at.0, at.1).unwrap().unwrap();
    (transaction.effective_percentage, receipt.effective_gas_price, receipt.gas_used)
}

#[test]
fn a_deviation_changes_the_percentage_and_the_sealed_batch_verifies() {
    let Chain { engine, contracts, _dir } = chain();
    let [a, b, c, _] = &accounts()[..] else { panic!("four accounts") };
    open_block(&engine, 200);
    let [burner, gas_price, balance] = contracts.map(Some);
    let raw = [
        a.sign(0, burner, 0, 700_000, &[1]),
        a.sign(1, burner, 0, 700_000, &[1]),
        b.sign(0, gas_price, 0, 700_000, &[1]),
        c.sign(0, balance, 0, 700_000, &[1]),
        a.transfer(2, b.address, 5),
    ];
    let percentage = 100;
    let senders = [a, a, b, c, a];
    let items: Vec<Vec<u8>> = senders.iter().zip(&raw).map(|(sender, raw)| item(sender, raw, percentage)).collect();
    // Expected far too little gas, hence too high a price; the second one is as expected, and so is the transfer.
    let probe = run(&engine, &items[..1], repricing(&[30_000]), engine.hard_limits());
    let used = probe[0].3;
    engine.discard_block();
    open_block(&engine, 200);
    let facts = run(&engine, &items, repricing(&[30_000, used, 30_000, 30_000, 21_000]), engine.hard_limits());
    let (included, as_expected, adjusted, again) = (0, 0, 1, 2);
    // The formula by hand: 2 gwei of L1 price, a fiftieth of it for each gas, and the data; in 256ths of 1 gwei.
    let bytes = raw[0].len() as u64 + 65;
    assert!(used > 400_000 && bytes < 300);
    let least = 256 * 40 / 1000;
    assert_eq!(facts[0].0, included);
    assert!((least..least + 6).contains(&u64::from(facts[0].1)), "{facts:?}");
    assert_eq!(facts[0].2, adjusted);
    assert_eq!((facts[1].1, facts[1].2), (percentage, as_expected));
    assert_eq!([(facts[2].1, facts[2].2), (facts[3].1, facts[3].2)], [(255, again); 2]);
    assert_eq!((facts[4].1, facts[4].2), (percentage, as_expected));
    seal_and_verify(&engine);
    let charged = |percentage: u8| U256::from(GAS_PRICE) * U256::from(u64::from(percentage) + 1) / U256::from(256);
    for (raw, facts) in raw.iter().zip(&facts) {
        assert_eq!(receipt(&engine, raw), (facts.1, charged(facts.1), facts.3));
    }
}

#[test]
fn within_ten_percent_and_without_a_rule_the_percentage_stays() {
    let Chain { engine, contracts, _dir } = chain();
    let a = &accounts()[0];
    open_block(&engine, 200);
    let raw = [a.sign(0, Some(contracts[0]), 0, 700_000, &[1]), a.sign(1, Some(contracts[0]), 0, 700_000, &[1])];
    let items = raw.each_ref().map(|raw| item(a, raw, 77));
    let used = run(&engine, &items[..1], repricing(&[30_000]), engine.hard_limits())[0].3;
    engine.discard_block();
    open_block(&engine, 200);
    let near = run(&engine, &items[..1], repricing(&[used - used / 50]), engine.hard_limits());
    assert_eq!((near[0].1, near[0].2), (77, 0));
    let rows = execute_with(&engine, &items[1..], engine.hard_limits());
    assert_eq!((rows[0].result, rows[0].status), (0, 1));
    seal_and_verify(&engine);
    assert_eq!(raw.each_ref().map(|raw| receipt(&engine, raw).0), [77, 77]);
}

#[test]
fn who_cannot_pay_the_second_price_is_skipped_and_one_that_does_not_fit_leaves_no_trace() {
    let Chain { engine, contracts, _dir } = chain();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    open_block(&engine, 200);
    // Leaves enough for a limit of 700,000 at a hundredth of the price, not at the full one.
    let funds = common::FUNDS - 21_000 * u128::from(GAS_PRICE);
    let rest = u128::from(GAS_PRICE) * 700_000 / 2;
    let mut left = funds - rest;
    let mut nonce = 0;
    // Values of these helpers are u64.
    while left > 0 {
        let value = u64::try_from(left.min(u128::from(u64::MAX))).unwrap();
        let fee = if nonce == 0 { 0 } else { 21_000 * u128::from(GAS_PRICE) };
        left = left.saturating_sub(u128::from(value) + fee);
        let raw = a.transfer(nonce, b.address, value);
        assert_eq!(common::execute(&engine, &[a.item(&raw)])[0].result, 0, "transfer {nonce}");
        nonce += 1;
        if nonce % 100 == 0 {
            seal_and_verify(&engine);
            open_block(&engine, 200);
        }
    }
    let raw = a.sign(nonce, Some(contracts[1]), 0, 700_000, &[1]);
    let facts = run(&engine, &[item(a, &raw, 2)], repricing(&[30_000]), engine.hard_limits());
    assert_eq!(facts[0].0, 1, "skipped: {facts:?}");
    // Fits by its counters, but not by its gas: what was repriced is undone.
    let raw = b.sign(0, Some(contracts[0]), 0, 700_000, &[1]);
    let mut remaining = engine.hard_limits();
    remaining.0[9] = 100_000;
    assert_eq!(run(&engine, &[item(b, &raw, 200)], repricing(&[30_000]), remaining)[0].0, 2);
    let facts = run(&engine, &[item(b, &raw, 200)], repricing(&[30_000]), engine.hard_limits());
    assert_eq!((facts[0].0, facts[0].2), (0, 1));
    seal_and_verify(&engine);
}
