//! HashDB and StateDB in one RocksDB.
//!
//! [`Store`] owns the database handle and the format version; [`schema`] names the column families and encodes keys; [`records`] are the
//! versioned values; [`flat`] serves the current and the historical state without walking the tree; [`history`] answers what a value was
//! at an older L2 block, [`prune`] how far back that goes; [`pool`] keeps pending and ended transactions. Everything that one L2 block changes goes into one
//! [`rocksdb::WriteBatch`] and one synced write: a block is durable as a whole or not at all.

mod allocator;
pub mod chain;
mod change_set;
mod checked;
mod error;
mod explanations;
#[cfg(feature = "failpoints")]
pub mod failpoint;
pub mod flat;
pub mod history;
pub mod maintenance;
mod migrate;
mod past;
pub mod pool;
pub mod prune;
pub mod records;
mod rollback;
pub mod schema;
mod settings;
mod snapshot;
mod store;
#[cfg(test)]
mod test_support;

pub use change_set::ChangeSet;
pub use error::{DbError, DbResult};
pub use explanations::{Explanation, ExplanationWrite};
pub use past::{Past, PastReader};
pub use prune::{PruneStep, StatePin};
pub use rocksdb::WriteBatch;
pub use snapshot::Snapshot;
pub use store::{Entry, MemoryUse, Store, StoreOptions};
