//! The tracers, on one small call tree.

mod common;

use alloy_primitives::{Address, U256, hex};
use common::*;
use serde_json::{Value, json};
use zkevm_executor::tracers::{
    CallConfig, CallTracer, FourByteTracer, StructLogConfig, StructLogger, downcast, prestate,
};
use zkevm_executor::{MemoryState, Simulation, Tracer};

const CALLEE: Address = Address::repeat_byte(0xca);

/// The contract stores 7 in slot 1, calls the callee, which logs and reverts, and stops.
fn tree() -> MemoryState {
    let caller = [&[0x60, 7, 0x60, 1, 0x55][..], &call_code(0xf1, CALLEE, 0, 50_000), &[0x00]].concat();
    let reverting = [0x60, 0, 0x60, 0, 0xa0, 0x60, 0, 0x60, 0, 0xfd];
    state(&[account(CONTRACT, 0, &caller), account(CALLEE, 0, &reverting)])
}

fn trace<T: Tracer + 'static>(tracer: T) -> (T, u64) {
    let state = tree();
    let mut simulation = Simulation::new(&state, &context(spec(9)), true);
    simulation.set_tracer(Box::new(tracer));
    let call = free_call(Some(CONTRACT), &[0xde, 0xad, 0xbe, 0xef, 1, 2], 200_000);
    let result = simulation.call(&call).expect("executes").expect("begins");
    let untraced = simulate(spec(9), &state, &call);
    assert_eq!(result, untraced, "tracing changes nothing");
    let tracer = simulation.take_tracer().and_then(downcast::<T>).expect("the tracer comes back");
    (tracer, result.gas_used)
}

#[test]
fn the_call_tracer_gives_the_tree() {
    let (tracer, gas_used) = trace(CallTracer::new(CallConfig { with_logs: true, ..CallConfig::default() }));
    let tree = tracer.call_json(200_000, gas_used);
    assert_eq!(tree["type"], "CALL");
    assert_eq!((&tree["gas"], &tree["input"]), (&json!("0x30d40"), &json!("0xdeadbeef0102")));
    assert_eq!(tree["error"], Value::Null);
    let calls = tree["calls"].as_array().expect("one call");
    assert_eq!((calls.len(), &calls[0]["error"]), (1, &json!("execution reverted")));
    assert_eq!(calls[0]["to"], json!(hex::encode_prefixed(CALLEE)));
    assert_eq!(calls[0]["logs"], Value::Null, "a reverted frame has no logs");
    let (tracer, gas_used) = trace(CallTracer::new(CallConfig { only_top_call: true, ..CallConfig::default() }));
    assert_eq!(tracer.call_json(200_000, gas_used)["calls"], Value::Null);
    let flat = trace(CallTracer::default()).0.flat_json();
    let addresses: Vec<&Value> = flat.as_array().expect("an array").iter().map(|call| &call["traceAddress"]).collect();
    assert_eq!(addresses, [&json!([]), &json!([0])]);
}

#[test]
fn selectors_are_counted_with_the_size_of_their_arguments() {
    assert_eq!(trace(FourByteTracer::new()).0.json(), json!({ "0xdeadbeef-2": 1 }));
}

#[test]
fn the_struct_logger_shows_every_opcode() {
    let (logger, gas_used) = trace(StructLogger::new(StructLogConfig { enable_memory: true, ..Default::default() }));
    let log = logger.json(gas_used, false, &alloy_primitives::Bytes::new());
    let entries = log["structLogs"].as_array().expect("entries");
    let names: Vec<&str> = entries.iter().filter_map(|entry| entry["op"].as_str()).collect();
    assert_eq!(names[..3], ["PUSH1", "PUSH1", "SSTORE"]);
    assert!(names.ends_with(&["LOG0", "PUSH1", "PUSH1", "REVERT", "STOP"]), "{names:?}");
    assert_eq!((&entries[0]["gasCost"], &entries[0]["depth"]), (&json!(3), &json!(1)));
    let store = &entries[2];
    assert_eq!((&store["gasCost"], &store["stack"]), (&json!(22_100), &json!(["0x7", "0x1"])));
    assert!(store["storage"].as_object().is_some_and(|storage| storage.len() == 1));
    assert_eq!(entries.iter().filter(|entry| entry["depth"] == 2).count(), 6);
    let (limited, gas_used) = trace(StructLogger::new(StructLogConfig { limit: 4, ..Default::default() }));
    assert_eq!(
        limited.json(gas_used, false, &alloy_primitives::Bytes::new())["structLogs"].as_array().map(Vec::len),
        Some(4)
    );
}

#[test]
fn the_prestate_holds_what_was_read_and_the_diff_what_changed() {
    let state = tree();
    let result = call_contract(spec(9), &state, 0, &[]);
    let contract = hex::encode_prefixed(CONTRACT);
    let pre = prestate(&result.reads, &result.writes, false, &state).expect("code is there");
    assert!(pre[&contract]["code"].is_string());
    assert!(pre[hex::encode_prefixed(CALLEE)]["code"].is_string());
    let diff = prestate(&result.reads, &result.writes, true, &state).expect("code is there");
    let slot = format!("0x{:064x}", 1);
    assert_eq!(diff["post"][&contract]["storage"][&slot], json!(format!("0x{:064x}", 7)));
    assert_eq!(diff["post"][&contract]["balance"], Value::Null);
    let sender = hex::encode_prefixed(SENDER);
    assert_eq!(diff["post"][&sender]["nonce"], json!(1));
    assert_eq!(diff["pre"][&sender]["balance"], json!(format!("{:#x}", U256::from(u64::MAX))));
    assert_eq!(diff["post"][hex::encode_prefixed(CALLEE)], Value::Null);
}
