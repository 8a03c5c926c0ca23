//! Flat layouts that cross the N-API boundary: the twin of `src/native/layouts.ts`. Little-endian, fixed width.

use alloy_primitives::U256;
use zkevm_primitives::{COUNTER_COUNT, Counters};

use crate::error::EngineError;

/// Version word at the head of every packed list.
pub const VERSION: u16 = 1;
/// u16 version, u16 zero, u32 count.
pub const LIST_HEADER_BYTES: usize = 8;
/// Bytes of a row that `admit` answers.
pub const ADMISSION_ROW_BYTES: usize = 320;
/// Where such a row has the transaction's hash.
pub const ADMISSION_HASH_AT: usize = 160;
/// Bytes of the head of an execution answer.
pub const OUTCOME_HEADER_BYTES: usize = 16;
/// Bytes of a row of an execution answer.
pub const OUTCOME_ROW_BYTES: usize = 104;
/// Bytes of a touched account.
pub const TOUCHED_ROW_BYTES: usize = 64;
/// Eight counters, bytes, gas.
pub const RESOURCE_COUNT: usize = 10;
/// Index of the encoded bytes among the resources.
pub const RESOURCE_BYTES: usize = 8;
/// Index of the gas among the resources.
pub const RESOURCE_GAS: usize = 9;

/// The ten batch resources: eight counters, encoded bytes, gas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resources(pub [u64; RESOURCE_COUNT]);

impl Resources {
    /// From counters, bytes and gas.
    pub fn new(counters: &Counters, bytes: u64, gas: u64) -> Self {
        let mut all = [0; RESOURCE_COUNT];
        all[..COUNTER_COUNT].copy_from_slice(&counters.to_array());
        all[RESOURCE_BYTES] = bytes;
        all[RESOURCE_GAS] = gas;
        Self(all)
    }

    /// The counters alone.
    pub fn counters(&self) -> Counters {
        Counters::from_array(std::array::from_fn(|index| self.0[index]))
    }

    /// Reads ten u64.
    ///
    /// # Errors
    /// [`EngineError::InvalidArgument`] on another length.
    pub fn read(bytes: &[u8]) -> Result<Self, EngineError> {
        if bytes.len() != RESOURCE_COUNT * 8 {
            return Err(EngineError::invalid_argument(format!(
                "resources: {} bytes, want {}",
                bytes.len(),
                RESOURCE_COUNT * 8
            )));
        }
        Ok(Self(std::array::from_fn(|i| u64_at(bytes, i * 8))))
    }

    /// Ten u64.
    pub fn to_bytes(self) -> Vec<u8> {
        self.0.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    /// Adds, saturating.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = mine.saturating_add(theirs);
        }
    }

    /// Subtracts, saturating.
    pub fn subtract(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = mine.saturating_sub(theirs);
        }
    }

    /// The fit rule of node.md 3.4: `needed = used + max(high, reserved - used)` must not exceed `remaining`.
    /// Answers the first resource that does not fit.
    pub fn first_misfit(remaining: &Self, high: &Self, used: &Self, reserved: &Self) -> Option<usize> {
        (0..RESOURCE_COUNT).find(|&i| {
            let slack = high.0[i].max(reserved.0[i].saturating_sub(used.0[i]));
            used.0[i].saturating_add(slack) > remaining.0[i]
        })
    }

    /// Raises the high-reserved slack to that of one more item.
    pub fn raise_high(&mut self, used: &Self, reserved: &Self) {
        for i in 0..RESOURCE_COUNT {
            self.0[i] = self.0[i].max(reserved.0[i].saturating_sub(used.0[i]));
        }
    }
}

/// u64 at an offset; the caller has checked the length.
pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

/// Splits a packed list.
///
/// # Errors
/// [`EngineError::InvalidArgument`] on a wrong version, a truncated item or trailing bytes.
pub fn unpack_list(list: &[u8]) -> Result<Vec<&[u8]>, EngineError> {
    let bad = |what: &str| EngineError::invalid_argument(format!("packed list: {what}"));
    let (header, mut rest) = list.split_at_checked(LIST_HEADER_BYTES).ok_or_else(|| bad("no header"))?;
    if u16::from_le_bytes([header[0], header[1]]) != VERSION {
        return Err(bad("unknown version"));
    }
    let count = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
    let mut items = Vec::with_capacity(count.min(rest.len() / 4));
    for _ in 0..count {
        let (length, after) = rest.split_at_checked(4).ok_or_else(|| bad("truncated"))?;
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let (item, after) = after.split_at_checked(length).ok_or_else(|| bad("truncated"))?;
        items.push(item);
        rest = after;
    }
    if rest.is_empty() { Ok(items) } else { Err(bad("trailing bytes")) }
}

/// Packs items as a list.
pub fn pack_list<T: AsRef<[u8]>>(items: &[T]) -> Vec<u8> {
    let mut out =
        Vec::with_capacity(LIST_HEADER_BYTES + items.iter().map(|item| 4 + item.as_ref().len()).sum::<usize>());
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&(items.len() as u32).to_le_bytes());
    for item in items {
        out.extend_from_slice(&(item.as_ref().len() as u32).to_le_bytes());
        out.extend_from_slice(item.as_ref());
    }
    out
}

/// A row under construction: fixed size, zeroed, written by offset.
#[derive(Debug)]
pub struct Row<const N: usize>(pub [u8; N]);

impl<const N: usize> Row<N> {
    /// All zero.
    pub const fn new() -> Self {
        Self([0; N])
    }

    /// Bytes at an offset.
    pub fn get(&self, at: usize, length: usize) -> &[u8] {
        &self.0[at..at + length]
    }

    /// Writes bytes at an offset.
    pub fn bytes(&mut self, at: usize, value: &[u8]) {
        self.0[at..at + value.len()].copy_from_slice(value);
    }

    /// Writes a u256, little-endian.
    pub fn u256(&mut self, at: usize, value: &U256) {
        self.bytes(at, &value.to_le_bytes::<32>());
    }

    /// Writes eight counters as u32; a value beyond u32 is far over every limit and saturates.
    pub fn counters(&mut self, at: usize, counters: &Counters) {
        for (i, value) in counters.to_array().iter().enumerate() {
            self.bytes(at + 4 * i, &u32::try_from(*value).unwrap_or(u32::MAX).to_le_bytes());
        }
    }
}

impl<const N: usize> Default for Row<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_unpacks_to_what_was_packed() {
        let items: [&[u8]; 3] = [b"a", b"", b"ccc"];
        assert_eq!(unpack_list(&pack_list(&items)).unwrap(), items);
    }

    #[test]
    fn broken_lists_are_refused() {
        let list = pack_list(&[b"abc"]);
        for end in 0..list.len() {
            assert!(unpack_list(&list[..end]).is_err(), "cut at {end}");
        }
        let mut longer = list.clone();
        longer.push(0);
        assert!(unpack_list(&longer).is_err());
        let mut huge = list;
        huge[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(unpack_list(&huge).is_err());
    }

    #[test]
    fn the_fit_rule_keeps_the_highest_slack_free() {
        let of = |steps: u64| Resources([steps, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Resources::first_misfit(&of(100), &of(0), &of(60), &of(100)), None);
        assert_eq!(Resources::first_misfit(&of(100), &of(0), &of(60), &of(101)), Some(0));
        assert_eq!(Resources::first_misfit(&of(100), &of(41), &of(60), &of(60)), Some(0));
    }
}
