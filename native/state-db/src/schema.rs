//! Column families and key encodings. Numbers in keys are big-endian, so that iteration runs in their order.

use alloy_primitives::{Address, B256, U256};

/// Newest format this program writes and reads. 2 added [`CHANGE_SET`]; a database of format 1 gets it at its first opening. 3 added what
/// forced batches leave in the records of batches and head, which is absent in older ones.
pub const FORMAT_VERSION: u32 = 3;

macro_rules! column_families {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        $($(#[$doc])* pub const $name: &str = $text;)+
        /// Every column family of the database.
        pub const ALL: &[&str] = &[$($name),+];
    };
}

column_families! {
    /// name -> value: format version, chain, head pointers.
    META = "meta",
    /// state-tree page key -> page.
    TREE = "tree",
    /// Poseidon code hash -> code.
    CODE = "code",
    /// address -> account record of the newest state.
    FLAT_ACCOUNT = "flat_account",
    /// address, slot -> 32-byte value of the newest state.
    FLAT_STORAGE = "flat_storage",
    /// address, block -> account record before that block.
    HISTORY_ACCOUNT = "history_account",
    /// address, slot, block -> 32-byte value before that block.
    HISTORY_STORAGE = "history_storage",
    /// block -> the flat keys that it changed.
    CHANGE_SET = "change_set",
    /// batch -> batch record.
    BATCH = "batch",
    /// batch, block -> the bytes that this L2 block added to batchL2Data.
    BATCH_DATA = "batch_data",
    /// block -> L2 block record.
    BLOCK = "block",
    /// block hash -> block.
    BLOCK_BY_HASH = "block_by_hash",
    /// block, index -> transaction record.
    TRANSACTION = "transaction",
    /// transaction hash -> block, index.
    TRANSACTION_BY_HASH = "transaction_by_hash",
    /// L2 transaction hash -> block, index.
    TRANSACTION_BY_L2_HASH = "transaction_by_l2_hash",
    /// block, index -> receipt record.
    RECEIPT = "receipt",
    /// block, log index -> log record.
    LOG = "log",
    /// transaction hash -> pending pool record.
    POOL = "pool",
    /// transaction hash -> end state of a pool record.
    POOL_END = "pool_end",
    /// batch, part -> what became of transactions in the batch; the sequencer's own encoding.
    EXPLANATION = "explanation",
}

/// Keys of [`META`].
pub mod meta {
    /// u32 big-endian: format of the database.
    pub const FORMAT: &[u8] = b"format";
    /// RLP of [`crate::records::ChainRecord`].
    pub const CHAIN: &[u8] = b"chain";
    /// RLP of [`crate::records::HeadRecord`].
    pub const HEAD: &[u8] = b"head";
    /// u64 big-endian: the oldest L2 block whose state can still be read; absent while all can.
    pub const OLDEST_STATE: &[u8] = b"oldest_state";
    /// Prefix of UTF-8 texts by name: what operators set at run time.
    pub const SETTING: &[u8] = b"setting/";
    /// u64 big-endian: the newest batch that was verified; absent before the first.
    pub const CHECKED_BATCH: &[u8] = b"checked_batch";
}

/// Key of a number.
pub const fn number_key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

/// The number of a [`number_key`]; `None` when the length is wrong.
pub fn parse_number_key(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.try_into().ok()?))
}

/// Key of (number, number): (batch, block).
pub fn pair_key(first: u64, second: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&first.to_be_bytes());
    key[8..].copy_from_slice(&second.to_be_bytes());
    key
}

/// The numbers of a [`pair_key`]; `None` when the length is wrong.
pub fn parse_pair_key(key: &[u8]) -> Option<(u64, u64)> {
    let (first, second) = key.split_at_checked(8)?;
    Some((parse_number_key(first)?, parse_number_key(second)?))
}

/// Key of (block, index) for transactions, receipts and logs.
pub fn indexed_key(block: u64, index: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&block.to_be_bytes());
    key[8..].copy_from_slice(&index.to_be_bytes());
    key
}

/// The (block, index) of an [`indexed_key`]; `None` when the length is wrong.
pub fn parse_indexed_key(key: &[u8]) -> Option<(u64, u32)> {
    let (block, index) = key.split_at_checked(8)?;
    Some((u64::from_be_bytes(block.try_into().ok()?), u32::from_be_bytes(index.try_into().ok()?)))
}

/// Key of a storage slot: address, slot.
pub fn slot_key(address: &Address, slot: &U256) -> [u8; 52] {
    let mut key = [0; 52];
    key[..20].copy_from_slice(address.as_slice());
    key[20..].copy_from_slice(&slot.to_be_bytes::<32>());
    key
}

/// History key: the flat key followed by the block number.
pub fn history_key(flat_key: &[u8], block: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(flat_key.len() + 8);
    key.extend_from_slice(flat_key);
    key.extend_from_slice(&block.to_be_bytes());
    key
}

/// The flat key and the block of a [`history_key`]; `None` when it is too short.
pub fn parse_history_key(key: &[u8]) -> Option<(&[u8], u64)> {
    let (flat, block) = key.split_last_chunk::<8>()?;
    Some((flat, u64::from_be_bytes(*block)))
}

/// Reads a stored hash.
pub fn hash_from(bytes: &[u8]) -> Option<B256> {
    (bytes.len() == 32).then(|| B256::from_slice(bytes))
}
