//! The tree of a node: pages in a store, changed in passes.

use alloy_primitives::U256;

use crate::{
    H4,
    changes::{PageWrite, PassChanges, RetiredChanges, all_writes},
    forest::Subtree,
    page::{BOTTOM, Kind, LeafRecord, PAGE_LEVELS, PageKey, PageView},
    parallel::{self, Chunk, Part},
    pass::{Change, Depths, Pass, Resolved, Workspace, Write, hash_values},
    path::Path,
    poseidon, rows,
    store::{CacheStats, Found, PageSource, PageStore, TreeError},
};

/// How a tree uses the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TreeConfig {
    /// Limit of the page cache in bytes, overhead included; what is not yet durable may come on top.
    pub cache_bytes: usize,
    /// Threads a large pass uses, the caller's included; 0 counts as 1.
    pub threads: usize,
}

impl TreeConfig {
    /// Default of `cache_bytes`: half of the node's 1 GiB for caches.
    pub const CACHE_BYTES_DEFAULT: usize = 512 << 20;
    /// Default of `threads`.
    pub const THREADS_DEFAULT: usize = 2;
}

impl Default for TreeConfig {
    fn default() -> Self {
        Self { cache_bytes: Self::CACHE_BYTES_DEFAULT, threads: Self::THREADS_DEFAULT }
    }
}

/// What one pass changed: to be written in one atomic batch together with the new root.
#[derive(Clone, Debug)]
pub struct TreeDelta {
    /// Number of the pass; later passes have larger ones.
    pub sequence: u64,
    /// The root before.
    pub old_root: H4,
    /// The root after.
    pub root: H4,
    /// Largest number of inner nodes, in the tree before the pass, on the path to a written key. For a pass of one
    /// write this is what the reference raises its depth by.
    pub depth_probed: u32,
    /// Largest number of inner nodes on the path to a written key in the tree of all leaves before the pass and all
    /// written keys: no order of the writes goes deeper.
    pub depth_reached: u32,
    changes: PassChanges,
}

impl TreeDelta {
    /// The changed pages, each once, in no particular order.
    pub fn pages(&self) -> impl Iterator<Item = PageWrite<'_>> {
        all_writes(&self.changes)
    }
}

/// The sparse Merkle tree over a page source.
///
/// [`StateTree::update`] computes a delta and makes it visible to the next pass at once; the caller writes the delta's
/// pages and then calls [`StateTree::settle`], or [`StateTree::discard`] when writing failed or the block is dropped.
/// So block n + 1 can be hashed while block n is being written.
pub struct StateTree<S> {
    store: PageStore<S>,
    root: H4,
    sequence: u64,
    settled: u64,
    threads: usize,
    /// One for each thread and one for the root page.
    workspaces: Vec<Workspace>,
    writes: Vec<Write>,
    retired: RetiredChanges,
}

impl<S> std::fmt::Debug for StateTree<S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("StateTree")
            .field("root", &self.root)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

impl<S: PageSource> StateTree<S> {
    /// Opens the tree with this root; its root page is read and its hash checked.
    ///
    /// # Errors
    /// [`TreeError`] when the source does not have that tree.
    pub fn open(source: S, root: H4, config: TreeConfig) -> Result<Self, TreeError> {
        let mut store = PageStore::new(source, config.cache_bytes);
        if !root.is_zero() {
            let key = PageKey::new(&Path::default(), 0);
            let page = store.get(&key)?;
            let actual = root_of_page(&PageView::new(&page));
            if actual != root {
                return Err(TreeError::WrongHash { key, expected: root, actual });
            }
            if let Found::Loaded(page) = page {
                store.keep(&key, &page);
            }
        }
        let threads = config.threads.clamp(1, 1 << PAGE_LEVELS);
        let workspaces = (0..=threads).map(|_| Workspace::default()).collect();
        Ok(Self {
            store,
            root,
            sequence: 0,
            settled: 0,
            threads,
            workspaces,
            writes: Vec::new(),
            retired: RetiredChanges::default(),
        })
    }

    /// The root, with all passes that were not discarded.
    pub fn root(&self) -> H4 {
        self.root
    }

    /// What the cache holds and how often it helped.
    pub fn cache_stats(&self) -> CacheStats {
        self.store.stats()
    }

    pub(crate) fn store(&self) -> &PageStore<S> {
        &self.store
    }

    /// Applies writes in one pass. A zero value deletes, several writes to one key count as the last of them; the
    /// order is otherwise of no importance.
    ///
    /// # Errors
    /// [`TreeError`] when a page cannot be read; the tree is then as before.
    pub fn update(&mut self, writes: &[(H4, U256)]) -> Result<TreeDelta, TreeError> {
        prepare(writes, &mut self.writes);
        self.workspaces.iter_mut().for_each(Workspace::clear);
        let (resolved, parts) = self.resolve_in_parallel()?;
        // After threads have worked there is only the root page to do, with a workspace of its own.
        let at = if resolved.is_empty() { 0 } else { self.threads };
        let (workers, top) = self.workspaces.split_at_mut(at);
        let top = &mut top[0];
        if resolved.is_empty() {
            hash_values(&mut self.writes);
        }
        let keys = if self.root.is_zero() { Vec::new() } else { vec![PageKey::new(&Path::default(), 0)] };
        let all = vec![(0, self.writes.len() as u32)];
        let rows = rows::fetch(&self.store, keys, all, &self.writes, resolved.is_empty())?;
        let mut pass = Pass { resolved: &resolved, ..Pass::new(top, &rows, 0) };
        let change = pass.tree(self.root, &self.writes)?;
        let root = finish(&mut pass, &change, self.root);
        let mut depths = top.depths;
        for worker in &*workers {
            depths.raise(worker.depths);
        }
        let used = workers.iter_mut().chain([top]);
        let changes = used.map(|work| std::mem::replace(&mut work.changes, self.retired.take())).collect();
        for (key, page) in rows::into_loaded(rows).into_iter().chain(parts.into_iter().flat_map(|part| part.loaded)) {
            self.store.keep(&key, &page);
        }
        self.sequence += 1;
        let Depths { probed, reached } = depths;
        let delta = TreeDelta {
            sequence: self.sequence,
            old_root: self.root,
            root,
            depth_probed: probed,
            depth_reached: reached,
            changes,
        };
        self.store.push_layer(delta.sequence, delta.changes.clone());
        self.root = root;
        Ok(delta)
    }

    /// The subtrees below the root page's bottom row, done by several threads; empty when that is not worth it.
    fn resolve_in_parallel(&mut self) -> Result<(Vec<Option<Resolved>>, Vec<Part>), TreeError> {
        if self.threads < 2 || self.writes.len() < parallel::WRITES_MIN || self.root.is_zero() {
            return Ok((Vec::new(), Vec::new()));
        }
        let page = self.store.get(&PageKey::new(&Path::default(), 0))?;
        let view = PageView::new(&page);
        let is_inner: Vec<bool> = (BOTTOM..2 * BOTTOM).map(|number| view.kind(number) == Kind::Inner).collect();
        let chunks: Vec<Chunk<'_>> = parallel::cut(&mut self.writes, self.threads);
        parallel::run(&self.store, chunks, &mut self.workspaces, &is_inner)
    }

    /// The pages of all passes up to this one are durable: the source shows them from now on.
    ///
    /// # Panics
    /// If there is no such pass.
    pub fn settle(&mut self, sequence: u64) {
        assert!(sequence <= self.sequence, "only what was computed can be durable");
        self.store.settle(sequence, |changes| self.retired.add(changes));
        self.settled = self.settled.max(sequence);
    }

    /// Undoes this pass and all later ones.
    ///
    /// # Panics
    /// If the pass is durable already: undoing that takes a pass with the former values.
    pub fn discard(&mut self, delta: &TreeDelta) {
        assert!(delta.sequence > self.settled, "a durable pass cannot be discarded");
        self.store.drop_from(delta.sequence);
        self.root = delta.old_root;
    }
}

/// Sorts writes by path and keeps the last of each key.
fn prepare(writes: &[(H4, U256)], sorted: &mut Vec<Write>) {
    sorted.clear();
    sorted.extend(writes.iter().map(|(key, value)| Write { path: Path::of(key), value: *value, value_hash: H4::ZERO }));
    if sorted.is_sorted_by(|a, b| a.path < b.path) {
        return;
    }
    // Stable, so that of equal keys the last stays last; then each is replaced by its successor while they are equal.
    sorted.sort_by_key(|write| write.path);
    sorted.dedup_by(|next, kept| {
        let is_same = next.path == kept.path;
        if is_same {
            *kept = *next;
        }
        is_same
    });
}

/// Hashes what the pass decided, writes its pages and returns the root.
fn finish(pass: &mut Pass<'_>, change: &Change, old_root: H4) -> H4 {
    let key = PageKey::new(&Path::default(), 0);
    let Change::To(subtree) = *change else { return old_root };
    let number = pass.work.forest.place_root(subtree, 0);
    pass.work.forest.hash_all();
    let root = pass.work.forest.root(number);
    match subtree {
        Subtree::Empty if old_root.is_zero() => {}
        Subtree::Empty => pass.work.changes.push_deleted(key),
        Subtree::Leaf(leaf) => pass.write_lone_leaf(leaf, root),
        Subtree::Inner(node) => pass.write_pages(node, key),
        Subtree::Kept(_) => unreachable!("a changed root is made by this pass"),
    }
    root
}

/// The root that a root page belongs to.
fn root_of_page(view: &PageView<'_>) -> H4 {
    if view.kind(1) == Kind::Leaf {
        let LeafRecord { path, value_hash } = view.leaf(1);
        let [input @ .., _, _, _, _] = crate::forest::leaf_input(&path, 0, &value_hash);
        return poseidon::hash(&input, &poseidon::CAPACITY_LEAF);
    }
    let mut input = [0; 8];
    input[..4].copy_from_slice(&view.hash(2).0);
    input[4..].copy_from_slice(&view.hash(3).0);
    poseidon::hash(&input, &poseidon::CAPACITY_ZERO)
}
