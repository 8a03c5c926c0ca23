//! The Poseidon sparse Merkle tree.
