//! How callers name a block: a number, or one of the two moving ends.

/// A block as it crosses the boundary: -1 the newest committed one, -2 the open one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockId {
    /// The newest committed L2 block.
    Latest,
    /// The open L2 block over the newest committed one.
    Pending,
    /// A committed L2 block.
    Number(u64),
}

impl From<i64> for BlockId {
    fn from(value: i64) -> Self {
        match value {
            -2 => Self::Pending,
            _ => u64::try_from(value).map_or(Self::Latest, Self::Number),
        }
    }
}
