//! Pages: several levels of the tree in one record, addressed by the path of their topmost node.
//!
//! The nodes of a page are numbered as in a heap: the page's own root is 1, the children of `i` are `2i` and `2i + 1`.
//! For each node but the root the page says whether there is nothing, a leaf or an inner node, and its hash; a leaf also
//! has its path and the hash of its value. An inner node in the bottom row is the root of another page. The root's hash
//! is kept above: in the parent page or, for the tree, by the caller. Only the page of a tree that is one leaf uses
//! number 1: the leaf is there.
//!
//! Layout, little endian: format (1 byte), bitmap of inner nodes (8), bitmap of leaves (8), the hashes in the order of
//! the numbers (32 each), path and value hash of the leaves in the same order (64 each).

use crate::{
    H4,
    path::{LEVELS, Path},
};

/// Levels of the tree in one page: four by measurement, see `docs/design/`.
pub const PAGE_LEVELS: u32 = 4;

/// First number of the bottom row.
pub(crate) const BOTTOM: u32 = 1 << PAGE_LEVELS;
/// One past the last number.
pub(crate) const NUMBERS: u32 = 2 << PAGE_LEVELS;
/// First byte of a page: the format's version in the upper half, the number of levels in the lower.
pub(crate) const FORMAT: u8 = 0x10 | PAGE_LEVELS as u8;

/// Format and bitmaps.
pub(crate) const HEADER_BYTES: usize = 17;
const HASH_BYTES: usize = 32;
const LEAF_BYTES: usize = 64;
/// All nodes there, all of the bottom row leaves.
pub(crate) const PAGE_BYTES_MAX: usize =
    HEADER_BYTES + HASH_BYTES * (NUMBERS as usize - 2) + LEAF_BYTES * BOTTOM as usize;

const _: () = assert!(PAGE_LEVELS >= 1 && PAGE_LEVELS <= 5, "the bitmaps have 64 bits");

/// The place of a page: depth and path of its root.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PageKey {
    depth: u32,
    /// Zero below `depth`.
    prefix: Path,
}

/// The bytes of a [`PageKey`]: depth, then as many bytes of the path as the depth touches.
///
/// Pages of one depth are neighbours, so the few upper ones share blocks; within a depth they lie in path order.
#[derive(Clone, Copy, Debug)]
pub struct PageKeyBytes {
    bytes: [u8; 33],
    len: u8,
}

impl std::ops::Deref for PageKeyBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl AsRef<[u8]> for PageKeyBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl PageKey {
    /// The page on a path whose root is at `depth`.
    #[inline]
    pub(crate) fn new(path: &Path, depth: u32) -> Self {
        Self { depth, prefix: path.truncated(depth) }
    }

    /// Depth of the page's root.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    pub(crate) fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// The key as one word, its low byte the depth, when the path fits above.
    #[inline]
    pub(crate) fn word(&self) -> Option<u64> {
        (self.depth <= 56).then(|| self.prefix.0[0] | u64::from(self.depth))
    }

    /// The path of this page's node `number`.
    pub(crate) fn path_of(&self, number: u32) -> Path {
        let levels = number.ilog2();
        let mut path = self.prefix;
        for level in 0..levels {
            let at = self.depth + level;
            let bit = u64::from(number >> (levels - 1 - level) & 1);
            path.0[(at / 64) as usize] |= bit << (63 - at % 64);
        }
        path
    }

    /// The page whose root is this page's bottom node `number`.
    pub(crate) fn below(&self, number: u32) -> Self {
        debug_assert!((BOTTOM..NUMBERS).contains(&number));
        Self { depth: self.depth + PAGE_LEVELS, prefix: self.path_of(number) }
    }

    /// The key's bytes.
    pub fn bytes(&self) -> PageKeyBytes {
        let mut bytes = [0u8; 33];
        bytes[0] = self.depth as u8;
        for (chunk, word) in bytes[1..].chunks_exact_mut(8).zip(self.prefix.0) {
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        PageKeyBytes { bytes, len: 1 + self.depth.div_ceil(8) as u8 }
    }
}

/// What a page has at a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Empty,
    Leaf,
    Inner,
}

/// Path and value hash of a leaf.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct LeafRecord {
    pub(crate) path: Path,
    pub(crate) value_hash: H4,
}

/// A page read in place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageView<'a> {
    inner: u64,
    leaf: u64,
    hashes: &'a [u8],
    leaves: &'a [u8],
}

/// Why bytes are no page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PageFault {
    /// The first byte is that of another version or another number of levels.
    #[error("format {0:#04x} is not known")]
    Format(u8),
    /// The length does not fit the bitmaps.
    #[error("the length does not fit the content")]
    Length,
    /// The bitmaps do not describe nodes of a tree.
    #[error("the nodes do not form a tree")]
    Shape,
}

#[inline]
fn word_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0u8; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

/// A header: the format and these bitmaps.
#[inline]
pub(crate) fn header(inner: u64, leaf: u64) -> [u8; HEADER_BYTES] {
    let mut header = [FORMAT; HEADER_BYTES];
    header[1..9].copy_from_slice(&inner.to_le_bytes());
    header[9..].copy_from_slice(&leaf.to_le_bytes());
    header
}

#[inline]
fn four_words_at(bytes: &[u8], at: usize) -> [u64; 4] {
    let bytes = &bytes[at..at + 32];
    std::array::from_fn(|index| word_at(bytes, 8 * index))
}

/// How many bits below `number` are set.
#[inline]
fn rank(bitmap: u64, number: u32) -> usize {
    (bitmap & ((1 << number) - 1)).count_ones() as usize
}

impl<'a> PageView<'a> {
    /// Reads a page that [`PageView::check`] has accepted or that a [`crate::page_writer::PageWriter`] made.
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let (inner, leaf) = (word_at(bytes, 1), word_at(bytes, 9));
        let hashes_end = HEADER_BYTES + HASH_BYTES * (inner | leaf).count_ones() as usize;
        Self { inner, leaf, hashes: &bytes[HEADER_BYTES..hashes_end], leaves: &bytes[hashes_end..] }
    }

    /// Reads bytes that may be anything as a page whose root is at `depth`.
    pub(crate) fn check(bytes: &'a [u8], depth: u32) -> Result<Self, PageFault> {
        match bytes.first() {
            None => return Err(PageFault::Length),
            Some(&FORMAT) => {}
            Some(&format) => return Err(PageFault::Format(format)),
        }
        if bytes.len() < HEADER_BYTES {
            return Err(PageFault::Length);
        }
        let (inner, leaf) = (word_at(bytes, 1), word_at(bytes, 9));
        let present = inner | leaf;
        let hashes = present.count_ones() as usize;
        if bytes.len() != HEADER_BYTES + HASH_BYTES * hashes + LEAF_BYTES * leaf.count_ones() as usize {
            return Err(PageFault::Length);
        }
        let is_lone_leaf = inner == 0 && leaf == 2;
        let has_parents = (2..NUMBERS).filter(|number| present >> number & 1 == 1).all(|number| {
            let parent = number / 2;
            parent == 1 || inner >> parent & 1 == 1
        });
        let has_children = (1..BOTTOM)
            .filter(|number| *number == 1 || inner >> number & 1 == 1)
            .all(|number| present >> (2 * number) & 0b11 != 0);
        // A path ends at the last level: nothing lies below it, and what lies there is no inner node.
        let rows = LEVELS.saturating_sub(depth).min(PAGE_LEVELS);
        let above = |row: u32| u64::MAX.checked_shr(u64::BITS.saturating_sub(1 << row)).unwrap_or(0);
        let has_room = depth + rows < LEVELS || inner & !above(rows) == 0;
        let in_range = present & !above(rows + 1) == 0 && has_room;
        if is_lone_leaf
            || (inner & leaf == 0 && present.trailing_zeros() >= 2 && in_range && has_parents && has_children)
        {
            Ok(Self::new(bytes))
        } else {
            Err(PageFault::Shape)
        }
    }

    #[inline]
    pub(crate) fn kind(&self, number: u32) -> Kind {
        if self.inner >> number & 1 == 1 {
            Kind::Inner
        } else if self.leaf >> number & 1 == 1 {
            Kind::Leaf
        } else {
            Kind::Empty
        }
    }

    /// Bitmap of inner nodes by number.
    #[inline]
    pub(crate) fn inner(&self) -> u64 {
        self.inner
    }

    /// Bitmap of leaves by number.
    #[inline]
    pub(crate) fn leaf_bitmap(&self) -> u64 {
        self.leaf
    }

    /// Hash of a node, as stored; it must be there.
    #[inline]
    pub(crate) fn hash_bytes(&self, number: u32) -> &'a [u8] {
        &self.hashes[HASH_BYTES * rank(self.inner | self.leaf, number)..][..HASH_BYTES]
    }

    /// The record of a leaf, as stored; it must be one.
    #[inline]
    pub(crate) fn leaf_bytes(&self, number: u32) -> &'a [u8] {
        &self.leaves[LEAF_BYTES * rank(self.leaf, number)..][..LEAF_BYTES]
    }

    /// Hash of a node; zero for the empty one.
    #[inline]
    pub(crate) fn hash(&self, number: u32) -> H4 {
        let present = self.inner | self.leaf;
        if present >> number & 1 == 0 {
            return H4::ZERO;
        }
        H4(four_words_at(self.hashes, HASH_BYTES * rank(present, number)))
    }

    /// The record of a leaf; the number must be one's.
    #[inline]
    pub(crate) fn leaf(&self, number: u32) -> LeafRecord {
        debug_assert_eq!(self.kind(number), Kind::Leaf);
        let at = LEAF_BYTES * rank(self.leaf, number);
        LeafRecord { path: Path(four_words_at(self.leaves, at)), value_hash: H4(four_words_at(self.leaves, at + 32)) }
    }
}
