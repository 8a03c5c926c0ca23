//! Effective gas price (node.md 2.6): the price of a transaction once its gas is known, and whether it is far enough from the price that it
//! was executed at to charge another one. The first price, which depends on the gas that admission found, is the pool's
//! (`src/pool/effective-gas-price.ts`): the same formula, on the same integers; `__test__/vectors/effective-gas-price.json` holds both to it.
//!
//! ```text
//! first  = price by the gas of pre-execution        the percentage byte of the first execution
//! second = price by the gas that was used
//! |second - first| <= 10 % of first                 stays
//! second >= signed, or the program could tell       the full signed price: 255
//! else                                              the byte of `second`
//! ```
//!
//! At most once a transaction: what the third price would be is never asked.

use alloy_primitives::{U256, Uint};
use zkevm_codec::L2Transaction;

use crate::error::{EngineError, EngineResult};
use crate::layout::u64_at;

/// Fixed-point scale of every factor.
const PPM: u64 = 1_000_000;
/// Percentage byte that charges the full signed price.
const FULL_PERCENTAGE: u8 = 255;
/// Gas of a plain transfer.
const TRANSFER_GAS: u64 = 21_000;
/// Bytes of [`Rule`] at the boundary; the gas of each transaction follows.
pub const RULE_BYTES: usize = 144;

/// Wide enough for every product of prices, gas and factors.
type Wide = Uint<768, 12>;

/// Prices and factors that a price follows from.
#[derive(Debug, Clone, Copy)]
struct Rule {
    l1_gas_price: U256,
    l2_gas_price: U256,
    /// Break-even price of a transaction of exactly 21,000 gas; 0 = none.
    transfer_gas_price: U256,
    l1_gas_price_factor_ppm: u64,
    byte_gas_cost: u64,
    zero_byte_gas_cost: u64,
    net_profit_ppm: u64,
    /// The same as a share of the L1 price; 0 = none.
    transfer_l1_gas_price_factor_ppm: u64,
    final_deviation_ppm: u64,
}

/// How the transactions of a slice are priced again after their execution.
#[derive(Debug)]
pub struct Repricing {
    rule: Rule,
    /// Gas that the percentage of each transaction was chosen for.
    expected_gas: Vec<u64>,
}

/// What an execution showed of a transaction.
#[derive(Debug, Clone, Copy)]
pub struct Execution {
    /// Gas it used.
    pub gas_used: u64,
    /// Whether the program could tell its price.
    pub shows_price: bool,
}

impl Repricing {
    /// Reads the layout `REPRICING` of `src/native/layouts.ts`.
    ///
    /// # Errors
    /// [`EngineError::InvalidArgument`] on another length, or with fewer gas values than transactions.
    pub fn read(bytes: &[u8], transactions: usize) -> EngineResult<Self> {
        let bad = |what: &str| EngineError::invalid_argument(format!("repricing: {what}"));
        let (head, gas) = bytes.split_at_checked(RULE_BYTES).ok_or_else(|| bad("no rule"))?;
        if gas.len() % 8 != 0 || gas.len() / 8 < transactions {
            return Err(bad("not one gas value for each transaction"));
        }
        let wei = |at: usize| U256::from_le_slice(&head[at..at + 32]);
        let rule = Rule {
            l1_gas_price: wei(0),
            l2_gas_price: wei(32),
            transfer_gas_price: wei(64),
            l1_gas_price_factor_ppm: u64_at(head, 96),
            byte_gas_cost: u64_at(head, 104),
            zero_byte_gas_cost: u64_at(head, 112),
            net_profit_ppm: u64_at(head, 120),
            transfer_l1_gas_price_factor_ppm: u64_at(head, 128),
            final_deviation_ppm: u64_at(head, 136),
        };
        Ok(Self { rule, expected_gas: gas.chunks_exact(8).map(|gas| u64_at(gas, 0)).collect() })
    }

    /// The percentage to charge the `index`-th transaction of the slice instead of the one it was executed at; none where that one stays.
    pub fn second_percentage(&self, index: usize, tx: &L2Transaction, execution: Execution) -> Option<u8> {
        let expected = *self.expected_gas.get(index)?;
        // The usual case, before anything is encoded.
        if expected == execution.gas_used {
            return None;
        }
        let priced = Priced::of(tx);
        let second = self.rule.percentage_after(&priced, expected, execution)?;
        (second != tx.effective_percentage).then_some(second)
    }
}

/// What the price of a transaction depends on besides its gas.
#[derive(Debug, Clone, Copy)]
struct Priced {
    signed_gas_price: U256,
    /// Bytes in the batch, the percentage byte left out.
    non_zero_bytes: u64,
    zero_bytes: u64,
}

impl Priced {
    fn of(tx: &L2Transaction) -> Self {
        let mut encoded = Vec::with_capacity(192 + tx.data.len());
        tx.encode_batch_form(&mut encoded);
        encoded.pop();
        let zero_bytes = encoded.iter().map(|byte| u64::from(*byte == 0)).sum::<u64>();
        Self { signed_gas_price: tx.gas_price, non_zero_bytes: encoded.len() as u64 - zero_bytes, zero_bytes }
    }
}

impl Rule {
    /// The percentage that the gas used asks for; none where the price is near enough to the first one.
    fn percentage_after(&self, tx: &Priced, expected_gas: u64, execution: Execution) -> Option<u8> {
        let first = self.effective(tx, expected_gas);
        let second = self.effective(tx, execution.gas_used);
        if first.abs_diff(second) * Wide::from(PPM) <= first * Wide::from(self.final_deviation_ppm) {
            return None;
        }
        // A contract must not see one price and be charged another.
        Some(if execution.shows_price { FULL_PERCENTAGE } else { percentage_for(second, tx.signed_gas_price) })
    }

    /// Break-even price, raised in proportion where the sender pays more than the suggested price.
    fn effective(&self, tx: &Priced, gas: u64) -> Wide {
        let break_even = self.break_even(tx, gas);
        if self.l2_gas_price.is_zero() || tx.signed_gas_price <= self.l2_gas_price {
            return break_even;
        }
        break_even * Wide::from(tx.signed_gas_price) / Wide::from(self.l2_gas_price)
    }

    /// Price at which executing and publishing the transaction costs nothing.
    fn break_even(&self, tx: &Priced, gas: u64) -> Wide {
        if gas == 0 {
            return Wide::from(tx.signed_gas_price);
        }
        if gas == TRANSFER_GAS && !self.transfer_gas_price.is_zero() {
            return Wide::from(self.transfer_gas_price);
        }
        let (gas, ppm, l1) = (Wide::from(gas), Wide::from(PPM), Wide::from(self.l1_gas_price));
        if gas == Wide::from(TRANSFER_GAS) && self.transfer_l1_gas_price_factor_ppm != 0 {
            return at_least_one(l1 * Wide::from(self.transfer_l1_gas_price_factor_ppm) / ppm);
        }
        // The percentage byte itself is data as well, hence the + 1.
        let data_gas = Wide::from(tx.non_zero_bytes + 1) * Wide::from(self.byte_gas_cost)
            + Wide::from(tx.zero_bytes) * Wide::from(self.zero_byte_gas_cost);
        // Multiplied before dividing: the least L2 price keeps its fraction of a wei.
        let total_ppm = gas * l1 * Wide::from(self.l1_gas_price_factor_ppm) + data_gas * l1 * ppm;
        at_least_one(total_ppm / (gas * ppm) * Wide::from(self.net_profit_ppm) / ppm)
    }
}

fn at_least_one(price: Wide) -> Wide {
    price.max(Wide::from(1))
}

/// The smallest byte whose charge is not below the price; full from the signed price on.
fn percentage_for(price: Wide, signed_gas_price: U256) -> u8 {
    let signed = Wide::from(signed_gas_price);
    if price >= signed {
        return FULL_PERCENTAGE;
    }
    let steps = (price * Wide::from(256)).div_ceil(signed);
    u8::try_from(steps.saturating_sub(Wide::from(1))).unwrap_or(FULL_PERCENTAGE)
}

#[cfg(test)]
#[path = "effective_gas_price_test.rs"]
mod tests;
