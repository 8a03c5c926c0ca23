//! The block info tree: filled from plain values, hashed once when the block is sealed.

use alloy_primitives::{B256, Log, U256};
use zkevm_state_tree::keys::{self, KeySource};
use zkevm_state_tree::poseidon::linear_hash_many;
use zkevm_state_tree::{H4, root_of};

/// The header of an L2 block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeaderValues {
    pub(crate) previous_state_root: B256,
    pub(crate) coinbase: U256,
    pub(crate) number: U256,
    pub(crate) gas_limit: U256,
    pub(crate) timestamp: U256,
    pub(crate) global_exit_root: B256,
    pub(crate) l1_block_hash: B256,
    pub(crate) gas_used: U256,
}

/// Leaves that are not hashed yet.
#[derive(Debug, Default)]
pub(crate) struct InfoTree {
    values: Vec<(KeySource, U256)>,
    /// Leaves whose value is a linear hash of these bytes.
    hashed: Vec<(KeySource, Vec<u8>)>,
    l2_hashes: usize,
}

impl InfoTree {
    /// Adds the header.
    pub(crate) fn header(&mut self, header: &HeaderValues) {
        let values = [
            (keys::HEADER_PREVIOUS_BLOCK_HASH, header.previous_state_root.into()),
            (keys::HEADER_COINBASE, header.coinbase),
            (keys::HEADER_NUMBER, header.number),
            (keys::HEADER_GAS_LIMIT, header.gas_limit),
            (keys::HEADER_TIMESTAMP, header.timestamp),
            (keys::HEADER_GER, header.global_exit_root.into()),
            (keys::HEADER_L1_BLOCK_HASH, header.l1_block_hash.into()),
            (keys::HEADER_GAS_USED, header.gas_used),
        ];
        self.values.extend(values.map(|(id, value)| (KeySource::block_header(id), value)));
    }

    /// Adds the L2 hash of transaction `index`. To be called for all transactions before any log.
    pub(crate) fn l2_hash(&mut self, index: u64, preimage: Vec<u8>) {
        self.hashed.push((KeySource::block_tx(keys::KIND_TX_L2_HASH, index), preimage));
        self.l2_hashes += 1;
    }

    /// Adds status, gas and effective percentage of transaction `index`.
    pub(crate) fn receipt(&mut self, index: u64, succeeds: bool, cumulative_gas_used: u64, percentage: u8) {
        self.values.extend([
            (KeySource::block_tx(keys::KIND_TX_STATUS, index), U256::from(succeeds)),
            (KeySource::block_tx(keys::KIND_TX_CUMULATIVE_GAS_USED, index), U256::from(cumulative_gas_used)),
            (KeySource::block_tx(keys::KIND_TX_EFFECTIVE_PERCENTAGE, index), U256::from(percentage)),
        ]);
    }

    /// Adds a log of transaction `index`.
    pub(crate) fn log(&mut self, index: u64, log_index: u64, log: &Log) {
        let mut preimage = Vec::with_capacity(log.data.data.len() + 32 * log.topics().len());
        preimage.extend_from_slice(&log.data.data);
        for topic in log.topics() {
            preimage.extend_from_slice(topic.as_slice());
        }
        self.hashed.push((KeySource::block_log(index, log_index), preimage));
    }

    /// The root, and the L2 hashes in the order of the transactions.
    pub(crate) fn finish(self) -> (U256, Vec<B256>) {
        let preimages: Vec<&[u8]> = self.hashed.iter().map(|(_, preimage)| preimage.as_slice()).collect();
        let hashes = linear_hash_many(&preimages);
        let l2_hashes = hashes.iter().take(self.l2_hashes).map(H4::to_b256).collect();
        let (mut sources, mut values): (Vec<KeySource>, Vec<U256>) = self.values.into_iter().unzip();
        sources.extend(self.hashed.iter().map(|(source, _)| *source));
        values.extend(hashes.iter().map(H4::to_u256));
        let leaves: Vec<(H4, U256)> = keys::derive_many(&sources).into_iter().zip(values).collect();
        (root_of(&leaves).to_u256(), l2_hashes)
    }
}
