//! Leaves of the L1 info tree and their proofs.

use crate::ExecutorError;
use alloy_primitives::{B256, keccak256};
use std::collections::BTreeMap;
use zkevm_primitives::{L1_INFO_TREE_LEVELS, L1_INFO_ZERO_LEAF};

/// A leaf of the L1 info tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct L1InfoLeaf {
    /// Global exit root.
    pub global_exit_root: B256,
    /// Hash of the L1 block before the root's.
    pub block_hash: B256,
    /// Timestamp of the root's L1 block.
    pub timestamp: u64,
}

/// A leaf and its siblings from the bottom up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProvenL1InfoLeaf {
    /// The leaf.
    pub leaf: L1InfoLeaf,
    /// The siblings; none when the proof is not to be checked.
    pub proof: Vec<B256>,
}

/// The L1 data a batch may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct L1InfoSource {
    /// By index.
    pub leaves: BTreeMap<u32, ProvenL1InfoLeaf>,
    /// Trusted mode: the proofs are not checked.
    pub skips_proofs: bool,
}

impl L1InfoLeaf {
    /// The leaf's hash, before the rule for empty leaves.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let mut preimage = [0; 72];
        preimage[..32].copy_from_slice(self.global_exit_root.as_slice());
        preimage[32..64].copy_from_slice(self.block_hash.as_slice());
        preimage[64..].copy_from_slice(&self.timestamp.to_be_bytes());
        keccak256(preimage)
    }

    /// Whether this is the place of a leaf that is not there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hash() == L1_INFO_ZERO_LEAF
    }
}

impl L1InfoSource {
    /// The leaf of `index`, proved against `root`.
    pub(crate) fn leaf(&self, index: u32, root: &B256) -> Result<L1InfoLeaf, ExecutorError> {
        let proven = self.leaves.get(&index).ok_or(ExecutorError::MissingL1InfoLeaf { index })?;
        if !self.skips_proofs && proven.root(index) != Some(*root) {
            return Err(ExecutorError::InvalidL1InfoProof { index, root: *root });
        }
        Ok(proven.leaf)
    }
}

impl ProvenL1InfoLeaf {
    /// The root the proof leads to; none for a proof of the wrong length.
    #[must_use]
    pub fn root(&self, index: u32) -> Option<B256> {
        if self.proof.len() != L1_INFO_TREE_LEVELS {
            return None;
        }
        let hash = self.leaf.hash();
        let start = if hash == L1_INFO_ZERO_LEAF { B256::ZERO } else { hash };
        Some(self.proof.iter().enumerate().fold(start, |hash, (level, sibling)| {
            let (left, right) = if index >> level & 1 == 1 { (*sibling, hash) } else { (hash, *sibling) };
            keccak256([left, right].concat())
        }))
    }
}
