//! One shard of the cache's index: an open-addressed table whose entries are also its clock.
//!
//! Names are hashed well by the caller, so that neighbours in the table are neighbours in memory and nothing else:
//! probing is linear, removal shifts what follows back into the gap.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU8, Ordering},
};

use crate::arena::Slot;

/// Rounds of the clock that an often used page survives.
const USES_MAX: u8 = 3;
/// A name that no page has: see [`crate::page::PageKey::word`].
const NO_NAME: u64 = 0xfe;
const CAPACITY_MIN: usize = 16;

/// What is known of a page.
#[derive(Debug)]
pub(crate) struct Entry {
    name: u64,
    /// Where it lies; `None` when the page is known not to exist.
    first: Option<NonZeroU32>,
    /// Passes that wrote it and are not yet durable: until then it must stay.
    pub(crate) pins: u16,
    units: u8,
    uses: AtomicU8,
}

const _: () = assert!(size_of::<Entry>() == 16, "four entries to a cache line");

impl Entry {
    /// An entry about which nothing is known but its name.
    fn new(name: u64) -> Self {
        Self { name, first: None, pins: 0, units: 0, uses: AtomicU8::new(1) }
    }

    fn empty() -> Self {
        Self::new(NO_NAME)
    }

    #[inline]
    pub(crate) fn slot(&self) -> Option<Slot> {
        self.first.map(|first| Slot { first, units: self.units })
    }

    pub(crate) fn set_slot(&mut self, slot: Option<Slot>) {
        self.first = slot.map(|slot| slot.first);
        self.units = slot.map_or(0, |slot| slot.units);
    }

    fn is_empty(&self) -> bool {
        self.name == NO_NAME
    }

    /// Somebody needed the page.
    #[inline]
    pub(crate) fn touch(&self) {
        let uses = self.uses.load(Ordering::Relaxed);
        if uses < USES_MAX {
            // A lost increment between two readers is harmless.
            self.uses.store(uses + 1, Ordering::Relaxed);
        }
    }
}

/// What one step of the clock hand did.
pub(crate) enum Step {
    /// Nothing was dropped.
    Passed,
    /// An entry was dropped; this was its slot.
    Dropped(Option<Slot>),
}

/// A table with a clock hand.
#[derive(Default)]
pub(crate) struct Table {
    /// A power of two of them, or none.
    entries: Vec<Entry>,
    len: usize,
    hand: usize,
}

/// The hashes that a table needs again when it grows.
pub(crate) trait NameHash {
    fn hash(&self, name: u64) -> u64;
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn bytes(&self) -> usize {
        self.entries.len() * size_of::<Entry>()
    }

    fn mask(&self) -> usize {
        self.entries.len().wrapping_sub(1)
    }

    /// Starts to bring the entry of a hash near.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u64) {
        if let Some(entry) = self.entries.get(hash as usize & self.mask()) {
            crate::prefetch::prefetch_value(entry);
        }
    }

    /// Where a name is, or the empty place where it would be; `None` in a table without places.
    #[inline]
    fn place(&self, name: u64, hash: u64) -> Option<usize> {
        let mask = self.mask();
        let mut at = hash as usize & mask;
        loop {
            let entry = self.entries.get(at)?;
            if entry.name == name || entry.is_empty() {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    #[inline]
    pub(crate) fn get(&self, name: u64, hash: u64) -> Option<&Entry> {
        let entry = &self.entries[self.place(name, hash)?];
        (!entry.is_empty()).then_some(entry)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, name: u64, hash: u64) -> Option<&mut Entry> {
        let place = self.place(name, hash)?;
        let entry = &mut self.entries[place];
        (!entry.is_empty()).then_some(entry)
    }

    /// The entry of a name, a new one without a page if there was none.
    pub(crate) fn get_or_insert(&mut self, name: u64, hash: u64, hashes: &impl NameHash) -> &mut Entry {
        // Up to three quarters full: a miss then ends within two or three cache lines.
        if (self.len + 1) * 4 > self.entries.len() * 3 && self.get(name, hash).is_none() {
            self.grow(hashes);
        }
        let place = self.place(name, hash).expect("a table that has grown has places");
        let entry = &mut self.entries[place];
        if entry.is_empty() {
            *entry = Entry::new(name);
            self.len += 1;
        }
        entry
    }

    fn grow(&mut self, hashes: &impl NameHash) {
        let capacity = (2 * self.entries.len()).max(CAPACITY_MIN);
        let former = std::mem::take(&mut self.entries);
        self.entries.resize_with(capacity, Entry::empty);
        for entry in former.into_iter().filter(|entry| !entry.is_empty()) {
            let place = self.place(entry.name, hashes.hash(entry.name)).expect("it has just grown");
            self.entries[place] = entry;
        }
        self.hand = 0;
    }

    /// Removes an entry; its slot.
    pub(crate) fn remove(&mut self, name: u64, hash: u64, hashes: &impl NameHash) -> Option<Slot> {
        let place = self.place(name, hash).filter(|place| !self.entries[*place].is_empty())?;
        self.remove_at(place, hashes)
    }

    fn remove_at(&mut self, place: usize, hashes: &impl NameHash) -> Option<Slot> {
        let mask = self.mask();
        let removed = std::mem::replace(&mut self.entries[place], Entry::empty());
        self.len -= 1;
        let mut gap = place;
        let mut at = place;
        loop {
            at = (at + 1) & mask;
            if self.entries[at].is_empty() {
                return removed.slot();
            }
            let home = hashes.hash(self.entries[at].name) as usize & mask;
            // It may move into the gap unless its home lies behind the gap, going round.
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(gap) & mask {
                self.entries.swap(gap, at);
                gap = at;
            }
        }
    }

    /// Moves the hand by one entry, or drops the entry under it.
    pub(crate) fn advance(&mut self, hashes: &impl NameHash) -> Step {
        if self.entries.is_empty() {
            return Step::Passed;
        }
        self.hand &= self.mask();
        let entry = &mut self.entries[self.hand];
        if !entry.is_empty() && entry.pins == 0 {
            let uses = entry.uses.get_mut();
            if *uses == 0 {
                return Step::Dropped(self.remove_at(self.hand, hashes));
            }
            *uses -= 1;
        }
        self.hand += 1;
        Step::Passed
    }
}
