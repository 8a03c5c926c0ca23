//! Proofs of presence and absence, and that altered ones are refused.

use alloy_primitives::U256;
use zkevm_state_tree::{H4, MemoryTree, Proof, ProofEnd, ProofError, poseidon, value_hash};

fn random_key(seed: u64) -> H4 {
    poseidon::hash(&[seed, 0, 0, 0, 0, 0, 0, 0], &[9, 0, 0, 0])
}

fn tree(count: u64) -> MemoryTree {
    MemoryTree::from_leaves((0..count).map(|i| (random_key(i), U256::from(i + 1))))
}

#[test]
fn presence_and_absence() {
    for count in [0, 1, 2, 3, 50, 1000] {
        let tree = tree(count);
        let (root, mut ends) = (tree.root(), [0; 3]);
        for i in 0..count + 200 {
            let key = random_key(i);
            let value = if i < count { U256::from(i + 1) } else { U256::ZERO };
            let proof = tree.prove(&key);
            assert_eq!(proof.verify_value(&root, &key, &value), Ok(()), "{i} of {count}");
            assert!(proof.verify_value(&root, &key, &(value + U256::from(1))).is_err());
            let end = match proof.end {
                ProofEnd::Empty => 0,
                ProofEnd::Leaf { .. } => 1,
                ProofEnd::OtherLeaf { .. } => 2,
            };
            ends[end] += 1;
        }
        assert_eq!(ends[1], count);
        assert!(count < 50 || (ends[0] > 0 && ends[2] > 0), "{ends:?}");
    }
}

#[test]
fn altered_proofs_are_refused() {
    let tree = tree(100);
    let root = tree.root();
    for i in 0..150 {
        let key = random_key(i);
        let proof = tree.prove(&key);
        for level in 0..proof.siblings.len() {
            let mut altered = proof.clone();
            altered.siblings[level].0[1] ^= 1;
            assert!(matches!(altered.verify(&root, &key), Err(ProofError::WrongRoot { .. })));
        }
        let mut shorter = proof.clone();
        shorter.siblings.pop();
        assert!(shorter.verify(&root, &key).is_err());
        // Neither presence nor absence can be claimed with another end.
        let ends = [
            ProofEnd::Empty,
            ProofEnd::Leaf { value_hash: value_hash(&U256::from(77)) },
            ProofEnd::OtherLeaf { key: random_key(1000), value_hash: value_hash(&U256::from(77)) },
        ];
        for end in ends {
            let altered = Proof { siblings: proof.siblings.clone(), end };
            assert!(altered == proof || i == 76 || altered.verify(&root, &key).is_err(), "{i}: {end:?}");
        }
        assert!(proof.verify(&random_key(5), &key).is_err());
        let too_long = Proof { siblings: vec![H4::ZERO; 257], end: ProofEnd::Empty };
        assert_eq!(too_long.verify(&root, &key), Err(ProofError::TooLong(257)));
    }
}

#[test]
fn a_leaf_cannot_deny_itself() {
    let tree = tree(100);
    let key = random_key(3);
    let mut proof = tree.prove(&key);
    proof.end = ProofEnd::OtherLeaf { key, value_hash: value_hash(&U256::from(4)) };
    assert_eq!(proof.verify(&tree.root(), &key), Err(ProofError::OtherLeafMisplaced));
}

#[test]
fn a_leaf_cannot_deny_itself_with_another_spelling_of_its_key() {
    let key = H4([1, 2, 3, 4]);
    let value = U256::from(9);
    let tree = MemoryTree::from_leaves([(key, value)]);
    let alias = H4([0xffff_ffff_0000_0001 + 1, 2, 3, 4]);
    let end = ProofEnd::OtherLeaf { key: alias, value_hash: value_hash(&value) };
    let forged = Proof { siblings: Vec::new(), end };
    assert_eq!(forged.verify(&tree.root(), &key), Err(ProofError::NonCanonical));
    assert_eq!(tree.prove(&key).verify(&tree.root(), &alias), Err(ProofError::NonCanonical));
    assert_eq!(tree.prove(&key).verify_value(&tree.root(), &key, &value), Ok(()));
}
