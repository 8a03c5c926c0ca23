//! Stored blocks executed again under tracers, on a real database.

mod common;

use alloy_primitives::{Address, B256, U256, hex};
use common::{Account, GAS_PRICE, accounts, execute, genesis_json, open_block, options};
use serde_json::{Value, json};
use zkevm_codec::L2Transaction;
use zkevm_engine::block::OpenBlockRequest;
use zkevm_engine::block_id::BlockId;
use zkevm_engine::call::CallRequest;
use zkevm_engine::engine::{Engine, EngineOptions};
use zkevm_engine::trace::TraceOptions;
use zkevm_engine::views::RawPart;
use zkevm_primitives::Counters;

/// Half of the signed price.
const HALF: u8 = 127;

fn traced(config: &Value) -> TraceOptions {
    TraceOptions { config_json: config.to_string(), timeout_ms: 60_000, limit_bytes: 1 << 20 }
}

fn debug(options: &Value) -> TraceOptions {
    traced(&json!({ "form": "debug", "options": options }))
}

fn parsed(json: Option<String>) -> Value {
    serde_json::from_str(&json.expect("there is such a thing")).expect("JSON")
}

/// An item of a slice at half of the price.
fn half_price(account: &Account, raw: &[u8]) -> Vec<u8> {
    [account.address.as_slice(), &[HALF], raw].concat()
}

/// Init code of a contract that returns its gas price.
fn price_teller() -> Vec<u8> {
    let runtime = [0x3a, 0x60, 0, 0x52, 0x60, 32, 0x60, 0, 0xf3];
    let head = [0x60, runtime.len() as u8, 0x60, 12, 0x60, 0, 0x39, 0x60, runtime.len() as u8, 0x60, 0, 0xf3];
    [&head[..], &runtime].concat()
}

/// Block 1: a deployment and a transfer; block 2, which imports a global exit root: three calls, the last at half price.
fn run_chain(engine: &Engine) -> Address {
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    open_block(engine, 100);
    let deployment = a.item(&a.sign(0, None, 0, 200_000, &price_teller()));
    execute(engine, &[deployment, b.item(&b.transfer(0, a.address, 5))]);
    engine.seal_block(101_000, None).unwrap();
    let teller = a.address.create(0);
    engine
        .open_block(&OpenBlockRequest {
            timestamp: 200,
            now_ms: 200_000,
            l1_info_tree_index: 1,
            global_exit_root: B256::repeat_byte(0x9e),
            l1_block_hash: B256::repeat_byte(0x11),
        })
        .unwrap();
    let call = |account: &Account, nonce| account.sign(nonce, Some(teller), 0, 60_000, &[]);
    let items = [a.item(&call(a, 1)), b.item(&call(b, 1)), half_price(a, &call(a, 2))];
    assert!(execute(engine, &items).iter().all(|row| (row.result, row.status) == (0, 1)));
    engine.seal_block(201_000, None).unwrap();
    teller
}

#[test]
fn every_transaction_is_traced_at_its_price_and_all_its_counters_are_accounted_for() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    run_chain(&engine);
    let traces = parsed(engine.trace_blocks(1, 2, &debug(&json!({ "tracer": "counterTracer" }))).unwrap());
    let places = [(1, 0), (1, 1), (2, 0), (2, 1), (2, 2)];
    assert_eq!(traces.as_array().map(Vec::len), Some(places.len()));
    for (index, (block, position)) in places.into_iter().enumerate() {
        let (transaction, receipt) = engine.store().transaction(block, position).unwrap().unwrap();
        assert_eq!(traces[index]["txHash"], json!(transaction.hash.to_string()));
        let answer = &traces[index]["result"];
        let names = ["steps", "arith", "binary", "memAlign", "keccakF", "paddingPG", "poseidonG", "sha256"];
        let rows = |of: &Value| names.map(|name| of[name].as_u64().expect(name));
        let counters = rows(&answer["counters"]);
        assert_eq!(counters.to_vec(), receipt.counters, "what the batch counted, of {block} {position}");
        let rest = &answer["unattributable"];
        let parts = [&answer["attributed"], &rest["decoding"], &rest["settlement"], &rest["batch"]];
        let sum = parts.iter().fold(Counters::ZERO, |sum, part| sum + Counters::from_array(rows(part)));
        assert_eq!(sum.to_array(), counters, "of {block} {position}");
    }
    let call = debug(&json!({ "tracer": "callTracer" }));
    let prices = [GAS_PRICE, GAS_PRICE, GAS_PRICE / 2];
    let traces = parsed(engine.trace_blocks(2, 2, &call).unwrap());
    for (index, price) in prices.into_iter().enumerate() {
        let output = json!(hex::encode_prefixed(B256::from(U256::from(price))));
        assert_eq!(traces[index]["result"]["output"], output, "of transaction {index}");
        let hash = engine.store().transaction(2, index as u32).unwrap().unwrap().0.hash;
        assert_eq!(parsed(engine.trace_transaction(&hash, &call).unwrap()), traces[index]["result"]);
    }
    assert_eq!(engine.trace_transaction(&B256::repeat_byte(1), &call).unwrap(), None);
    assert_eq!(engine.trace_blocks(3, 3, &call).unwrap(), None);
    assert_eq!(parsed(engine.trace_blocks(0, 0, &call).unwrap()), json!([]));
}

#[test]
fn frames_are_filtered_over_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let teller = run_chain(&engine);
    let frames = |filter: &Value| {
        let options = traced(&json!({ "form": "frames", "filter": filter }));
        parsed(engine.trace_blocks(0, 2, &options).unwrap()).as_array().expect("an array").clone()
    };
    let all = frames(&json!({}));
    assert_eq!(all.len(), 5);
    let of_teller = frames(&json!({ "toAddresses": [teller] }));
    assert_eq!(of_teller.iter().map(|frame| &frame["type"]).collect::<Vec<_>>(), ["create", "call", "call", "call"]);
    assert_eq!(frames(&json!({ "toAddresses": [teller], "after": 1, "count": 2 })), of_teller[1..3]);
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    let both = json!({ "fromAddresses": [b.address], "toAddresses": [a.address], "intersects": true });
    assert_eq!(frames(&both), all[1..2]);
}

#[test]
fn the_injected_batch_is_traced_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let account = &accounts()[0];
    let mut tx = L2Transaction::decode_signed(&account.sign(0, None, 0, 200_000, &price_teller())).unwrap();
    tx.effective_percentage = u8::MAX;
    let mut batch = Vec::new();
    tx.encode_batch_form(&mut batch);
    let mut genesis: Value = serde_json::from_str(&genesis_json()).unwrap();
    genesis["firstBatchData"] = json!({
        "transactions": hex::encode_prefixed(batch), "globalExitRoot": B256::repeat_byte(0x9e), "timestamp": 50,
        "sequencer": Address::repeat_byte(0x5e), "forcedBlockHashL1": B256::repeat_byte(0x11),
    });
    let options = EngineOptions { genesis_json: genesis.to_string(), ..options(dir.path()) };
    let engine = Engine::open(&options).unwrap();
    let traces = parsed(engine.trace_blocks(1, 1, &debug(&json!({ "tracer": "callTracer" }))).unwrap());
    let created = json!(hex::encode_prefixed(account.address.create(0)));
    assert_eq!((&traces[0]["result"]["type"], &traces[0]["result"]["to"]), (&json!("CREATE"), &created));
}

#[test]
fn bounds_have_their_codes() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&EngineOptions { history_blocks: Some(0), ..options(dir.path()) }).unwrap();
    let teller = run_chain(&engine);
    let noop = debug(&json!({ "tracer": "noopTracer" }));
    let refused = |options: &TraceOptions| engine.trace_blocks(2, 2, options).unwrap_err().code();
    // The state before block 2 is that of block 1, which is not kept.
    assert_eq!(refused(&noop), "STATE_PRUNED");
    let call = CallRequest { to: Some(teller), ..CallRequest::default() };
    let ask = |options: &TraceOptions| engine.trace_call(&call, BlockId::Latest, options);
    assert_eq!(ask(&noop).unwrap(), "{}");
    let late = TraceOptions { timeout_ms: 0, ..noop.clone() };
    let looping = CallRequest {
        state_overrides_json: Some(json!({ teller.to_string(): { "code": "0x5b600056" } }).to_string()),
        ..call.clone()
    };
    assert_eq!(engine.trace_call(&looping, BlockId::Latest, &late).unwrap_err().code(), "CALL_TIMEOUT");
    let short = TraceOptions { limit_bytes: 100, ..debug(&json!({})) };
    assert_eq!(ask(&short).unwrap_err().code(), "TRACE_TOO_LARGE");
    for config in [json!({}), json!({ "form": "replay", "types": ["all"] }), json!({ "form": "frames" })] {
        assert_eq!(ask(&traced(&config)).unwrap_err().code(), "CALL_INVALID", "{config}");
    }
    let poor = CallRequest { from: Some(Address::repeat_byte(3)), value: U256::from(1), ..call.clone() };
    assert_eq!(engine.trace_call(&poor, BlockId::Latest, &noop).unwrap_err().code(), "CALL_INVALID");
}

#[test]
fn a_block_is_encoded_as_it_is_hashed() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    run_chain(&engine);
    let raw = |part| {
        let json = parsed(engine.raw_block_json(2, part).unwrap());
        json.as_str().map(|text| hex::decode(text).expect("hex"))
    };
    let header = raw(RawPart::Header).expect("a header");
    assert_eq!(alloy_primitives::keccak256(&header), engine.store().block(2).unwrap().unwrap().hash);
    assert!(raw(RawPart::Block).is_some_and(|block| block.windows(header.len()).any(|window| window == header)));
    assert_eq!(parsed(engine.raw_block_json(2, RawPart::Receipts).unwrap()).as_array().map(Vec::len), Some(3));
    assert_eq!(engine.raw_block_json(9, RawPart::Block).unwrap(), None);
}
