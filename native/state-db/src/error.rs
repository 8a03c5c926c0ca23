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
    /// A stored value does not decode, or a value that must exist is missing.
    #[error("the database is corrupt: {what}")]
    Corrupt {
        /// Which record, and how it is broken.
        what: String,
    },
    /// An earlier write failed; the handle refuses further writes until it is reopened.
    #[error("an earlier write failed, writes are refused until the node is restarted")]
    Poisoned,
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
            Self::Poisoned => "STATE_DB_POISONED",
            Self::Rocks(_) => "STATE_DB_IO",
        }
    }

    /// A [`DbError::Corrupt`] about `what`.
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}
