//! The state tree over the store's page table.

use std::sync::Arc;

use alloy_primitives::{B256, U256};
use zkevm_state_db::{DbError, Store, WriteBatch, schema};
use zkevm_state_tree::{
    AuditReport, CacheStats, H4, MemoryTree, PageError, PageKeyBytes, PageSource, StateTree, TreeConfig, TreeDelta,
    TreeError,
};

use crate::error::{EngineError, EngineResult};

/// The store as the tree's page source.
struct Pages(Arc<Store>);

impl PageSource for Pages {
    fn page(&self, key: &[u8]) -> Result<Option<Vec<u8>>, PageError> {
        let page = self.0.get(schema::TREE, key).map_err(PageError::new)?;
        Ok(page.map(|bytes| bytes.to_vec()))
    }

    fn pages(&self, keys: &[PageKeyBytes]) -> Result<Vec<Option<Vec<u8>>>, PageError> {
        let pages = self.0.get_many(schema::TREE, keys).map_err(PageError::new)?;
        Ok(pages.into_iter().map(|page| page.map(|bytes| bytes.to_vec())).collect())
    }
}

/// The state tree, with the running maximum of path lengths that virtual counters take (counters.md section 3).
pub struct Tree {
    tree: StateTree<Pages>,
    depth: u64,
}

/// What one block did to the tree, to be written with the block.
pub struct TreeUpdate {
    delta: TreeDelta,
    depth: u64,
}

impl Tree {
    /// Opens the tree with `root`; `depth` is the running maximum so far.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when the stored pages do not have that root, [`EngineError::Tree`] when they cannot be read.
    pub fn open(store: Arc<Store>, root: B256, depth: u64, cache_bytes: usize) -> EngineResult<Self> {
        let root = H4::from_b256(&root).map_err(|error| EngineError::Tree(error.to_string()))?;
        let config = TreeConfig { cache_bytes, ..TreeConfig::default() };
        Ok(Self { tree: StateTree::open(Pages(store), root, config).map_err(failed)?, depth })
    }

    /// Root of a set of leaves, without any store.
    pub fn root_of(leaves: &[(H4, U256)]) -> B256 {
        MemoryTree::from_leaves(leaves.iter().copied()).root().to_b256()
    }

    /// What the page cache holds and how often it helped.
    pub fn cache_stats(&self) -> CacheStats {
        self.tree.cache_stats()
    }

    /// Reads and checks the whole tree; see [`StateTree::audit`].
    ///
    /// # Errors
    /// The first fault, and whatever `visit` returns.
    pub fn audit<E: From<TreeError>>(&self, visit: impl FnMut(H4, H4) -> Result<(), E>) -> Result<AuditReport, E> {
        self.tree.audit(visit)
    }

    /// The running maximum of path lengths.
    pub const fn depth(&self) -> u64 {
        self.depth
    }

    /// The running maximum as it was after the block that the tree went back to.
    pub(crate) const fn set_depth(&mut self, depth: u64) {
        self.depth = depth;
    }

    /// Applies the writes of one block. The result is visible to the next update at once; the caller commits it and calls
    /// [`Tree::settle`], or [`Tree::discard`].
    ///
    /// # Errors
    /// As [`Tree::open`]; the tree is then as before.
    pub fn update(&mut self, writes: &[(H4, U256)]) -> EngineResult<TreeUpdate> {
        let delta = self.tree.update(writes).map_err(failed)?;
        let depth = self.depth.max(u64::from(delta.depth_reached));
        Ok(TreeUpdate { delta, depth })
    }

    /// The update is durable.
    pub fn settle(&mut self, update: &TreeUpdate) {
        self.tree.settle(update.delta.sequence);
        self.depth = self.depth.max(update.depth);
    }

    /// The update is not to be.
    pub fn discard(&mut self, update: &TreeUpdate) {
        self.tree.discard(&update.delta);
    }
}

impl TreeUpdate {
    /// Root after the update.
    pub fn root(&self) -> B256 {
        self.delta.root.to_b256()
    }

    /// Running maximum of path lengths after the update.
    pub const fn depth(&self) -> u64 {
        self.depth
    }

    /// Puts the changed pages into the block's write.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put(&self, store: &Store, batch: &mut WriteBatch) -> EngineResult<()> {
        for write in self.delta.pages() {
            let key = write.key.bytes();
            match write.page {
                Some(page) => store.put(batch, schema::TREE, key.as_ref(), page)?,
                None => store.delete(batch, schema::TREE, key.as_ref())?,
            }
        }
        Ok(())
    }
}

/// Damage in the tree is damage of the database.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(crate) fn failed(error: TreeError) -> EngineError {
    match &error {
        TreeError::Source { error: source, .. } => {
            let cause = std::error::Error::source(source).and_then(|cause| cause.downcast_ref::<DbError>());
            match cause {
                Some(DbError::Corrupt { what }) => EngineError::Db(DbError::corrupt(what.clone())),
                _ => EngineError::Tree(error.to_string()),
            }
        }
        TreeError::MissingPage(_)
        | TreeError::CorruptPage { .. }
        | TreeError::WrongHash { .. }
        | TreeError::MisplacedLeaf(_) => EngineError::Db(DbError::corrupt(error.to_string())),
    }
}
