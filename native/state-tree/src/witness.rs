//! Trees as content-addressed nodes: the `db` object of the reference's test data and of batch witnesses.
//!
//! A node's key is its hash. Inner nodes and leaves are 12 elements (8 hashed and the capacity, which tells the two
//! apart), values are 8 elements of 32 bits.

use alloy_primitives::U256;

use crate::{
    H4, MemoryTree,
    forest::{Child, leaf_input},
    keys::value_limbs,
    memory_tree::forest_of,
    path::{LEVELS, Path, remaining_key},
    poseidon::{CAPACITY_LEAF, CAPACITY_ZERO, hash, hash_each, join},
};

/// A stored node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Node {
    /// An inner node (capacity 0) or a leaf (capacity 1).
    Tree([u64; 12]),
    /// A value, its least significant 32 bits first.
    Value([u64; 8]),
}

/// A witness that does not describe a tree.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WitnessError {
    /// A node that the tree refers to is absent.
    #[error("node {hash:?} at depth {depth} is missing")]
    MissingNode {
        /// Hash of the node.
        hash: H4,
        /// Depth in the tree; a value counts with its leaf.
        depth: u32,
    },
    /// A node's content does not hash to its key.
    #[error("node {expected:?} hashes to {actual:?}")]
    WrongHash {
        /// Hash under which the node was found.
        expected: H4,
        /// Hash of its content.
        actual: H4,
    },
    /// A node has neither the capacity of an inner node nor that of a leaf, or is a value in the place of one or the
    /// other way round.
    #[error("node {hash:?} is not of the kind its place needs")]
    WrongKind {
        /// Hash of the node.
        hash: H4,
    },
    /// A leaf's remaining key has more bits than are left at its depth, or a value's element more than 32.
    #[error("node {hash:?} holds an element that is too large")]
    ElementTooLarge {
        /// Hash of the node.
        hash: H4,
    },
    /// The path goes on after the last bit of a key.
    #[error("inner node {hash:?} lies below the last level")]
    TooDeep {
        /// Hash of the node.
        hash: H4,
    },
    /// A stored array has neither 8 nor 12 elements, or an element is not a hexadecimal number of 64 bits.
    #[error("a node must be 8 or 12 hexadecimal elements of at most 64 bits")]
    Malformed,
}

impl Node {
    /// Reads the elements as the JSON form spells them: 16 hexadecimal digits each, with or without `0x`.
    ///
    /// # Errors
    /// [`WitnessError::Malformed`] for another number of elements or one that is no 64-bit hexadecimal number.
    pub fn from_hex<S: AsRef<str>>(elements: &[S]) -> Result<Self, WitnessError> {
        let mut limbs = [0u64; 12];
        if elements.len() != 8 && elements.len() != 12 {
            return Err(WitnessError::Malformed);
        }
        for (limb, element) in limbs.iter_mut().zip(elements) {
            let digits = element.as_ref();
            let digits = digits.strip_prefix("0x").unwrap_or(digits);
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(WitnessError::Malformed);
            }
            *limb = u64::from_str_radix(digits, 16).map_err(|_| WitnessError::Malformed)?;
        }
        Ok(match limbs {
            [v0, v1, v2, v3, v4, v5, v6, v7, ..] if elements.len() == 8 => {
                Self::Value([v0, v1, v2, v3, v4, v5, v6, v7])
            }
            limbs => Self::Tree(limbs),
        })
    }

    /// The elements as the JSON form spells them: 16 hexadecimal digits each.
    pub fn to_hex(&self) -> Vec<String> {
        let elements: &[u64] = match self {
            Self::Tree(elements) => elements,
            Self::Value(elements) => elements,
        };
        elements.iter().map(|element| format!("{element:016x}")).collect()
    }

    /// The hash of the node: the key under which it is stored.
    pub fn hash(&self) -> H4 {
        let (input, capacity) = self.parts();
        hash(&input, &capacity)
    }

    /// The node of a value.
    pub fn of_value(value: &U256) -> Self {
        Self::Value(value_limbs(value))
    }

    /// The value that a value node holds; `None` for other nodes. A value may be stored with its capacity as well.
    pub fn value(&self) -> Option<U256> {
        let (limbs, CAPACITY_ZERO) = self.parts() else { return None };
        if limbs.iter().any(|limb| limb >> 32 != 0) {
            return None;
        }
        Some(U256::from_limbs(std::array::from_fn(|word| limbs[2 * word] | (limbs[2 * word + 1] << 32))))
    }

    pub(crate) fn parts(&self) -> ([u64; 8], [u64; 4]) {
        match *self {
            Self::Tree([i0, i1, i2, i3, i4, i5, i6, i7, c0, c1, c2, c3]) => {
                ([i0, i1, i2, i3, i4, i5, i6, i7], [c0, c1, c2, c3])
            }
            Self::Value(input) => (input, CAPACITY_ZERO),
        }
    }
}

/// A node still to be looked up.
struct Pending {
    hash: H4,
    /// The bits of the path that lead here, zeros below.
    path: Path,
    depth: u32,
}

/// Walks the tree from a root and returns all its leaves with their values; every node's hash is verified.
///
/// # Errors
/// [`WitnessError`] for the first node that is missing, does not hash to its key or does not fit its place.
pub fn load_leaves(root: &H4, mut lookup: impl FnMut(&H4) -> Option<Node>) -> Result<Vec<(H4, U256)>, WitnessError> {
    let mut leaves = Vec::new();
    let mut level = Vec::new();
    if !root.is_zero() {
        level.push(Pending { hash: *root, path: Path::default(), depth: 0 });
    }
    while !level.is_empty() {
        let nodes = fetch(&level, &mut lookup)?;
        let mut next = Vec::new();
        for (pending, node) in level.iter().zip(nodes) {
            let Node::Tree(_) = node else { return Err(WitnessError::WrongKind { hash: pending.hash }) };
            let (input, capacity) = node.parts();
            match capacity {
                CAPACITY_ZERO => push_children(pending, &input, &mut next)?,
                CAPACITY_LEAF => {
                    let (key, hash) = read_leaf(&pending.hash, &pending.path, pending.depth, &input)?;
                    leaves.push((key, Pending { hash, path: pending.path, depth: pending.depth }));
                }
                _ => return Err(WitnessError::WrongKind { hash: pending.hash }),
            }
        }
        level = next;
    }
    read_values(leaves, &mut lookup)
}

/// Looks up nodes and verifies their hashes.
fn fetch(level: &[Pending], lookup: &mut impl FnMut(&H4) -> Option<Node>) -> Result<Vec<Node>, WitnessError> {
    let mut nodes = Vec::with_capacity(level.len());
    for pending in level {
        let Pending { hash, depth, .. } = *pending;
        nodes.push(lookup(&hash).ok_or(WitnessError::MissingNode { hash, depth })?);
    }
    let mut wrong = None;
    hash_each(
        level.len(),
        |index| {
            let (input, capacity) = nodes[index].parts();
            join(&input, capacity)
        },
        |index, actual| {
            let expected = level[index].hash;
            if actual != expected && wrong.is_none() {
                wrong = Some(WitnessError::WrongHash { expected, actual });
            }
        },
    );
    wrong.map_or(Ok(nodes), Err)
}

fn push_children(pending: &Pending, input: &[u64; 8], next: &mut Vec<Pending>) -> Result<(), WitnessError> {
    if pending.depth >= LEVELS {
        return Err(WitnessError::TooDeep { hash: pending.hash });
    }
    for (side, half) in input.chunks_exact(4).enumerate() {
        let hash = H4([half[0], half[1], half[2], half[3]]);
        if !hash.is_zero() {
            let mut path = pending.path;
            path.0[(pending.depth / 64) as usize] |= (side as u64) << (63 - pending.depth % 64);
            next.push(Pending { hash, path, depth: pending.depth + 1 });
        }
    }
    Ok(())
}

/// Key and value hash of the leaf `hash`, whose place is `depth` levels down; `prefix` has the bits that lead there.
pub(crate) fn read_leaf(hash: &H4, prefix: &Path, depth: u32, input: &[u64; 8]) -> Result<(H4, H4), WitnessError> {
    let remaining = H4([input[0], input[1], input[2], input[3]]);
    let value_hash = H4([input[4], input[5], input[6], input[7]]);
    let mut key = prefix.key();
    for (element, limb) in key.0.iter_mut().enumerate() {
        let consumed = (depth + 3 - element as u32) / 4;
        *limb |= remaining.0[element].checked_shl(consumed).unwrap_or(0);
    }
    if remaining_key(&key, depth) != remaining {
        return Err(WitnessError::ElementTooLarge { hash: *hash });
    }
    Ok((key, value_hash))
}

fn read_values(
    leaves: Vec<(H4, Pending)>,
    lookup: &mut impl FnMut(&H4) -> Option<Node>,
) -> Result<Vec<(H4, U256)>, WitnessError> {
    let (keys, pending): (Vec<H4>, Vec<Pending>) = leaves.into_iter().unzip();
    let nodes = fetch(&pending, lookup)?;
    keys.into_iter()
        .zip(pending.iter().zip(nodes))
        .map(|(key, (pending, node))| {
            let hash = pending.hash;
            let (_, CAPACITY_ZERO) = node.parts() else { return Err(WitnessError::WrongKind { hash }) };
            Ok((key, node.value().ok_or(WitnessError::ElementTooLarge { hash })?))
        })
        .collect()
}

/// All nodes of a tree with their hashes: inner nodes, leaves and values, each hash once.
pub fn dump(tree: &MemoryTree) -> Vec<(H4, Node)> {
    let leaves: Vec<(Path, U256)> = tree.leaves().map(|(key, value)| (Path::of(&key), value)).collect();
    let (forest, root) = forest_of(&leaves);
    let mut nodes = std::collections::BTreeMap::new();
    let mut add_leaf = |index: u32, depth: u32, hash: H4| {
        let leaf = &forest.leaves[index as usize];
        nodes.insert(hash, Node::Tree(leaf_input(&leaf.path, depth, &leaf.value_hash)));
        // Leaves were pushed in the order of the values.
        nodes.insert(leaf.value_hash, Node::Value(value_limbs(&leaves[index as usize].1)));
    };
    let mut stack = Vec::new();
    if leaves.len() == 1 {
        add_leaf(0, 0, root);
    } else if let Some(last) = forest.inner.len().checked_sub(1) {
        // Nodes are made in post-order, so the last one is the root.
        stack.push((last as u32, 0, root));
    }
    let mut inner_nodes = Vec::with_capacity(forest.inner.len());
    while let Some((index, depth, hash)) = stack.pop() {
        let node = &forest.inner[index as usize];
        inner_nodes.push((hash, Node::Tree(join(&node.input, CAPACITY_ZERO))));
        for side in 0..2 {
            match node.children[side] {
                Child::Leaf(leaf) => add_leaf(leaf, depth + 1, node.child_hash(side)),
                Child::Inner(inner) => stack.push((inner, depth + 1, node.child_hash(side))),
                Child::Empty | Child::Kept => {}
            }
        }
    }
    nodes.extend(inner_nodes);
    nodes.into_iter().collect()
}
