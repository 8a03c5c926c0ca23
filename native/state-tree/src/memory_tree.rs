//! A whole tree in memory, with its values.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use crate::{
    H4,
    forest::Forest,
    known,
    path::Path,
    proof::Proof,
    state_tree::{StateTree, TreeConfig},
    store::{NoSource, TreeError},
};

/// A tree that holds all its leaves in memory: test states, the state of a witness, the block info tree.
#[derive(Debug)]
pub struct MemoryTree {
    leaves: BTreeMap<Path, U256>,
    tree: StateTree<NoSource>,
}

/// A tree in memory never fails to read a page: all its pages are in a cache without a limit.
fn in_memory<T>(result: Result<T, TreeError>) -> T {
    result.unwrap_or_else(|error| unreachable!("a tree in memory: {error}"))
}

impl Default for MemoryTree {
    fn default() -> Self {
        let config = TreeConfig { cache_bytes: usize::MAX, threads: 1 };
        Self { leaves: BTreeMap::new(), tree: in_memory(StateTree::open(NoSource, H4::ZERO, config)) }
    }
}

impl Clone for MemoryTree {
    fn clone(&self) -> Self {
        Self::from_leaves(self.leaves())
    }
}

impl MemoryTree {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree of these leaves; of several with one key the last counts, zero values leave no leaf.
    pub fn from_leaves(leaves: impl IntoIterator<Item = (H4, U256)>) -> Self {
        let mut tree = Self::new();
        tree.update(&leaves.into_iter().collect::<Vec<_>>());
        tree
    }

    /// The value of a key, zero when it has no leaf.
    pub fn get(&self, key: &H4) -> U256 {
        self.leaves.get(&Path::of(key)).copied().unwrap_or_default()
    }

    /// Writes values and returns the new root. Zero deletes; of several writes to one key the last counts.
    pub fn update(&mut self, writes: &[(H4, U256)]) -> H4 {
        for (key, value) in writes {
            if value.is_zero() {
                self.leaves.remove(&Path::of(key));
            } else {
                self.leaves.insert(Path::of(key), *value);
            }
        }
        let delta = in_memory(self.tree.update(writes));
        self.tree.settle(delta.sequence);
        delta.root
    }

    /// The root.
    pub fn root(&self) -> H4 {
        self.tree.root()
    }

    /// The proof of a key's value or of its absence.
    pub fn prove(&self, key: &H4) -> Proof {
        in_memory(self.tree.prove(key))
    }

    /// Number of leaves.
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Whether there is no leaf.
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// Keys and values, from the leftmost leaf to the rightmost.
    pub fn leaves(&self) -> impl Iterator<Item = (H4, U256)> + '_ {
        self.leaves.iter().map(|(path, value)| (path.key(), *value))
    }

    /// Depth of the deepest leaf; 0 for a lone leaf and for the empty tree.
    pub fn max_leaf_depth(&self) -> u32 {
        self.depth_below_common_prefix(1)
    }

    /// 1 + the largest depth of an inner node with at least three leaves below it (the root's depth is 0), or 0 with
    /// fewer than three leaves: the depth that the virtual counters take.
    pub fn depth_measure(&self) -> u32 {
        self.depth_below_common_prefix(2)
    }

    /// 1 + the longest common prefix of leaves `distance` apart in the order of the paths.
    fn depth_below_common_prefix(&self, distance: usize) -> u32 {
        let ahead = self.leaves.keys().skip(distance);
        self.leaves.keys().zip(ahead).map(|(a, b)| 1 + a.common_levels(b)).max().unwrap_or(0)
    }
}

/// The forest that is the whole tree of these leaves (sorted by path, none zero), hashed, and its root.
pub(crate) fn forest_of(leaves: &[(Path, U256)]) -> (Forest, H4) {
    let mut forest = Forest::default();
    let mut value_hashes = vec![H4::ZERO; leaves.len()];
    known::hash_values(leaves.len(), |index| leaves[index].1, |index, hash| value_hashes[index] = hash);
    let leaves = leaves.iter().zip(value_hashes);
    let indices: Vec<_> = leaves.map(|((path, _), value_hash)| forest.push_leaf(*path, value_hash)).collect();
    let tree = forest.build(&indices, 0);
    let number = forest.place_root(tree, 0);
    forest.hash_all();
    let root = forest.root(number);
    (forest, root)
}

/// The root of the tree of these leaves, computed in one pass; of several with one key the last counts, zero values
/// leave no leaf.
pub fn root_of(leaves: &[(H4, U256)]) -> H4 {
    let mut sorted: Vec<(Path, usize)> =
        leaves.iter().enumerate().map(|(index, (key, _))| (Path::of(key), index)).collect();
    sorted.sort_unstable();
    let mut unique: Vec<(Path, U256)> = Vec::with_capacity(sorted.len());
    for (position, (path, index)) in sorted.iter().enumerate() {
        let is_last = sorted.get(position + 1).is_none_or(|(next, _)| next != path);
        if is_last && !leaves[*index].1.is_zero() {
            unique.push((*path, leaves[*index].1));
        }
    }
    forest_of(&unique).1
}
