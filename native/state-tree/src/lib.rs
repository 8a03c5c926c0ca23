//! The Poseidon sparse Merkle tree of the zkEVM state, without any disk.
//!
//! - [`H4`]: four Goldilocks elements: keys, node hashes and roots.
//! - [`poseidon`]: the hash, one at a time and many at a time.
//! - [`keys`]: tree keys of balances, nonces, codes, storage slots and of the block info tree.
//! - [`StateTree`]: the tree of a node, in pages that a [`PageSource`] reads and the caller writes.
//! - [`Proof`]: that a key has a value or none.
//! - [`MemoryTree`] and [`root_of`]: whole trees in memory.
//! - [`PartialTree`]: a tree of which only some nodes are known.
//! - [`witness`]: trees as content-addressed nodes, as provers and test data exchange them.
//!
//! Nothing here knows a database; whoever stores the tree passes its pages in and writes the pages that come out.

mod arena;
mod audit;
mod cache;
mod changes;
mod field;
mod forest;
mod h4;
pub mod keys;
mod known;
mod memory_tree;
mod order;
mod page;
mod page_writer;
mod parallel;
mod partial;
mod pass;
mod path;
pub mod poseidon;
mod prefetch;
mod proof;
mod proof_elements;
mod rows;
mod state_tree;
mod store;
mod table;
pub mod witness;

pub use audit::AuditReport;
pub use changes::PageWrite;
pub use h4::{H4, NonCanonicalLimb};
pub use memory_tree::{MemoryTree, root_of};
pub use order::{LeafOrder, value_hash_many};
pub use page::{PAGE_LEVELS, PageFault, PageKey, PageKeyBytes};
pub use partial::{NodeSource, PartialError, PartialTree, Recording, TreeNodes};
pub use proof::{Proof, ProofEnd, ProofError, value_hash};
pub use proof_elements::{ElementError, verify_elements};
pub use state_tree::{StateTree, TreeConfig, TreeDelta};
pub use store::{CacheStats, NoSource, PageError, PageSource, TreeError};
