//! The tracers, on one small call tree.

mod common;

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use common::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use zkevm_executor::tracers::{StateAccess, TracedTx, TracerSpec, TxCounters, TxPlace, TxTracer, downcast};
use zkevm_executor::{CallResult, CancelToken, ExecutorError, MemoryState, Simulation};

const CALLEE: Address = Address::repeat_byte(0xca);
const LIBRARY: Address = Address::repeat_byte(0x11);
const HEIR: Address = Address::repeat_byte(0x4e);
const GAS: u64 = 300_000;
const NO_LIMIT: usize = usize::MAX;

/// `Error(string)` with the text "no", stored word by word and reverted with.
fn reverting_with_reason() -> Vec<u8> {
    let mut data = hex!("08c379a0").to_vec();
    data.extend(word(32));
    data.extend(word(2));
    data.extend(b"no");
    data.resize(100, 0);
    let mut code = Vec::new();
    for (index, chunk) in data.chunks(32).enumerate() {
        let mut padded = chunk.to_vec();
        padded.resize(32, 0);
        code.push(0x7f);
        code.extend(padded);
        code.extend([0x60, (index * 32) as u8, 0x52]);
    }
    code.extend([0x60, 100, 0x60, 0, 0xfd]);
    code
}

/// The contract stores 7 in slot 1, logs, calls the callee, which logs and reverts with a reason, delegates to the
/// library, which gives the contract's balance away, creates a contract without code, asks SHA-256, and stops.
fn tree() -> MemoryState {
    let pop = [0x50];
    let caller = [
        &[0x60, 7, 0x60, 1, 0x55, 0x60, 0, 0x60, 0, 0xa0][..],
        &call_code(0xf1, CALLEE, 0, 50_000),
        &pop,
        &call_code(0xf4, LIBRARY, 0, 60_000),
        &pop,
        &create_code(0xf0, &[0x00], 0),
        &pop,
        &call_code(0xfa, Address::with_last_byte(2), 0, 5_000),
        &[0x00],
    ]
    .concat();
    let logging = [&[0x60, 0, 0x60, 0, 0xa0][..], &reverting_with_reason()].concat();
    let library = [push_address(HEIR), vec![0xff]].concat();
    state(&[account(CONTRACT, 1000, &caller), account(CALLEE, 0, &logging), account(LIBRARY, 0, &library)])
}

fn spec_of(options: &Value) -> TracerSpec {
    TracerSpec::parse(options.as_object().expect("an object")).expect("understood")
}

struct Traced {
    json: Result<String, ExecutorError>,
    result: CallResult,
}

fn trace_with(tracer: &TracerSpec, limit_bytes: usize, place: Option<TxPlace>) -> Traced {
    let state = tree();
    let context = context(spec(9));
    let levels = context.levels.tx;
    let mut simulation = Simulation::new(&state, &context, true);
    simulation.record_reads();
    simulation.set_tracer(Box::new(TxTracer::new(tracer, limit_bytes, levels)));
    let call = free_call(Some(CONTRACT), &[0xde, 0xad, 0xbe, 0xef, 1, 2], GAS);
    let untraced = simulate(spec(9), &state, &call);
    let result = match simulation.call(&call) {
        Ok(result) => result.expect("begins"),
        Err(error) => return Traced { json: Err(error), result: untraced },
    };
    assert_eq!(
        CallResult { reads: Vec::new(), writes: Vec::new(), ..result.clone() },
        untraced,
        "tracing changes nothing"
    );
    let tracer = simulation.take_tracer().and_then(downcast::<TxTracer>).expect("the tracer comes back");
    let code = |hash: &B256| simulation.code(hash);
    let json = tracer.finish(&TracedTx {
        gas_limit: GAS,
        gas_used: result.gas_used,
        succeeds: result.succeeds,
        output: &result.output,
        state: StateAccess { reads: &result.reads, writes: &result.writes, code: &code, limit_bytes },
        counters: TxCounters { execution: result.execution, levels, ..TxCounters::default() },
        place,
    });
    Traced { json, result }
}

fn trace(options: &Value) -> Value {
    let json = trace_with(&spec_of(options), NO_LIMIT, None).json.expect("a trace");
    serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn shown(address: Address) -> Value {
    json!(hex::encode_prefixed(address))
}

/// Everything but gas, which has tests of its own.
fn without_gas(call: &Value) -> Value {
    let mut call = call.clone();
    if let Some(object) = call.as_object_mut() {
        object.remove("gas");
        object.remove("gasUsed");
        if let Some(calls) = object.get_mut("calls").and_then(Value::as_array_mut) {
            *calls = calls.iter().map(without_gas).collect();
        }
    }
    call
}

#[test]
fn the_call_tracer_gives_the_tree() {
    let tree = trace(&json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } }));
    let reason = &reverting_with_reason_output();
    let created = CONTRACT.create(0);
    assert_eq!(
        without_gas(&tree),
        json!({
            "type": "CALL", "from": shown(SENDER), "to": shown(CONTRACT), "value": "0x0", "input": "0xdeadbeef0102",
            "logs": [{ "address": shown(CONTRACT), "topics": [], "data": "0x", "position": "0x0" }],
            "calls": [
                // What reverted has no logs.
                { "type": "CALL", "from": shown(CONTRACT), "to": shown(CALLEE), "value": "0x0", "input": "0x",
                  "output": reason, "error": "execution reverted", "revertReason": "no" },
                // A delegate call keeps its caller's value, and comes from the running contract.
                { "type": "DELEGATECALL", "from": shown(CONTRACT), "to": shown(LIBRARY), "value": "0x0", "input": "0x",
                  "calls": [{ "type": "SELFDESTRUCT", "from": shown(CONTRACT), "to": shown(HEIR), "value": "0x3e8",
                              "input": "0x" }] },
                { "type": "CREATE", "from": shown(CONTRACT), "to": shown(created), "value": "0x0", "input": "0x00" },
                { "type": "STATICCALL", "from": shown(CONTRACT), "to": shown(Address::with_last_byte(2)),
                  "input": "0x", "output": "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
            ],
        })
    );
    let gas_used = trace_with(&spec_of(&json!({})), NO_LIMIT, None).result.gas_used;
    assert_eq!((&tree["gas"], &tree["gasUsed"]), (&json!("0x493e0"), &json!(format!("{gas_used:#x}"))));
    assert_eq!(tree["calls"][0]["gas"], "0xc350");
    // SHA-256 of nothing: 60 gas.
    assert_eq!(tree["calls"][3]["gasUsed"], "0x3c");
    let top = trace(&json!({ "tracer": "callTracer", "tracerConfig": { "onlyTopCall": true } }));
    assert_eq!((&top["calls"], &top["logs"], &top["type"]), (&Value::Null, &Value::Null, &json!("CALL")));
}

fn reverting_with_reason_output() -> String {
    let data = [&hex!("08c379a0")[..], word(32).as_slice(), word(2).as_slice(), b"no", &[0; 30]].concat();
    hex::encode_prefixed(data)
}

#[test]
fn the_flat_tracer_gives_the_frames_one_after_the_other() {
    let place =
        TxPlace { block_hash: B256::repeat_byte(0xb1), block_number: 7, tx_hash: B256::repeat_byte(0x77), index: 3 };
    let spec = spec_of(&json!({ "tracer": "flatCallTracer", "tracerConfig": { "convertParityErrors": true } }));
    let json = trace_with(&spec, NO_LIMIT, Some(place)).json.expect("a trace");
    let frames: Vec<Value> = serde_json::from_str(&json).expect("an array");
    let facts: Vec<Value> = frames.iter().map(|f| json!([f["type"], f["traceAddress"], f["subtraces"]])).collect();
    assert_eq!(
        facts,
        // The precompile is left out.
        [
            json!(["call", [], 3]),
            json!(["call", [0], 0]),
            json!(["call", [1], 1]),
            json!(["suicide", [1, 0], 0]),
            json!(["create", [2], 0])
        ]
    );
    let reverted = &frames[1];
    assert_eq!((&reverted["error"], &reverted["action"]["callType"]), (&json!("Reverted"), &json!("call")));
    assert_eq!(reverted["result"]["output"], json!(reverting_with_reason_output()));
    let sent = json!({ "address": shown(CONTRACT), "refundAddress": shown(HEIR), "balance": "0x3e8" });
    assert_eq!((&frames[3]["action"], &frames[3]["result"]), (&sent, &Value::Null));
    assert_eq!(frames[4]["result"]["address"], shown(CONTRACT.create(0)));
    for frame in &frames {
        assert_eq!(frame["blockHash"], json!(place.block_hash.to_string()));
        assert_eq!((&frame["blockNumber"], &frame["transactionPosition"]), (&json!(7), &json!(3)));
        assert_eq!(frame["transactionHash"], json!(place.tx_hash.to_string()));
    }
    let all = trace(&json!({ "tracer": "flatCallTracer", "tracerConfig": { "includePrecompiles": true } }));
    assert_eq!(all.as_array().map(Vec::len), Some(6));
    assert_eq!(all[1]["error"], "execution reverted");
}

#[test]
fn selectors_are_counted_with_the_size_of_their_arguments() {
    assert_eq!(trace(&json!({ "tracer": "4byteTracer" })), json!({ "0xdeadbeef-2": 1 }));
}

#[test]
fn the_struct_logger_shows_every_opcode() {
    let log = trace(&json!({ "enableMemory": true }));
    assert_eq!((&log["failed"], &log["returnValue"]), (&json!(false), &json!("0x")));
    let entries = log["structLogs"].as_array().expect("entries");
    let names: Vec<&str> = entries.iter().filter_map(|entry| entry["op"].as_str()).collect();
    assert_eq!(names[..3], ["PUSH1", "PUSH1", "SSTORE"]);
    assert_eq!((&entries[0]["gasCost"], &entries[0]["depth"]), (&json!(3), &json!(1)));
    let store = &entries[2];
    assert_eq!((&store["gasCost"], &store["stack"]), (&json!(22_100), &json!(["0x7", "0x1"])));
    assert_eq!(store["storage"], json!({ word(1).to_string(): word(7).to_string() }));
    assert!(
        entries.iter().any(|entry| entry["op"] == "REVERT" && entry["memory"].as_array().is_some_and(|m| m.len() == 4))
    );
    assert!(entries.iter().any(|entry| entry["depth"] == 2));
    let limited = trace(&json!({ "limit": 4, "disableStack": true, "disableStorage": true }));
    let entries = limited["structLogs"].as_array().expect("entries");
    assert_eq!((entries.len(), &entries[2]["stack"], &entries[2]["storage"]), (4, &Value::Null, &Value::Null));
}

#[test]
fn the_counters_of_the_opcodes_sum_up() {
    let log = trace(&json!({ "enableCounters": true, "disableStack": true }));
    let entries = log["structLogs"].as_array().expect("entries");
    let steps: u64 = entries.iter().filter_map(|entry| entry["counters"]["steps"].as_u64()).sum();
    let attribution = trace(&json!({ "tracer": "counterTracer" }));
    // Init code and precompiles count between two opcodes.
    let attributed = attribution["attributed"]["steps"].as_u64().expect("steps");
    assert!(steps > 0 && steps < attributed, "{steps} {attributed}");
}

#[test]
fn the_counter_tracer_names_contract_function_and_opcode() {
    let traced = trace_with(&spec_of(&json!({ "tracer": "counterTracer" })), NO_LIMIT, None);
    let answer: Value = serde_json::from_str(&traced.json.expect("a trace")).expect("JSON");
    let steps = |value: &Value| value["steps"].as_u64().expect("steps");
    assert_eq!(steps(&answer["counters"]), traced.result.counters_used.steps);
    let contracts = answer["contracts"].as_array().expect("contracts");
    let addresses: Vec<&Value> = contracts.iter().map(|contract| &contract["address"]).collect();
    let sha256 = Address::with_last_byte(2);
    assert_eq!(
        addresses,
        [CONTRACT, CALLEE, LIBRARY, CONTRACT.create(0), sha256].map(shown).iter().collect::<Vec<_>>()
    );
    for name in ["steps", "arith", "binary", "memAlign", "keccakF", "paddingPG", "poseidonG", "sha256"] {
        let rows = |value: &Value| value[name].as_u64().unwrap_or_else(|| panic!("{name} in {value}"));
        let of_contracts: u64 = contracts.iter().map(|contract| rows(&contract["counters"])).sum();
        assert_eq!(of_contracts, rows(&answer["attributed"]), "{name}: contracts are all that is attributed");
        let rest = &answer["unattributable"];
        let total = of_contracts + rows(&rest["decoding"]) + rows(&rest["settlement"]) + rows(&rest["batch"]);
        assert_eq!(total, rows(&answer["counters"]), "{name}: nothing is missing");
        for contract in contracts {
            let functions = contract["functions"].as_array().expect("functions");
            let sum: u64 = functions.iter().map(|function| rows(&function["counters"])).sum();
            assert_eq!(sum, rows(&contract["counters"]), "{name} of {}", contract["address"]);
            for function in functions {
                let opcodes = function["opcodes"].as_array().expect("opcodes");
                let sum: u64 = opcodes.iter().map(|opcode| rows(&opcode["counters"])).sum();
                assert_eq!(sum, rows(&function["counters"]), "{name} of {}", function["selector"]);
            }
        }
    }
    assert!(steps(&answer["unattributable"]["settlement"]) > 0);
    assert_eq!(contracts[0]["functions"][0]["selector"], "0xdeadbeef");
    assert_eq!(contracts[3]["functions"][0]["selector"], "constructor");
    let precompile = &contracts[4]["functions"][0]["opcodes"];
    assert_eq!((&precompile[0]["op"], &precompile[0]["times"]), (&json!("PRECOMPILE"), &json!(1)));
    assert!(precompile[0]["counters"]["sha256"].as_u64().is_some_and(|rows| rows > 0));
    let own = contracts[0]["functions"][0]["opcodes"].as_array().expect("opcodes");
    let create = own.iter().find(|opcode| opcode["op"] == "CREATE").expect("CREATE ran");
    assert!(steps(&create["counters"]) > 0);
}

#[test]
fn the_prestate_holds_what_was_read_and_the_diff_what_changed() {
    let contract = hex::encode_prefixed(CONTRACT);
    let slot = word(1).to_string();
    let pre = trace(&json!({ "tracer": "prestateTracer" }));
    assert!(pre[&contract]["code"].is_string() && pre[hex::encode_prefixed(CALLEE)]["code"].is_string());
    assert_eq!(
        (&pre[&contract]["storage"][&slot], &pre[&contract]["balance"]),
        (&json!(word(0).to_string()), &json!("0x3e8"))
    );
    assert_eq!(pre[hex::encode_prefixed(HEIR)], Value::Null, "what was empty is not shown");
    let lean = json!({ "disableCode": true, "disableStorage": true, "includeEmpty": true });
    let lean = trace(&json!({ "tracer": "prestateTracer", "tracerConfig": lean }));
    assert_eq!((&lean[&contract]["code"], &lean[&contract]["storage"]), (&Value::Null, &Value::Null));
    assert_eq!(lean[hex::encode_prefixed(HEIR)]["balance"], "0x0");

    let diff = trace(&json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true } }));
    let changed = json!({ "balance": "0x0", "nonce": 1, "storage": { &slot: word(7).to_string() } });
    assert_eq!(diff["post"][&contract], changed);
    assert_eq!(diff["pre"][&contract]["balance"], "0x3e8");
    assert_eq!(diff["pre"][&contract]["storage"], Value::Null, "the slot was empty");
    assert_eq!(diff["post"][hex::encode_prefixed(SENDER)], json!({ "nonce": 1 }));
    assert_eq!(diff["pre"][hex::encode_prefixed(SENDER)]["balance"], json!(format!("{:#x}", U256::from(u64::MAX))));
    assert_eq!(diff["post"][hex::encode_prefixed(HEIR)], json!({ "balance": "0x3e8" }));
    assert_eq!(
        (&diff["pre"][hex::encode_prefixed(HEIR)], &diff["post"][hex::encode_prefixed(CALLEE)]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn several_tracers_run_at_once() {
    let tracers = json!({ "callTracer": {}, "4byteTracer": {}, "noopTracer": {}, "counterTracer": {} });
    let answer = trace(&json!({ "tracer": "muxTracer", "tracerConfig": tracers }));
    assert_eq!(answer["callTracer"], trace(&json!({ "tracer": "callTracer" })));
    assert_eq!(answer["counterTracer"], trace(&json!({ "tracer": "counterTracer" })));
    assert_eq!((&answer["4byteTracer"], &answer["noopTracer"]), (&json!({ "0xdeadbeef-2": 1 }), &json!({})));
}

#[test]
fn a_replay_has_the_frames_the_changes_and_the_opcodes() {
    let config = zkevm_executor::tracers::ReplayConfig { trace: true, state_diff: true, vm_trace: true };
    let json = trace_with(&TracerSpec::Replay(config), NO_LIMIT, None).json.expect("a trace");
    let replay: Value = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    assert_eq!((&replay["output"], replay["trace"].as_array().map(Vec::len)), (&json!("0x"), Some(5)));
    let changes = &replay["stateDiff"];
    assert_eq!(
        changes[hex::encode_prefixed(CONTRACT)],
        json!({
            "balance": { "*": { "from": "0x3e8", "to": "0x0" } }, "code": "=", "nonce": { "*": { "from": "0x0", "to": "0x1" } },
            "storage": { word(1).to_string(): { "*": { "from": word(0).to_string(), "to": word(7).to_string() } } },
        })
    );
    assert_eq!(
        changes[hex::encode_prefixed(HEIR)],
        json!({ "balance": { "+": "0x3e8" }, "code": { "+": "0x" }, "nonce": { "+": "0x0" }, "storage": {} })
    );
    let ops = replay["vmTrace"]["ops"].as_array().expect("opcodes");
    assert_eq!((&ops[0]["pc"], &ops[0]["ex"]["push"], &ops[0]["sub"]), (&json!(0), &json!(["0x7"]), &Value::Null));
    assert_eq!(ops[2]["ex"]["store"], json!({ "key": "0x1", "val": "0x7" }));
    let callees: Vec<&Value> = ops.iter().filter(|op| !op["sub"].is_null()).collect();
    assert_eq!(callees.len(), 3, "callee, library and init code");
    assert_eq!(callees[0]["ex"]["push"], json!(["0x0"]), "the callee failed");
    assert_eq!(callees[1]["ex"]["push"], json!(["0x1"]));
    let inner = callees[0]["sub"]["ops"].as_array().expect("opcodes");
    let written = inner.iter().find(|op| !op["ex"]["mem"].is_null()).expect("memory is written");
    assert_eq!(
        (&written["ex"]["mem"]["off"], written["ex"]["mem"]["data"].as_str().map(str::len)),
        (&json!(0), Some(66))
    );
}

#[test]
fn a_trace_has_a_limit_of_bytes() {
    for options in [
        json!({}),
        json!({ "tracer": "callTracer" }),
        json!({ "tracer": "flatCallTracer" }),
        json!({ "tracer": "prestateTracer" }),
        json!({ "tracer": "counterTracer" }),
        json!({ "tracer": "muxTracer", "tracerConfig": { "callTracer": {} } }),
    ] {
        let whole = trace_with(&spec_of(&options), NO_LIMIT, None).json.expect("a trace").len();
        let cut = trace_with(&spec_of(&options), whole / 2, None);
        assert_eq!(cut.json, Err(ExecutorError::TraceTooLarge), "{options}");
    }
}

#[test]
fn a_traced_execution_is_cancelled_also_without_jumps() {
    let mut code = vec![0x5b; 4096];
    code.push(0x00);
    let state = state(&[account(CONTRACT, 0, &code)]);
    let mut context = context(spec(9));
    context.cancel = CancelToken { deadline: None, flag: Some(Arc::new(AtomicBool::new(true))) };
    let mut simulation = Simulation::new(&state, &context, true);
    simulation.set_tracer(Box::new(TxTracer::new(&TracerSpec::Noop, NO_LIMIT, 0)));
    let call = free_call(Some(CONTRACT), &[], GAS);
    assert_eq!(simulation.call(&call), Err(ExecutorError::Cancelled));
    let mut untouched = Simulation::new(&state, &common::context(spec(9)), true);
    assert_eq!(untouched.call(&call).expect("executes").expect("begins").output, Bytes::new());
}
