//! A tree of which only some nodes are known: what a witness gives.
//!
//! Nodes are looked at when a path needs them, verified against the hash that names them, and asked for once. Reading a
//! key needs its path; deleting one also needs the sibling that may have to move up. What is never asked for need not
//! be there, and what is asked for but missing is an error of its own.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

use alloy_primitives::U256;

use crate::{
    H4,
    forest::leaf_input,
    path::{LEVELS, Path},
    poseidon::{CAPACITY_LEAF, CAPACITY_ZERO, hash, join},
    proof::{Proof, value_hash},
    state_tree::StateTree,
    store::{PageSource, TreeError},
    witness::{Node, WitnessError, read_leaf},
};

/// Why a partial tree cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum PartialError {
    /// A node is missing or is not what its place needs.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The tree behind the source cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Where a partial tree finds its nodes.
pub trait NodeSource {
    /// The node with this hash, which lies `depth` levels down the path of `key`; `None` when it is not known.
    ///
    /// # Errors
    /// [`PartialError`] when the source cannot tell.
    fn node(&self, hash: &H4, key: &H4, depth: u32) -> Result<Option<Node>, PartialError>;
}

impl<B: std::hash::BuildHasher> NodeSource for HashMap<H4, Node, B> {
    fn node(&self, hash: &H4, _key: &H4, _depth: u32) -> Result<Option<Node>, PartialError> {
        Ok(self.get(hash).copied())
    }
}

impl<S: NodeSource + ?Sized> NodeSource for &S {
    fn node(&self, hash: &H4, key: &H4, depth: u32) -> Result<Option<Node>, PartialError> {
        (**self).node(hash, key, depth)
    }
}

/// The nodes of a paged tree, path by path.
#[derive(Debug)]
pub struct TreeNodes<S> {
    tree: StateTree<S>,
    known: RefCell<HashMap<H4, Node>>,
}

impl<S: PageSource> TreeNodes<S> {
    /// The nodes under the present root of `tree`.
    pub fn new(tree: StateTree<S>) -> Self {
        Self { tree, known: RefCell::default() }
    }

    /// The root.
    pub fn root(&self) -> H4 {
        self.tree.root()
    }
}

impl<S: PageSource> NodeSource for TreeNodes<S> {
    fn node(&self, hash: &H4, key: &H4, _depth: u32) -> Result<Option<Node>, PartialError> {
        if let Some(node) = self.known.borrow().get(hash) {
            return Ok(Some(*node));
        }
        let nodes = self.tree.prove(key)?.nodes(key);
        let mut known = self.known.borrow_mut();
        known.extend(nodes.into_iter().map(|node| (node.hash(), node)));
        Ok(known.get(hash).copied())
    }
}

/// A source that remembers what it was asked for: that is the witness of whoever asked.
#[derive(Debug)]
pub struct Recording<S> {
    source: S,
    nodes: RefCell<BTreeMap<H4, Node>>,
}

impl<S> Recording<S> {
    /// Records what is read from `source`.
    pub const fn new(source: S) -> Self {
        Self { source, nodes: RefCell::new(BTreeMap::new()) }
    }

    /// Adds a value, which no tree holds.
    pub fn add_value(&self, value: &U256) {
        let node = Node::of_value(value);
        self.nodes.borrow_mut().insert(value_hash(value), node);
    }

    /// What was recorded, by hash.
    pub fn into_nodes(self) -> BTreeMap<H4, Node> {
        self.nodes.into_inner()
    }
}

impl<S: NodeSource> NodeSource for Recording<S> {
    fn node(&self, hash: &H4, key: &H4, depth: u32) -> Result<Option<Node>, PartialError> {
        let node = self.source.node(hash, key, depth)?;
        if let Some(node) = node {
            self.nodes.borrow_mut().insert(*hash, node);
        }
        Ok(node)
    }
}

#[derive(Clone, Debug)]
enum Subtree {
    Empty,
    /// Not looked at yet.
    Unknown(H4),
    Leaf(Leaf),
    Inner(Box<Inner>),
}

#[derive(Clone, Debug)]
struct Leaf {
    path: Path,
    value_hash: H4,
    /// The hash of the leaf at a depth, where it is known.
    known: Option<(u32, H4)>,
}

#[derive(Clone, Debug)]
struct Inner {
    children: [Subtree; 2],
    /// `None` after a change below.
    hash: Option<H4>,
}

/// A tree of which only some nodes are known.
#[derive(Clone, Debug)]
pub struct PartialTree<S> {
    source: S,
    top: Subtree,
    root: H4,
}

impl<S: NodeSource> PartialTree<S> {
    /// The tree with this root, whose nodes come from `source`.
    pub const fn new(source: S, root: H4) -> Self {
        Self { source, top: Subtree::Unknown(root), root }
    }

    /// The root.
    pub const fn root(&self) -> H4 {
        self.root
    }

    /// Where the nodes come from.
    pub const fn source(&self) -> &S {
        &self.source
    }

    /// Gives the source back.
    pub fn into_source(self) -> S {
        self.source
    }

    /// The hash of a key's value, `None` when the key has no leaf.
    ///
    /// # Errors
    /// [`PartialError`] when a node of the path is missing.
    pub fn leaf(&mut self, key: &H4) -> Result<Option<H4>, PartialError> {
        let path = Path::of(key);
        let mut node = &mut self.top;
        let mut depth = 0;
        loop {
            resolve(&self.source, node, &path, depth)?;
            match node {
                Subtree::Leaf(leaf) => return Ok((leaf.path == path).then_some(leaf.value_hash)),
                Subtree::Inner(inner) => {
                    node = &mut inner.children[usize::from(path.bit(depth))];
                    depth += 1;
                }
                Subtree::Empty | Subtree::Unknown(_) => return Ok(None),
            }
        }
    }

    /// Writes values in their order and returns the new root; zero deletes.
    ///
    /// # Errors
    /// [`PartialError`] when a node that the change needs is missing; the tree is then in an undefined condition.
    pub fn update(&mut self, writes: &[(H4, U256)]) -> Result<H4, PartialError> {
        for (key, value) in writes {
            let path = Path::of(key);
            let value = (!value.is_zero()).then(|| value_hash(value));
            let top = std::mem::replace(&mut self.top, Subtree::Empty);
            self.top = write(&self.source, top, &path, 0, value)?;
        }
        self.root = hash_subtree(&mut self.top, 0);
        Ok(self.root)
    }
}

/// Looks at a node of which only the hash is known.
fn resolve(source: &impl NodeSource, node: &mut Subtree, path: &Path, depth: u32) -> Result<(), PartialError> {
    let Subtree::Unknown(expected) = *node else { return Ok(()) };
    if expected.is_zero() {
        *node = Subtree::Empty;
        return Ok(());
    }
    let found = source.node(&expected, &path.key(), depth)?;
    let found = found.ok_or(WitnessError::MissingNode { hash: expected, depth })?;
    let actual = found.hash();
    if actual != expected {
        return Err(WitnessError::WrongHash { expected, actual }.into());
    }
    let (input, capacity) = found.parts();
    *node = match (found, capacity) {
        (Node::Tree(_), CAPACITY_LEAF) => {
            let (key, value_hash) = read_leaf(&expected, &path.truncated(depth), depth, &input)?;
            Subtree::Leaf(Leaf { path: Path::of(&key), value_hash, known: Some((depth, expected)) })
        }
        (Node::Tree(_), CAPACITY_ZERO) if depth < LEVELS => {
            let child = |at: usize| {
                let hash = H4(std::array::from_fn(|limb| input[at + limb]));
                if hash.is_zero() { Subtree::Empty } else { Subtree::Unknown(hash) }
            };
            Subtree::Inner(Box::new(Inner { children: [child(0), child(4)], hash: Some(expected) }))
        }
        (Node::Tree(_), CAPACITY_ZERO) => return Err(WitnessError::TooDeep { hash: expected }.into()),
        _ => return Err(WitnessError::WrongKind { hash: expected }.into()),
    };
    Ok(())
}

/// The subtree after one write; `None` deletes.
fn write(
    source: &impl NodeSource,
    mut node: Subtree,
    path: &Path,
    depth: u32,
    value: Option<H4>,
) -> Result<Subtree, PartialError> {
    resolve(source, &mut node, path, depth)?;
    match (node, value) {
        (Subtree::Inner(inner), _) => write_below(source, inner, path, depth, value),
        (Subtree::Leaf(leaf), None) if leaf.path == *path => Ok(Subtree::Empty),
        (node, None) => Ok(node),
        (Subtree::Leaf(leaf), Some(value_hash)) if leaf.path != *path => {
            Ok(split(leaf, new_leaf(path, value_hash), depth))
        }
        (Subtree::Leaf(_) | Subtree::Empty | Subtree::Unknown(_), Some(value_hash)) => {
            Ok(Subtree::Leaf(new_leaf(path, value_hash)))
        }
    }
}

const fn new_leaf(path: &Path, value_hash: H4) -> Leaf {
    Leaf { path: *path, value_hash, known: None }
}

/// Two leaves below inner nodes for the bits that they share.
fn split(old: Leaf, new: Leaf, depth: u32) -> Subtree {
    let fork = old.path.common_levels(&new.path);
    let path = new.path;
    let mut children = [Subtree::Leaf(old), Subtree::Leaf(new)];
    if !path.bit(fork) {
        children.swap(0, 1);
    }
    (depth..fork).rev().fold(Subtree::Inner(Box::new(Inner { children, hash: None })), |below, level| {
        let mut children = [Subtree::Empty, Subtree::Empty];
        children[usize::from(path.bit(level))] = below;
        Subtree::Inner(Box::new(Inner { children, hash: None }))
    })
}

fn write_below(
    source: &impl NodeSource,
    mut inner: Box<Inner>,
    path: &Path,
    depth: u32,
    value: Option<H4>,
) -> Result<Subtree, PartialError> {
    let side = usize::from(path.bit(depth));
    let child = std::mem::replace(&mut inner.children[side], Subtree::Empty);
    inner.children[side] = write(source, child, path, depth + 1, value)?;
    inner.hash = None;
    if value.is_some() {
        return Ok(Subtree::Inner(inner));
    }
    // A leaf without neighbours moves up; to know whether the neighbour is one, it must be looked at.
    if matches!(inner.children[side], Subtree::Empty) {
        let mut beside = *path;
        beside.flip(depth);
        resolve(source, &mut inner.children[1 - side], &beside, depth + 1)?;
    }
    Ok(match *inner {
        Inner { children: [lone @ (Subtree::Leaf(_) | Subtree::Empty), Subtree::Empty], .. }
        | Inner { children: [Subtree::Empty, lone @ Subtree::Leaf(_)], .. } => lone,
        stays => Subtree::Inner(Box::new(stays)),
    })
}

/// The hash of a subtree, computed where something changed.
fn hash_subtree(node: &mut Subtree, depth: u32) -> H4 {
    match node {
        Subtree::Empty => H4::ZERO,
        Subtree::Unknown(hash) => *hash,
        Subtree::Leaf(leaf) => match leaf.known {
            Some((at, hash)) if at == depth => hash,
            _ => {
                let [input @ .., _, _, _, _] = leaf_input(&leaf.path, depth, &leaf.value_hash);
                let hash = hash(&input, &CAPACITY_LEAF);
                leaf.known = Some((depth, hash));
                hash
            }
        },
        Subtree::Inner(inner) => {
            if let Some(hash) = inner.hash {
                return hash;
            }
            let [left, right] = &mut inner.children;
            let (left, right) = (hash_subtree(left, depth + 1), hash_subtree(right, depth + 1));
            let mut input = [0; 8];
            input[..4].copy_from_slice(&left.0);
            input[4..].copy_from_slice(&right.0);
            let hash = hash(&input, &CAPACITY_ZERO);
            inner.hash = Some(hash);
            hash
        }
    }
}

impl Proof {
    /// The nodes from the root to the end of the path of `key`: inner nodes, then the leaf that was met, if any.
    pub fn nodes(&self, key: &H4) -> Vec<Node> {
        let path = Path::of(key);
        let depth = self.siblings.len() as u32;
        let leaf = self.end_leaf(key).map(|(key, value_hash)| {
            let input = leaf_input(&Path::of(&key), depth, &value_hash);
            Node::Tree(input)
        });
        let mut below = leaf.map_or(H4::ZERO, |leaf| leaf.hash());
        let mut nodes: Vec<Node> = leaf.into_iter().collect();
        for (level, sibling) in (0..depth).zip(&self.siblings).rev() {
            let (left, right) = if path.bit(level) { (sibling, &below) } else { (&below, sibling) };
            let mut input = [0; 8];
            input[..4].copy_from_slice(&left.0);
            input[4..].copy_from_slice(&right.0);
            let node = Node::Tree(join(&input, CAPACITY_ZERO));
            below = node.hash();
            nodes.push(node);
        }
        nodes.reverse();
        nodes
    }
}
