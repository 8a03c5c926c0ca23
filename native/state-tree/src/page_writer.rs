//! Making the bytes of a page.

use std::sync::Arc;

use crate::{
    H4,
    page::{BOTTOM, FORMAT, LeafRecord, NUMBERS, PageView},
};

/// Bitmaps of the nodes below each node of a page, in the same page.
static BELOW: [u64; NUMBERS as usize] = {
    let mut table = [0u64; NUMBERS as usize];
    let mut number = BOTTOM as usize - 1;
    while number > 0 {
        table[number] = 0b11 << (2 * number) | table[2 * number] | table[2 * number + 1];
        number -= 1;
    }
    table
};

/// Limit of the spare pages of one writer: some passes of ordinary size.
const SPARE_BYTES_MAX: usize = 4 << 20;

/// Former pages that nobody needs any more, by length: their memory is near and of just the right size.
#[derive(Default)]
struct SparePages {
    /// By the length in units of [`SparePages::STEP_BYTES`].
    by_length: Vec<Vec<Arc<[u8]>>>,
    bytes: usize,
}

impl SparePages {
    /// Lengths of pages differ by multiples of this.
    const STEP_BYTES: usize = 32;

    fn add(&mut self, page: Arc<[u8]>) {
        let class = page.len() / Self::STEP_BYTES;
        if self.bytes + page.len() > SPARE_BYTES_MAX {
            return;
        }
        if self.by_length.len() <= class {
            self.by_length.resize_with(class + 1, Vec::new);
        }
        self.bytes += page.len();
        self.by_length[class].push(page);
    }

    /// A page with these bytes, in spare memory if there is some.
    fn page(&mut self, bytes: &[u8]) -> Arc<[u8]> {
        let spare = self.by_length.get_mut(bytes.len() / Self::STEP_BYTES).and_then(Vec::pop);
        if let Some(mut page) = spare {
            self.bytes -= page.len();
            if let Some(content) = Arc::get_mut(&mut page).filter(|content| content.len() == bytes.len()) {
                content.copy_from_slice(bytes);
                return page;
            }
        }
        Arc::from(bytes)
    }
}

/// Collects the nodes of one page in any order and then writes them.
pub(crate) struct PageWriter {
    inner: u64,
    leaf: u64,
    /// Nodes that are taken from the page's former content.
    kept: u64,
    hashes: [H4; NUMBERS as usize],
    leaves: [LeafRecord; NUMBERS as usize],
    bytes: Vec<u8>,
    spares: SparePages,
}

impl Default for PageWriter {
    fn default() -> Self {
        Self {
            inner: 0,
            leaf: 0,
            kept: 0,
            hashes: [H4::ZERO; NUMBERS as usize],
            leaves: [LeafRecord::default(); NUMBERS as usize],
            bytes: Vec::new(),
            spares: SparePages::default(),
        }
    }
}

impl PageWriter {
    /// Sets a node to an inner one.
    #[inline]
    pub(crate) fn put_inner(&mut self, number: u32, hash: H4) {
        self.inner |= 1 << number;
        self.hashes[number as usize] = hash;
    }

    /// Sets a node to a leaf.
    #[inline]
    pub(crate) fn put_leaf(&mut self, number: u32, hash: H4, leaf: LeafRecord) {
        self.leaf |= 1 << number;
        self.hashes[number as usize] = hash;
        self.leaves[number as usize] = leaf;
    }

    /// Keeps what is below an inner node in the page's former content.
    #[inline]
    pub(crate) fn keep_below(&mut self, former: &PageView<'_>, number: u32) {
        let below = BELOW[number as usize];
        self.inner |= former.inner() & below;
        self.leaf |= former.leaf_bitmap() & below;
        self.kept |= (former.inner() | former.leaf_bitmap()) & below;
    }

    /// The page's bytes; the writer is empty afterwards. `former` is the content that nodes were kept from.
    pub(crate) fn finish(&mut self, former: Option<&PageView<'_>>) -> Arc<[u8]> {
        let Self { inner, leaf, kept, hashes, leaves, bytes, spares } = self;
        bytes.clear();
        bytes.push(FORMAT);
        bytes.extend_from_slice(&inner.to_le_bytes());
        bytes.extend_from_slice(&leaf.to_le_bytes());
        let kept_in = |number: u32| former.filter(|_| *kept >> number & 1 == 1);
        for number in numbers(*inner | *leaf) {
            match kept_in(number) {
                Some(former) => bytes.extend_from_slice(former.hash_bytes(number)),
                None => extend_words(bytes, &hashes[number as usize].0),
            }
        }
        for number in numbers(*leaf) {
            if let Some(former) = kept_in(number) {
                bytes.extend_from_slice(former.leaf_bytes(number));
            } else {
                let leaf = &leaves[number as usize];
                extend_words(bytes, &leaf.path.0);
                extend_words(bytes, &leaf.value_hash.0);
            }
        }
        (*inner, *leaf, *kept) = (0, 0, 0);
        spares.page(bytes)
    }

    /// Takes a page whose memory may be used again once nobody else holds it.
    pub(crate) fn recycle(&mut self, page: Arc<[u8]>) {
        self.spares.add(page);
    }
}

#[inline]
fn extend_words(bytes: &mut Vec<u8>, words: &[u64; 4]) {
    let mut chunk = [0u8; 32];
    for (part, word) in chunk.chunks_exact_mut(8).zip(words) {
        part.copy_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(&chunk);
}

/// The set bits of a bitmap.
#[inline]
fn numbers(mut bitmap: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let number = bitmap.trailing_zeros();
        bitmap &= bitmap.checked_sub(1)?;
        Some(number)
    })
}
