//! The bounded cache of pages.
//!
//! Readers share it: a look-up only raises a counter in the entry. Inserting needs exclusive access; when the limit is
//! passed, a clock hand goes round, lowers the counters and drops the entries it finds at zero. The cache is cut into
//! shards so that no growth of a table stops a commit for long.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use crate::page::PageKey;

/// A power of two; with 64 shards a table of 10 million pages grows in steps of 160,000 entries.
const SHARDS: usize = 64;
/// What an entry takes beside its page: key, pointers, table slack and its place on the clock.
const ENTRY_BYTES: usize = 160;
/// Rounds of the clock an often used page survives.
const USES_MAX: u8 = 3;

/// Hashes a page key with one multiplication; keys are hashes already, the seed keeps collisions unpredictable.
#[derive(Clone)]
pub(crate) struct PageHash {
    seed: u64,
}

impl Default for PageHash {
    fn default() -> Self {
        Self { seed: std::hash::RandomState::new().build_hasher().finish() }
    }
}

pub(crate) struct PageHasher {
    state: u64,
}

impl BuildHasher for PageHash {
    type Hasher = PageHasher;

    fn build_hasher(&self) -> PageHasher {
        PageHasher { state: self.seed }
    }
}

impl Hasher for PageHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * 0x9e37_79b9_7f4a_7c15;
        self.state = (product as u64) ^ (product >> 64) as u64;
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

/// A map from page keys.
pub(crate) type PageMap<V> = HashMap<PageKey, V, PageHash>;

struct Entry {
    page: Arc<[u8]>,
    uses: AtomicU8,
    /// Where the key is on the clock.
    place: u32,
}

#[derive(Default)]
struct Shard {
    entries: PageMap<Entry>,
    clock: Vec<PageKey>,
    hand: usize,
    bytes: usize,
}

/// A bounded set of pages, all of them as they are in the source.
pub(crate) struct PageCache {
    shards: Vec<Shard>,
    hash: PageHash,
    shard_limit_bytes: usize,
}

impl PageCache {
    /// A cache for about `limit_bytes`.
    pub(crate) fn new(limit_bytes: usize) -> Self {
        let hash = PageHash::default();
        let shard = || Shard { entries: PageMap::with_hasher(hash.clone()), ..Shard::default() };
        Self { shards: (0..SHARDS).map(|_| shard()).collect(), shard_limit_bytes: limit_bytes / SHARDS, hash }
    }

    fn shard_of(&self, key: &PageKey) -> usize {
        // The tables use the lowest and the highest bits of the same hash.
        (self.hash.hash_one(key) >> 32) as usize % SHARDS
    }

    /// The page, if it is here.
    pub(crate) fn get(&self, key: &PageKey) -> Option<&Arc<[u8]>> {
        let entry = self.shards[self.shard_of(key)].entries.get(key)?;
        let uses = entry.uses.load(Ordering::Relaxed);
        if uses < USES_MAX {
            // A lost increment between two readers is harmless.
            entry.uses.store(uses + 1, Ordering::Relaxed);
        }
        Some(&entry.page)
    }

    /// Adds or replaces a page and makes room for it.
    pub(crate) fn insert(&mut self, key: PageKey, page: Arc<[u8]>) {
        let limit = self.shard_limit_bytes;
        let shard = self.shard_of(&key);
        self.shards[shard].insert(key, page, limit);
    }

    /// Forgets a page.
    pub(crate) fn remove(&mut self, key: &PageKey) {
        let shard = self.shard_of(key);
        self.shards[shard].remove(key);
    }

    /// Bytes in use, overhead included.
    pub(crate) fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.bytes).sum()
    }

    /// Number of pages.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.clock.len()).sum()
    }
}

impl Shard {
    fn insert(&mut self, key: PageKey, page: Arc<[u8]>, limit_bytes: usize) {
        let bytes = page.len() + ENTRY_BYTES;
        if let Some(entry) = self.entries.get_mut(&key) {
            self.bytes = self.bytes + bytes - (entry.page.len() + ENTRY_BYTES);
            entry.page = page;
        } else {
            self.bytes += bytes;
            let place = self.clock.len() as u32;
            self.clock.push(key);
            self.entries.insert(key, Entry { page, uses: AtomicU8::new(1), place });
        }
        while self.bytes > limit_bytes && !self.clock.is_empty() {
            self.advance();
        }
    }

    /// Moves the hand by one entry, or drops the entry under it.
    fn advance(&mut self) {
        self.hand %= self.clock.len();
        let key = self.clock[self.hand];
        let entry = self.entries.get_mut(&key).expect("every key on the clock has an entry");
        let uses = entry.uses.get_mut();
        if *uses == 0 {
            self.remove(&key);
        } else {
            *uses -= 1;
            self.hand += 1;
        }
    }

    fn remove(&mut self, key: &PageKey) {
        let Some(entry) = self.entries.remove(key) else { return };
        self.bytes -= entry.page.len() + ENTRY_BYTES;
        let place = entry.place as usize;
        self.clock.swap_remove(place);
        if let Some(moved) = self.clock.get(place) {
            self.entries.get_mut(moved).expect("every key on the clock has an entry").place = entry.place;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Path;

    fn key(number: u64) -> PageKey {
        PageKey::new(&Path([number << 32, 0, 0, 0]), 32)
    }

    fn page(len: usize) -> Arc<[u8]> {
        Arc::from(vec![7; len])
    }

    #[test]
    fn the_limit_holds_and_used_pages_stay() {
        let limit = 64 * 100 * (100 + ENTRY_BYTES);
        let mut cache = PageCache::new(limit);
        for number in 0..64 {
            cache.insert(key(number), page(100));
        }
        for number in 64..50_000 {
            cache.insert(key(number), page(100));
            if number % 16 == 0 {
                for hot in 0..64 {
                    assert!(cache.get(&key(hot)).is_some(), "page {hot} was dropped");
                }
            }
            assert!(cache.bytes() <= limit);
        }
        assert!(cache.len() > 4_000, "the cache is not used: {} pages", cache.len());
    }

    #[test]
    fn replacing_and_removing_keeps_count() {
        let mut cache = PageCache::new(usize::MAX);
        for number in 0..1000 {
            cache.insert(key(number), page(100));
            cache.insert(key(number), page(300));
        }
        assert_eq!(cache.bytes(), 1000 * (300 + ENTRY_BYTES));
        for number in (0..1000).step_by(3) {
            cache.remove(&key(number));
            cache.remove(&key(number));
        }
        for number in 0..1000 {
            assert_eq!(cache.get(&key(number)).is_none(), number % 3 == 0, "page {number}");
        }
        assert_eq!(cache.len(), 666);
        (0..1000).for_each(|number| cache.remove(&key(number)));
        assert_eq!((cache.len(), cache.bytes()), (0, 0));
    }
}
