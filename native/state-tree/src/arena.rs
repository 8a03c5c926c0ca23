//! Memory for cached pages: slots of 32-byte units, carved from large chunks.
//!
//! A tree is accessed at random, so that nearly each page is also a new entry for the CPU's address translation: the
//! chunks ask for huge pages. What is freed goes to a list of its size and is handed out again first: it is warm.

use std::{mem::MaybeUninit, num::NonZeroU32};

use crate::page::HEADER_BYTES;

/// Hashes and halves of leaf records have this size; a slot begins with one unit for the page's header.
const UNIT_BYTES: usize = 32;
/// Where a page begins in its slot: so that its hashes lie in units of their own.
const PAGE_AT: usize = UNIT_BYTES - HEADER_BYTES;
/// A multiple of the size of huge pages, which is 2 MiB on x86-64.
const CHUNK_BYTES: usize = 4 << 20;
const CHUNK_UNITS: usize = CHUNK_BYTES / UNIT_BYTES;

#[repr(C, align(2_097_152))]
struct Block([u8; CHUNK_BYTES]);

/// Memory that is not touched before something is written to it.
struct Chunk(Box<MaybeUninit<Block>>);

impl Chunk {
    /// Small trees stay within the first chunk; huge pages would only cost them memory.
    fn new(is_first: bool) -> Self {
        let chunk = Self(Box::new_uninit());
        if !is_first {
            advise_huge_pages(&chunk);
        }
        chunk
    }
}

#[cfg(target_os = "linux")]
fn advise_huge_pages(chunk: &Chunk) {
    use rustix::mm::{Advice, madvise};
    let start = chunk.0.as_ptr().cast_mut().cast();
    // SAFETY: the range is this chunk's own memory, and the advice does not change what is in it.
    let advised = unsafe { madvise(start, CHUNK_BYTES, Advice::LinuxHugepage) };
    // A kernel without huge pages refuses; the memory is then as good as any other.
    let _ = advised;
}

#[cfg(not(target_os = "linux"))]
fn advise_huge_pages(_chunk: &Chunk) {}

/// A slot: the number of its first unit (never 0) and how many units it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slot {
    pub(crate) first: NonZeroU32,
    pub(crate) units: u8,
}

/// The units that a page of `len` bytes takes.
#[inline]
fn units_for(len: usize) -> u8 {
    debug_assert!(len >= HEADER_BYTES);
    (len + PAGE_AT).div_ceil(UNIT_BYTES) as u8
}

/// The slots.
#[derive(Default)]
pub(crate) struct Arena {
    chunks: Vec<Chunk>,
    /// Units carved from the last chunk.
    carved: usize,
    /// Free slots by their units.
    free: Vec<Vec<NonZeroU32>>,
    free_units: usize,
}

impl Arena {
    /// Bytes carved so far, whether in use or free.
    pub(crate) fn carved_bytes(&self) -> usize {
        let full = self.chunks.len().saturating_sub(1) * CHUNK_BYTES;
        full + self.carved * UNIT_BYTES
    }

    /// Bytes in free slots.
    pub(crate) fn free_bytes(&self) -> usize {
        self.free_units * UNIT_BYTES
    }

    /// A free slot for a page of `len` bytes with at most so many units too many.
    pub(crate) fn reuse(&mut self, len: usize, waste_units: u8) -> Option<Slot> {
        let first = usize::from(units_for(len));
        let end = (first + usize::from(waste_units) + 1).min(self.free.len());
        for class in first..end {
            if let Some(first) = self.free[class].pop() {
                self.free_units -= class;
                return Some(Slot { first, units: class as u8 });
            }
        }
        None
    }

    /// A slot of memory never used before.
    pub(crate) fn carve(&mut self, len: usize) -> Slot {
        let units = units_for(len);
        if self.chunks.is_empty() || self.carved + usize::from(units) > CHUNK_UNITS {
            let is_first = self.chunks.is_empty();
            if !is_first {
                self.free_rest();
            }
            self.chunks.push(Chunk::new(is_first));
            // Number 0 stays unused, so that a slot and none fit one word.
            self.carved = usize::from(is_first);
        }
        let first = self.number(self.carved);
        self.carved += usize::from(units);
        Slot { first, units }
    }

    fn number(&self, unit: usize) -> NonZeroU32 {
        let number = (self.chunks.len() - 1) * CHUNK_UNITS + unit;
        u32::try_from(number).ok().and_then(NonZeroU32::new).expect("a cache is smaller than 128 GiB")
    }

    /// What is left of the last chunk becomes a free slot.
    fn free_rest(&mut self) {
        let rest = CHUNK_UNITS - self.carved;
        if rest > 0 {
            let first = self.number(self.carved);
            self.free(Slot { first, units: rest as u8 });
            self.carved = CHUNK_UNITS;
        }
    }

    /// Whether a page of `len` bytes may lie in this slot without wasting much of it.
    pub(crate) fn fits(slot: Slot, len: usize) -> bool {
        const WASTE_UNITS_MAX: u8 = 3;
        let units = units_for(len);
        slot.units >= units && slot.units - units <= WASTE_UNITS_MAX
    }

    /// Takes a slot back.
    pub(crate) fn free(&mut self, slot: Slot) {
        let class = usize::from(slot.units);
        if self.free.len() <= class {
            self.free.resize_with(class + 1, Vec::new);
        }
        self.free_units += class;
        self.free[class].push(slot.first);
    }

    #[inline]
    fn address(&self, slot: Slot) -> *const u8 {
        let unit = slot.first.get() as usize;
        let chunk: *const u8 = self.chunks[unit / CHUNK_UNITS].0.as_ptr().cast();
        // SAFETY: slots end within their chunk.
        unsafe { chunk.add(unit % CHUNK_UNITS * UNIT_BYTES) }
    }

    /// Copies a page into a slot that is large enough.
    pub(crate) fn write(&mut self, slot: Slot, page: &[u8]) {
        assert!(units_for(page.len()) <= slot.units, "the slot is large enough");
        let len = page.len() as u16;
        let unit = slot.first.get() as usize;
        let chunk: *mut u8 = self.chunks[unit / CHUNK_UNITS].0.as_mut_ptr().cast();
        // SAFETY: the slot lies in the chunk and has room for length and page; `&mut self` means that nobody reads it.
        unsafe {
            let start = chunk.add(unit % CHUNK_UNITS * UNIT_BYTES);
            start.cast::<[u8; 2]>().write(len.to_ne_bytes());
            std::ptr::copy_nonoverlapping(page.as_ptr(), start.add(PAGE_AT), page.len());
        }
    }

    /// The page last written to a slot.
    #[inline]
    pub(crate) fn page(&self, slot: Slot) -> &[u8] {
        let start = self.address(slot);
        // SAFETY: a slot is written, length and page, before anybody learns of it, and not while it is borrowed.
        unsafe {
            let len = u16::from_ne_bytes(start.cast::<[u8; 2]>().read());
            std::slice::from_raw_parts(start.add(PAGE_AT), usize::from(len))
        }
    }

    /// Starts to bring a slot near.
    #[inline]
    pub(crate) fn prefetch(&self, slot: Slot) {
        crate::prefetch::prefetch(self.address(slot), usize::from(slot.units) * UNIT_BYTES);
    }
}

const _: () = {
    assert!(HEADER_BYTES + size_of::<u16>() <= UNIT_BYTES, "length and header share the first unit");
    assert!(crate::page::PAGE_BYTES_MAX + PAGE_AT <= u8::MAX as usize * UNIT_BYTES, "units fit a byte");
};

#[cfg(test)]
mod tests {
    use super::*;

    fn page(hashes: usize, fill: u8) -> Vec<u8> {
        vec![fill; HEADER_BYTES + UNIT_BYTES * hashes]
    }

    #[test]
    fn slots_do_not_overlap_and_are_reused() {
        let mut arena = Arena::default();
        let mut slots = Vec::new();
        // More than one chunk, in all sizes.
        for number in 0..40_000usize {
            let page = page(2 + number % 29, number as u8);
            let slot = arena.carve(page.len());
            arena.write(slot, &page);
            slots.push((slot, page));
        }
        assert!(arena.chunks.len() > 2);
        for (slot, page) in &slots {
            assert_eq!(arena.page(*slot), page);
            let hashes = arena.page(*slot)[HEADER_BYTES..].as_ptr() as usize;
            assert_eq!(hashes % UNIT_BYTES, 0, "hashes are aligned");
        }
        let carved = arena.carved_bytes();
        for (slot, _) in &slots {
            arena.free(*slot);
        }
        for (_, page) in &slots {
            let slot = arena.reuse(page.len(), 0).expect("as many as were freed");
            assert!(Arena::fits(slot, page.len()));
            arena.write(slot, page);
        }
        assert_eq!(arena.carved_bytes(), carved);
    }

    #[test]
    fn larger_slots_serve_when_allowed() {
        let mut arena = Arena::default();
        let slot = arena.carve(page(20, 0).len());
        arena.free(slot);
        assert_eq!(arena.reuse(page(2, 0).len(), 17), None);
        assert_eq!(arena.reuse(page(21, 0).len(), u8::MAX), None);
        assert_eq!(arena.reuse(page(2, 0).len(), 18), Some(slot));
        assert_eq!(arena.reuse(page(2, 0).len(), u8::MAX), None);
    }
}
