//! Counters of the stages around the opcodes: batch, changeL2Block, decoding, signature.

use super::meter::Priced;
use super::{Levels, ProfileTable, profile_table};
use alloy_primitives::U256;
use zkevm_codec::{L2Transaction, Recovery};
use zkevm_primitives::{CostProfile, Counters};

/// Counters of what a sequencer adds to a batch besides executing transactions.
#[derive(Clone, Copy, Debug)]
pub struct CounterModel {
    table: &'static ProfileTable,
}

impl CounterModel {
    /// The model of `profile`.
    #[must_use]
    pub fn new(profile: CostProfile) -> Self {
        Self { table: profile_table(profile) }
    }

    /// A batch of `bytes` bytes of batchL2Data, whatever it holds.
    #[must_use]
    pub fn batch(&self, bytes: usize, levels: &Levels) -> Counters {
        let mut sum = Priced::default();
        sum.add_formula(&self.table.batch, &[bytes as u64]);
        sum.at(levels.batch)
    }

    /// Decoding one changeL2Block entry.
    #[must_use]
    pub fn decode_change_l2_block(&self) -> Priced {
        let mut sum = Priced::default();
        sum.add_formula(&self.table.decode_change_l2_block, &[]);
        sum
    }

    /// Opening a block; `verifies` when an L1 info tree proof is checked.
    #[must_use]
    pub fn change_l2_block(&self, verifies: bool) -> Priced {
        let mut sum = Priced::default();
        sum.add_formula(&self.table.change_l2_block, &[u64::from(verifies)]);
        sum
    }

    /// Decoding a transaction of `bytes` bytes and recovering its sender; `is_rejected` when chain id
    /// or signature are wrong.
    #[must_use]
    pub fn rlp_parsing(&self, tx: &L2Transaction, bytes: usize, recovery: Recovery, is_rejected: bool) -> Priced {
        let zero_bytes = if is_rejected { self.table.zero_field_bytes_of_rejected } else { 1 };
        let length = |value: U256| if value.is_zero() { zero_bytes } else { value.byte_len() as u64 };
        let mut sum = Priced::default();
        let lengths = length(tx.gas_price)
            + length(U256::from(tx.gas_limit))
            + length(tx.value)
            + tx.chain_id.map_or(0, |chain_id| length(U256::from(chain_id)))
            + length(U256::from(tx.nonce));
        sum.add_formula(&self.table.rlp_parsing, &[bytes as u64, tx.data.len() as u64, lengths]);
        sum.add_cost(ecrecover_cost(self.table, recovery), 1);
        sum
    }
}

/// The row of recovering a signature.
pub(crate) const fn ecrecover_cost(table: &ProfileTable, recovery: Recovery) -> &super::Cost {
    match recovery {
        Recovery::OutOfRange => &table.ecrecover_invalid,
        Recovery::NoRoot => &table.ecrecover_no_root,
        Recovery::Signer(_) | Recovery::NoKey => &table.ecrecover_root,
    }
}
