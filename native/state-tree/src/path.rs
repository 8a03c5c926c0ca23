//! The path of a key: its 256 bits in the order in which the tree consumes them.
//!
//! Level i takes bit floor(i/4) of key element i mod 4. A path holds level 0 in the highest bit of its first word, so
//! that paths compare as the leaves lie in the tree, from left to right.

use crate::H4;

/// Number of levels a path has.
pub(crate) const LEVELS: u32 = 256;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(crate) struct Path(pub(crate) [u64; 4]);

/// Spreads 16 bits to every fourth bit.
#[inline]
const fn spread(x: u64) -> u64 {
    let x = x & 0xffff;
    let x = (x | (x << 24)) & 0x0000_00ff_0000_00ff;
    let x = (x | (x << 12)) & 0x000f_000f_000f_000f;
    let x = (x | (x << 6)) & 0x0303_0303_0303_0303;
    (x | (x << 3)) & 0x1111_1111_1111_1111
}

/// Gathers every fourth bit: the inverse of `spread`.
#[inline]
const fn gather(x: u64) -> u64 {
    let x = x & 0x1111_1111_1111_1111;
    let x = (x | (x >> 3)) & 0x0303_0303_0303_0303;
    let x = (x | (x >> 6)) & 0x000f_000f_000f_000f;
    let x = (x | (x >> 12)) & 0x0000_00ff_0000_00ff;
    (x | (x >> 24)) & 0xffff
}

impl Path {
    /// The path of a key.
    #[inline]
    pub(crate) fn of(key: &H4) -> Self {
        let [k0, k1, k2, k3] = key.0;
        Self(std::array::from_fn(|word| {
            let shift = 16 * word;
            let bits = spread(k0 >> shift)
                | (spread(k1 >> shift) << 1)
                | (spread(k2 >> shift) << 2)
                | (spread(k3 >> shift) << 3);
            bits.reverse_bits()
        }))
    }

    /// The key of a path.
    #[inline]
    pub(crate) fn key(&self) -> H4 {
        let words = self.0.map(u64::reverse_bits);
        H4(std::array::from_fn(|element| {
            (0..4).fold(0, |key, word| key | (gather(words[word] >> element) << (16 * word)))
        }))
    }

    /// The bit that decides at `level`.
    #[inline]
    pub(crate) fn bit(&self, level: u32) -> bool {
        debug_assert!(level < LEVELS);
        (self.0[(level / 64) as usize] >> (63 - level % 64)) & 1 == 1
    }

    /// Turns the bit that decides at `level`.
    #[inline]
    pub(crate) fn flip(&mut self, level: u32) {
        debug_assert!(level < LEVELS);
        self.0[(level / 64) as usize] ^= 1 << (63 - level % 64);
    }

    /// The path with zeros from `depth` on.
    #[inline]
    pub(crate) fn truncated(&self, depth: u32) -> Self {
        Self(std::array::from_fn(|word| {
            let kept = depth.saturating_sub(64 * word as u32);
            if kept >= 64 { self.0[word] } else { self.0[word] & !(u64::MAX >> kept) }
        }))
    }

    /// `count` bits from `level` on, which may be fewer at the end of the path.
    #[inline]
    pub(crate) fn bits(&self, level: u32, count: u32) -> u32 {
        let (word, at) = ((level / 64) as usize, level % 64);
        let next = self.0.get(word + 1).copied().unwrap_or(0);
        // Shifting in two steps, as a shift by 64 is none.
        let window = (self.0[word] << at) | (next >> 1 >> (63 - at));
        (window >> (64 - count)) as u32
    }

    /// Number of leading levels at which two paths agree.
    #[inline]
    pub(crate) fn common_levels(&self, other: &Self) -> u32 {
        for word in 0..4 {
            let difference = self.0[word] ^ other.0[word];
            if difference != 0 {
                return 64 * word as u32 + difference.leading_zeros();
            }
        }
        LEVELS
    }
}

/// What is left of a key below `depth`: each element without the bits the path has consumed.
#[inline]
pub(crate) fn remaining_key(key: &H4, depth: u32) -> H4 {
    H4(std::array::from_fn(|element| {
        let consumed = (depth + 3 - element as u32) / 4;
        key.0[element].checked_shr(consumed).unwrap_or(0)
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn levels_take_the_elements_in_turn() {
        for level in 0..LEVELS {
            let mut key = H4::ZERO;
            key.0[(level % 4) as usize] = 1 << (level / 4);
            let path = Path::of(&key);
            for other in 0..LEVELS {
                assert_eq!(path.bit(other), other == level, "bit {other} of the key for level {level}");
            }
        }
    }

    #[test]
    fn remaining_key_counts_consumed_bits_per_element() {
        let key = H4([0b1111_0000; 4]);
        assert_eq!(remaining_key(&key, 0), key);
        assert_eq!(remaining_key(&key, 6), H4([0b11_1100, 0b11_1100, 0b111_1000, 0b111_1000]));
        assert_eq!(remaining_key(&key, 256), H4::ZERO);
    }

    proptest! {
        #[test]
        fn path_and_key_are_inverse(key in any::<[u64; 4]>(), other in any::<[u64; 4]>(), cut in 0u32..256) {
            let path = Path::of(&H4(key));
            prop_assert_eq!(path.key(), H4(key));
            let other = Path::of(&H4(other));
            let common = path.common_levels(&other);
            prop_assert!((0..common).all(|level| path.bit(level) == other.bit(level)));
            prop_assert!(common == LEVELS || path.bit(common) != other.bit(common));
            let mut flipped = path;
            flipped.0[(cut / 64) as usize] ^= 1 << (63 - cut % 64);
            prop_assert_eq!(path.common_levels(&flipped), cut);
            let bits = path.bits(cut, 5);
            let expected = (cut..cut + 5).fold(0, |bits, level| 2 * bits + u32::from(level < LEVELS && path.bit(level)));
            prop_assert_eq!(bits, expected);
        }
    }
}
