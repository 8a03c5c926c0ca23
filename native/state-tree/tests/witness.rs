//! The `db` objects of the public batches, read and written.

mod common;

use std::{collections::HashMap, io::BufRead};

use alloy_primitives::{B256, U256};
use common::vectors;
use serde_json::Value;
use zkevm_state_tree::{
    H4, MemoryTree,
    witness::{Node, WitnessError, dump, load_leaves},
};

type Db = HashMap<H4, Node>;

fn h4(text: &str) -> H4 {
    H4::from_b256(&text.parse::<B256>().expect("32 bytes")).expect("canonical")
}

/// Lines of a packed vector file.
fn lines(name: &str, count: usize) -> Vec<Value> {
    let Some(path) = vectors(name) else { return Vec::new() };
    let file = std::fs::File::open(path).expect("readable");
    std::io::BufReader::new(flate2::read::GzDecoder::new(file))
        .lines()
        .take(count)
        .map(|line| serde_json::from_str(&line.expect("text")).expect("JSON"))
        .collect()
}

fn db_of(batch: &Value) -> Db {
    let nodes = batch["db"].as_object().expect("an object");
    nodes
        .iter()
        .map(|(hash, elements)| {
            let elements: Vec<&str> =
                elements.as_array().expect("an array").iter().map(|element| element.as_str().expect("text")).collect();
            (h4(hash), Node::from_hex(&elements).expect("a node"))
        })
        .collect()
}

#[test]
fn old_states_load_and_dump_to_the_same_nodes() {
    let mut checked = 0;
    for name in ["calldata", "no-data", "rlp-error", "special-inputs-ignore", "VMTests", "stSStoreTest", "tests-30M"] {
        for batch in lines(&format!("fork9/{name}.jsonl.gz"), 40) {
            let db = db_of(&batch);
            let root = h4(batch["oldStateRoot"].as_str().expect("a root"));
            let leaves = load_leaves(&root, |hash| db.get(hash).copied()).expect("a whole tree");
            let tree = MemoryTree::from_leaves(leaves);
            assert_eq!(tree.root(), root, "{}", batch["name"]);
            let dumped: Db = dump(&tree).into_iter().collect();
            assert_eq!(dumped, db, "{}", batch["name"]);
            checked += 1;
        }
    }
    assert!(checked == 0 || checked > 100, "only {checked} batches");
}

fn sample() -> (MemoryTree, Db) {
    let leaves = (1..60u64).map(|i| (H4([i, i * i, 7 * i, i ^ 5]), U256::from(i) << (3 * i as usize)));
    let tree = MemoryTree::from_leaves(leaves);
    let db = dump(&tree).into_iter().collect();
    (tree, db)
}

#[test]
fn a_witness_round_trips() {
    let (tree, db) = sample();
    let mut leaves = load_leaves(&tree.root(), |hash| db.get(hash).copied()).expect("a whole tree");
    leaves.sort_unstable();
    let mut expected: Vec<_> = tree.leaves().collect();
    expected.sort_unstable();
    assert_eq!(leaves, expected);
    for (hash, node) in &db {
        assert_eq!(node.hash(), *hash);
        assert_eq!(Node::from_hex(&node.to_hex()), Ok(*node));
    }
}

#[test]
fn small_trees_round_trip() {
    assert_eq!(load_leaves(&H4::ZERO, |_| None), Ok(Vec::new()));
    assert_eq!(dump(&MemoryTree::new()), Vec::new());
    let leaf = (H4([1, 2, 3, 4]), U256::from(5));
    let tree = MemoryTree::from_leaves([leaf]);
    let db: Db = dump(&tree).into_iter().collect();
    assert_eq!(db.len(), 2);
    assert_eq!(load_leaves(&tree.root(), |hash| db.get(hash).copied()), Ok(vec![leaf]));
}

#[test]
fn every_missing_or_wrong_node_is_noticed() {
    let (tree, db) = sample();
    for victim in db.keys() {
        let missing = load_leaves(&tree.root(), |hash| db.get(hash).copied().filter(|_| hash != victim));
        assert!(matches!(missing, Err(WitnessError::MissingNode { hash, .. }) if hash == *victim), "{missing:?}");
        let wrong = load_leaves(&tree.root(), |hash| {
            db.get(hash).map(|node| match *node {
                Node::Tree(mut elements) if hash == victim => {
                    elements[2] ^= 1;
                    Node::Tree(elements)
                }
                Node::Value(mut elements) if hash == victim => {
                    elements[2] ^= 1;
                    Node::Value(elements)
                }
                node => node,
            })
        });
        assert!(matches!(wrong, Err(WitnessError::WrongHash { expected, .. }) if expected == *victim), "{wrong:?}");
    }
}

#[test]
fn nodes_of_the_wrong_kind_are_refused() {
    let odd = Node::Tree([1, 2, 3, 4, 5, 6, 7, 8, 2, 0, 0, 0]);
    assert_eq!(load_leaves(&odd.hash(), |_| Some(odd)), Err(WitnessError::WrongKind { hash: odd.hash() }));
    let value = Node::Value([1; 8]);
    assert_eq!(load_leaves(&value.hash(), |_| Some(value)), Err(WitnessError::WrongKind { hash: value.hash() }));
    assert_eq!(Node::from_hex(&["1", "2"]), Err(WitnessError::Malformed));
    assert_eq!(Node::from_hex(&["+1"; 8]), Err(WitnessError::Malformed));
}
