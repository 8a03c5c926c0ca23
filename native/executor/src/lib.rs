//! The trace-counting executor: batches, L2 blocks, transactions and calls over any state.
//!
//! [`execute_batch`] runs batchL2Data exactly as the ROM does. [`BlockExecutor`] is an open L2 block
//! that a sequencer fills transaction by transaction; a batch is nothing but such blocks. The EVM is
//! revm's interpreter with the chain's own rules around it (`host`, `frame`, `precompiles`,
//! `instructions`), over a journal (`journal`) that knows accounts as leaves only. Virtual counters
//! are part of the instruction table (`cost`, `instructions::counted`).
//!
//! No storage, no tree and no policy: state is read through [`StateReader`], changes are given back as
//! a [`StateDiff`], limits come with the call.

mod batch;
mod block;
mod code;
mod cost;
mod error;
mod frame;
mod hashes;
mod host;
mod info_tree;
mod instructions;
mod journal;
mod l1_info;
mod memory_state;
mod message;
mod outcome;
mod pre_execution;
mod precompiles;
mod simulate;
mod state;
mod tracer;
pub mod tracers;
mod tracing;
pub mod vectors;
mod witness_state;

pub use batch::{BatchInput, BatchResult, SenderRecovery, SkippedTx, execute_batch, execute_batch_with};
pub use block::{BlockExecutor, BlockParams, BlockTime, L1Info, OpenError};
pub use cost::{CounterModel, Levels, Priced};
pub use error::{ExecutorError, StateError};
pub use hashes::{acc_input_hash, forced_batch_hash};
pub use host::CancelToken;
pub use journal::StateRead;
pub use l1_info::{L1InfoLeaf, L1InfoSource, ProvenL1InfoLeaf};
pub use memory_state::{GenesisAccount, MemoryState, leaf_writes};
pub use outcome::{RecoveredTx, SealedBlock, TxOutcome, TxResult};
pub use pre_execution::{PreExecuted, PreExecution, pre_execute};
pub use simulate::{AccessListItem, CALL_GAS_MAX, Call, CallContext, CallResult, Simulation, simulate};
pub use state::{AccountDiff, AccountState, BatchState, StateDiff, StateReader, StorageDiff};
pub use tracer::{FrameStart, FrameStop, FrameType, SentAll, StateView, Tracer};
pub use witness_state::{WitnessState, state_error};
