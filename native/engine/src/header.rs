//! The Ethereum-style header of an L2 block: what `eth_getBlockBy*` shows and hashes. The zkEVM's own identity of a block is its state
//! root; the header hash exists for tools that expect one, and is derived from the block alone, so that every node gets the same.

use alloy_primitives::{Address, B64, B256, Bloom, BloomInput, Bytes, Log, U256, b256, keccak256};
use alloy_rlp::{Encodable, RlpEncodable};
use alloy_trie::root::ordered_trie_root_with_encoder;

/// keccak of the RLP of an empty list: no uncles.
pub const EMPTY_UNCLES: B256 = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");

/// The fields of the header, in the order of its RLP (Ethereum before EIP-1559: 15 fields).
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable)]
pub struct Header {
    /// Hash of the previous block's header.
    pub parent_hash: B256,
    /// Always [`EMPTY_UNCLES`].
    pub uncles_hash: B256,
    /// L2 coinbase.
    pub coinbase: Address,
    /// Root of the state tree after the block.
    pub state_root: B256,
    /// Merkle Patricia root of the signed transactions.
    pub transactions_root: B256,
    /// Merkle Patricia root of the receipts.
    pub receipts_root: B256,
    /// Bloom of all logs.
    pub logs_bloom: Bloom,
    /// Always 0.
    pub difficulty: U256,
    /// L2 block number.
    pub number: u64,
    /// Block gas limit of the fork.
    pub gas_limit: u64,
    /// Gas used by all transactions.
    pub gas_used: u64,
    /// Unix seconds.
    pub timestamp: u64,
    /// Always empty.
    pub extra_data: Bytes,
    /// Always zero.
    pub mix_hash: B256,
    /// Always zero.
    pub nonce: B64,
}

impl Header {
    /// keccak of the RLP.
    pub fn hash(&self) -> B256 {
        let mut out = Vec::with_capacity(600);
        self.encode(&mut out);
        keccak256(&out)
    }
}

/// What the receipts root covers of a receipt (EIP-658 form).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptForRoot<'a> {
    /// 1 success, 0 failure.
    pub status: u8,
    /// Gas used in the block up to and including the transaction.
    pub cumulative_gas_used: u64,
    /// Logs of the transaction.
    pub logs: &'a [Log],
}

/// Bloom of logs.
pub fn logs_bloom<'a>(logs: impl IntoIterator<Item = &'a Log>) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in logs {
        bloom.accrue(BloomInput::Raw(log.address.as_slice()));
        for topic in log.topics() {
            bloom.accrue(BloomInput::Raw(topic.as_slice()));
        }
    }
    bloom
}

/// Merkle Patricia root of the signed transactions.
pub fn transactions_root(raw: &[&[u8]]) -> B256 {
    ordered_trie_root_with_encoder(raw, |raw, out| out.extend_from_slice(raw))
}

/// Merkle Patricia root of the receipts.
pub fn receipts_root(receipts: &[ReceiptForRoot<'_>]) -> B256 {
    ordered_trie_root_with_encoder(receipts, |receipt, out| encode_receipt(receipt, out))
}

/// Encodes a receipt as the receipts root covers it.
pub fn encode_receipt(receipt: &ReceiptForRoot<'_>, out: &mut dyn alloy_rlp::BufMut) {
    #[derive(RlpEncodable)]
    struct Fields<'a> {
        status: u8,
        cumulative_gas_used: u64,
        bloom: Bloom,
        logs: &'a Vec<Log>,
    }
    let logs = receipt.logs.to_vec();
    Fields {
        status: receipt.status,
        cumulative_gas_used: receipt.cumulative_gas_used,
        bloom: logs_bloom(receipt.logs),
        logs: &logs,
    }
    .encode(out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{LogData, address};
    use alloy_trie::EMPTY_ROOT_HASH;

    #[test]
    fn empty_lists_have_ethereums_empty_root() {
        assert_eq!(transactions_root(&[]), EMPTY_ROOT_HASH);
        assert_eq!(receipts_root(&[]), EMPTY_ROOT_HASH);
    }

    /// Header of Ethereum mainnet's block 0: every field and the hash are public.
    #[test]
    fn the_hash_of_ethereums_genesis_header_comes_out() {
        let header = Header {
            parent_hash: B256::ZERO,
            uncles_hash: EMPTY_UNCLES,
            coinbase: Address::ZERO,
            state_root: b256!("d7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544"),
            transactions_root: EMPTY_ROOT_HASH,
            receipts_root: EMPTY_ROOT_HASH,
            logs_bloom: Bloom::ZERO,
            difficulty: U256::from(17_179_869_184_u64),
            number: 0,
            gas_limit: 5000,
            gas_used: 0,
            timestamp: 0,
            extra_data: b256!("11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa").to_vec().into(),
            mix_hash: B256::ZERO,
            nonce: B64::from(0x42_u64.to_be_bytes()),
        };
        assert_eq!(header.hash(), b256!("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"));
    }

    #[test]
    fn the_bloom_holds_address_and_topics() {
        let address = address!("0000000000000000000000000000000000000001");
        let topic = B256::repeat_byte(2);
        let log = Log { address, data: LogData::new_unchecked(vec![topic], Bytes::new()) };
        let bloom = logs_bloom([&log]);
        assert!(bloom.contains_input(BloomInput::Raw(address.as_slice())));
        assert!(bloom.contains_input(BloomInput::Raw(topic.as_slice())));
        assert!(!bloom.contains_input(BloomInput::Raw(&[3; 20])));
    }
}
