//! The part of a tree that a pass changes: decided from the top, hashed from the bottom.
//!
//! A pass first decides the shape: subtrees are joined in post-order with [`Forest::join`], which moves a lone leaf up
//! and never keeps a node with fewer than two leaves below it. Only then are hashes computed, each once: all leaves
//! together, then the inner nodes by their height above the deepest change, so that independent hashes share the SIMD
//! lanes.
//!
//! An inner node is stored as the very input of its hash; a child's hash lives in its parent's input and nowhere else.

use crate::{
    H4,
    page::LeafRecord,
    path::{Path, remaining_key},
    poseidon::{CAPACITY_LEAF, CAPACITY_ZERO, hash_each, join},
    prefetch::prefetch_value,
};

/// Where the hash of a node goes: twice the index of an inner node plus the side, or a root.
#[derive(Clone, Copy, Debug)]
struct Slot(u32);

const ROOT_FLAG: u32 = 1 << 31;

/// A leaf the pass has in its hands: written, or met as the neighbour of something written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    pub(crate) path: Path,
    pub(crate) value_hash: H4,
    /// Hash of the leaf at depth `known_depth`.
    known_hash: H4,
    /// `UNKNOWN_DEPTH` when there is no known hash.
    known_depth: u32,
    depth: u32,
    slot: Slot,
}

impl Leaf {
    /// What pages keep of a leaf.
    pub(crate) fn record(&self) -> LeafRecord {
        LeafRecord { path: self.path, value_hash: self.value_hash }
    }
}

/// How many hashes ahead their inputs are asked for: as many as may be hashed at a time.
const AHEAD: usize = 8;

const UNKNOWN_DEPTH: u32 = u32::MAX;

/// What an inner node has on one side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Child {
    /// Nothing.
    Empty,
    /// A leaf of the forest.
    Leaf(u32),
    /// An inner node below which nothing changed: only its hash is known here.
    Kept,
    /// An inner node of the forest.
    Inner(u32),
}

/// An inner node to be hashed: the input of its hash is a cache line of its own.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct Inner {
    /// Hash of the left child, hash of the right child.
    pub(crate) input: [u64; 8],
    pub(crate) children: [Child; 2],
    /// For the root node of a page: row and place of the page's former content, see `pass`.
    pub(crate) former_page: [u32; 2],
    /// 0 when the hashes of both children are known or are those of leaves.
    height: u32,
    slot: Slot,
}

/// Row in [`Inner::former_page`] of a node that is no page root or whose page is new.
pub(crate) const NO_PAGE: u32 = u32::MAX;

impl Inner {
    /// Hash of the child on a side.
    pub(crate) fn child_hash(&self, side: usize) -> H4 {
        H4(std::array::from_fn(|element| self.input[4 * side + element]))
    }
}

/// A decided subtree that has not found its parent yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Subtree {
    /// No leaf.
    Empty,
    /// One leaf, which may still move up.
    Leaf(u32),
    /// An unchanged inner node with its hash.
    Kept(H4),
    /// An inner node of the forest.
    Inner(u32),
}

/// The nodes of one pass.
#[derive(Default, Debug)]
pub(crate) struct Forest {
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) inner: Vec<Inner>,
    /// Leaves to be hashed.
    unhashed: Vec<u32>,
    /// Inner nodes by height.
    levels: Vec<Vec<u32>>,
    /// Hashes of the placed roots.
    roots: Vec<H4>,
}

impl Forest {
    /// Forgets everything but the memory.
    pub(crate) fn clear(&mut self) {
        self.leaves.clear();
        self.inner.clear();
        self.unhashed.clear();
        self.levels.iter_mut().for_each(Vec::clear);
        self.roots.clear();
    }

    /// Adds a written leaf.
    pub(crate) fn push_leaf(&mut self, path: Path, value_hash: H4) -> u32 {
        self.push_known_leaf(path, value_hash, H4::ZERO, UNKNOWN_DEPTH)
    }

    /// Adds a leaf whose hash at a depth is known.
    pub(crate) fn push_known_leaf(&mut self, path: Path, value_hash: H4, hash: H4, depth: u32) -> u32 {
        let index = self.leaves.len() as u32;
        let slot = Slot(ROOT_FLAG);
        self.leaves.push(Leaf { path, value_hash, known_hash: hash, known_depth: depth, depth, slot });
        index
    }

    /// The subtree at `depth` with the given leaves, which are sorted by path and agree on the levels above.
    pub(crate) fn build(&mut self, leaves: &[u32], depth: u32) -> Subtree {
        match leaves {
            [] => Subtree::Empty,
            [leaf] => Subtree::Leaf(*leaf),
            _ => {
                let middle = leaves.partition_point(|&leaf| !self.leaves[leaf as usize].path.bit(depth));
                let left = self.build(&leaves[..middle], depth + 1);
                let right = self.build(&leaves[middle..], depth + 1);
                self.join(depth, left, right)
            }
        }
    }

    /// The subtree at `depth` with the given children: a lone leaf is passed up, two leaves or more make a node.
    pub(crate) fn join(&mut self, depth: u32, left: Subtree, right: Subtree) -> Subtree {
        match (left, right) {
            (Subtree::Empty, Subtree::Empty) => Subtree::Empty,
            (Subtree::Leaf(leaf), Subtree::Empty) | (Subtree::Empty, Subtree::Leaf(leaf)) => Subtree::Leaf(leaf),
            _ => Subtree::Inner(self.push_inner(depth, [left, right])),
        }
    }

    fn push_inner(&mut self, depth: u32, subtrees: [Subtree; 2]) -> u32 {
        let index = self.inner.len() as u32;
        assert!(index < ROOT_FLAG / 2, "a pass is smaller than 2^30 nodes");
        let height_of = |subtree: &Subtree| match subtree {
            Subtree::Inner(child) => self.inner[*child as usize].height + 1,
            _ => 0,
        };
        let height = subtrees.iter().map(height_of).max().unwrap_or(0);
        self.inner.push(Inner {
            input: [0; 8],
            children: [Child::Empty; 2],
            former_page: [NO_PAGE; 2],
            height,
            slot: Slot(ROOT_FLAG),
        });
        for (side, subtree) in subtrees.into_iter().enumerate() {
            let child = self.place(subtree, depth + 1, Slot(2 * index + side as u32));
            self.inner[index as usize].children[side] = child;
        }
        let height = height as usize;
        if self.levels.len() <= height {
            self.levels.resize_with(height + 1, Vec::new);
        }
        self.levels[height].push(index);
        index
    }

    /// Declares a subtree at `depth` to be a root; its hash is [`Forest::root`] of the returned number after hashing.
    pub(crate) fn place_root(&mut self, subtree: Subtree, depth: u32) -> u32 {
        let number = self.roots.len() as u32;
        self.roots.push(H4::ZERO);
        self.place(subtree, depth, Slot(ROOT_FLAG | number));
        number
    }

    /// Hash of a placed root.
    pub(crate) fn root(&self, number: u32) -> H4 {
        self.roots[number as usize]
    }

    fn place(&mut self, subtree: Subtree, depth: u32, slot: Slot) -> Child {
        match subtree {
            Subtree::Empty => Child::Empty,
            Subtree::Kept(hash) => {
                store(&mut self.inner, &mut self.roots, slot, hash);
                Child::Kept
            }
            Subtree::Inner(index) => {
                self.inner[index as usize].slot = slot;
                Child::Inner(index)
            }
            Subtree::Leaf(index) => {
                let leaf = &mut self.leaves[index as usize];
                leaf.depth = depth;
                leaf.slot = slot;
                if leaf.known_depth == depth {
                    store(&mut self.inner, &mut self.roots, slot, leaf.known_hash);
                } else {
                    self.unhashed.push(index);
                }
                Child::Leaf(index)
            }
        }
    }

    /// Computes all missing hashes.
    pub(crate) fn hash_all(&mut self) {
        let Self { leaves, inner, unhashed, levels, roots } = self;
        hash_each(
            unhashed.len(),
            |index| {
                if let Some(ahead) = unhashed.get(index + AHEAD) {
                    prefetch_value(&leaves[*ahead as usize]);
                }
                let leaf = &leaves[unhashed[index] as usize];
                leaf_input(&leaf.path, leaf.depth, &leaf.value_hash)
            },
            |index, hash| store(inner, roots, leaves[unhashed[index] as usize].slot, hash),
        );
        for level in levels.iter() {
            // Loading reads inputs that storing writes, hence the cell; no level stores into itself.
            let nodes = std::cell::RefCell::new((&mut *inner, &mut *roots));
            hash_each(
                level.len(),
                |index| {
                    let inner = &nodes.borrow().0;
                    if let Some(ahead) = level.get(index + AHEAD) {
                        prefetch_value(&inner[*ahead as usize]);
                    }
                    join(&inner[level[index] as usize].input, CAPACITY_ZERO)
                },
                |index, hash| {
                    let (inner, roots) = &mut *nodes.borrow_mut();
                    let slot = inner[level[index] as usize].slot;
                    store(inner, roots, slot, hash);
                },
            );
        }
    }
}

/// Input of a leaf's hash.
pub(crate) fn leaf_input(path: &Path, depth: u32, value_hash: &H4) -> [u64; 12] {
    let [k0, k1, k2, k3] = remaining_key(&path.key(), depth).0;
    let [v0, v1, v2, v3] = value_hash.0;
    join(&[k0, k1, k2, k3, v0, v1, v2, v3], CAPACITY_LEAF)
}

#[inline]
fn store(inner: &mut [Inner], roots: &mut [H4], slot: Slot, hash: H4) {
    if slot.0 & ROOT_FLAG == 0 {
        let at = 4 * (slot.0 % 2) as usize;
        inner[(slot.0 / 2) as usize].input[at..at + 4].copy_from_slice(&hash.0);
    } else {
        roots[(slot.0 & !ROOT_FLAG) as usize] = hash;
    }
}
