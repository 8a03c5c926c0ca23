//! The node's engine: executes over the StateDB, seals L2 blocks and batches, commits them, and answers reads.
//!
//! The way of a transaction through here: [`admission`] decodes it and reads its sender's state; [`pool`] makes it durable; [`block`]
//! executes it on the open L2 block; [`seal`] hashes the block's write set into the state tree; [`settle`] writes sealed blocks, many in
//! one batch; [`views`] shows the result as JSON; [`trace`] executes it again under a tracer. No policy: limits come with the call.

mod access_list;
pub mod admission;
mod ahead;
pub mod background;
pub mod block;
pub mod block_id;
pub mod call;
mod commit;
pub mod effective_gas_price;
pub mod engine;
pub mod error;
mod estimate;
pub mod explanations;
#[cfg(test)]
mod faults;
pub mod forced;
mod from_l1;
pub mod genesis;
pub mod header;
mod history;
mod included;
mod injected;
pub mod layout;
pub mod maintenance;
mod metrics;
pub mod old_tree;
mod overrides;
pub mod pool;
mod pre_execution;
mod pre_executions;
mod proof;
mod published;
mod reader;
mod reads;
mod recent;
pub mod rollback;
pub mod seal;
mod senders;
pub mod settle;
mod slice;
pub mod stages;
pub mod trace;
pub mod tree;
pub mod verify;
pub mod views;
pub mod witness;

pub use error::{EngineError, EngineResult};
pub use pre_execution::LimitsDivisor;
