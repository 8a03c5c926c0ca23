//! Proofs as the wire has them: the nodes from the root to the end of a key's path, then the value.
//!
//! An inner node is 64 bytes (left and right hash), a leaf 65 (remaining key, hash of the value, and 1, as in the
//! capacity of its hash), a value its shortest big-endian form. Each element's hash is named by the one before it, the
//! first one's by the root, so the answer and the root suffice to know the value.

use alloy_primitives::U256;

use crate::{
    H4,
    path::{LEVELS, Path},
    poseidon::{CAPACITY_LEAF, CAPACITY_ZERO, hash},
    proof::{Proof, value_hash},
    witness::{Node, read_leaf},
};

const INNER_BYTES: usize = 64;
const LEAF_BYTES: usize = 65;
const LEAF_MARK: u8 = 1;

/// Elements that prove nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ElementError {
    /// An element has a length or a mark that no node has, or a limb that is not below the prime.
    #[error("element {0} is no node")]
    Malformed(usize),
    /// An element does not hash to what the one before it, or the root, says.
    #[error("element {index} hashes to {actual:?} instead of {expected:?}")]
    WrongHash {
        /// Index of the element.
        index: usize,
        /// What the element before it says.
        expected: H4,
        /// What the element hashes to.
        actual: H4,
    },
    /// A leaf's remaining key has more bits than are left, or the leaf does not lie on the path.
    #[error("the leaf in element {0} does not belong to its place")]
    MisplacedLeaf(usize),
    /// The path goes on where the elements end.
    #[error("the path goes on after the last of {0} elements")]
    Incomplete(usize),
    /// Elements follow the end of the path.
    #[error("element {0} follows the end of the path")]
    Trailing(usize),
    /// The value does not hash to what its leaf says, or is not in its shortest form.
    #[error("the value is not the one that its leaf names")]
    WrongValue,
    /// The key is no canonical hash.
    #[error("a limb of the key is not below the prime")]
    NonCanonicalKey,
}

impl Proof {
    /// The elements that prove the key's value, zero meaning that it has none.
    pub fn elements(&self, key: &H4, value: &U256) -> Vec<Vec<u8>> {
        let mut elements: Vec<Vec<u8>> = self.nodes(key).iter().map(element).collect();
        if !value.is_zero() {
            elements.push(value.to_be_bytes_trimmed_vec());
        }
        elements
    }
}

fn element(node: &Node) -> Vec<u8> {
    let (input, capacity) = node.parts();
    let mut bytes = Vec::with_capacity(LEAF_BYTES);
    for half in input.chunks_exact(4) {
        bytes.extend_from_slice(H4([half[0], half[1], half[2], half[3]]).to_b256().as_slice());
    }
    if capacity == CAPACITY_LEAF {
        bytes.push(LEAF_MARK);
    }
    bytes
}

/// The value that the elements prove the key to have under the root; zero when they prove that it has none.
///
/// # Errors
/// [`ElementError`] when they do not prove anything.
pub fn verify_elements<E: AsRef<[u8]>>(root: &H4, key: &H4, elements: &[E]) -> Result<U256, ElementError> {
    if !key.is_canonical() {
        return Err(ElementError::NonCanonicalKey);
    }
    let path = Path::of(key);
    let mut expected = *root;
    for (index, bytes) in elements.iter().map(AsRef::as_ref).enumerate() {
        if expected.is_zero() {
            return Err(ElementError::Trailing(index));
        }
        let depth = index as u32;
        let input = read_halves(bytes).filter(|_| depth <= LEVELS).ok_or(ElementError::Malformed(index))?;
        let is_leaf = bytes.len() == LEAF_BYTES;
        let actual = hash(&input, if is_leaf { &CAPACITY_LEAF } else { &CAPACITY_ZERO });
        if actual != expected {
            return Err(ElementError::WrongHash { index, expected, actual });
        }
        if is_leaf {
            let (found, value) = read_leaf(&expected, &path.truncated(depth), depth, &input)
                .map_err(|_| ElementError::MisplacedLeaf(index))?;
            return read_end(found == *key, &value, &elements[index + 1..], index + 1);
        }
        if depth == LEVELS {
            return Err(ElementError::Malformed(index));
        }
        let at = if path.bit(depth) { 4 } else { 0 };
        expected = H4(std::array::from_fn(|limb| input[at + limb]));
    }
    if expected.is_zero() { Ok(U256::ZERO) } else { Err(ElementError::Incomplete(elements.len())) }
}

/// What follows the leaf: the value when it is the key's own, nothing when it is another's.
fn read_end<E: AsRef<[u8]>>(is_own: bool, value: &H4, rest: &[E], at: usize) -> Result<U256, ElementError> {
    match (is_own, rest) {
        (false, []) => Ok(U256::ZERO),
        (true, []) => Err(ElementError::Incomplete(at)),
        (true, [bytes]) => {
            let bytes = bytes.as_ref();
            let is_shortest = bytes.len() <= 32 && bytes.first().is_some_and(|first| *first != 0);
            let found = U256::try_from_be_slice(bytes).filter(|_| is_shortest).ok_or(ElementError::WrongValue)?;
            if value_hash(&found) == *value { Ok(found) } else { Err(ElementError::WrongValue) }
        }
        (is_own, _) => Err(ElementError::Trailing(at + usize::from(is_own))),
    }
}

fn read_halves(bytes: &[u8]) -> Option<[u64; 8]> {
    let is_node = bytes.len() == INNER_BYTES || (bytes.len() == LEAF_BYTES && bytes[INNER_BYTES] == LEAF_MARK);
    if !is_node {
        return None;
    }
    let half = |at: usize| H4::from_u256(&U256::from_be_slice(&bytes[at..at + 32])).ok();
    let (left, right) = (half(0)?, half(32)?);
    Some(std::array::from_fn(|limb| if limb < 4 { left.0[limb] } else { right.0[limb - 4] }))
}
