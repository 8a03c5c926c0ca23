//! Failures of the engine, each with the stable code that crosses the N-API boundary.

use alloy_primitives::B256;
use thiserror::Error;
use zkevm_executor::{ExecutorError, StateError};
use zkevm_state_db::DbError;

/// Result of an engine operation.
pub type EngineResult<T> = Result<T, EngineError>;

/// What can go wrong in the engine. Expected outcomes of transactions are data, not errors.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The store failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The state tree failed.
    #[error("state tree: {0}")]
    Tree(String),
    /// The executor failed on something that is not a transaction's fault.
    #[error("executor: {0}")]
    Executor(String),
    /// An execution was cancelled at its deadline, or the state behind it failed.
    #[error(transparent)]
    Execution(#[from] ExecutorError),
    /// A fork whose rules this version does not have.
    #[error("fork id {0} is not supported")]
    UnsupportedForkId(u64),
    /// The genesis file does not parse.
    #[error("genesis: {0}")]
    GenesisInvalid(String),
    /// The genesis file's accounts do not have the root it states.
    #[error("genesis root mismatch: the file states {stated}, its accounts have {computed}")]
    GenesisRootMismatch {
        /// Root in the file.
        stated: B256,
        /// Root of its accounts.
        computed: B256,
    },
    /// The database was made from another genesis.
    #[error("the database was made from the genesis with root {stored}, the given genesis has {given}")]
    GenesisDiffers {
        /// Root in the database.
        stored: B256,
        /// Root of the given genesis.
        given: B256,
    },
    /// The database belongs to another chain or fork.
    #[error("the database belongs to {what} {stored}, the configuration says {given}")]
    ChainDiffers {
        /// `chain id` or `fork id`.
        what: &'static str,
        /// Value in the database.
        stored: u64,
        /// Configured value.
        given: u64,
    },
    /// A caller broke the contract of a verb.
    #[error("{0}")]
    InvalidArgument(String),
    /// The overrides or the fields of a call cannot be understood.
    #[error("{0}")]
    CallInvalid(String),
    /// The verb needs an open L2 block, or that there is none.
    #[error("{0}")]
    WrongState(&'static str),
    /// The block does not exist.
    #[error("header not found")]
    BlockNotFound,
    /// The batch is open, does not exist, or is the genesis.
    #[error("batch {0} is not a closed batch with L2 blocks")]
    BatchNotClosed(u64),
    /// The chain cannot be taken back so far.
    #[error("the chain is not taken back: {0}")]
    RollbackRefused(String),
    /// Too much changed since the block for its tree to be rebuilt.
    #[error("more than {max} keys changed since block {block}, its tree is not rebuilt")]
    TooManyChanges {
        /// The block asked for.
        block: u64,
        /// Keys that the caller allows.
        max: usize,
    },
    /// More logs match than may be answered.
    #[error("query returned more than {0} results")]
    LogsTooMany(usize),
    /// The trace does not fit into an answer.
    #[error(
        "the trace is larger than {0} bytes: ask for less of it, for example by tracerConfig, disableStack or limit"
    )]
    TraceTooLarge(usize),
    /// What should be a snapshot is none, or is not complete.
    #[error("no usable snapshot: {0}")]
    SnapshotInvalid(String),
    /// The target of a snapshot or a restore is there already.
    #[error("{0} exists already and is not overwritten")]
    SnapshotExists(String),
    /// A file of a snapshot cannot be read or written.
    #[error("snapshot: {0}")]
    SnapshotIo(String),
    /// The engine was closed.
    #[error("the engine is closed")]
    Closed,
    /// A panic was caught.
    #[error("internal error: {0}")]
    Panic(String),
}

impl EngineError {
    /// The stable code of the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Db(error) => error.code(),
            Self::Tree(_) => "STATE_TREE_FAILED",
            Self::Execution(ExecutorError::Cancelled) => "CALL_TIMEOUT",
            Self::Execution(ExecutorError::State(StateError::Backend(_))) => "STATE_DB_IO",
            Self::Execution(ExecutorError::State(StateError::MissingNode(_))) => "WITNESS_INCOMPLETE",
            Self::Execution(ExecutorError::State(_)) => "STATE_DB_CORRUPT",
            Self::Executor(_) | Self::Execution(_) => "EXECUTOR_FAILED",
            Self::UnsupportedForkId(_) => "FORK_NOT_SUPPORTED",
            Self::GenesisInvalid(_) => "GENESIS_INVALID",
            Self::GenesisRootMismatch { .. } => "GENESIS_ROOT_MISMATCH",
            Self::GenesisDiffers { .. } | Self::ChainDiffers { .. } => "GENESIS_DIFFERS",
            Self::InvalidArgument(_) => "LAYOUT_INVALID",
            Self::CallInvalid(_) => "CALL_INVALID",
            Self::WrongState(_) => "ENGINE_BUSY",
            Self::BlockNotFound => "BLOCK_NOT_FOUND",
            Self::BatchNotClosed(_) => "BATCH_NOT_CLOSED",
            Self::RollbackRefused(_) => "ROLLBACK_REFUSED",
            Self::TooManyChanges { .. } => "STATE_TOO_OLD",
            Self::LogsTooMany(_) => "LOGS_TOO_MANY",
            Self::TraceTooLarge(_) => "TRACE_TOO_LARGE",
            Self::SnapshotInvalid(_) => "SNAPSHOT_INVALID",
            Self::SnapshotExists(_) => "SNAPSHOT_EXISTS",
            Self::SnapshotIo(_) => "SNAPSHOT_IO",
            Self::Closed => "ENGINE_CLOSED",
            Self::Panic(_) => "INTERNAL_PANIC",
        }
    }

    /// An [`EngineError::InvalidArgument`].
    pub fn invalid_argument(what: impl Into<String>) -> Self {
        Self::InvalidArgument(what.into())
    }

    /// An [`EngineError::CallInvalid`].
    pub fn call_invalid(what: impl Into<String>) -> Self {
        Self::CallInvalid(what.into())
    }
}
