//! Where a tree finds its pages: the cache, with what is not yet durable, and the source.

use std::{
    collections::{HashSet, VecDeque},
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    H4,
    cache::{BLOCK, Known, PageCache},
    changes::{PageWrite, PassChanges, all_writes},
    page::{PageFault, PageKey, PageKeyBytes, PageView},
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

    /// Several pages, in the order of the keys, which are sorted. Storages that read many keys better than one by one
    /// should say how.
    ///
    /// # Errors
    /// [`PageError`] when the storage cannot tell.
    fn pages(&self, keys: &[PageKeyBytes]) -> Result<Vec<Option<Vec<u8>>>, PageError> {
        keys.iter().map(|key| self.page(key)).collect()
    }
}

impl<S: PageSource + ?Sized> PageSource for Arc<S> {
    fn page(&self, key: &[u8]) -> Result<Option<Vec<u8>>, PageError> {
        (**self).page(key)
    }

    fn pages(&self, keys: &[PageKeyBytes]) -> Result<Vec<Option<Vec<u8>>>, PageError> {
        (**self).pages(keys)
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

/// A pass that is not yet durable.
struct Layer {
    sequence: u64,
    changes: PassChanges,
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

/// The pages of a tree: in the cache, which also holds all that is not yet durable, and in the source.
pub(crate) struct PageStore<S> {
    source: S,
    cache: PageCache,
    /// Passes that are not yet durable, oldest first.
    layers: VecDeque<Layer>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// A page and where it came from.
pub(crate) enum Found<'a> {
    /// It lies in the cache.
    Cached(&'a [u8]),
    /// It was read from the source.
    Loaded(Vec<u8>),
}

impl std::ops::Deref for Found<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Found::Cached(page) => page,
            Found::Loaded(page) => page,
        }
    }
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
    pub(crate) fn get(&self, key: &PageKey) -> Result<Found<'_>, TreeError> {
        let mut found = Vec::with_capacity(1);
        self.get_many(std::slice::from_ref(key), &mut found)?;
        found.pop().ok_or(TreeError::MissingPage(*key))
    }

    /// Several such pages; what is not in the cache is read from the source in one call.
    pub(crate) fn get_many<'a>(&'a self, keys: &[PageKey], found: &mut Vec<Found<'a>>) -> Result<(), TreeError> {
        let start = found.len();
        let mut absent = Vec::new();
        let mut deleted = None;
        self.cache.get_each(keys, |known| {
            let index = found.len() - start;
            found.push(match known {
                Known::Page(page) => Found::Cached(page),
                Known::Deleted => {
                    deleted = Some(index);
                    Found::Loaded(Vec::new())
                }
                Known::Nothing => {
                    absent.push(index);
                    Found::Loaded(Vec::new())
                }
            });
        });
        if let Some(index) = deleted {
            return Err(TreeError::MissingPage(keys[index]));
        }
        self.hits.fetch_add((keys.len() - absent.len()) as u64, Ordering::Relaxed);
        if absent.is_empty() {
            return Ok(());
        }
        self.misses.fetch_add(absent.len() as u64, Ordering::Relaxed);
        let absent_keys: Vec<_> = absent.iter().map(|index| keys[*index].bytes()).collect();
        let error_key = keys[absent[0]];
        let pages = self.source.pages(&absent_keys).map_err(|error| TreeError::Source { key: error_key, error })?;
        let mut pages = pages.into_iter();
        for index in absent {
            let key = keys[index];
            let bytes = pages.next().flatten().ok_or(TreeError::MissingPage(key))?;
            PageView::check(&bytes, key.depth()).map_err(|fault| TreeError::CorruptPage { key, fault })?;
            found[start + index] = Found::Loaded(bytes);
        }
        Ok(())
    }

    /// Keeps a page that was read from the source.
    pub(crate) fn keep(&mut self, key: &PageKey, page: &[u8]) {
        self.cache.keep(key, page);
    }

    /// Makes the pages of a pass visible.
    pub(crate) fn push_layer(&mut self, sequence: u64, changes: PassChanges) {
        debug_assert!(self.layers.back().is_none_or(|last| last.sequence < sequence));
        let writes: Vec<PageWrite<'_>> = all_writes(&changes).collect();
        for block in writes.chunks(BLOCK) {
            self.cache.prefetch(block.iter().map(|write| &write.key));
            for write in block {
                self.cache.put(&write.key, write.page);
            }
        }
        self.layers.push_back(Layer { sequence, changes });
    }

    /// The source now shows the pages of all passes up to this one. Their buffers go to `retire`.
    pub(crate) fn settle(&mut self, sequence: u64, mut retire: impl FnMut(PassChanges)) {
        while self.layers.front().is_some_and(|layer| layer.sequence <= sequence) {
            let layer = self.layers.pop_front().expect("there is a front layer");
            let keys: Vec<PageKey> = all_writes(&layer.changes).map(|write| write.key).collect();
            for block in keys.chunks(BLOCK) {
                self.cache.prefetch_entries(block.iter());
                for key in block {
                    self.cache.unpin(key);
                }
            }
            retire(layer.changes);
        }
        self.cache.trim();
    }

    /// Forgets the pages of this pass and of all later ones. What is durable is read from the source again when it is
    /// needed; what is not is taken from the passes that remain.
    pub(crate) fn drop_from(&mut self, sequence: u64) {
        let mut dropped = HashSet::new();
        while self.layers.back().is_some_and(|layer| layer.sequence >= sequence) {
            let layer = self.layers.pop_back().expect("there is a back layer");
            dropped.extend(all_writes(&layer.changes).map(|write| write.key));
        }
        for key in &dropped {
            self.cache.forget(key);
        }
        for layer in &self.layers {
            for write in all_writes(&layer.changes).filter(|write| dropped.contains(&write.key)) {
                self.cache.put(&write.key, write.page);
            }
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
