//! The eight trace counters of the prover and sums of them.

use core::fmt;
use core::ops::{Add, AddAssign, Index, IndexMut, Mul};

/// Number of counters.
pub const COUNTER_COUNT: usize = 8;

/// One counter of the prover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Counter {
    /// Rows of the main machine.
    Steps,
    /// Arithmetic operations.
    Arith,
    /// Binary operations.
    Binary,
    /// Unaligned memory accesses.
    MemAlign,
    /// keccak-f permutations.
    Keccaks,
    /// Poseidon padding blocks (paddingPG).
    Padding,
    /// Poseidon permutations (poseidonG).
    Poseidon,
    /// sha256-f permutations.
    Sha256,
}

impl Counter {
    /// Every counter, in the order of [`Counters::to_array`].
    pub const ALL: [Self; COUNTER_COUNT] = [
        Self::Steps,
        Self::Arith,
        Self::Binary,
        Self::MemAlign,
        Self::Keccaks,
        Self::Padding,
        Self::Poseidon,
        Self::Sha256,
    ];

    /// The name the vectors use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Arith => "arith",
            Self::Binary => "binary",
            Self::MemAlign => "memAlign",
            Self::Keccaks => "keccaks",
            Self::Padding => "padding",
            Self::Poseidon => "poseidon",
            Self::Sha256 => "sha256",
        }
    }
}

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An amount of every counter. All arithmetic saturates: a sum that does not fit in 64 bits is over
/// every limit anyway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counters {
    /// Rows of the main machine.
    pub steps: u64,
    /// Arithmetic operations.
    pub arith: u64,
    /// Binary operations.
    pub binary: u64,
    /// Unaligned memory accesses.
    pub mem_align: u64,
    /// keccak-f permutations.
    pub keccaks: u64,
    /// Poseidon padding blocks.
    pub padding: u64,
    /// Poseidon permutations.
    pub poseidon: u64,
    /// sha256-f permutations.
    pub sha256: u64,
}

/// The highest amount of every counter that still fits.
pub type Limits = Counters;

impl Counters {
    /// Nothing used.
    pub const ZERO: Self = Self::from_array([0; COUNTER_COUNT]);
    /// No limit at all.
    pub const MAX: Self = Self::from_array([u64::MAX; COUNTER_COUNT]);

    /// From the order steps, arith, binary, memAlign, keccaks, padding, poseidon, sha256.
    #[must_use]
    pub const fn from_array(values: [u64; COUNTER_COUNT]) -> Self {
        let [steps, arith, binary, mem_align, keccaks, padding, poseidon, sha256] = values;
        Self { steps, arith, binary, mem_align, keccaks, padding, poseidon, sha256 }
    }

    /// In the order steps, arith, binary, memAlign, keccaks, padding, poseidon, sha256.
    #[must_use]
    pub const fn to_array(self) -> [u64; COUNTER_COUNT] {
        [self.steps, self.arith, self.binary, self.mem_align, self.keccaks, self.padding, self.poseidon, self.sha256]
    }

    fn zip(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        let (a, b) = (self.to_array(), other.to_array());
        Self::from_array(core::array::from_fn(|i| f(a[i], b[i])))
    }

    /// The first counter of which `self` uses more than `limits` has, if any.
    #[must_use]
    pub fn first_exceeded(&self, limits: &Limits) -> Option<Counter> {
        let (used, limit) = (self.to_array(), limits.to_array());
        Counter::ALL.into_iter().find(|&c| used[c as usize] > limit[c as usize])
    }

    /// Whether every counter is within `limits`.
    #[must_use]
    pub fn fits(&self, limits: &Limits) -> bool {
        self.first_exceeded(limits).is_none()
    }

    /// What is left of `self` after `used`, or the first counter that does not suffice.
    ///
    /// # Errors
    /// Names the first counter of which `used` has more than `self`.
    pub fn checked_sub(self, used: &Self) -> Result<Self, Counter> {
        match used.first_exceeded(&self) {
            Some(counter) => Err(counter),
            None => Ok(self.zip(*used, |a, b| a - b)),
        }
    }

    /// What is left of `self` after `used`, at least zero.
    #[must_use]
    pub fn saturating_sub(self, used: &Self) -> Self {
        self.zip(*used, u64::saturating_sub)
    }

    /// The greater amount of each counter.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        self.zip(other, u64::max)
    }

    /// The smaller amount of each counter.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        self.zip(other, u64::min)
    }

    /// `percent` hundredths of each counter, rounded down.
    #[must_use]
    pub fn percent(self, percent: u64) -> Self {
        self.zip(Self::ZERO, |a, _| u64::try_from(u128::from(a) * u128::from(percent) / 100).unwrap_or(u64::MAX))
    }
}

impl Add for Counters {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.zip(other, u64::saturating_add)
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Mul<u64> for Counters {
    type Output = Self;
    fn mul(self, times: u64) -> Self {
        self.zip(Self::ZERO, |a, _| a.saturating_mul(times))
    }
}

impl core::iter::Sum for Counters {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl Index<Counter> for Counters {
    type Output = u64;
    fn index(&self, counter: Counter) -> &u64 {
        match counter {
            Counter::Steps => &self.steps,
            Counter::Arith => &self.arith,
            Counter::Binary => &self.binary,
            Counter::MemAlign => &self.mem_align,
            Counter::Keccaks => &self.keccaks,
            Counter::Padding => &self.padding,
            Counter::Poseidon => &self.poseidon,
            Counter::Sha256 => &self.sha256,
        }
    }
}

impl IndexMut<Counter> for Counters {
    fn index_mut(&mut self, counter: Counter) -> &mut u64 {
        match counter {
            Counter::Steps => &mut self.steps,
            Counter::Arith => &mut self.arith,
            Counter::Binary => &mut self.binary,
            Counter::MemAlign => &mut self.mem_align,
            Counter::Keccaks => &mut self.keccaks,
            Counter::Padding => &mut self.padding,
            Counter::Poseidon => &mut self.poseidon,
            Counter::Sha256 => &mut self.sha256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Counters {
        Counters::from_array([1, 2, 3, 4, 5, 6, 7, 8])
    }

    #[test]
    fn names_and_indices_agree_with_the_order() {
        for (i, counter) in Counter::ALL.into_iter().enumerate() {
            assert_eq!(ramp()[counter], i as u64 + 1, "{counter}");
            let mut changed = ramp();
            changed[counter] += 1;
            assert_eq!(changed.first_exceeded(&ramp()), Some(counter));
        }
    }

    #[test]
    fn exactly_the_limit_fits() {
        assert!(ramp().fits(&ramp()));
        assert_eq!(ramp().checked_sub(&ramp()), Ok(Counters::ZERO));
        let less = Counters { padding: 5, ..ramp() };
        assert_eq!(less.checked_sub(&ramp()), Err(Counter::Padding));
    }

    #[test]
    fn sums_saturate() {
        assert_eq!(Counters::MAX + ramp(), Counters::MAX);
        assert_eq!(Counters::MAX * 3, Counters::MAX);
        assert_eq!(ramp() * 2, ramp() + ramp());
    }
}
