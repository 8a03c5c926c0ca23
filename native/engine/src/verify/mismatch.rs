//! The first difference between a stored batch and its second execution.

use alloy_primitives::{Address, U256};
use serde::Serialize;

use super::locate::Divergence;

/// Longest value that a sentence shows in full; the report of the bundle has all of it.
const SHOWN_MAX: usize = 200;

/// A key of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// An account.
    Account(Address),
    /// A slot of an account.
    Slot(Address, U256),
}

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
    /// Where it begins; `None` where no L2 block differs, or it could not be found.
    pub first: Option<Divergence>,
    /// Why no L2 block is named.
    pub unlocated: Option<String>,
    /// What of the state it is about.
    #[serde(skip)]
    pub(super) key: Option<Key>,
}

impl Mismatch {
    /// A difference of the batch as a whole.
    pub(super) fn of(what: &str, expected: &str, got: &str) -> Box<Self> {
        Box::new(Self {
            what: what.to_owned(),
            block: None,
            transaction: None,
            expected: expected.to_owned(),
            got: got.to_owned(),
            first: None,
            unlocated: None,
            key: None,
        })
    }

    /// The same, in a block.
    pub(super) fn in_block(mut self: Box<Self>, block: u64) -> Box<Self> {
        self.block = Some(block);
        self
    }

    /// The same, about a key of the state.
    pub(super) fn about(mut self: Box<Self>, key: Option<Key>) -> Box<Self> {
        self.key = key;
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
        write!(f, ": stored {}, executed {}", shown(&self.expected), shown(&self.got))?;
        let Some(first) = &self.first else { return Ok(()) };
        if (self.block, self.transaction) == (Some(first.block), first.transaction) {
            return Ok(());
        }
        write!(f, "; it begins in L2 block {}", first.block)?;
        if let (Some(index), Some(hash)) = (first.transaction, first.transaction_hash) {
            write!(f, ", transaction {index} ({hash})")?;
        }
        if first.what != self.what {
            write!(f, ": {}, stored {}, executed {}", first.what, shown(&first.expected), shown(&first.got))?;
        }
        Ok(())
    }
}

/// A value as a sentence can hold it.
fn shown(value: &str) -> String {
    match value.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &value[..end]),
        None => value.to_owned(),
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
