//! The public hashes of a batch.

use alloy_primitives::{Address, B256, keccak256};

/// The accumulated input hash after a batch.
#[must_use]
pub fn acc_input_hash(
    old: &B256,
    batch_l2_data: &[u8],
    l1_info_root: &B256,
    timestamp_limit: u64,
    sequencer: &Address,
    forced_block_hash_l1: &B256,
) -> B256 {
    let mut preimage = [0; 156];
    preimage[..32].copy_from_slice(old.as_slice());
    preimage[32..64].copy_from_slice(keccak256(batch_l2_data).as_slice());
    preimage[64..96].copy_from_slice(l1_info_root.as_slice());
    preimage[96..104].copy_from_slice(&timestamp_limit.to_be_bytes());
    preimage[104..124].copy_from_slice(sequencer.as_slice());
    preimage[124..].copy_from_slice(forced_block_hash_l1.as_slice());
    keccak256(preimage)
}

/// What the L1 contract keeps of a forced batch (`forcedBatches(number)`).
#[must_use]
pub fn forced_batch_hash(
    batch_l2_data: &[u8],
    global_exit_root: &B256,
    timestamp: u64,
    forced_block_hash_l1: &B256,
) -> B256 {
    let mut preimage = [0; 104];
    preimage[..32].copy_from_slice(keccak256(batch_l2_data).as_slice());
    preimage[32..64].copy_from_slice(global_exit_root.as_slice());
    preimage[64..72].copy_from_slice(&timestamp.to_be_bytes());
    preimage[72..].copy_from_slice(forced_block_hash_l1.as_slice());
    keccak256(preimage)
}
