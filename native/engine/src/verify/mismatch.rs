//! The first difference between a stored batch and its second execution.

use serde::Serialize;

/// What is not as it should be. `expected` is what the database says, `got` what executing it again gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mismatch {
    /// What differs: `receipt`, `changed account`, `counters`, ...
    pub what: String,
    /// L2 block, where it is about one.
    pub block: Option<u64>,
    /// Index of the transaction in the block, where it is about one.
    pub transaction: Option<u32>,
    /// As stored.
    pub expected: String,
    /// As executed.
    pub got: String,
}

#[expect(clippy::unnecessary_box_returns, reason = "it is the error of results, which stay small with it in a box")]
impl Mismatch {
    /// A difference of the batch as a whole.
    pub(super) fn of(what: &str, expected: &str, got: &str) -> Box<Self> {
        Box::new(Self {
            what: what.to_owned(),
            block: None,
            transaction: None,
            expected: expected.to_owned(),
            got: got.to_owned(),
        })
    }

    /// The same, in a block.
    pub(super) fn in_block(mut self: Box<Self>, block: u64) -> Box<Self> {
        self.block = Some(block);
        self
    }

    /// The same, in a transaction of the block.
    pub(super) fn in_transaction(mut self: Box<Self>, transaction: u32) -> Box<Self> {
        self.transaction = Some(transaction);
        self
    }
}

/// One sentence.
impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} differs", self.what)?;
        if let Some(block) = self.block {
            write!(f, " in L2 block {block}")?;
        }
        if let Some(transaction) = self.transaction {
            write!(f, ", transaction {transaction}")?;
        }
        write!(f, ": stored {}, executed {}", self.expected, self.got)
    }
}

/// `Err` where the two differ.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(what: &str, stored: &T, executed: &T) -> Result<(), Box<Mismatch>> {
    same_value(|| what.to_owned(), stored, executed)
}

/// As [`same`] for what is compared often: it gets its name only where it differs.
pub(super) fn same_value<T: PartialEq + std::fmt::Debug>(
    what: impl FnOnce() -> String,
    stored: &T,
    executed: &T,
) -> Result<(), Box<Mismatch>> {
    if stored == executed {
        return Ok(());
    }
    Err(Mismatch::of(&what(), &format!("{stored:?}"), &format!("{executed:?}")))
}
