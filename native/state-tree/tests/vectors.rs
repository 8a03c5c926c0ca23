//! The public vectors of the state tree.

mod common;

use alloy_primitives::{Address, U256, hex};
use common::vectors;
use serde_json::Value;
use zkevm_state_tree::{H4, MemoryTree, keys, poseidon, root_of};

/// Parsed JSON of a vector file.
fn json(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(vectors(name)?).expect("the vector file is readable");
    Some(serde_json::from_str(&text).expect("the vector file is JSON"))
}

/// A number as the vectors spell it: JSON number, decimal or 0x-hexadecimal string, possibly with leading zeros.
fn number(value: &Value) -> U256 {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        other => panic!("not a number: {other}"),
    };
    let parsed = match text.strip_prefix("0x") {
        Some("") => Ok(U256::ZERO),
        Some(digits) => U256::from_str_radix(digits, 16),
        None => U256::from_str_radix(&text, 10),
    };
    parsed.unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// An integer as a key or hash, without the check that its limbs are canonical: some vectors use such keys.
fn raw_h4(value: &Value) -> H4 {
    H4(*number(value).as_limbs())
}

fn address(value: &Value) -> Address {
    value.as_str().expect("a string").parse().expect("an address")
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().expect("an array")
}

#[test]
fn poseidon_raw_hash() {
    let Some(cases) = json("state-tree/poseidon-raw-hash.json") else { return };
    // "-1" stands for p - 1.
    let element = |value: &Value| {
        if value.as_str() == Some("-1") { 0xffff_ffff_0000_0000 } else { number(value).to::<u64>() }
    };
    for case in array(&cases) {
        let elements = |name: &str| array(&case[name]).iter().map(element).collect::<Vec<u64>>();
        let input: [u64; 8] = elements("input").try_into().expect("eight elements");
        let capacity: [u64; 4] = elements("capacity").try_into().expect("four elements");
        let expected: [u64; 4] = elements("expectedOutput").try_into().expect("four elements");
        assert_eq!(poseidon::hash(&input, &capacity), H4(expected), "{case}");
    }
}

#[test]
fn bytecode_hashes() {
    let Some(cases) = json("state-tree/smt-hash-bytecode.json") else { return };
    for case in array(&cases) {
        let digits = case["bytecode"].as_str().expect("a string").trim_start_matches("0x");
        let digits = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
        let bytes = hex::decode(&digits).expect("hexadecimal");
        assert_eq!(poseidon::linear_hash(&bytes), raw_h4(&case["expectedHash"]), "{digits}");
        assert_eq!(poseidon::linear_hash_many(&[&bytes]), [raw_h4(&case["expectedHash"])]);
    }
}

#[test]
fn tree_keys() {
    let mut checked = 0;
    for name in ["contract-code", "contract-length", "contract-storage", "eth-balance", "eth-nonce"] {
        let Some(cases) = json(&format!("state-tree/smt-key-{name}.json")) else { return };
        for case in array(&cases) {
            let address = address(&case["ethAddr"]);
            let key = match case["leafType"].as_u64().expect("a kind") {
                keys::KIND_BALANCE => keys::balance(&address),
                keys::KIND_NONCE => keys::nonce(&address),
                keys::KIND_CODE_HASH => keys::code_hash(&address),
                keys::KIND_STORAGE => keys::storage(&address, &number(&case["storagePosition"])),
                keys::KIND_CODE_LENGTH => keys::code_length(&address),
                kind => panic!("kind {kind}"),
            };
            assert_eq!(key, raw_h4(&case["expectedKey"]), "{name}: {case}");
            checked += 1;
        }
    }
    assert_eq!(checked, 28);
}

#[test]
fn raw_roots() {
    let Some(cases) = json("state-tree/smt-raw.json") else { return };
    for (number_of_case, case) in array(&cases).iter().enumerate() {
        let writes: Vec<(H4, U256)> = array(&case["keys"])
            .iter()
            .zip(array(&case["values"]))
            .map(|(key, value)| (raw_h4(key), number(value)))
            .collect();
        let expected = raw_h4(&case["expectedRoot"]);
        assert_eq!(root_of(&writes), expected, "case {number_of_case}");
        let mut tree = MemoryTree::new();
        for write in &writes {
            tree.update(std::slice::from_ref(write));
        }
        assert_eq!(tree.root(), expected, "case {number_of_case}, one by one");
    }
}

/// The leaves of a genesis.
fn genesis_leaves(accounts: &Value) -> Vec<(H4, U256)> {
    let mut leaves = Vec::new();
    for account in array(accounts) {
        let address = address(&account["address"]);
        leaves.push((keys::balance(&address), number(&account["balance"])));
        leaves.push((keys::nonce(&address), number(&account["nonce"])));
        if let Some(code) = account["bytecode"].as_str() {
            let code = hex::decode(code).expect("hexadecimal");
            leaves.push((keys::code_hash(&address), poseidon::linear_hash(&code).to_u256()));
            leaves.push((keys::code_length(&address), U256::from(code.len())));
        }
        for (slot, value) in account["storage"].as_object().into_iter().flatten() {
            let slot = number(&Value::String(slot.clone()));
            leaves.push((keys::storage(&address, &slot), number(value)));
        }
    }
    leaves
}

#[test]
fn genesis_roots_of_the_tree_vectors() {
    for name in ["smt-genesis", "smt-full-genesis"] {
        let Some(cases) = json(&format!("state-tree/{name}.json")) else { return };
        for (number_of_case, case) in array(&cases).iter().enumerate() {
            let leaves = genesis_leaves(&case["addresses"]);
            assert_eq!(root_of(&leaves), raw_h4(&case["expectedRoot"]), "{name}, case {number_of_case}");
        }
    }
}

#[test]
fn genesis_roots_of_real_networks() {
    for name in ["zkevm-mainnet-genesis", "etrog-dev-genesis"] {
        let Some(genesis) = json(&format!("genesis/{name}.json")) else { return };
        let leaves = genesis_leaves(&genesis["genesis"]);
        assert_eq!(root_of(&leaves), raw_h4(&genesis["root"]), "{name}");
        assert_eq!(MemoryTree::from_leaves(leaves).root(), raw_h4(&genesis["root"]), "{name}");
    }
}
