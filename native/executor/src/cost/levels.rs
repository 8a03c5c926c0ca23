//! The level number: how deep the state tree is taken to be.

use super::profile_table;
use zkevm_primitives::CostProfile;

/// Room for the leaves that one transaction may add.
const LEAVES_OF_ONE_TRANSACTION: u64 = 50_000;
/// Fewest levels a transaction is charged for, before the profile's factor.
const TRANSACTION_LEVELS_MIN: u64 = 32;
/// Deepest tree.
const DEPTH_MAX: u32 = 256;

/// Level numbers at one depth of the state tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// For the batch stage.
    pub batch: u64,
    /// For everything else.
    pub tx: u64,
    /// For what is reserved: as [`Levels::tx`] of a tree one level deeper, which the tree may become
    /// before the batch is proved.
    pub tx_reserved: u64,
}

impl Levels {
    /// The level numbers for a tree whose depth measure is `depth`.
    #[must_use]
    pub fn at_depth(profile: CostProfile, depth: u32) -> Self {
        let table = profile_table(profile);
        let scale = |levels: u64| levels * table.level_numerator / table.level_denominator;
        let transaction = |depth: u32| scale(bits(depth).max(TRANSACTION_LEVELS_MIN));
        Self { batch: scale(bits(depth)), tx: transaction(depth), tx_reserved: transaction(depth.saturating_add(1)) }
    }
}

/// Binary digits of `2^depth + 50000`.
fn bits(depth: u32) -> u64 {
    let depth = depth.min(DEPTH_MAX);
    if depth < 32 {
        u64::from(u64::BITS - ((1u64 << depth) + LEAVES_OF_ONE_TRANSACTION).leading_zeros())
    } else {
        u64::from(depth) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_the_specification() {
        let rows = [
            (0, 16, 32, 9, 19),
            (13, 16, 32, 9, 19),
            (14, 17, 32, 10, 19),
            (16, 17, 32, 10, 19),
            (17, 18, 32, 10, 19),
            (20, 21, 32, 12, 19),
            (25, 26, 32, 15, 19),
            (31, 32, 32, 19, 19),
            (40, 41, 41, 24, 24),
            (60, 61, 61, 36, 36),
            (255, 256, 256, 153, 153),
        ];
        for (depth, e9_batch, e9_tx, batch, tx) in rows {
            let e9 = Levels::at_depth(CostProfile::E9, depth);
            assert_eq!((e9.batch, e9.tx), (e9_batch, e9_tx), "E9 at depth {depth}");
            for profile in [CostProfile::B12, CostProfile::D13] {
                let levels = Levels::at_depth(profile, depth);
                assert_eq!((levels.batch, levels.tx), (batch, tx), "{profile:?} at depth {depth}");
            }
        }
    }
}
