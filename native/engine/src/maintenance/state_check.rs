//! The state tree against the flat tables: the same leaves with the same values, and every node with its hash.
//!
//! The tree has its leaves in the order of hashed keys, the tables theirs by address. So the keys of the tables are cut into parts that fit
//! in memory: one walk through the tree from left to right, and for each part one scan of the tables that picks, hashes and sorts what falls
//! into it. What the parts hold is compared with the walk like two sorted lists.

use std::sync::Arc;

use alloy_primitives::{B256, U256};
use zkevm_state_db::records::HeadRecord;
use zkevm_state_db::{Store, schema};
use zkevm_state_tree::keys::derive_many;
use zkevm_state_tree::{AuditReport, H4, LeafOrder, PageKey, TreeError, value_hash_many};

use super::difference::{Checked, Difference, Stop, same};
use super::flat_leaves::{self, LeafSource};
use super::progress::Progress;
use crate::error::EngineError;
use crate::tree::Tree;

/// Leaves whose keys and values are hashed at a time.
const CHUNK: usize = 4096;
/// Pages of the tree that the walk keeps: it meets each once.
const WALK_CACHE_BYTES: usize = 8 << 20;

/// A leaf that the tables ask for.
struct Wanted {
    place: LeafOrder,
    value_hash: H4,
    /// Its number among all leaves of the tables, to find it again for a report.
    number: u64,
}

/// Compares tree and tables; answers what the tree consists of.
pub(super) fn check(
    store: &Arc<Store>,
    head: &HeadRecord,
    progress: &Progress,
    memory_bytes: usize,
) -> Checked<AuditReport> {
    progress.begin("count leaves", 0);
    let mut leaves = 0;
    flat_leaves::for_each(store, |_, _| {
        leaves += 1;
        progress.set(leaves);
        Ok(())
    })?;
    progress.begin("state tree", leaves);
    let parts = (leaves as usize * size_of::<Wanted>()).div_ceil(memory_bytes).max(1) as u64;
    let mut merge = Merge { store, progress, parts, next_part: 0, wanted: Vec::new(), at: 0 };
    let tree = Tree::open(Arc::clone(store), head.state_root, head.tree_depth, WALK_CACHE_BYTES)
        .map_err(|error| opening_failed(error, head))?;
    let walked = tree.audit(|key, value_hash| Ok(merge.leaf(key, value_hash)?));
    let report = walked.map_err(|stop| match stop {
        WalkStop::Merge(stop) => stop,
        WalkStop::Tree(error) => merge.tree_fault(error),
    })?;
    merge.finish()?;
    same(|| "leaves of the state tree".into(), &leaves, &report.leaf_count)?;
    let pages = store.count(schema::TREE)?;
    same(
        || "pages of the state tree, those that can be reached against those stored".into(),
        &report.page_count,
        &pages,
    )?;
    if u64::from(report.leaf_depth_max) > head.tree_depth {
        let found = format!("{} in the head pointers", head.tree_depth);
        return Err(Stop::difference("depth of the state tree", format!("{} at least", report.leaf_depth_max), found));
    }
    Ok(report)
}

fn opening_failed(error: EngineError, head: &HeadRecord) -> Stop {
    match Stop::from(error) {
        Stop::Difference(Difference { found, .. }) => {
            Stop::difference("root page of the state tree", format!("root {}", head.state_root), found)
        }
        failed @ Stop::Failed(_) => failed,
    }
}

/// What ends the walk.
enum WalkStop {
    Merge(Stop),
    Tree(TreeError),
}

impl From<TreeError> for WalkStop {
    fn from(error: TreeError) -> Self {
        Self::Tree(error)
    }
}

impl From<Stop> for WalkStop {
    fn from(stop: Stop) -> Self {
        Self::Merge(stop)
    }
}

/// The tables' side of the comparison.
struct Merge<'a> {
    store: &'a Store,
    progress: &'a Progress,
    parts: u64,
    next_part: u64,
    /// The leaves of the present part in the order of the tree.
    wanted: Vec<Wanted>,
    at: usize,
}

impl Merge<'_> {
    /// The tree's next leaf.
    fn leaf(&mut self, key: H4, value_hash: H4) -> Checked {
        let place = LeafOrder::of(&key);
        while self.part_of(&place) >= self.next_part {
            self.end_part()?;
            self.load()?;
        }
        self.progress.add(1);
        match self.wanted.get(self.at) {
            Some(wanted) if wanted.place == place => {
                if wanted.value_hash != value_hash {
                    let (source, value) = self.find(wanted.number)?;
                    let flat = format!("{value:#x} in the flat table, value hash {}", wanted.value_hash.to_b256());
                    return Err(Stop::difference(source.to_string(), flat, in_tree(value_hash)));
                }
                self.at += 1;
                Ok(())
            }
            Some(wanted) if wanted.place < place => Err(self.missing(wanted)?),
            _ => Err(Stop::difference(
                format!("leaf with key {} of the state tree", key.to_b256()),
                "a value in the flat tables",
                format!("none for {}", in_tree(value_hash)),
            )),
        }
    }

    /// The tree has no more leaves.
    fn finish(&mut self) -> Checked {
        self.end_part()?;
        while self.next_part < self.parts {
            self.load()?;
            self.end_part()?;
        }
        Ok(())
    }

    /// What the tree should still have had in this part.
    fn end_part(&self) -> Checked {
        match self.wanted.get(self.at) {
            Some(wanted) => Err(self.missing(wanted)?),
            None => Ok(()),
        }
    }

    fn missing(&self, wanted: &Wanted) -> Checked<Stop> {
        let (source, value) = self.find(wanted.number)?;
        Ok(Stop::difference(source.to_string(), format!("{value:#x} in the flat table"), "no leaf in the state tree"))
    }

    fn part_of(&self, place: &LeafOrder) -> u64 {
        ((u128::from(place.prefix()) * u128::from(self.parts)) >> 64) as u64
    }

    /// Picks the leaves of the next part from the tables.
    fn load(&mut self) -> Checked {
        let part = self.next_part;
        self.next_part += 1;
        self.at = 0;
        self.wanted.clear();
        let mut number = 0;
        let mut chunk = Chunk::default();
        let mut picked = std::mem::take(&mut self.wanted);
        flat_leaves::for_each(self.store, |source, value| {
            chunk.push(number, source, value);
            number += 1;
            if chunk.numbers.len() == CHUNK {
                chunk.pick(&mut picked, |place| self.part_of(place) == part);
            }
            Ok(())
        })?;
        chunk.pick(&mut picked, |place| self.part_of(place) == part);
        picked.sort_unstable_by_key(|wanted| wanted.place);
        self.wanted = picked;
        Ok(())
    }

    /// What leaf `number` of the tables is.
    fn find(&self, number: u64) -> Checked<(LeafSource, U256)> {
        let mut at = 0;
        let mut found = None;
        flat_leaves::for_each(self.store, |source, value| {
            if at == number {
                found = Some((source, value));
            }
            at += 1;
            Ok(())
        })?;
        found.ok_or_else(|| Stop::damaged("the flat tables", "they changed during the check"))
    }

    /// A page that is damaged, with the first value of the tables that it should lead to.
    fn tree_fault(&mut self, error: TreeError) -> Stop {
        let page = match &error {
            TreeError::Source { key, .. }
            | TreeError::MissingPage(key)
            | TreeError::CorruptPage { key, .. }
            | TreeError::WrongHash { key, .. }
            | TreeError::MisplacedLeaf(key) => *key,
        };
        let stop = Stop::from(error);
        let Stop::Difference(Difference { found, .. }) = stop else { return stop };
        let leads_to = match self.first_below(page) {
            Ok(Some(source)) => format!(", which leads to the {source}"),
            // The damaged page is the news, whatever keeps its value from being named.
            Ok(None) | Err(_) => String::new(),
        };
        let name = alloy_primitives::hex::encode(page.bytes());
        Stop::damaged(format!("page {name} of the state tree at depth {}{leads_to}", page.depth()), found)
    }
}

impl Merge<'_> {
    /// The first value of the tables whose leaf lies below a page. The walk is at most as far as that page.
    fn first_below(&mut self, page: PageKey) -> Checked<Option<LeafSource>> {
        loop {
            if let Some(wanted) = self.wanted.iter().find(|wanted| page.covers(&wanted.place)) {
                return Ok(Some(self.find(wanted.number)?.0));
            }
            if self.next_part == self.parts {
                return Ok(None);
            }
            self.load()?;
        }
    }
}

fn in_tree(value_hash: H4) -> String {
    let hash: B256 = value_hash.to_b256();
    format!("value hash {hash} in the state tree")
}

/// Leaves whose keys are derived together.
#[derive(Default)]
struct Chunk {
    numbers: Vec<u64>,
    sources: Vec<zkevm_state_tree::keys::KeySource>,
    values: Vec<U256>,
}

impl Chunk {
    fn push(&mut self, number: u64, source: LeafSource, value: U256) {
        self.numbers.push(number);
        self.sources.push(source.key());
        self.values.push(value);
    }

    /// Moves the leaves of the wanted places out; the chunk is empty afterwards.
    fn pick(&mut self, picked: &mut Vec<Wanted>, is_wanted: impl Fn(&LeafOrder) -> bool) {
        let places: Vec<LeafOrder> = derive_many(&self.sources).iter().map(LeafOrder::of).collect();
        let kept: Vec<usize> = (0..places.len()).filter(|&index| is_wanted(&places[index])).collect();
        let values: Vec<U256> = kept.iter().map(|&index| self.values[index]).collect();
        for (index, value_hash) in kept.into_iter().zip(value_hash_many(&values)) {
            picked.push(Wanted { place: places[index], value_hash, number: self.numbers[index] });
        }
        self.numbers.clear();
        self.sources.clear();
        self.values.clear();
    }
}
