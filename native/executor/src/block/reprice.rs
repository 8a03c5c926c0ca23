//! Another price for the transaction that was executed last (node.md 2.6).

use super::take_over::check_sender;
use super::{Arc, BlockExecutor, U256};
use crate::{AccountState, ExecutorError, RecoveredTx, StateReader, TxResult};
use zkevm_primitives::RomError;

impl<S: StateReader> BlockExecutor<S> {
    /// Gives the last executed transaction, which can still be undone and could not tell its price
    /// ([`TxResult::shows_price`]), another effective percentage, as if it had been executed at it: what it did stays, two
    /// balances move. `recovered` is that transaction with the new percentage. When its sender cannot pay the new price, the
    /// transaction is undone and the ROM's error answered.
    ///
    /// # Errors
    /// When there is no such transaction, the block records reads, or the state fails; the transaction is then undone.
    pub fn reprice_last(&mut self, recovered: &RecoveredTx) -> Result<Result<Arc<TxResult>, RomError>, ExecutorError> {
        let repriced = self.repriced(recovered);
        if !matches!(repriced, Ok(Ok(_))) {
            self.rollback_last();
        }
        repriced
    }

    fn repriced(&mut self, recovered: &RecoveredTx) -> Result<Result<Arc<TxResult>, RomError>, ExecutorError> {
        let tx = &recovered.tx;
        let gas_price = tx.effective_gas_price();
        // Which accounts a transaction reads may depend on whether it pays at all.
        let may_change = self.can_roll_back && !self.params.records_reads;
        let last = self.results.last().filter(|last| may_change && !last.shows_price);
        let last = Arc::clone(last.ok_or(ExecutorError::Internal("no transaction can be given another price"))?);
        let sender = AccountState {
            balance: self.host.journal.balance_before(last.from)?,
            nonce: tx.nonce,
            ..self.host.journal.account(last.from)?.state()
        };
        if let Err(error) = check_sender(tx, &sender, gas_price, &self.params) {
            return Ok(Err(error));
        }
        let fee_at = |price: U256| U256::from(last.gas_used).wrapping_mul(price);
        // Modulo 2^256: it may have become cheaper.
        let more = fee_at(gas_price).wrapping_sub(fee_at(last.effective_gas_price));
        self.host.journal.add_balance(last.from, more.wrapping_neg())?;
        self.host.journal.add_balance(self.params.coinbase, more)?;
        let mut result = Arc::unwrap_or_clone(last);
        result.effective_gas_price = gas_price;
        result.effective_percentage = tx.effective_percentage;
        let result = Arc::new(result);
        if let Some(last) = self.results.last_mut() {
            *last = Arc::clone(&result);
        }
        Ok(Ok(result))
    }
}
