//! Where a tree finds its pages: deltas not yet durable, the cache, the source.

use std::{
    collections::VecDeque,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    H4,
    cache::{PageCache, PageMap},
    page::{PageFault, PageKey, PageView},
};

/// Reads pages from wherever they are stored.
///
/// A source shows only what was made durable: pages of a [`crate::TreeDelta`] once it is written, all of them at once.
pub trait PageSource: Send + Sync {
    /// The page stored under a key, `None` when there is none.
    ///
    /// # Errors
    /// [`PageError`] when the storage cannot tell.
    fn page(&self, key: &[u8]) -> Result<Option<Vec<u8>>, PageError>;
}

impl<S: PageSource + ?Sized> PageSource for Arc<S> {
    fn page(&self, key: &[u8]) -> Result<Option<Vec<u8>>, PageError> {
        (**self).page(key)
    }
}

/// A source without pages, for trees that live in memory only.
#[derive(Clone, Copy, Default, Debug)]
pub struct NoSource;

impl PageSource for NoSource {
    fn page(&self, _key: &[u8]) -> Result<Option<Vec<u8>>, PageError> {
        Ok(None)
    }
}

/// The storage failed to read a page.
#[derive(Debug, thiserror::Error)]
#[error("the storage failed: {0}")]
pub struct PageError(#[source] Box<dyn Error + Send + Sync>);

impl PageError {
    /// Wraps the storage's own error.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

/// A tree that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The storage failed to read a page.
    #[error("reading the tree page at depth {} failed", .key.depth())]
    Source {
        /// Which page.
        key: PageKey,
        /// What the storage says.
        #[source]
        error: PageError,
    },
    /// The tree has an inner node whose page is not stored.
    #[error("the tree page at depth {} is missing", .0.depth())]
    MissingPage(PageKey),
    /// A stored page is no page.
    #[error("the tree page at depth {} is corrupt: {fault}", .key.depth())]
    CorruptPage {
        /// Which page.
        key: PageKey,
        /// What is wrong with it.
        fault: PageFault,
    },
    /// A stored node does not hash to the hash stored above it.
    #[error("a node of the tree page at depth {} hashes to {actual:?} instead of {expected:?}", .key.depth())]
    WrongHash {
        /// Page of the node; its lower neighbour when the node is the root of a page.
        key: PageKey,
        /// What is stored above.
        expected: H4,
        /// What the content hashes to.
        actual: H4,
    },
    /// A leaf lies where its path does not lead.
    #[error("a leaf of the tree page at depth {} is misplaced", .0.depth())]
    MisplacedLeaf(PageKey),
}

/// One page that a pass writes.
#[derive(Clone, Debug)]
pub struct PageWrite {
    /// Where it goes; [`PageKey::bytes`] for the storage.
    pub key: PageKey,
    /// Its content, or `None` when the page ceases to exist.
    pub page: Option<Arc<[u8]>>,
}

/// What a pass left behind and what is not yet durable.
struct Layer {
    sequence: u64,
    pages: PageMap<Option<Arc<[u8]>>>,
}

/// Pages found in the cache and pages read from the source since the tree was opened.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CacheStats {
    /// Look-ups answered from memory.
    pub hits: u64,
    /// Look-ups that went to the source.
    pub misses: u64,
    /// Pages in the cache.
    pub pages: usize,
    /// Bytes of the cache, overhead included.
    pub bytes: usize,
}

pub(crate) struct PageStore<S> {
    source: S,
    cache: PageCache,
    /// Oldest first.
    layers: VecDeque<Layer>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// A page and where it came from.
pub(crate) struct Found {
    pub(crate) page: Arc<[u8]>,
    pub(crate) is_from_source: bool,
}

impl<S: PageSource> PageStore<S> {
    pub(crate) fn new(source: S, cache_bytes: usize) -> Self {
        Self {
            source,
            cache: PageCache::new(cache_bytes),
            layers: VecDeque::new(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// The page that an inner node above says to exist.
    pub(crate) fn get(&self, key: &PageKey) -> Result<Found, TreeError> {
        for layer in self.layers.iter().rev() {
            if let Some(page) = layer.pages.get(key) {
                let page = page.clone().ok_or(TreeError::MissingPage(*key))?;
                return Ok(Found { page, is_from_source: false });
            }
        }
        if let Some(page) = self.cache.get(key) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(Found { page: page.clone(), is_from_source: false });
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let bytes = self.source.page(&key.bytes()).map_err(|error| TreeError::Source { key: *key, error })?;
        let bytes = bytes.ok_or(TreeError::MissingPage(*key))?;
        PageView::check(&bytes).map_err(|fault| TreeError::CorruptPage { key: *key, fault })?;
        Ok(Found { page: Arc::from(bytes), is_from_source: true })
    }

    /// Keeps a page that was read from the source.
    pub(crate) fn keep(&mut self, key: PageKey, page: Arc<[u8]>) {
        self.cache.insert(key, page);
    }

    /// Makes the pages of a pass visible.
    pub(crate) fn push_layer(&mut self, sequence: u64, writes: &[PageWrite]) {
        debug_assert!(self.layers.back().is_none_or(|last| last.sequence < sequence));
        let pages = writes.iter().map(|write| (write.key, write.page.clone())).collect();
        self.layers.push_back(Layer { sequence, pages });
    }

    /// The source now shows the pages of all passes up to this one.
    pub(crate) fn settle(&mut self, sequence: u64) {
        while self.layers.front().is_some_and(|layer| layer.sequence <= sequence) {
            let layer = self.layers.pop_front().expect("there is a front layer");
            for (key, page) in layer.pages {
                match page {
                    Some(page) => self.cache.insert(key, page),
                    None => self.cache.remove(&key),
                }
            }
        }
    }

    /// Forgets the pages of this pass and of all later ones.
    pub(crate) fn drop_from(&mut self, sequence: u64) {
        while self.layers.back().is_some_and(|layer| layer.sequence >= sequence) {
            self.layers.pop_back();
        }
    }

    pub(crate) fn stats(&self) -> CacheStats {
        CacheStats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            pages: self.cache.len(),
            bytes: self.cache.bytes(),
        }
    }
}
