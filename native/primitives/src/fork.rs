//! The rules of each fork as one value: a batch is executed under a [`ForkSpec`], never under
//! scattered comparisons of fork numbers.

use crate::{BLOCK_GAS_LIMIT, Limits, TX_GAS_LIMIT};
use core::fmt;

/// A supported fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ForkId {
    /// Fork 7, Etrog.
    Etrog = 7,
    /// Fork 8, Elderberry.
    Elderberry = 8,
    /// Fork 9, Elderberry 2.
    Elderberry2 = 9,
    /// Fork 10.
    Fork10 = 10,
    /// Fork 11.
    Fork11 = 11,
    /// Fork 12, Banana.
    Banana = 12,
    /// Fork 13, Durian.
    Durian = 13,
}

/// The number does not name a supported fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFork(pub u64);

impl fmt::Display for UnknownFork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fork {} is not supported (7 to 13 are)", self.0)
    }
}

impl core::error::Error for UnknownFork {}

impl ForkId {
    /// Every supported fork, oldest first.
    pub const ALL: [Self; 7] =
        [Self::Etrog, Self::Elderberry, Self::Elderberry2, Self::Fork10, Self::Fork11, Self::Banana, Self::Durian];

    /// The fork's number.
    pub const fn number(self) -> u64 {
        self as u64
    }
}

impl TryFrom<u64> for ForkId {
    type Error = UnknownFork;
    fn try_from(number: u64) -> Result<Self, UnknownFork> {
        Self::ALL.into_iter().find(|fork| fork.number() == number).ok_or(UnknownFork(number))
    }
}

/// The table of virtual counter costs. The numbers changed under the same fork number, so a profile
/// is named on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CostProfile {
    /// The costs that made the fork 9 vectors; only for checking those.
    E9 = 0,
    /// The costs of a running chain up to fork 12.
    B12 = 1,
    /// The costs of a running chain from fork 13.
    D13 = 2,
}

impl CostProfile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::E9, Self::B12, Self::D13];

    /// The name of the profile.
    pub const fn name(self) -> &'static str {
        match self {
            Self::E9 => "E9",
            Self::B12 => "B12",
            Self::D13 => "D13",
        }
    }
}

/// Where the limits of a batch come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitTable {
    /// What the ROM of the fork accepts.
    Rom,
    /// What cdk-erigon accepts at the fork.
    CdkErigon,
    /// The defaults of zkevm-node: 95 percent of the fork 9 ROM.
    ZkevmNode,
}

impl LimitTable {
    /// The limits at `fork`.
    pub const fn limits(self, fork: ForkId) -> Limits {
        use ForkId::{Banana, Durian, Elderberry, Elderberry2, Etrog, Fork10, Fork11};
        Limits::from_array(match (self, fork) {
            (Self::Rom, Etrog | Elderberry | Elderberry2) => {
                [7_968_988, 249_037, 498_074, 249_037, 2_258, 142_307, 265_639, 1_769]
            }
            (Self::Rom, Fork10) => [16_357_591, 511_181, 1_022_362, 511_181, 4_634, 292_104, 545_259, 3_631],
            (Self::Rom, Fork11 | Banana | Durian) => {
                [33_134_805, 1_035_469, 2_070_938, 1_035_469, 9_386, 591_697, 1_104_500, 7_362]
            }
            (Self::CdkErigon, Etrog | Elderberry | Elderberry2) => {
                [7_969_178, 249_037, 498_074, 249_037, 2_258, 142_307, 257_070, 1_769]
            }
            (Self::CdkErigon, Fork10) => [16_357_591, 511_174, 1_022_349, 511_174, 4_634, 292_100, 527_665, 3_631],
            (Self::CdkErigon, Fork11) => {
                [33_134_805, 1_035_462, 2_070_925, 1_035_462, 9_386, 591_693, 1_068_865, 7_362]
            }
            (Self::CdkErigon, Banana | Durian) => {
                [31_876_521, 996_141, 1_992_283, 996_141, 9_029, 569_223, 1_028_275, 7_083]
            }
            (Self::ZkevmNode, _) => [7_570_538, 236_585, 473_170, 236_585, 2_145, 135_191, 252_357, 1_596],
        })
    }
}

/// How the preimage of the L2 transaction hash writes a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum L2HashForm {
    /// Fixed widths, with type, recipient flag, data length and chain id: every released fork.
    FixedWidth,
    /// Shortest integers (zero is one byte) and nothing in between: the draft of fork 7.
    Shortest,
}

/// Everything in which the forks differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each rule is on or off on its own")]
pub struct ForkSpec {
    /// The fork.
    pub fork: ForkId,
    /// The table of counter costs.
    pub profile: CostProfile,
    /// What a batch may use of each counter.
    pub limits: Limits,
    /// The gas limit GASLIMIT returns and the block info tree records.
    pub block_gas_limit: u64,
    /// The highest gas limit of a transaction.
    pub tx_gas_limit: u64,
    /// Precompile 0x05 works.
    pub modexp: bool,
    /// Precompile 0x0100 works.
    pub p256_verify: bool,
    /// A transaction straight to an unsupported precompile has status 1 (fork 7).
    pub unsupported_precompile_succeeds: bool,
    /// A call to code that ends with a bare PUSH1 is refused (up to fork 9).
    pub refuse_bare_push: bool,
    /// The address of a failed creation stays warm, as in Ethereum (from fork 12).
    pub created_address_stays_warm: bool,
    /// An index whose L1 data are all zero makes the batch invalid (from fork 9).
    pub zero_l1_leaf_is_invalid: bool,
    /// What the L2 transaction hash is taken of.
    pub l2_hash_form: L2HashForm,
}

impl ForkSpec {
    /// The rules of a running chain at `fork`: B12 or D13 costs against the ROM's limits.
    pub const fn new(fork: ForkId) -> Self {
        let number = fork.number();
        Self {
            fork,
            profile: if number >= 13 { CostProfile::D13 } else { CostProfile::B12 },
            limits: LimitTable::Rom.limits(fork),
            block_gas_limit: if number <= 7 { u64::MAX } else { BLOCK_GAS_LIMIT },
            tx_gas_limit: TX_GAS_LIMIT,
            modexp: number <= 7 || number >= 13,
            p256_verify: number >= 13,
            unsupported_precompile_succeeds: number <= 7,
            refuse_bare_push: number <= 9,
            created_address_stays_warm: number >= 12,
            zero_l1_leaf_is_invalid: number >= 9,
            l2_hash_form: L2HashForm::FixedWidth,
        }
    }

    /// Fork 7 as it was before its release. The public performance vectors were made with it: measured against them, it differs from
    /// the release in the block gas limit and in the L2 transaction hash.
    pub const fn etrog_draft() -> Self {
        let mut spec = Self::new(ForkId::Etrog);
        spec.block_gas_limit = u32::MAX as u64;
        spec.l2_hash_form = L2HashForm::Shortest;
        spec
    }

    /// The same rules with another table of counter costs.
    #[must_use]
    pub const fn with_profile(mut self, profile: CostProfile) -> Self {
        self.profile = profile;
        self
    }

    /// The same rules with other limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same rules with another highest gas limit of a transaction.
    #[must_use]
    pub const fn with_tx_gas_limit(mut self, tx_gas_limit: u64) -> Self {
        self.tx_gas_limit = tx_gas_limit;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Counters;

    #[test]
    fn fork_numbers_round_trip() {
        for fork in ForkId::ALL {
            assert_eq!(ForkId::try_from(fork.number()), Ok(fork));
        }
        assert_eq!(ForkId::try_from(6), Err(UnknownFork(6)));
        assert_eq!(ForkId::try_from(14), Err(UnknownFork(14)));
    }

    #[test]
    fn node_defaults_are_95_percent_of_the_rom_except_sha256() {
        let rom = LimitTable::Rom.limits(ForkId::Elderberry2).percent(95);
        let node = LimitTable::ZkevmNode.limits(ForkId::Elderberry2);
        assert_eq!(Counters { sha256: 0, ..rom }, Counters { sha256: 0, ..node });
    }

    #[test]
    fn rules_change_at_the_named_forks() {
        let at = |n: u64| ForkSpec::new(ForkId::try_from(n).expect("supported"));
        assert_eq!(at(7).block_gas_limit, u64::MAX);
        assert_eq!(at(8).block_gas_limit, 1 << 50);
        let modexp: Vec<u64> = (7..=13).filter(|&n| at(n).modexp).collect();
        assert_eq!(modexp, [7, 13]);
        assert!(at(9).refuse_bare_push && !at(10).refuse_bare_push);
        assert!(!at(11).created_address_stays_warm && at(12).created_address_stays_warm);
        assert_eq!((at(12).profile, at(13).profile), (CostProfile::B12, CostProfile::D13));
        assert!(!at(8).zero_l1_leaf_is_invalid && at(9).zero_l1_leaf_is_invalid);
    }
}
