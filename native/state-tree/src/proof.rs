//! Proofs that a key has a value or none.

use alloy_primitives::U256;

use crate::{
    H4,
    forest::leaf_input,
    keys::value_limbs,
    page::{BOTTOM, Kind, LeafRecord, PageKey, PageView},
    path::{LEVELS, Path},
    poseidon::{CAPACITY_LEAF, CAPACITY_ZERO, hash},
    state_tree::StateTree,
    store::{PageSource, TreeError},
};

/// What the path of a key ends in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProofEnd {
    /// An empty subtree: the key has no value.
    Empty,
    /// The key's leaf.
    Leaf {
        /// Hash of the value.
        value_hash: H4,
    },
    /// The leaf of another key with the same first bits: the key has no value.
    OtherLeaf {
        /// The other key.
        key: H4,
        /// Hash of its value.
        value_hash: H4,
    },
}

/// The siblings along the path of a key and what it ends in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proof {
    /// Sibling hashes from the root's children downwards; zero for an empty sibling.
    pub siblings: Vec<H4>,
    /// The end of the path.
    pub end: ProofEnd,
}

/// A proof that proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProofError {
    /// More siblings than a path has levels.
    #[error("{0} siblings are more than the tree has levels")]
    TooLong(usize),
    /// The other leaf is not on the path of the key, or it is the key's own.
    #[error("the other leaf does not lie on the path of the key")]
    OtherLeafMisplaced,
    /// A key or the hash of a value is not a canonical hash; hashing would not tell it from the canonical one.
    #[error("a limb of the key, of the other key or of the value hash is not below the prime")]
    NonCanonical,
    /// The proof belongs to another root.
    #[error("the proof leads to the root {actual:?} instead of {expected:?}")]
    WrongRoot {
        /// The root to be proven against.
        expected: H4,
        /// The root of the proof.
        actual: H4,
    },
    /// The leaf has another value.
    #[error("the key has a value with hash {actual:?} instead of {expected:?}")]
    WrongValue {
        /// Hash of the expected value, zero for none.
        expected: H4,
        /// Hash in the proof, zero for none.
        actual: H4,
    },
}

/// The hash of a value as leaves hold it; zero for the value zero, which no leaf has.
pub fn value_hash(value: &U256) -> H4 {
    if value.is_zero() { H4::ZERO } else { hash(&value_limbs(value), &CAPACITY_ZERO) }
}

fn leaf_hash(path: &Path, depth: u32, value_hash: &H4) -> H4 {
    let [input @ .., _, _, _, _] = leaf_input(path, depth, value_hash);
    hash(&input, &CAPACITY_LEAF)
}

impl Proof {
    /// Key and value hash of the leaf that the path of `key` ends in, its own or another one.
    pub(crate) const fn end_leaf(&self, key: &H4) -> Option<(H4, H4)> {
        match self.end {
            ProofEnd::Empty => None,
            ProofEnd::Leaf { value_hash } => Some((*key, value_hash)),
            ProofEnd::OtherLeaf { key, value_hash } => Some((key, value_hash)),
        }
    }

    /// Verifies the proof; the hash of the key's value, `None` when the key has none.
    ///
    /// # Errors
    /// [`ProofError`] when the proof is not one for this root and key.
    pub fn verify(&self, root: &H4, key: &H4) -> Result<Option<H4>, ProofError> {
        let path = Path::of(key);
        let depth = self.siblings.len() as u32;
        if self.siblings.len() > LEVELS as usize {
            return Err(ProofError::TooLong(self.siblings.len()));
        }
        let ends = match self.end {
            ProofEnd::Empty => [H4::ZERO; 2],
            ProofEnd::Leaf { value_hash } => [H4::ZERO, value_hash],
            ProofEnd::OtherLeaf { key, value_hash } => [key, value_hash],
        };
        if ends.iter().chain([key]).any(|hash| !hash.is_canonical()) {
            return Err(ProofError::NonCanonical);
        }
        let (end, value_hash) = match &self.end {
            ProofEnd::Empty => (H4::ZERO, None),
            ProofEnd::Leaf { value_hash } => (leaf_hash(&path, depth, value_hash), Some(*value_hash)),
            ProofEnd::OtherLeaf { key: other, value_hash } => {
                let other_path = Path::of(other);
                if other == key || other_path.common_levels(&path) < depth {
                    return Err(ProofError::OtherLeafMisplaced);
                }
                (leaf_hash(&other_path, depth, value_hash), None)
            }
        };
        let levels = (0..depth).zip(&self.siblings).rev();
        let actual = levels.fold(end, |node, (level, sibling)| {
            let (left, right) = if path.bit(level) { (sibling, &node) } else { (&node, sibling) };
            let mut input = [0; 8];
            input[..4].copy_from_slice(&left.0);
            input[4..].copy_from_slice(&right.0);
            hash(&input, &CAPACITY_ZERO)
        });
        if actual == *root { Ok(value_hash) } else { Err(ProofError::WrongRoot { expected: *root, actual }) }
    }

    /// Verifies that the key has this value, zero meaning none.
    ///
    /// # Errors
    /// [`ProofError`] when the proof does not show that.
    pub fn verify_value(&self, root: &H4, key: &H4, value: &U256) -> Result<(), ProofError> {
        let actual = self.verify(root, key)?.unwrap_or_default();
        let expected = value_hash(value);
        if actual == expected { Ok(()) } else { Err(ProofError::WrongValue { expected, actual }) }
    }
}

impl<S: PageSource> StateTree<S> {
    /// The proof of a key's value or of its absence, under the present root.
    ///
    /// # Errors
    /// [`TreeError`] when a page cannot be read.
    pub fn prove(&self, key: &H4) -> Result<Proof, TreeError> {
        let path = Path::of(key);
        let mut siblings = Vec::new();
        let end_at = |leaf: LeafRecord| {
            if leaf.path == path {
                ProofEnd::Leaf { value_hash: leaf.value_hash }
            } else {
                ProofEnd::OtherLeaf { key: leaf.path.key(), value_hash: leaf.value_hash }
            }
        };
        if self.root().is_zero() {
            return Ok(Proof { siblings, end: ProofEnd::Empty });
        }
        loop {
            let mut depth = siblings.len() as u32;
            let page = self.store().get(&PageKey::new(&path, depth))?;
            let view = PageView::new(&page);
            if view.kind(1) == Kind::Leaf {
                return Ok(Proof { siblings, end: end_at(view.leaf(1)) });
            }
            let mut number = 1;
            while number < BOTTOM {
                number = 2 * number + u32::from(path.bit(depth));
                depth += 1;
                siblings.push(view.hash(number ^ 1));
                match view.kind(number) {
                    Kind::Empty => return Ok(Proof { siblings, end: ProofEnd::Empty }),
                    Kind::Leaf => return Ok(Proof { siblings, end: end_at(view.leaf(number)) }),
                    Kind::Inner => {}
                }
            }
        }
    }

    /// The hash of a key's value, `None` when the key has no leaf.
    ///
    /// # Errors
    /// [`TreeError`] when a page cannot be read.
    pub fn leaf(&self, key: &H4) -> Result<Option<H4>, TreeError> {
        Ok(match self.prove(key)?.end {
            ProofEnd::Leaf { value_hash } => Some(value_hash),
            ProofEnd::Empty | ProofEnd::OtherLeaf { .. } => None,
        })
    }
}
