//! Making the bytes of a page.

use crate::{
    H4,
    page::{BOTTOM, LeafRecord, NUMBERS, PageView, header},
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

/// Collects the nodes of one page in any order and then writes them.
pub(crate) struct PageWriter {
    inner: u64,
    leaf: u64,
    /// Nodes that are taken from the page's former content.
    kept: u64,
    hashes: [H4; NUMBERS as usize],
    leaves: [LeafRecord; NUMBERS as usize],
}

impl Default for PageWriter {
    fn default() -> Self {
        Self {
            inner: 0,
            leaf: 0,
            kept: 0,
            hashes: [H4::ZERO; NUMBERS as usize],
            leaves: [LeafRecord::default(); NUMBERS as usize],
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

    /// Appends the page to `bytes`; the writer is empty afterwards. `former` is the content that nodes were kept from.
    pub(crate) fn finish(&mut self, former: Option<&PageView<'_>>, bytes: &mut Vec<u8>) {
        let Self { inner, leaf, kept, hashes, leaves } = self;
        bytes.extend_from_slice(&header(*inner, *leaf));
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
