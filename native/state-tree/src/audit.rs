//! The slow check of a whole tree.

use crate::{
    H4,
    forest::leaf_input,
    page::{BOTTOM, Kind, PageKey, PageView},
    path::Path,
    poseidon::{CAPACITY_ZERO, hash_each, join},
    state_tree::StateTree,
    store::{PageSource, PageStore, TreeError},
};

/// What a whole tree consists of.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct AuditReport {
    /// Leaves.
    pub leaf_count: u64,
    /// Inner nodes.
    pub inner_count: u64,
    /// Pages.
    pub page_count: u64,
    /// Bytes of the pages.
    pub page_bytes: u64,
    /// Depth of the deepest leaf.
    pub leaf_depth_max: u32,
}

impl<S: PageSource> StateTree<S> {
    /// Reads every page, recomputes every hash, checks that the shape is the canonical one and hands each leaf (key and
    /// value hash) to `visit`, from the leftmost to the rightmost.
    ///
    /// # Errors
    /// [`TreeError`] for the first fault, and whatever `visit` returns.
    pub fn audit<E: From<TreeError>>(&self, visit: impl FnMut(H4, H4) -> Result<(), E>) -> Result<AuditReport, E> {
        let mut audit = Audit { store: self.store(), report: AuditReport::default(), visit };
        if !self.root().is_zero() {
            audit.page(PageKey::new(&Path::default(), 0), self.root())?;
        }
        Ok(audit.report)
    }
}

struct Audit<'a, S, V> {
    store: &'a PageStore<S>,
    report: AuditReport,
    visit: V,
}

impl<S: PageSource, V> Audit<'_, S, V> {
    /// Checks a page and, as deep as the stack of pages goes (64), all pages below.
    fn page<E: From<TreeError>>(&mut self, key: PageKey, expected: H4) -> Result<(), E>
    where
        V: FnMut(H4, H4) -> Result<(), E>,
    {
        let page = self.store.get(&key)?;
        let view = PageView::new(&page);
        self.report.page_count += 1;
        self.report.page_bytes += page.len() as u64;
        let mut checks = Vec::new();
        collect_checks(&key, &view, 1, key.depth(), expected, &mut checks)?;
        check_hashes(&key, &checks)?;
        self.node(&key, &view, 1, key.depth())
    }

    fn node<E: From<TreeError>>(&mut self, key: &PageKey, view: &PageView<'_>, number: u32, depth: u32) -> Result<(), E>
    where
        V: FnMut(H4, H4) -> Result<(), E>,
    {
        match view.kind(number) {
            Kind::Leaf => {
                let leaf = view.leaf(number);
                self.report.leaf_count += 1;
                self.report.leaf_depth_max = self.report.leaf_depth_max.max(depth);
                (self.visit)(leaf.path.key(), leaf.value_hash)
            }
            Kind::Inner if number >= BOTTOM => self.page(key.below(number), view.hash(number)),
            Kind::Empty if number != 1 => Ok(()),
            Kind::Inner | Kind::Empty => {
                self.report.inner_count += 1;
                self.node(key, view, 2 * number, depth + 1)?;
                self.node(key, view, 2 * number + 1, depth + 1)
            }
        }
    }
}

/// The input of a node's hash and the hash it should have.
type Check = ([u64; 12], H4);

/// Collects the hashes to check in a page and checks its shape on the way.
fn collect_checks(
    key: &PageKey,
    view: &PageView<'_>,
    number: u32,
    depth: u32,
    expected: H4,
    checks: &mut Vec<Check>,
) -> Result<(), TreeError> {
    match view.kind(number) {
        Kind::Leaf => {
            let leaf = view.leaf(number);
            if leaf.path.truncated(depth) != key.path_of(number) {
                return Err(TreeError::MisplacedLeaf(*key));
            }
            checks.push((leaf_input(&leaf.path, depth, &leaf.value_hash), expected));
        }
        Kind::Inner if number >= BOTTOM => {}
        Kind::Empty if number != 1 => {}
        Kind::Inner | Kind::Empty => {
            let children = [2 * number, 2 * number + 1];
            // An inner node has two leaves below it at least.
            if let (Kind::Leaf, Kind::Empty) | (Kind::Empty, Kind::Leaf) =
                (view.kind(children[0]), view.kind(children[1]))
            {
                return Err(TreeError::MisplacedLeaf(*key));
            }
            let mut input = [0; 8];
            for (half, child) in input.chunks_exact_mut(4).zip(children) {
                half.copy_from_slice(&view.hash(child).0);
                collect_checks(key, view, child, depth + 1, view.hash(child), checks)?;
            }
            checks.push((join(&input, CAPACITY_ZERO), expected));
        }
    }
    Ok(())
}

fn check_hashes(key: &PageKey, checks: &[Check]) -> Result<(), TreeError> {
    let mut fault = None;
    hash_each(
        checks.len(),
        |index| checks[index].0,
        |index, actual| {
            let expected = checks[index].1;
            if actual != expected && fault.is_none() {
                fault = Some(TreeError::WrongHash { key: *key, expected, actual });
            }
        },
    );
    fault.map_or(Ok(()), Err)
}
