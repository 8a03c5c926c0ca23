//! The bounded cache of pages.
//!
//! Readers share it: a look-up only raises a counter in the entry. Changing it needs exclusive access; when the limit is
//! reached, a clock hand goes round, lowers the counters and drops the entries it finds at zero. What is not yet durable
//! is pinned and stays. The index is cut into shards so that no growth of a table stops a commit for long.
//!
//! A look-up in a large tree waits for memory twice, for the entry and for the page. Many look-ups at once therefore go
//! block by block: first all entries of a block are asked for, then all its pages.

use std::{collections::HashMap, hash::BuildHasher};

use crate::{
    arena::{Arena, Slot},
    page::PageKey,
    table::{Entry, NameHash, Step, Table},
};

/// A power of two; with 64 shards a table of 10 million pages grows in steps of 160,000 entries.
const SHARDS: usize = 64;
/// Steps of the clock hand for one insertion: many, but not so many that entries that must stay make a commit wait.
const STEPS_MAX: usize = 128;
/// Look-ups that wait for memory together: as many as a CPU keeps outstanding, and some.
pub(crate) const BLOCK: usize = 32;

/// What the cache knows of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Known<'a> {
    /// It is this.
    Page(&'a [u8]),
    /// There is none.
    Deleted,
    /// Nothing: the source has to say.
    Nothing,
}

/// Hashes a name with one multiplication: names are hashes already, the seed keeps collisions unpredictable.
struct SeededHash {
    seed: u64,
}

impl NameHash for SeededHash {
    #[inline]
    fn hash(&self, name: u64) -> u64 {
        let product = u128::from(self.seed ^ name) * 0x9e37_79b9_7f4a_7c15;
        (product as u64) ^ (product >> 64) as u64
    }
}

/// The place of a name: its table and the hash there.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    name: u64,
    hash: u64,
}

impl Place {
    #[inline]
    fn shard(self) -> usize {
        // The tables use the lowest bits of the same hash.
        (self.hash >> 48) as usize % SHARDS
    }
}

/// A bounded set of pages.
pub(crate) struct PageCache {
    shards: Vec<Table>,
    arena: Arena,
    hash: SeededHash,
    limit_bytes: usize,
    table_bytes: usize,
    /// Sum of the pins of all entries.
    pins: usize,
    /// Names of pages too deep for [`PageKey::word`]. They do not occur in trees of honest size and are never dropped.
    deep: HashMap<PageKey, u64>,
}

impl PageCache {
    /// A cache for `limit_bytes`, tables and free memory included.
    pub(crate) fn new(limit_bytes: usize) -> Self {
        Self {
            shards: empty_shards(),
            arena: Arena::default(),
            hash: SeededHash { seed: std::hash::RandomState::new().hash_one(SHARDS) },
            limit_bytes,
            table_bytes: 0,
            pins: 0,
            deep: HashMap::new(),
        }
    }

    #[inline]
    fn place_of_name(&self, name: u64) -> Place {
        Place { name, hash: self.hash.hash(name) }
    }

    /// `None` for a deep key not seen before.
    #[inline]
    fn place(&self, key: &PageKey) -> Option<Place> {
        Some(self.place_of_name(key.word().or_else(|| self.deep.get(key).copied())?))
    }

    fn place_or_new(&mut self, key: &PageKey) -> Place {
        // The low byte of a short key's word is its depth, which is never 255.
        let next = (self.deep.len() as u64) << 8 | 0xff;
        let name = key.word().unwrap_or_else(|| *self.deep.entry(*key).or_insert(next));
        self.place_of_name(name)
    }

    #[inline]
    fn entry(&self, place: Place) -> Option<&Entry> {
        self.shards[place.shard()].get(place.name, place.hash)
    }

    /// What is known of a page.
    #[inline]
    pub(crate) fn get(&self, key: &PageKey) -> Known<'_> {
        let Some(entry) = self.place(key).and_then(|place| self.entry(place)) else { return Known::Nothing };
        entry.touch();
        entry.slot().map_or(Known::Deleted, |slot| Known::Page(self.arena.page(slot)))
    }

    /// What is known of many pages, in their order.
    pub(crate) fn get_each<'a>(&'a self, keys: &[PageKey], mut found: impl FnMut(Known<'a>)) {
        for block in keys.chunks(BLOCK) {
            self.prefetch(block.iter());
            for key in block {
                found(self.get(key));
            }
        }
    }

    /// Brings the entries and pages of a block of keys near.
    pub(crate) fn prefetch<'k>(&self, block: impl Iterator<Item = &'k PageKey>) {
        for place in self.prefetch_entries(block).into_iter().flatten() {
            if let Some(slot) = self.entry(place).and_then(Entry::slot) {
                self.arena.prefetch(slot);
            }
        }
    }

    /// Brings the entries of a block of keys near.
    pub(crate) fn prefetch_entries<'k>(&self, block: impl Iterator<Item = &'k PageKey>) -> [Option<Place>; BLOCK] {
        let mut places = [None; BLOCK];
        for (place, key) in places.iter_mut().zip(block) {
            *place = self.place(key);
            if let Some(place) = place {
                self.shards[place.shard()].prefetch(place.hash);
            }
        }
        places
    }

    /// Adds or replaces a page that was read from the source.
    pub(crate) fn keep(&mut self, key: &PageKey, page: &[u8]) {
        let place = self.place_or_new(key);
        self.set(place, Some(page));
    }

    /// Adds or replaces what a pass makes of a page, and pins it.
    pub(crate) fn put(&mut self, key: &PageKey, page: Option<&[u8]>) {
        let place = self.place_or_new(key);
        let entry = self.set(place, page);
        entry.pins = entry.pins.checked_add(1).expect("fewer than 65,536 passes wait to become durable");
        self.pins += 1;
    }

    fn set(&mut self, place: Place, page: Option<&[u8]>) -> &mut Entry {
        let former = self.entry(place).and_then(Entry::slot);
        let slot = page.map(|page| {
            let slot = former.filter(|slot| Arena::fits(*slot, page.len()));
            let slot = slot.unwrap_or_else(|| self.allocate(place, page.len()));
            self.arena.write(slot, page);
            slot
        });
        let shard = &mut self.shards[place.shard()];
        let table_bytes = shard.bytes();
        shard.get_or_insert(place.name, place.hash, &self.hash);
        self.table_bytes += shard.bytes() - table_bytes;
        let entry = shard.get_mut(place.name, place.hash).expect("just inserted");
        // Making room may have dropped the entry meanwhile, and with it the former page.
        if let Some(former) = entry.slot().filter(|former| Some(*former) != slot) {
            self.arena.free(former);
        }
        entry.set_slot(slot);
        entry
    }

    fn allocate(&mut self, place: Place, len: usize) -> Slot {
        if let Some(slot) = self.arena.reuse(len, 0) {
            return slot;
        }
        // The last eighth is for what cannot wait until there is a slot of the right size.
        let room = self.limit_bytes - self.limit_bytes / 8;
        if self.bytes() + len <= room {
            return self.arena.carve(len);
        }
        // A stock of free slots, so that there are some of the rare sizes too.
        let stock = self.limit_bytes / 32;
        let shard = &mut self.shards[place.shard()];
        for _ in 0..STEPS_MAX {
            if self.arena.free_bytes() > stock {
                break;
            }
            if let Step::Dropped(Some(slot)) = shard.advance(&self.hash) {
                self.arena.free(slot);
            }
        }
        self.arena.reuse(len, u8::MAX).unwrap_or_else(|| self.arena.carve(len))
    }

    /// A pass that wrote the page is durable.
    pub(crate) fn unpin(&mut self, key: &PageKey) {
        let place = self.place_or_new(key);
        let shard = &mut self.shards[place.shard()];
        let entry = shard.get_mut(place.name, place.hash).expect("pinned entries stay");
        entry.pins -= 1;
        self.pins -= 1;
        // That there is no such page need not be remembered any longer.
        if entry.pins == 0 && entry.slot().is_none() {
            shard.remove(place.name, place.hash, &self.hash);
        }
    }

    /// Forgets a page, pinned or not.
    pub(crate) fn forget(&mut self, key: &PageKey) {
        let Some(place) = self.place(key) else { return };
        let shard = &mut self.shards[place.shard()];
        let Some(entry) = shard.get(place.name, place.hash) else { return };
        self.pins -= usize::from(entry.pins);
        if let Some(slot) = shard.remove(place.name, place.hash, &self.hash) {
            self.arena.free(slot);
        }
    }

    /// When a large pass had to go beyond the limit and is durable, its memory is given back: the cache starts afresh.
    pub(crate) fn trim(&mut self) {
        if self.pins == 0 && self.bytes() > self.limit_bytes {
            self.shards = empty_shards();
            self.arena = Arena::default();
            self.table_bytes = 0;
        }
    }

    /// Bytes in use, tables and free memory included.
    pub(crate) fn bytes(&self) -> usize {
        self.arena.carved_bytes() + self.table_bytes
    }

    /// Number of pages.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(Table::len).sum()
    }
}

fn empty_shards() -> Vec<Table> {
    (0..SHARDS).map(|_| Table::default()).collect()
}

#[cfg(test)]
#[path = "cache_test.rs"]
mod tests;
