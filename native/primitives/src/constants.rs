//! Protocol constants that hold for every supported fork.

use alloy_primitives::{Address, B256, address, b256};

/// The system contract ("scalable L2") that holds the last block number, the timestamp, the state
/// roots of closed blocks and the block info root.
pub const SYSTEM: Address = address!("000000000000000000000000000000005ca1ab1e");

/// The L2 global exit root manager; its slot 1 is the local exit root.
pub const GER_MANAGER_L2: Address = address!("a40D5f56745a118D0906a34E69aeC8C0Db1cB8fA");

/// Slot of [`SYSTEM`] with the last L2 block number.
pub const SYSTEM_SLOT_BLOCK_NUMBER: u64 = 0;
/// Mapping slot of [`SYSTEM`] with the state root after each block.
pub const SYSTEM_SLOT_STATE_ROOTS: u64 = 1;
/// Slot of [`SYSTEM`] with the timestamp of the last block.
pub const SYSTEM_SLOT_TIMESTAMP: u64 = 2;
/// Slot of [`SYSTEM`] with the block info root of the last block.
pub const SYSTEM_SLOT_BLOCK_INFO_ROOT: u64 = 3;
/// Mapping slot of [`GER_MANAGER_L2`]: global exit root to L1 block hash.
pub const GER_MANAGER_SLOT_GLOBAL_EXIT_ROOTS: u64 = 0;
/// Slot of [`GER_MANAGER_L2`] with the local exit root.
pub const GER_MANAGER_SLOT_LOCAL_EXIT_ROOT: u64 = 1;

/// Highest gas limit of a transaction (a transaction with exactly this limit is accepted).
pub const TX_GAS_LIMIT: u64 = 30_000_000;
/// The block gas limit from fork 8: reported, never enforced.
pub const BLOCK_GAS_LIMIT: u64 = 1 << 50;
/// Highest size of batchL2Data in bytes.
pub const BATCH_L2_DATA_MAX_BYTES: usize = 120_000;
/// Highest size of the batchL2Data of a forced batch in bytes.
pub const FORCED_BATCH_L2_DATA_MAX_BYTES: usize = 5_000;
/// Highest end of memory a frame may touch; beyond it the frame is out of gas.
pub const MEMORY_MAX_BYTES: usize = 0x3f_ffe0;
/// Highest size of deployed code in bytes.
pub const CODE_MAX_BYTES: usize = 0x6000;

/// First byte of a changeL2Block entry of batchL2Data.
pub const CHANGE_L2_BLOCK_TYPE: u8 = 0x0b;
/// Size of a changeL2Block entry in bytes.
pub const CHANGE_L2_BLOCK_BYTES: usize = 9;

/// keccak256 of 72 zero bytes: the L1 info tree's leaf of all-zero data.
pub const L1_INFO_ZERO_LEAF: B256 = b256!("3cac317908c699fe873a7f6ee4e8cd63fbe9918b2315c97be91585590168e301");
/// Height of the L1 info tree.
pub const L1_INFO_TREE_LEVELS: usize = 32;
