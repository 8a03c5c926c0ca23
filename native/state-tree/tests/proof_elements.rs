//! Proofs on the wire: what they prove, and that no bit of them can be changed.

use alloy_primitives::U256;
use zkevm_state_tree::{ElementError, H4, MemoryTree, poseidon, verify_elements};

fn key(seed: u64) -> H4 {
    // Some keys share long prefixes, so that paths with empty siblings occur.
    if seed.is_multiple_of(5) {
        return H4([seed, 3, 0, seed << 40]);
    }
    poseidon::hash(&[seed, 0, 0, 0, 0, 0, 0, 0], &[9, 0, 0, 0])
}

fn value(seed: u64) -> U256 {
    U256::from(seed + 1) << (seed % 240) as usize
}

fn tree(count: u64) -> MemoryTree {
    MemoryTree::from_leaves((0..count).map(|seed| (key(seed), value(seed))))
}

fn elements(tree: &MemoryTree, key: &H4) -> Vec<Vec<u8>> {
    tree.prove(key).elements(key, &tree.get(key))
}

#[test]
fn presence_and_absence() {
    for count in [0, 1, 2, 3, 60, 500] {
        let tree = tree(count);
        for seed in 0..count + 100 {
            let key = key(seed);
            let expected = if seed < count { value(seed) } else { U256::ZERO };
            assert_eq!(verify_elements(&tree.root(), &key, &elements(&tree, &key)), Ok(expected), "{seed} of {count}");
        }
    }
    assert_eq!(verify_elements::<Vec<u8>>(&H4::ZERO, &key(1), &[]), Ok(U256::ZERO));
    assert_eq!(verify_elements::<Vec<u8>>(&key(2), &key(1), &[]), Err(ElementError::Incomplete(0)));
}

#[test]
fn every_flipped_bit_every_cut_and_every_addition_is_noticed() {
    let tree = tree(40);
    let root = tree.root();
    for seed in [0, 1, 5, 7, 35, 41, 45, 52, 60] {
        let key = key(seed);
        let proof = elements(&tree, &key);
        assert_eq!(verify_elements(&root, &key, &proof), Ok(tree.get(&key)));
        for index in 0..proof.len() {
            for bit in 0..8 * proof[index].len() {
                let mut altered = proof.clone();
                altered[index][bit / 8] ^= 1 << (bit % 8);
                assert!(verify_elements(&root, &key, &altered).is_err(), "bit {bit} of element {index} for {seed}");
            }
            for longer in [[&proof[index][..], &[0]].concat(), [&[0], &proof[index][..]].concat()] {
                let mut altered = proof.clone();
                altered[index] = longer;
                assert!(verify_elements(&root, &key, &altered).is_err(), "element {index} grown for {seed}");
            }
            let mut altered = proof.clone();
            altered.remove(index);
            assert!(verify_elements(&root, &key, &altered).is_err(), "element {index} dropped for {seed}");
            let mut altered = proof.clone();
            altered.insert(index, proof[index].clone());
            assert!(verify_elements(&root, &key, &altered).is_err(), "element {index} doubled for {seed}");
        }
        let longer = [&proof[..], &[vec![1]]].concat();
        assert!(verify_elements(&root, &key, &longer).is_err(), "an element more for {seed}");
        let other_root = H4([root.0[0] ^ 1, root.0[1], root.0[2], root.0[3]]);
        assert!(verify_elements(&other_root, &key, &proof).is_err());
    }
}

#[test]
fn a_proof_speaks_of_its_key_only() {
    let tree = tree(40);
    for (seed, other) in [(1, 2), (3, 50), (5, 10), (50, 3)] {
        let proof = elements(&tree, &key(seed));
        // It may prove another key to be absent if that ends in the same place, but never a wrong value.
        let claimed = verify_elements(&tree.root(), &key(other), &proof);
        assert!(claimed.is_err() || claimed == Ok(tree.get(&key(other))), "{seed} for {other}: {claimed:?}");
    }
}
