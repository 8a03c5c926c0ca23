//! The bounded cache of pages.
//!
//! Readers share it: a look-up only raises a counter in the entry. Changing it needs exclusive access; when the limit is
//! passed, a clock hand goes round, lowers the counters and drops the entries it finds at zero. Entries newer than what
//! is durable stay. The cache is cut into shards so that no growth of a table stops a commit for long.

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
const ENTRY_BYTES: usize = 112;
/// Rounds of the clock an often used page survives.
const USES_MAX: u8 = 3;
/// Steps of the clock hand for one insertion: many, but not so many that entries that must stay make a commit wait. What
/// is then above the limit goes with the next insertions.
const STEPS_MAX: usize = 64;

/// A page or the mark that there is none.
pub(crate) type Content = Option<Arc<[u8]>>;

/// What the cache knows of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Known<'a> {
    /// It is this.
    Page(&'a Arc<[u8]>),
    /// There is none.
    Deleted,
    /// Nothing: the source has to say.
    Nothing,
}

/// A page's content and the pass that wrote it; 0 for what was read from the source.
pub(crate) type Version = (Content, u64);

/// Hashes one word with one multiplication: names are hashes already, the seed keeps collisions unpredictable.
#[derive(Clone)]
struct NameHash {
    seed: u64,
}

impl Default for NameHash {
    fn default() -> Self {
        Self { seed: std::hash::RandomState::new().build_hasher().finish() }
    }
}

struct NameHasher {
    state: u64,
}

impl BuildHasher for NameHash {
    type Hasher = NameHasher;

    fn build_hasher(&self) -> NameHasher {
        NameHasher { state: self.seed }
    }
}

impl Hasher for NameHasher {
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

    fn finish(&self) -> u64 {
        self.state
    }
}

struct Entry {
    page: Content,
    sequence: u64,
    /// Where the name is on the clock.
    place: u32,
    uses: AtomicU8,
}

impl Entry {
    fn bytes(&self) -> usize {
        ENTRY_BYTES + self.page.as_ref().map_or(0, |page| page.len())
    }
}

#[derive(Default)]
struct Shard {
    entries: HashMap<u64, Entry, NameHash>,
    clock: Vec<u64>,
    hand: usize,
    bytes: usize,
}

/// A bounded set of pages.
pub(crate) struct PageCache {
    shards: Vec<Shard>,
    hash: NameHash,
    shard_limit_bytes: usize,
    /// Names of pages too deep for [`PageKey::word`]. They do not occur in trees of honest size and are never dropped.
    deep: HashMap<PageKey, u64>,
}

impl PageCache {
    /// A cache for about `limit_bytes`.
    pub(crate) fn new(limit_bytes: usize) -> Self {
        let hash = NameHash::default();
        let shard = || Shard { entries: HashMap::with_hasher(hash.clone()), ..Shard::default() };
        let shards = (0..SHARDS).map(|_| shard()).collect();
        Self { shards, shard_limit_bytes: limit_bytes / SHARDS, hash, deep: HashMap::new() }
    }

    /// One word that stands for the key; `None` for a deep key not seen before.
    fn name(&self, key: &PageKey) -> Option<u64> {
        key.word().or_else(|| self.deep.get(key).copied())
    }

    fn name_or_new(&mut self, key: &PageKey) -> u64 {
        // The low byte of a short key's word is its depth, which is never 255.
        let next = (self.deep.len() as u64) << 8 | 0xff;
        key.word().unwrap_or_else(|| *self.deep.entry(*key).or_insert(next))
    }

    fn shard_of(&self, name: u64) -> usize {
        // The tables use the lowest and the highest bits of the same hash.
        (self.hash.hash_one(name) >> 32) as usize % SHARDS
    }

    /// What is known of a page.
    pub(crate) fn get(&self, key: &PageKey) -> Known<'_> {
        let Some(entry) = self.name(key).and_then(|name| self.shards[self.shard_of(name)].entries.get(&name)) else {
            return Known::Nothing;
        };
        let uses = entry.uses.load(Ordering::Relaxed);
        if uses < USES_MAX {
            // A lost increment between two readers is harmless.
            entry.uses.store(uses + 1, Ordering::Relaxed);
        }
        entry.page.as_ref().map_or(Known::Deleted, Known::Page)
    }

    /// Whether the page is known not to exist.
    pub(crate) fn is_deleted(&self, key: &PageKey) -> bool {
        matches!(self.get(key), Known::Deleted)
    }

    /// Adds or replaces a page; what was known of it. Room is made among pages no newer than `settled`.
    pub(crate) fn put(&mut self, key: &PageKey, version: Version, settled: u64) -> Option<Version> {
        let limit = self.shard_limit_bytes;
        let name = self.name_or_new(key);
        let shard = self.shard_of(name);
        let shard = &mut self.shards[shard];
        let former = shard.put(name, version);
        for _ in 0..STEPS_MAX {
            if shard.bytes <= limit || shard.clock.is_empty() {
                break;
            }
            shard.advance(settled);
        }
        former
    }

    /// Makes the room that insertions have not made: pages up to `settled` may go now.
    pub(crate) fn trim(&mut self, settled: u64) {
        let limit = self.shard_limit_bytes;
        for shard in &mut self.shards {
            // After so many steps every entry that may go is gone.
            let steps_max = shard.clock.len() * (usize::from(USES_MAX) + 1);
            for _ in 0..steps_max {
                if shard.bytes <= limit || shard.clock.is_empty() {
                    break;
                }
                shard.advance(settled);
            }
        }
    }

    /// Forgets a page if this pass wrote it last.
    pub(crate) fn remove(&mut self, key: &PageKey, sequence: u64) {
        let Some(name) = self.name(key) else { return };
        let shard = self.shard_of(name);
        let shard = &mut self.shards[shard];
        if shard.entries.get(&name).is_some_and(|entry| entry.sequence == sequence) {
            shard.remove(name);
        }
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
    fn put(&mut self, name: u64, (page, sequence): Version) -> Option<Version> {
        if let Some(entry) = self.entries.get_mut(&name) {
            let former_bytes = entry.bytes();
            let former = std::mem::replace(&mut entry.page, page);
            let former_sequence = std::mem::replace(&mut entry.sequence, sequence);
            self.bytes = self.bytes + entry.bytes() - former_bytes;
            return Some((former, former_sequence));
        }
        let entry = Entry { page, sequence, place: self.clock.len() as u32, uses: AtomicU8::new(1) };
        self.bytes += entry.bytes();
        self.clock.push(name);
        self.entries.insert(name, entry);
        None
    }

    /// Moves the hand by one entry, or drops the entry under it.
    fn advance(&mut self, settled: u64) {
        self.hand %= self.clock.len();
        let name = self.clock[self.hand];
        let entry = self.entries.get_mut(&name).expect("every name on the clock has an entry");
        let uses = entry.uses.get_mut();
        if entry.sequence > settled {
            self.hand += 1;
        } else if *uses == 0 {
            self.remove(name);
        } else {
            *uses -= 1;
            self.hand += 1;
        }
    }

    fn remove(&mut self, name: u64) {
        let Some(entry) = self.entries.remove(&name) else { return };
        self.bytes -= entry.bytes();
        let place = entry.place as usize;
        self.clock.swap_remove(place);
        if let Some(moved) = self.clock.get(place) {
            self.entries.get_mut(moved).expect("every name on the clock has an entry").place = entry.place;
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

    fn is_known(cache: &PageCache, key: &PageKey) -> bool {
        !matches!(cache.get(key), Known::Nothing)
    }

    fn page(len: usize) -> Arc<[u8]> {
        Arc::from(vec![7; len])
    }

    #[test]
    fn the_limit_holds_and_used_pages_stay() {
        let limit = 64 * 100 * (100 + ENTRY_BYTES);
        let mut cache = PageCache::new(limit);
        for number in 0..64 {
            cache.put(&key(number), (Some(page(100)), 0), 0);
        }
        for number in 64..50_000 {
            cache.put(&key(number), (Some(page(100)), 0), 0);
            if number % 16 == 0 {
                for hot in 0..64 {
                    assert!(is_known(&cache, &key(hot)), "page {hot} was dropped");
                }
            }
            assert!(cache.bytes() <= limit + limit / 64);
        }
        assert!(cache.len() > 4_000, "the cache is not used: {} pages", cache.len());
    }

    #[test]
    fn pages_not_yet_durable_stay() {
        let mut cache = PageCache::new(0);
        for number in 0..1000 {
            cache.put(&key(number), (Some(page(100)), 1 + number % 2), 1);
        }
        for number in 0..1000 {
            let is_kept = is_known(&cache, &key(number));
            assert!(is_kept || number % 2 == 0, "page {number} was dropped");
        }
        cache.trim(2);
        assert_eq!(cache.len(), 0, "all of it is durable now and the limit is 0");
    }

    #[test]
    fn replacing_and_removing_keeps_count() {
        let mut cache = PageCache::new(usize::MAX);
        for number in 0..1000 {
            assert!(cache.put(&key(number), (Some(page(100)), 1), 0).is_none());
            let former = cache.put(&key(number), (Some(page(300)), 2), 0);
            assert!(former.is_some_and(|(page, sequence)| page.is_some_and(|page| page.len() == 100) && sequence == 1));
        }
        assert_eq!(cache.bytes(), 1000 * (300 + ENTRY_BYTES));
        for number in (0..1000).step_by(3) {
            cache.remove(&key(number), 1);
            assert!(is_known(&cache, &key(number)), "another pass wrote it");
            cache.remove(&key(number), 2);
        }
        for number in 0..1000 {
            assert_eq!(!is_known(&cache, &key(number)), number % 3 == 0, "page {number}");
        }
        assert_eq!(cache.len(), 666);
        (0..1000).for_each(|number| cache.remove(&key(number), 2));
        assert_eq!((cache.len(), cache.bytes()), (0, 0));
    }

    #[test]
    fn deep_pages_have_names_of_their_own() {
        let mut cache = PageCache::new(usize::MAX);
        let keys: Vec<PageKey> = (0..64).map(|depth| PageKey::new(&Path([5, 6, 7, 8]), 4 * depth)).collect();
        for (len, key) in keys.iter().enumerate() {
            assert!(cache.put(key, (Some(page(len)), 0), 0).is_none());
        }
        for (len, key) in keys.iter().enumerate() {
            assert!(matches!(cache.get(key), Known::Page(page) if page.len() == len), "page {len}");
        }
    }
}
