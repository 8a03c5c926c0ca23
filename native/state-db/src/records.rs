//! The stored values. Each is one version byte and an RLP list; a field is only ever appended: as one that may be absent, with a new format of
//! the database ([`crate::schema::FORMAT_VERSION`]).

use alloy_primitives::{Address, B256, Bloom, Bytes, U256};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};

use crate::error::{DbError, DbResult};

/// Version byte of every record written today.
const RECORD_VERSION: u8 = 1;

/// Encodes a record with its version byte.
pub fn encode<T: Encodable>(record: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + record.length());
    out.push(RECORD_VERSION);
    record.encode(&mut out);
    out
}

/// Decodes a record.
///
/// # Errors
/// [`DbError::Corrupt`], naming `what`, when version, RLP or length are wrong.
pub fn decode<T: Decodable>(what: &str, bytes: &[u8]) -> DbResult<T> {
    let Some((&RECORD_VERSION, mut rest)) = bytes.split_first() else {
        return Err(DbError::corrupt(format!("{what}: unknown record version")));
    };
    let record = T::decode(&mut rest).map_err(|error| DbError::corrupt(format!("{what}: {error}")))?;
    if rest.is_empty() { Ok(record) } else { Err(DbError::corrupt(format!("{what}: trailing bytes"))) }
}

/// What chain the database belongs to; written once.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct ChainRecord {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Fork id of the first batch.
    pub fork_id: u64,
    /// State root of the genesis.
    pub genesis_root: B256,
}

/// Head pointers; rewritten by every commit.
#[derive(Debug, Clone, PartialEq, Eq, Default, RlpEncodable, RlpDecodable)]
#[rlp(trailing)]
pub struct HeadRecord {
    /// Newest L2 block.
    pub block: u64,
    /// Its header hash.
    pub block_hash: B256,
    /// Its timestamp, Unix seconds.
    pub timestamp: u64,
    /// State root after it.
    pub state_root: B256,
    /// Newest closed batch.
    pub closed_batch: u64,
    /// Running maximum of path lengths seen on writes to the state tree (counters.md section 3).
    pub tree_depth: u64,
    /// Newest forced batch that is in the chain; absent before the first.
    pub forced_batch: Option<u64>,
}

impl HeadRecord {
    /// Number of the forced batch that goes next: they are sequenced in order, without a gap.
    pub fn next_forced_batch(&self) -> u64 {
        self.forced_batch.unwrap_or(0) + 1
    }
}

/// How a batch came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchKind {
    /// The genesis, batch 0.
    Genesis = 0,
    /// Made by the trusted sequencer.
    Sequenced = 1,
    /// Forced through L1.
    Forced = 2,
    /// The injected first batch of a rollup.
    Injected = 3,
}

/// What L1 says of a forced batch, its data apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct ForcedOrigin {
    /// Its number among the forced batches.
    pub number: u64,
    /// When it was forced, Unix seconds: the timestamp limit of the batch.
    pub timestamp: u64,
    /// The global exit root of that moment.
    pub global_exit_root: B256,
    /// Hash of the parent of the L1 block in which it was forced (`forcedBlockHashL1`).
    pub block_hash: B256,
    /// What the L1 contract keeps of it: the hash over its data and the three before.
    pub hash: B256,
}

/// A batch, open or closed.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
#[rlp(trailing)]
pub struct BatchRecord {
    /// Batch number.
    pub number: u64,
    /// [`BatchKind`] as a number.
    pub kind: u8,
    /// Fork whose rules executed it.
    pub fork_id: u64,
    /// L2 coinbase.
    pub coinbase: Address,
    /// State root after its last block.
    pub state_root: B256,
    /// Local exit root after its last block.
    pub local_exit_root: B256,
    /// Global exit root of its last block that set one.
    pub global_exit_root: B256,
    /// accInputHash; zero until the batch is sequenced on L1. Batches that came from L1 know it at once where the batch before knows its own.
    pub acc_input_hash: B256,
    /// Timestamp of its last block, Unix seconds.
    pub timestamp: u64,
    /// First L2 block.
    pub first_block: u64,
    /// Number of L2 blocks.
    pub block_count: u64,
    /// Number of transactions.
    pub tx_count: u64,
    /// Used resources: eight counters, bytes, gas.
    pub used: Vec<u64>,
    /// High-reserved slack of each resource.
    pub high: Vec<u64>,
    /// Unix ms at which it got its first L2 block.
    pub opened_at_ms: u64,
    /// Unix ms at which it was closed, 0 while open.
    pub closed_at_ms: u64,
    /// Closing reason; empty while open.
    pub closing_reason: String,
    /// The closing certificate, JSON text; empty while open.
    pub closing_detail: String,
    /// ROM error name of an invalid (effectless) batch, else empty.
    pub rom_error: String,
    /// Set for a forced batch.
    pub forced: Option<ForcedOrigin>,
}

impl BatchRecord {
    /// Whether the batch is closed.
    pub fn is_closed(&self) -> bool {
        !self.closing_reason.is_empty()
    }

    /// accInputHash, where it is known.
    pub fn known_acc_input_hash(&self) -> Option<B256> {
        // That of the genesis is zero.
        (self.kind == BatchKind::Genesis as u8 || !self.acc_input_hash.is_zero()).then_some(self.acc_input_hash)
    }
}

/// An L2 block.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct BlockRecord {
    /// L2 block number.
    pub number: u64,
    /// keccak of the RLP header.
    pub hash: B256,
    /// Header hash of the previous block.
    pub parent_hash: B256,
    /// State root after the block (what BLOCKHASH gives).
    pub state_root: B256,
    /// Merkle Patricia root of the transactions, as in Ethereum's header.
    pub transactions_root: B256,
    /// Merkle Patricia root of the receipts, as in Ethereum's header.
    pub receipts_root: B256,
    /// Bloom of all logs.
    pub logs_bloom: Bloom,
    /// Unix seconds.
    pub timestamp: u64,
    /// L2 coinbase.
    pub coinbase: Address,
    /// Block gas limit of the fork.
    pub gas_limit: u64,
    /// Gas used by all transactions.
    pub gas_used: u64,
    /// Batch it belongs to.
    pub batch: u64,
    /// Index of the L1 info tree leaf it used, 0 = none.
    pub l1_info_index: u64,
    /// Global exit root of that leaf, or zero.
    pub global_exit_root: B256,
    /// L1 block hash of that leaf, or zero.
    pub l1_block_hash: B256,
    /// Root of the block info tree.
    pub block_info_root: B256,
    /// Number of transactions.
    pub tx_count: u32,
    /// Number of logs.
    pub log_count: u32,
    /// Bytes of the RLP of header and transactions, for the RPC field `size`.
    pub size: u64,
}

/// A transaction in an L2 block.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct TransactionRecord {
    /// Signed RLP as users sent it.
    pub raw: Bytes,
    /// keccak of `raw`.
    pub hash: B256,
    /// L2 transaction hash (linear Poseidon).
    pub l2_hash: B256,
    /// Recovered sender.
    pub sender: Address,
    /// Effective percentage byte.
    pub effective_percentage: u8,
}

/// The receipt of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct ReceiptRecord {
    /// 1 success, 0 failure.
    pub status: u8,
    /// Public number of the ROM error, 1 = none.
    pub rom_error: u8,
    /// Gas used by the transaction.
    pub gas_used: u64,
    /// Gas used in the block up to and including it.
    pub cumulative_gas_used: u64,
    /// Price charged, wei.
    pub effective_gas_price: U256,
    /// Created contract: 20 bytes, or empty.
    pub contract_address: Bytes,
    /// Index in the block of its first log.
    pub first_log: u32,
    /// Number of its logs.
    pub log_count: u32,
    /// Counters used, eight numbers.
    pub counters: Vec<u64>,
}

/// A log.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct LogRecord {
    /// Emitting contract.
    pub address: Address,
    /// Zero to four topics.
    pub topics: Vec<B256>,
    /// Data.
    pub data: Bytes,
    /// Index of its transaction in the block.
    pub tx_index: u32,
}

/// A transaction waiting in the pool.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct PoolRecord {
    /// Recovered sender.
    pub sender: Address,
    /// Its nonce.
    pub nonce: u64,
    /// Unix ms of arrival.
    pub received_at_ms: u64,
    /// Order of arrival over all transactions.
    pub arrival: u64,
    /// Signed RLP.
    pub raw: Bytes,
}

/// How a transaction left the pool without being included.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct PoolEndRecord {
    /// Status number (failed, invalid, replaced, expired).
    pub status: u8,
    /// Unix ms.
    pub at_ms: u64,
    /// Replacing transaction, or zero.
    pub related: B256,
    /// Why, in words.
    pub reason: String,
}

/// The state of an account, as flat tables hold it: fixed 80 bytes, absent when all is zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountRecord {
    /// Nonce.
    pub nonce: u64,
    /// Balance, wei.
    pub balance: U256,
    /// Poseidon hash of the code, zero without code.
    pub code_hash: B256,
    /// Bytes of the code.
    pub code_length: u64,
}

impl AccountRecord {
    /// Encoded size.
    pub const BYTES: usize = 80;

    /// Whether nothing of the account has to be stored.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// nonce u64 BE, balance u256 BE, code hash, code length u64 BE.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[..8].copy_from_slice(&self.nonce.to_be_bytes());
        out[8..40].copy_from_slice(&self.balance.to_be_bytes::<32>());
        out[40..72].copy_from_slice(self.code_hash.as_slice());
        out[72..].copy_from_slice(&self.code_length.to_be_bytes());
        out
    }

    /// Reads [`Self::to_bytes`]; empty bytes are the empty account.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when the length is neither 0 nor 80.
    pub fn from_bytes(bytes: &[u8]) -> DbResult<Self> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let bytes: &[u8; Self::BYTES] =
            bytes.try_into().map_err(|_| DbError::corrupt(format!("account record of {} bytes", bytes.len())))?;
        let word = |at: usize| u64::from_be_bytes(std::array::from_fn(|i| bytes[at + i]));
        Ok(Self {
            nonce: word(0),
            balance: U256::from_be_slice(&bytes[8..40]),
            code_hash: B256::from_slice(&bytes[40..72]),
            code_length: word(72),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_decodes_to_what_was_encoded() {
        let record =
            PoolEndRecord { status: 3, at_ms: 17, related: B256::repeat_byte(7), reason: "out of counters".into() };
        assert_eq!(decode::<PoolEndRecord>("pool end", &encode(&record)).unwrap(), record);
    }

    #[test]
    fn wrong_version_and_trailing_bytes_are_corrupt() {
        let mut bytes = encode(&ChainRecord { chain_id: 1001, fork_id: 9, genesis_root: B256::ZERO });
        bytes.push(0);
        assert_eq!(decode::<ChainRecord>("chain", &bytes).unwrap_err().code(), "STATE_DB_CORRUPT");
        bytes[0] = 9;
        assert_eq!(decode::<ChainRecord>("chain", &bytes).unwrap_err().code(), "STATE_DB_CORRUPT");
    }

    /// [`HeadRecord`] before format 3.
    #[derive(RlpEncodable)]
    struct OldHead {
        block: u64,
        block_hash: B256,
        timestamp: u64,
        state_root: B256,
        closed_batch: u64,
        tree_depth: u64,
    }

    #[test]
    fn records_of_older_formats_have_no_forced_batch() {
        let (block_hash, state_root) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let old = OldHead { block: 7, block_hash, timestamp: 5, state_root, closed_batch: 3, tree_depth: 9 };
        let mut head: HeadRecord = decode("head", &encode(&old)).unwrap();
        assert_eq!((head.tree_depth, head.forced_batch, head.next_forced_batch()), (9, None, 1));
        assert_eq!(encode(&head), encode(&old));
        head.forced_batch = Some(4);
        assert_eq!(decode::<HeadRecord>("head", &encode(&head)).unwrap(), head);
        assert_eq!(head.next_forced_batch(), 5);
    }

    #[test]
    fn an_account_round_trips_and_the_empty_one_is_empty() {
        let account = AccountRecord { nonce: 3, balance: U256::MAX, code_hash: B256::repeat_byte(1), code_length: 5 };
        assert_eq!(AccountRecord::from_bytes(&account.to_bytes()).unwrap(), account);
        assert!(AccountRecord::from_bytes(&[]).unwrap().is_empty());
        assert!(AccountRecord::from_bytes(&[1, 2]).is_err());
    }
}
