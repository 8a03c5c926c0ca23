//! Failures. What a transaction or a batch does wrong is an outcome, not one of these.

use alloy_primitives::B256;
use zkevm_primitives::{Counter, Counters};

/// The state behind a [`crate::StateReader`] could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The code of a hash that the state refers to is missing.
    #[error("the code {0} is missing")]
    MissingCode(B256),
    /// A witness does not have a node that the execution needs.
    #[error("the witness has no node {0}")]
    MissingNode(B256),
    /// Stored data contradict each other or the protocol.
    #[error("the state is corrupt: {0}")]
    Corrupt(String),
    /// The storage behind the state failed.
    #[error("the state cannot be accessed: {0}")]
    Backend(String),
}

/// Why an execution has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecutorError {
    /// The state failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The deadline passed or the caller cancelled.
    #[error("the execution was cancelled")]
    Cancelled,
    /// A tracer held more than it may.
    #[error("the trace is larger than it may be")]
    TraceTooLarge,
    /// A transaction was stopped because it had used more of a counter than it may.
    #[error("the execution used more {counter} than it may")]
    CountersExceeded {
        /// The counter.
        counter: Counter,
        /// What was used until then.
        used: Counters,
    },
    /// The proof of an L1 info tree leaf does not lead to the batch's root.
    #[error("the proof of L1 info tree index {index} does not lead to the root {root}")]
    InvalidL1InfoProof {
        /// The index.
        index: u32,
        /// The root of the batch.
        root: B256,
    },
    /// The batch uses an L1 info tree leaf that the caller did not give.
    #[error("the L1 info tree leaf of index {index} is missing")]
    MissingL1InfoLeaf {
        /// The index.
        index: u32,
    },
    /// The root the batch starts from is not the state's.
    #[error("the batch starts from root {expected}, the state has {actual}")]
    WrongOldStateRoot {
        /// The batch's.
        expected: B256,
        /// The state's.
        actual: B256,
    },
    /// A counter of blocks or seconds left 64 bits.
    #[error("{0} does not fit in 64 bits")]
    NumberOverflow(&'static str),
    /// The interpreter broke its own rules; a defect, never the input's fault.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl ExecutorError {
    /// A stable code for the other side of the boundary.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::State(StateError::MissingCode(_)) => "EXECUTOR_MISSING_CODE",
            Self::State(StateError::MissingNode(_)) => "EXECUTOR_MISSING_NODE",
            Self::State(StateError::Corrupt(_)) => "EXECUTOR_STATE_CORRUPT",
            Self::State(StateError::Backend(_)) => "EXECUTOR_STATE_BACKEND",
            Self::Cancelled => "EXECUTOR_CANCELLED",
            Self::TraceTooLarge => "EXECUTOR_TRACE_TOO_LARGE",
            Self::CountersExceeded { .. } => "EXECUTOR_COUNTERS_EXCEEDED",
            Self::InvalidL1InfoProof { .. } => "EXECUTOR_INVALID_L1_INFO_PROOF",
            Self::MissingL1InfoLeaf { .. } => "EXECUTOR_MISSING_L1_INFO_LEAF",
            Self::WrongOldStateRoot { .. } => "EXECUTOR_WRONG_OLD_STATE_ROOT",
            Self::NumberOverflow(_) => "EXECUTOR_NUMBER_OVERFLOW",
            Self::Internal(_) => "EXECUTOR_INTERNAL",
        }
    }
}
