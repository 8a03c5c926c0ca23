//! One pass over the tree: sorted writes in, changed pages out.
//!
//! The pass goes down the pages along the written paths, decides the new shape on the way back up (see `forest`),
//! hashes what changed and then writes the pages from the top. Nothing that exists is modified: a pass that fails leaves
//! no trace.

use alloy_primitives::U256;

use crate::{
    H4,
    changes::Changes,
    forest::{Child, Forest, NO_PAGE, Subtree},
    known,
    page::{BOTTOM, Kind, LeafRecord, PAGE_LEVELS, PageKey, PageView},
    page_writer::PageWriter,
    path::Path,
    prefetch::prefetch_value,
    rows::Row,
    store::TreeError,
};

/// One write; the writes of a pass are sorted by path and unique.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    pub(crate) path: Path,
    pub(crate) value: U256,
    /// Filled in by [`hash_values`].
    pub(crate) value_hash: H4,
}

impl Write {
    fn is_delete(&self) -> bool {
        self.value.is_zero()
    }
}

/// Computes the value hashes.
pub(crate) fn hash_values(writes: &mut [Write]) {
    let cells = std::cell::Cell::from_mut(writes).as_slice_of_cells();
    known::hash_values(
        cells.len(),
        |index| cells[index].get().value,
        |index, value_hash| cells[index].set(Write { value_hash, ..cells[index].get() }),
    );
}

/// What became of a subtree.
pub(crate) enum Change {
    /// Nothing changed.
    Same,
    /// It is this now.
    To(Subtree),
}

/// What became of the subtree below a page of the second row, decided and hashed elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resolved {
    Same,
    Empty,
    Leaf(LeafRecord),
    Inner(H4),
}

/// Deepest paths a pass went along.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Depths {
    pub(crate) probed: u32,
    pub(crate) reached: u32,
}

impl Depths {
    pub(crate) fn raise(&mut self, other: Self) {
        self.probed = self.probed.max(other.probed);
        self.reached = self.reached.max(other.reached);
    }
}

/// The working memory of a pass, reused from one to the next.
#[derive(Default)]
pub(crate) struct Workspace {
    pub(crate) forest: Forest,
    pub(crate) writer: PageWriter,
    /// Leaves of slots being built.
    leaves: Vec<u32>,
    /// Pages still to be written: root node, path and depth.
    queue: Vec<(u32, PageKey)>,
    pub(crate) changes: Changes,
    pub(crate) depths: Depths,
}

impl Workspace {
    pub(crate) fn clear(&mut self) {
        self.forest.clear();
        self.leaves.clear();
        self.queue.clear();
        self.changes.clear();
        self.depths = Depths::default();
    }
}

/// How many pages ahead memory is asked for: going through so many takes longer than memory to answer.
const PAGES_AHEAD: usize = 4;

/// A pass at work on a tree.
pub(crate) struct Pass<'a> {
    pub(crate) work: &'a mut Workspace,
    /// The pages on the paths of the writes, see `rows`.
    pub(crate) rows: &'a [Row<'a>],
    /// How many pages of each row were used.
    pub(crate) used: Vec<usize>,
    /// Depth of the first row.
    pub(crate) first_depth: u32,
    /// Subtrees below the root page that others have done, by number minus `BOTTOM`.
    pub(crate) resolved: &'a [Option<Resolved>],
}

impl<'a> Pass<'a> {
    pub(crate) fn new(work: &'a mut Workspace, rows: &'a [Row<'a>], first_depth: u32) -> Self {
        Self { work, rows, used: vec![0; rows.len()], first_depth, resolved: &[] }
    }

    /// Applies the writes to the whole tree.
    pub(crate) fn tree(&mut self, root: H4, writes: &[Write]) -> Result<Change, TreeError> {
        let Some(row) = self.rows.first() else { return Ok(self.slot(None, 0, writes)) };
        let view = PageView::new(&row.pages[0]);
        if view.kind(1) == Kind::Leaf {
            return Ok(self.slot(Some((view.leaf(1), root)), 0, writes));
        }
        self.page(row.keys[0], writes)
    }

    /// Applies writes below the root of a page, the next of its row.
    pub(crate) fn page(&mut self, key: PageKey, writes: &[Write]) -> Result<Change, TreeError> {
        let row_number = ((key.depth() - self.first_depth) / PAGE_LEVELS) as usize;
        let row = self.rows.get(row_number).ok_or(TreeError::MissingPage(key))?;
        let place = self.used[row_number];
        self.used[row_number] += 1;
        assert_eq!(row.keys.get(place), Some(&key), "rows are in the order in which a pass needs them");
        let page: &'a [u8] = &row.pages[place];
        if let Some(ahead) = row.pages.get(place + PAGES_AHEAD) {
            prefetch_value(&**ahead);
        }
        let change = self.node(&PageView::new(page), 1, key.depth(), writes)?;
        match change {
            Change::Same => {}
            Change::To(Subtree::Inner(node)) => {
                self.work.forest.inner[node as usize].former_page = [row_number as u32, place as u32];
            }
            // The root page is written or deleted by whoever decides about the root.
            Change::To(_) if key.depth() == 0 => {}
            Change::To(_) => self.work.changes.push_deleted(key),
        }
        Ok(change)
    }

    /// Applies writes below an inner node.
    fn node(&mut self, view: &PageView<'_>, number: u32, depth: u32, writes: &[Write]) -> Result<Change, TreeError> {
        let (left_writes, right_writes) = writes.split_at(writes.partition_point(|write| !write.path.bit(depth)));
        let left = self.child(view, 2 * number, depth + 1, left_writes)?;
        let right = self.child(view, 2 * number + 1, depth + 1, right_writes)?;
        if matches!((&left, &right), (Change::Same, Change::Same)) {
            return Ok(Change::Same);
        }
        let left = self.subtree(left, view, 2 * number, depth + 1);
        let right = self.subtree(right, view, 2 * number + 1, depth + 1);
        Ok(Change::To(self.work.forest.join(depth, left, right)))
    }

    /// Applies writes below the place of a page's node.
    fn child(&mut self, view: &PageView<'_>, number: u32, depth: u32, writes: &[Write]) -> Result<Change, TreeError> {
        let Some(first) = writes.first() else { return Ok(Change::Same) };
        match view.kind(number) {
            Kind::Empty => Ok(self.slot(None, depth, writes)),
            Kind::Leaf => Ok(self.slot(Some((view.leaf(number), view.hash(number))), depth, writes)),
            Kind::Inner if number < BOTTOM => self.node(view, number, depth, writes),
            Kind::Inner => {
                let resolved = (depth == PAGE_LEVELS).then(|| self.resolved.get((number - BOTTOM) as usize).copied());
                match resolved.flatten().flatten() {
                    None => self.page(PageKey::new(&first.path, depth), writes),
                    Some(Resolved::Same) => Ok(Change::Same),
                    Some(Resolved::Empty) => Ok(Change::To(Subtree::Empty)),
                    Some(Resolved::Inner(hash)) => Ok(Change::To(Subtree::Kept(hash))),
                    Some(Resolved::Leaf(leaf)) => {
                        Ok(Change::To(Subtree::Leaf(self.work.forest.push_leaf(leaf.path, leaf.value_hash))))
                    }
                }
            }
        }
    }

    /// The subtree after the change.
    fn subtree(&mut self, change: Change, view: &PageView<'_>, number: u32, depth: u32) -> Subtree {
        match (change, view.kind(number)) {
            (Change::To(subtree), _) => subtree,
            (Change::Same, Kind::Empty) => Subtree::Empty,
            (Change::Same, Kind::Inner) => Subtree::Kept(view.hash(number)),
            (Change::Same, Kind::Leaf) => {
                let leaf = view.leaf(number);
                let hash = view.hash(number);
                Subtree::Leaf(self.work.forest.push_known_leaf(leaf.path, leaf.value_hash, hash, depth))
            }
        }
    }

    /// Applies writes where there is nothing or one leaf.
    fn slot(&mut self, existing: Option<(LeafRecord, H4)>, depth: u32, writes: &[Write]) -> Change {
        let Workspace { forest, leaves, depths, .. } = &mut *self.work;
        leaves.clear();
        depths.raise(slot_depths(existing.as_ref().map(|(leaf, _)| &leaf.path), depth, writes));
        let mut is_changed = false;
        let mut push_existing = existing;
        for write in writes {
            if let Some((leaf, hash)) = push_existing {
                if leaf.path < write.path {
                    leaves.push(forest.push_known_leaf(leaf.path, leaf.value_hash, hash, depth));
                }
                if leaf.path == write.path && !write.is_delete() && leaf.value_hash == write.value_hash {
                    continue;
                }
                if leaf.path == write.path {
                    is_changed = true;
                }
                if leaf.path <= write.path {
                    push_existing = None;
                }
            }
            if !write.is_delete() {
                is_changed = true;
                leaves.push(forest.push_leaf(write.path, write.value_hash));
            }
        }
        if !is_changed {
            return Change::Same;
        }
        if let Some((leaf, hash)) = push_existing {
            leaves.push(forest.push_known_leaf(leaf.path, leaf.value_hash, hash, depth));
        }
        Change::To(forest.build(leaves, depth))
    }

    /// Writes the page of this node and all changed pages below. The hashes must have been computed.
    pub(crate) fn write_pages(&mut self, node: u32, key: PageKey) {
        let Workspace { forest, writer, queue, changes, .. } = &mut *self.work;
        queue.clear();
        queue.push((node, key));
        let mut next = 0;
        while let Some((node, key)) = queue.get(next).copied() {
            if let Some((ahead, _)) = queue.get(next + 2 * PAGES_AHEAD) {
                prefetch_value(&forest.inner[*ahead as usize]);
            }
            if let Some(ahead) =
                queue.get(next + PAGES_AHEAD).and_then(|(ahead, _)| former_page(self.rows, forest, *ahead))
            {
                prefetch_value(ahead);
            }
            let former = former_page(self.rows, forest, node).map(PageView::new);
            fill(forest, former.as_ref(), writer, queue, node, 1, &key);
            writer.finish(former.as_ref(), &mut changes.bytes);
            changes.push(key);
            next += 1;
        }
    }

    /// Writes the root page of a tree that is one leaf.
    pub(crate) fn write_lone_leaf(&mut self, leaf: u32, root: H4) {
        let Workspace { forest, writer, changes, .. } = &mut *self.work;
        let leaf = &forest.leaves[leaf as usize];
        writer.put_leaf(1, root, leaf.record());
        writer.finish(None, &mut changes.bytes);
        changes.push(PageKey::new(&Path::default(), 0));
    }
}

/// The former content of the page whose root is this node.
fn former_page<'a>(rows: &'a [Row<'_>], forest: &Forest, node: u32) -> Option<&'a [u8]> {
    let [row, place] = forest.inner[node as usize].former_page;
    (row != NO_PAGE).then(|| &*rows[row as usize].pages[place as usize])
}

/// Puts the nodes below `node`, which has this number in the page, into the writer; roots of pages go to the queue.
fn fill(
    forest: &Forest,
    former: Option<&PageView<'_>>,
    writer: &mut PageWriter,
    queue: &mut Vec<(u32, PageKey)>,
    node: u32,
    number: u32,
    key: &PageKey,
) {
    let inner = &forest.inner[node as usize];
    for side in 0..2 {
        let child = 2 * number + side;
        let hash = inner.child_hash(side as usize);
        match inner.children[side as usize] {
            Child::Empty => {}
            Child::Leaf(leaf) => {
                let leaf = &forest.leaves[leaf as usize];
                writer.put_leaf(child, hash, leaf.record());
            }
            Child::Kept => {
                writer.put_inner(child, hash);
                if child < BOTTOM {
                    writer.keep_below(former.expect("what is kept was there before"), child);
                }
            }
            Child::Inner(below) => {
                writer.put_inner(child, hash);
                if child < BOTTOM {
                    fill(forest, former, writer, queue, below, child, key);
                } else {
                    queue.push((below, key.below(child)));
                }
            }
        }
    }
}

/// How deep the writes to a slot go: see `TreeDelta`.
fn slot_depths(existing: Option<&Path>, depth: u32, writes: &[Write]) -> Depths {
    let mut reached = depth;
    for pair in writes.windows(2) {
        reached = reached.max(1 + pair[0].path.common_levels(&pair[1].path));
    }
    if let Some(path) = existing {
        for write in writes.iter().filter(|write| write.path != *path) {
            reached = reached.max(1 + write.path.common_levels(path));
        }
    }
    Depths { probed: depth, reached }
}
