//! The node's engine: executes over the StateDB, seals L2 blocks and batches, commits them, and answers reads.
//!
//! The way of a transaction through here: [`admission`] decodes it and reads its sender's state; [`pool`] makes it durable; [`block`]
//! executes it on the open L2 block; [`commit`] hashes the block's write set into the state tree and writes everything in one batch;
//! [`views`] shows the result as JSON. No policy: limits come with the call.

pub mod error;
pub mod genesis;
pub mod header;
pub mod layout;
pub mod views;

pub use error::{EngineError, EngineResult};
