//! The hash of a byte string.
//!
//! The string is padded with 0x01, zeros up to a multiple of 56 bytes, and 0x80 in the last byte. Each 56 bytes are
//! eight elements of 7 bytes, little endian; the blocks are chained through the capacity.

use super::{CAPACITY_ZERO, hash, hash_each};
use crate::H4;

const ELEMENT_BYTES: usize = 7;
const BLOCK_BYTES: usize = 8 * ELEMENT_BYTES;

/// Number of permutations the linear hash of `len` bytes takes.
fn block_count(len: usize) -> usize {
    (len + 1).div_ceil(BLOCK_BYTES)
}

/// Block `index` of the padded string.
fn block(bytes: &[u8], index: usize) -> [u64; 8] {
    let mut padded = [0u8; BLOCK_BYTES];
    let rest = &bytes[(index * BLOCK_BYTES).min(bytes.len())..];
    let taken = rest.len().min(BLOCK_BYTES);
    padded[..taken].copy_from_slice(&rest[..taken]);
    if taken < BLOCK_BYTES {
        // The string ends in this block: a block is never begun without room for the padding's first byte.
        padded[taken] = 0x01;
        padded[BLOCK_BYTES - 1] |= 0x80;
    }
    std::array::from_fn(|element| {
        let mut limb = [0u8; 8];
        limb[..ELEMENT_BYTES].copy_from_slice(&padded[element * ELEMENT_BYTES..][..ELEMENT_BYTES]);
        u64::from_le_bytes(limb)
    })
}

/// The linear hash of a byte string: the code hash of a contract, the value of a log leaf.
pub fn linear_hash(bytes: &[u8]) -> H4 {
    (0..block_count(bytes.len())).fold(H4(CAPACITY_ZERO), |capacity, index| hash(&block(bytes, index), &capacity.0))
}

/// The linear hashes of several byte strings: their chains advance side by side in the lanes.
pub fn linear_hash_many(strings: &[&[u8]]) -> Vec<H4> {
    let mut chains = vec![H4(CAPACITY_ZERO); strings.len()];
    let mut active: Vec<usize> = (0..strings.len()).collect();
    // The longest first: the strings that still have a block at any step are then a prefix.
    active.sort_unstable_by_key(|&string| std::cmp::Reverse(strings[string].len()));
    let mut step = 0;
    loop {
        let running = active.partition_point(|&string| block_count(strings[string].len()) > step);
        if running == 0 {
            return chains;
        }
        let inputs: Vec<[u64; 12]> = active[..running]
            .iter()
            .map(|&string| super::join(&block(strings[string], step), chains[string].0))
            .collect();
        hash_each(running, |index| inputs[index], |index, hash| chains[active[index]] = hash);
        step += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_string() {
        let expected = "0x3baed9289a384f6c1c05d92b56c801c2d2e2a7050d6c16538b814fa186835c79";
        assert_eq!(linear_hash(&[]).to_b256().to_string(), expected);
    }

    #[test]
    fn many_is_one_by_one() {
        let lengths = [0usize, 1, 54, 55, 56, 57, 111, 112, 1000, 7, 56, 24_576];
        let strings: Vec<Vec<u8>> =
            lengths.iter().map(|&len| (0..len).map(|i| (i * 31 + len) as u8).collect()).collect();
        let views: Vec<&[u8]> = strings.iter().map(Vec::as_slice).collect();
        let one_by_one: Vec<H4> = views.iter().map(|bytes| linear_hash(bytes)).collect();
        assert_eq!(linear_hash_many(&views), one_by_one);
        assert_eq!(block_count(24_576), 439);
    }
}
