//! The Poseidon sparse Merkle tree of the zkEVM state, without any disk.
//!
//! - [`H4`]: four Goldilocks elements: keys, node hashes and roots.
//! - [`poseidon`]: the hash, one at a time and many at a time.
//! - [`keys`]: tree keys of balances, nonces, codes, storage slots and of the block info tree.
//! - [`MemoryTree`] and [`root_of`]: whole trees in memory.
//! - [`witness`]: trees as content-addressed nodes, as provers and test data exchange them.
//!
//! Nothing here knows a database; whoever stores the tree passes its pages in and writes the pages that come out.

mod field;
mod forest;
mod h4;
pub mod keys;
mod memory_tree;
mod path;
pub mod poseidon;
pub mod witness;

pub use h4::{H4, NonCanonicalLimb};
pub use memory_tree::{MemoryTree, root_of};
