//! The Ethereum-style header of an L2 block: what `eth_getBlockBy*` shows and hashes. The zkEVM's own identity of a block is its state
//! root; the header hash exists for tools that expect one, and is derived from the block alone, so that every node gets the same.

use alloy_primitives::map::HashMap;
use alloy_primitives::{Address, B64, B256, Bloom, BloomInput, Bytes, Log, U256, b256, keccak256};
use alloy_rlp::{BufMut, Encodable, RlpEncodable, encode_list, list_length};
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

/// Makes blooms of logs. What occurs again is hashed once: the logs of a block name few contracts and events, and each is part of two
/// blooms, its receipt's and the block's.
#[derive(Debug, Default)]
pub struct Blooms {
    addresses: HashMap<Address, B256>,
    topics: HashMap<B256, B256>,
}

impl Blooms {
    /// Bloom of logs.
    pub fn of<'a>(&mut self, logs: impl IntoIterator<Item = &'a Log>) -> Bloom {
        let mut bloom = Bloom::ZERO;
        for log in logs {
            let hash = self.addresses.entry(log.address).or_insert_with(|| keccak256(log.address));
            bloom.accrue(BloomInput::Hash(*hash));
            for topic in log.topics() {
                let hash = self.topics.entry(*topic).or_insert_with(|| keccak256(topic));
                bloom.accrue(BloomInput::Hash(*hash));
            }
        }
        bloom
    }
}

/// Bloom of logs.
pub fn logs_bloom<'a>(logs: impl IntoIterator<Item = &'a Log>) -> Bloom {
    Blooms::default().of(logs)
}

/// Merkle Patricia root of the signed transactions.
pub fn transactions_root(raw: &[&[u8]]) -> B256 {
    ordered_trie_root_with_encoder(raw, |raw, out| out.extend_from_slice(raw))
}

/// Merkle Patricia root of the receipts.
pub fn receipts_root(receipts: &[ReceiptForRoot<'_>]) -> B256 {
    receipts_root_and_bloom(receipts).0
}

/// Merkle Patricia root of the receipts, and the bloom of all their logs.
pub fn receipts_root_and_bloom(receipts: &[ReceiptForRoot<'_>]) -> (B256, Bloom) {
    let mut blooms = Blooms::default();
    let with_blooms: Vec<(&ReceiptForRoot<'_>, Bloom)> =
        receipts.iter().map(|receipt| (receipt, blooms.of(receipt.logs))).collect();
    let bloom = with_blooms.iter().fold(Bloom::ZERO, |all, (_, bloom)| all | *bloom);
    let root = ordered_trie_root_with_encoder(&with_blooms, |(receipt, bloom), out| encode(receipt, bloom, out));
    (root, bloom)
}

/// Encodes a receipt as the receipts root covers it.
pub fn encode_receipt(receipt: &ReceiptForRoot<'_>, out: &mut dyn BufMut) {
    encode(receipt, &logs_bloom(receipt.logs), out);
}

fn encode(receipt: &ReceiptForRoot<'_>, bloom: &Bloom, out: &mut dyn BufMut) {
    let ReceiptForRoot { status, cumulative_gas_used, logs } = receipt;
    let payload_length = status.length() + cumulative_gas_used.length() + bloom.length() + list_length(logs);
    alloy_rlp::Header { list: true, payload_length }.encode(out);
    status.encode(out);
    cumulative_gas_used.encode(out);
    bloom.encode(out);
    encode_list(logs, out);
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

    fn log(address: u8, topics: &[u8], data: usize) -> Log {
        let topics = topics.iter().map(|topic| B256::repeat_byte(*topic)).collect();
        Log { address: Address::repeat_byte(address), data: LogData::new_unchecked(topics, vec![7; data].into()) }
    }

    fn bloom_of(logs: &[Log]) -> Bloom {
        let mut bloom = Bloom::ZERO;
        for log in logs {
            bloom.accrue_log(log);
        }
        bloom
    }

    /// A receipt as its definition has it.
    fn encoded(receipt: &ReceiptForRoot<'_>) -> Vec<u8> {
        #[derive(RlpEncodable)]
        struct Fields {
            status: u8,
            cumulative_gas_used: u64,
            bloom: Bloom,
            logs: Vec<Log>,
        }
        let ReceiptForRoot { status, cumulative_gas_used, logs } = *receipt;
        let mut out = Vec::new();
        Fields { status, cumulative_gas_used, bloom: bloom_of(logs), logs: logs.to_vec() }.encode(&mut out);
        out
    }

    #[test]
    fn receipts_of_a_block_are_encoded_as_each_alone() {
        let lists =
            [vec![], vec![log(1, &[], 0)], vec![log(1, &[1, 2], 70), log(2, &[2, 2, 3], 1)], vec![log(3, &[1], 300)]];
        let receipts: Vec<ReceiptForRoot<'_>> = (0_u8..)
            .zip(&lists)
            .map(|(i, logs)| ReceiptForRoot { status: i % 2, cumulative_gas_used: u64::from(i) << 20, logs })
            .collect();
        for receipt in &receipts {
            let mut out = Vec::new();
            encode_receipt(receipt, &mut out);
            assert_eq!(out, encoded(receipt));
        }
        let (root, bloom) = receipts_root_and_bloom(&receipts);
        assert_eq!(root, ordered_trie_root_with_encoder(&receipts, |receipt, out| out.put_slice(&encoded(receipt))));
        assert_eq!(bloom, bloom_of(&lists.concat()));
        assert_eq!(root, receipts_root(&receipts));
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
