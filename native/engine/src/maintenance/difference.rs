//! The first thing that is not as it should be.

use std::fmt::Display;

use serde::Serialize;
use zkevm_state_db::DbError;
use zkevm_state_tree::TreeError;

use crate::error::EngineError;
use crate::tree;

/// Two places that should agree and do not, or one that is damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What is wrong: which record, value or node, by its key.
    pub what: String,
    /// What it should be according to the rest of the database.
    pub expected: String,
    /// What it is.
    pub found: String,
}

/// Why a check ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// It found something.
    Difference(Difference),
    /// It could not look.
    Failed(EngineError),
}

/// Result of a check.
pub(super) type Checked<T = ()> = Result<T, Stop>;

impl Stop {
    pub(super) fn difference(what: impl Into<String>, expected: impl Display, found: impl Display) -> Self {
        Self::Difference(Difference { what: what.into(), expected: expected.to_string(), found: found.to_string() })
    }

    /// Something that does not decode.
    pub(super) fn damaged(what: impl Into<String>, found: impl Display) -> Self {
        Self::difference(what, "a sound record", found)
    }
}

/// The two are the same, or that is the difference.
pub(super) fn same<T: PartialEq + Display>(what: impl FnOnce() -> String, expected: &T, found: &T) -> Checked {
    if expected == found { Ok(()) } else { Err(Stop::difference(what(), expected, found)) }
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Corrupt { what } => Self::damaged("the database", what),
            other => Self::Failed(EngineError::Db(other)),
        }
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Db(error) => error.into(),
            other => Self::Failed(other),
        }
    }
}

impl From<TreeError> for Stop {
    fn from(error: TreeError) -> Self {
        tree::failed(error).into()
    }
}
