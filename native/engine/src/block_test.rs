use super::*;
use crate::LimitsDivisor;
use crate::admission;
use crate::engine::EngineOptions;
use crate::layout::ADMISSION_ROW_BYTES;
use crate::slice::RESULT_INCLUDED;
use alloy_primitives::{address, keccak256};

/// An account whose key is not needed: the block executor takes the sender as given.
const SENDER: Address = address!("00000000000000000000000000000000000000aa");
const OTHER_SENDER: Address = address!("00000000000000000000000000000000000000bb");
/// Its code is REVERT.
const REVERTS: Address = address!("00000000000000000000000000000000000000cc");
const SKIPPED: u8 = 1;
const NOT_ATTEMPTED: u8 = 4;
const HAD_TO_SUCCEED: u8 = 5;

fn engine(path: &std::path::Path) -> Engine {
    Engine::open(&EngineOptions {
        path: path.to_path_buf(),
        chain_id: 1001,
        fork_id: 9,
        genesis_json: format!(
            r#"{{"genesis":[{{"address":"{SENDER}","balance":"1000000000000000000"}},
            {{"address":"{OTHER_SENDER}","balance":"1000000000000000000"}},
            {{"address":"{REVERTS}","balance":"0","nonce":"1","bytecode":"0x60006000fd"}}]}}"#
        ),
        sequencer: Address::repeat_byte(9),
        cache_bytes: 16 << 20,
        sync_writes: false,
        history_blocks: None,
        pre_execution_bytes: 1 << 20,
    })
    .unwrap()
}

fn item(nonce: u64) -> Vec<u8> {
    [SENDER.as_slice(), &[254], &raw(nonce, Address::repeat_byte(0x11))].concat()
}

fn raw(nonce: u64, to: Address) -> Vec<u8> {
    let mut tx = L2Transaction::default();
    tx.nonce = nonce;
    tx.gas_limit = 100_000;
    tx.to = Some(to);
    tx.value = alloy_primitives::U256::from(7 + nonce);
    tx.chain_id = Some(1001);
    tx.signature.v = 27;
    tx.encode_signed()
}

fn open(engine: &Engine) {
    engine
        .open_block(&OpenBlockRequest {
            timestamp: 50,
            now_ms: 0,
            l1_info_tree_index: 0,
            global_exit_root: B256::ZERO,
            l1_block_hash: B256::ZERO,
        })
        .unwrap();
}

/// Results of a slice.
fn execute(engine: &Engine, items: &[Vec<u8>], must_succeed: Vec<bool>) -> Vec<u8> {
    let request = ExecuteRequest {
        transactions: items.iter().map(Vec::as_slice).collect(),
        remaining: engine.hard_limits(),
        high: Resources::default(),
        max_misfits: 8,
        budget_nanos: 0,
        repricing: None,
        must_succeed,
    };
    let answer = engine.execute(&request).unwrap();
    let rows = answer[OUTCOME_HEADER_BYTES..].chunks_exact(OUTCOME_ROW_BYTES);
    rows.take(items.len()).map(|row| row[0]).collect()
}

fn run(engine: &Engine, rebuilds: bool) -> B256 {
    open(engine);
    for nonce in 0..3 {
        assert_eq!(execute(engine, &[item(nonce)], Vec::new()), [RESULT_INCLUDED]);
        if rebuilds {
            let reader = engine.head_reader();
            engine.lock_open().as_mut().unwrap().rebuild(reader).unwrap();
        }
    }
    engine.seal_block(0, None).unwrap().state_root
}

#[test]
fn a_rebuilt_block_is_the_same_block() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_eq!(run(&engine(one.path()), false), run(&engine(other.path()), true));
}

#[test]
fn a_transaction_that_panics_costs_nobody_else_anything() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path());
    let (bad, to) = (raw(1, Address::repeat_byte(0x77)), Address::repeat_byte(0x12));
    crate::faults::panic_at(keccak256(&bad));
    let of = |sender: Address, raw: &[u8]| [sender.as_slice(), raw].concat();
    let [before, after, other] = [raw(0, to), raw(2, to), raw(0, to)];

    let items = [of(SENDER, &before), of(SENDER, &bad), of(OTHER_SENDER, &other)];
    let items: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
    let rows = admission::pre_execute(&engine, &items, LimitsDivisor::WHOLE).unwrap();
    let statuses: Vec<u8> = rows.chunks_exact(ADMISSION_ROW_BYTES).map(|row| row[272]).collect();
    assert_eq!(statuses, [1, 5, 1], "its group has results all the same");

    let slice = |raw: &[u8], sender: Address| [sender.as_slice(), &[255], raw].concat();
    let items = [slice(&before, SENDER), slice(&bad, SENDER), slice(&after, SENDER), slice(&other, OTHER_SENDER)];
    open(&engine);
    let results = execute(&engine, &items, Vec::new());
    assert_eq!(results, [RESULT_INCLUDED, RESULT_INTERNAL_ERROR, NOT_ATTEMPTED, RESULT_INCLUDED]);
    assert_eq!(engine.seal_block(0, None).unwrap().tx_hashes.len(), 2);
    assert_eq!(engine.pending_account(&SENDER).unwrap().nonce, 1, "what came before it stays");
}

#[test]
fn what_must_succeed_is_left_out_where_it_fails() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path());
    let slice = |nonce: u64, to: Address| [SENDER.as_slice(), &[255], &raw(nonce, to)].concat();
    let ok = Address::repeat_byte(0x13);
    let before = engine.pending_account(&SENDER).unwrap();
    open(&engine);
    assert_eq!(execute(&engine, &[slice(0, REVERTS)], vec![true]), [HAD_TO_SUCCEED]);
    assert_eq!(engine.pending_account(&SENDER).unwrap(), before, "no nonce, no fee");
    assert_eq!(execute(&engine, &[slice(0, ok), slice(1, REVERTS)], vec![true, false]), [RESULT_INCLUDED; 2]);
    // What pre-execution came to is taken over, and counts as much.
    let (failing, succeeding) = (raw(2, REVERTS), raw(2, ok));
    let items = [&failing, &succeeding].map(|raw| [SENDER.as_slice(), raw].concat());
    let items: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
    admission::pre_execute(&engine, &items, LimitsDivisor::WHOLE).unwrap();
    assert_eq!(execute(&engine, &[slice(2, REVERTS)], vec![true]), [HAD_TO_SUCCEED]);
    assert_eq!(execute(&engine, &[slice(2, ok), slice(9, ok)], vec![true; 2]), [RESULT_INCLUDED, SKIPPED]);
    assert_eq!(engine.seal_block(0, None).unwrap().tx_hashes.len(), 3);
}
