//! Where a tree finds its pages: the cache, with what is not yet durable, and the source.

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
    cache::{Known, PageCache, Version},
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

/// One page that a pass writes.
#[derive(Clone, Debug)]
pub struct PageWrite {
    /// Where it goes; [`PageKey::bytes`] for the storage.
    pub key: PageKey,
    /// Its content, or `None` when the page ceases to exist.
    pub page: Option<Arc<[u8]>>,
}

/// What it takes to undo a pass that is not yet durable.
struct Layer {
    sequence: u64,
    /// What the cache knew of the changed pages before.
    former: Vec<(PageKey, Option<Version>)>,
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
    settled: u64,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// A page and where it came from.
pub(crate) enum Found<'a> {
    /// It lies in the cache.
    Cached(&'a Arc<[u8]>),
    /// It was read from the source.
    Loaded(Arc<[u8]>),
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
            settled: 0,
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
        let nothing: Arc<[u8]> = Arc::default();
        let start = found.len();
        let mut absent = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            match self.cache.get(key) {
                Known::Page(page) => found.push(Found::Cached(page)),
                Known::Deleted => return Err(TreeError::MissingPage(*key)),
                Known::Nothing => {
                    absent.push(index);
                    found.push(Found::Loaded(nothing.clone()));
                }
            }
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
            PageView::check(&bytes).map_err(|fault| TreeError::CorruptPage { key, fault })?;
            found[start + index] = Found::Loaded(Arc::from(bytes));
        }
        Ok(())
    }

    /// Keeps a page that was read from the source.
    pub(crate) fn keep(&mut self, key: &PageKey, page: Arc<[u8]>) {
        self.cache.put(key, (Some(page), 0), self.settled);
    }

    /// Makes the pages of a pass visible.
    pub(crate) fn push_layer(&mut self, sequence: u64, writes: &[PageWrite]) {
        debug_assert!(self.layers.back().is_none_or(|last| last.sequence < sequence));
        let put =
            |write: &PageWrite| (write.key, self.cache.put(&write.key, (write.page.clone(), sequence), self.settled));
        let former = writes.iter().map(put).collect();
        self.layers.push_back(Layer { sequence, former });
    }

    /// The source now shows the pages of all passes up to this one. Former pages go to `recycle`.
    pub(crate) fn settle(&mut self, sequence: u64, mut recycle: impl FnMut(Arc<[u8]>)) {
        self.settled = self.settled.max(sequence);
        while self.layers.front().is_some_and(|layer| layer.sequence <= sequence) {
            let layer = self.layers.pop_front().expect("there is a front layer");
            for (key, former) in layer.former {
                if let Some((Some(page), _)) = former {
                    recycle(page);
                }
                // What the pass deleted need not be remembered any longer.
                if self.cache.is_deleted(&key) {
                    self.cache.remove(&key, layer.sequence);
                }
            }
        }
        self.cache.trim(self.settled);
    }

    /// Forgets the pages of this pass and of all later ones.
    pub(crate) fn drop_from(&mut self, sequence: u64) {
        while self.layers.back().is_some_and(|layer| layer.sequence >= sequence) {
            let layer = self.layers.pop_back().expect("there is a back layer");
            for (key, former) in layer.former {
                match former {
                    Some(version) => drop(self.cache.put(&key, version, self.settled)),
                    None => self.cache.remove(&key, layer.sequence),
                }
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
