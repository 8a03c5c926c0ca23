//! HashDB and StateDB in one RocksDB.
//!
//! [`Store`] owns the database handle and the format version; [`schema`] names the column families and encodes keys; [`records`] are the
//! versioned values; [`flat`] serves the current and the historical state without walking the tree; [`history`] answers what a value was
//! at an older L2 block; [`pool`] keeps pending and ended transactions. Everything that one L2 block changes goes into one
//! [`rocksdb::WriteBatch`] and one synced write: a block is durable as a whole or not at all.

pub mod chain;
mod change_set;
mod error;
pub mod flat;
pub mod history;
pub mod pool;
pub mod records;
pub mod schema;
mod snapshot;
mod store;

pub use change_set::ChangeSet;
pub use error::{DbError, DbResult};
pub use rocksdb::WriteBatch;
pub use snapshot::Snapshot;
pub use store::{Entry, Store, StoreOptions};
