//! Failures of the store, each with the stable code that crosses the N-API boundary.

use thiserror::Error;

/// Result of a store operation.
pub type DbResult<T> = Result<T, DbError>;

/// What can go wrong with the database.
#[derive(Debug, Error)]
pub enum DbError {
    /// Another process, or this one, has the data directory open.
    #[error("the data directory {path} is in use by another process")]
    Locked {
        /// The database folder.
        path: String,
    },
    /// The data directory cannot be created, read or written.
    #[error("the data directory {path} cannot be written: {reason}")]
    Unwritable {
        /// The database folder.
        path: String,
        /// What the operating system said.
        reason: String,
    },
    /// The data directory was written by a newer version of this program.
    #[error("the data directory has format {found}, this program reads up to format {supported}: use a newer version")]
    NewerFormat {
        /// Version found on disk.
        found: u32,
        /// Newest version this program reads.
        supported: u32,
    },
    /// A stored value does not decode, a value that must exist is missing, or a checksum does not fit.
    #[error("the database is corrupt: {what}")]
    Corrupt {
        /// Which record, and how it is broken.
        what: String,
    },
    /// An earlier write failed; the handle refuses further writes until it is reopened.
    #[error("an earlier write failed, writes are refused until the node is restarted: {first}")]
    Poisoned {
        /// The first failure.
        first: String,
    },
    /// There is no database in the folder, and none may be created.
    #[error("there is no database in {path}")]
    Missing {
        /// The database folder.
        path: String,
    },
    /// The state of a block is no longer kept.
    #[error("the state of block {block} is pruned, the oldest one kept is that of block {oldest}")]
    StatePruned {
        /// The block asked for.
        block: u64,
        /// The oldest block whose state can be read.
        oldest: u64,
    },
    /// A write that a test wanted to fail.
    #[cfg(feature = "failpoints")]
    #[error("database: IO error: failpoint")]
    Failpoint,
    /// RocksDB reported a failure.
    #[error("database: {0}")]
    Rocks(#[from] rocksdb::Error),
}

impl DbError {
    /// The stable code of the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "DATA_DIR_LOCKED",
            Self::Unwritable { .. } => "DATA_DIR_UNWRITABLE",
            Self::NewerFormat { .. } => "DATA_DIR_FORMAT_NEWER",
            Self::Corrupt { .. } => "STATE_DB_CORRUPT",
            Self::Poisoned { .. } => "STATE_DB_POISONED",
            Self::Missing { .. } => "DATA_DIR_MISSING",
            Self::StatePruned { .. } => "STATE_PRUNED",
            #[cfg(feature = "failpoints")]
            Self::Failpoint => "STATE_DB_IO",
            Self::Rocks(_) => "STATE_DB_IO",
        }
    }

    /// A [`DbError::Corrupt`] about `what`.
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}
