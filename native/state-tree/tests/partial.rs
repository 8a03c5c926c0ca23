//! Partial trees: a recorded witness suffices, nothing in it is superfluous, and what is missing is named.

use std::collections::{BTreeMap, HashMap};

use alloy_primitives::U256;
use proptest::prelude::*;
use zkevm_state_tree::{
    H4, MemoryTree, NoSource, PartialError, PartialTree, Recording, StateTree, TreeConfig, TreeNodes, poseidon,
    value_hash,
    witness::{Node, WitnessError, dump},
};

/// Keys that share long prefixes as well as random ones.
fn key(seed: u64) -> H4 {
    if seed.is_multiple_of(3) {
        return H4([seed, 1, 0, seed << 40]);
    }
    poseidon::hash(&[seed, 0, 0, 0, 0, 0, 0, 0], &[7, 0, 0, 0])
}

fn value(number: u8) -> U256 {
    U256::from(number) << 70
}

type Pass = (Vec<u64>, Vec<(u64, u8)>);

/// Reads and writes the passes; the roots after them and whether each key read had a value.
fn run(
    tree: &mut PartialTree<impl zkevm_state_tree::NodeSource>,
    passes: &[Pass],
) -> Result<(Vec<H4>, Vec<Option<H4>>), PartialError> {
    let (mut roots, mut found) = (Vec::new(), Vec::new());
    for (reads, writes) in passes {
        for seed in reads {
            found.push(tree.leaf(&key(*seed))?);
        }
        let writes: Vec<(H4, U256)> = writes.iter().map(|(seed, number)| (key(*seed), value(*number))).collect();
        roots.push(tree.update(&writes)?);
    }
    Ok((roots, found))
}

fn expected(tree: &mut MemoryTree, passes: &[Pass]) -> (Vec<H4>, Vec<Option<H4>>) {
    let (mut roots, mut found) = (Vec::new(), Vec::new());
    for (reads, writes) in passes {
        for seed in reads {
            let value = tree.get(&key(*seed));
            found.push((!value.is_zero()).then(|| value_hash(&value)));
        }
        let writes: Vec<(H4, U256)> = writes.iter().map(|(seed, number)| (key(*seed), value(*number))).collect();
        roots.push(tree.update(&writes));
    }
    (roots, found)
}

fn passes() -> impl Strategy<Value = Vec<Pass>> {
    let write = (0..60u64, prop_oneof![2 => Just(0u8), 3 => 1..250u8]);
    prop::collection::vec((prop::collection::vec(0..80u64, 0..8), prop::collection::vec(write, 0..12)), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_recorded_witness_replays_to_the_same_roots(leaves in prop::collection::btree_map(0..60u64, 1..250u8, 0..60), passes in passes()) {
        let leaves: Vec<(H4, U256)> = leaves.iter().map(|(seed, number)| (key(*seed), value(*number))).collect();
        let mut whole = MemoryTree::from_leaves(leaves.iter().copied());
        let root = whole.root();
        let wanted = expected(&mut whole, &passes);

        // Recorded from the paged tree, by way of paths.
        let mut paged = StateTree::open(NoSource, H4::ZERO, TreeConfig { cache_bytes: usize::MAX, threads: 1 }).unwrap();
        paged.update(&leaves).unwrap();
        let mut recorder = PartialTree::new(Recording::new(TreeNodes::new(paged)), root);
        prop_assert_eq!(&run(&mut recorder, &passes).unwrap(), &wanted);
        let nodes: HashMap<H4, Node> = recorder.into_source().into_nodes().into_iter().collect();

        // Every recorded node is one of the tree, and the witness replays alone.
        let all: BTreeMap<H4, Node> = dump(&MemoryTree::from_leaves(leaves)).into_iter().collect();
        for (hash, node) in &nodes {
            prop_assert_eq!(all.get(hash), Some(node));
        }
        prop_assert_eq!(&run(&mut PartialTree::new(&nodes, root), &passes).unwrap(), &wanted);

        // No node can be left out.
        for hash in nodes.keys() {
            let mut fewer = nodes.clone();
            fewer.remove(hash);
            let error = run(&mut PartialTree::new(&fewer, root), &passes).unwrap_err();
            let is_named = matches!(&error, PartialError::Witness(WitnessError::MissingNode { hash: missing, .. }) if missing == hash);
            prop_assert!(is_named, "{}", error);
        }
    }
}

#[test]
fn a_node_that_is_not_what_its_hash_says_is_refused() {
    let tree = MemoryTree::from_leaves((0..50).map(|seed| (key(seed), value(9))));
    let nodes: HashMap<H4, Node> = dump(&tree).into_iter().collect();
    let mut altered = nodes.clone();
    let top = altered.get_mut(&tree.root()).unwrap();
    let Node::Tree(elements) = top else { panic!("the root is an inner node") };
    elements[2] ^= 1;
    let error = PartialTree::new(&altered, tree.root()).leaf(&key(1)).unwrap_err();
    assert!(matches!(error, PartialError::Witness(WitnessError::WrongHash { .. })), "{error}");
    // A value in the place of a node.
    let hash = value_hash(&value(9));
    let error = PartialTree::new(&nodes, hash).leaf(&key(1)).unwrap_err();
    assert!(matches!(error, PartialError::Witness(WitnessError::WrongKind { .. })), "{error}");
}
