//! The ROM's checks of a transaction, and putting one into the block that was executed before.

use super::{BlockExecutor, BlockParams};
use crate::{AccountState, ExecutorError, PreExecution, RecoveredTx, StateReader, TxResult};
use alloy_primitives::{Address, U256};
use std::sync::Arc;
use zkevm_codec::L2Transaction;
use zkevm_primitives::{Limits, RomError};

impl<S: StateReader> BlockExecutor<S> {
    /// Puts a transaction into the block with the result it had before, when it would have the same here: all it
    /// depends on is as it was, it is valid now, and it fits in `remaining`. None otherwise; the block is then as
    /// before and the transaction has to be executed. `before` must be of this very transaction; its effective
    /// percentage may differ.
    ///
    /// # Errors
    /// When the state fails; the block is then as before the call.
    pub fn take_over(
        &mut self,
        recovered: &RecoveredTx,
        before: &PreExecution,
        remaining: Option<&Limits>,
    ) -> Result<Option<Arc<TxResult>>, ExecutorError> {
        // What was kept has no read set to report and was counted.
        if self.params.records_reads || !self.params.counts {
            return Ok(None);
        }
        self.host.journal.begin_transaction();
        self.can_roll_back = false;
        let taken = self.take_over_begun(recovered, before, remaining);
        if !matches!(taken, Ok(Some(_))) {
            self.host.journal.rollback_transaction();
        }
        taken
    }

    fn take_over_begun(
        &mut self,
        recovered: &RecoveredTx,
        before: &PreExecution,
        remaining: Option<&Limits>,
    ) -> Result<Option<Arc<TxResult>>, ExecutorError> {
        let gas_price = recovered.tx.effective_gas_price();
        if !before.has_same_environment(&self.params.spec, &self.host.block, gas_price)
            || self.check(recovered, gas_price)? != Ok(before.from)
        {
            return Ok(None);
        }
        for footprint in &before.footprints {
            if !self.host.journal.would_repeat(footprint)? {
                return Ok(None);
            }
        }
        let price = self.price(recovered, before.execution);
        if remaining.is_some_and(|limits| price.used.first_exceeded(limits).is_some()) {
            return Ok(None);
        }
        let fee = U256::from(before.outcome.gas_used).wrapping_mul(gas_price);
        self.host.journal.buy_gas(before.from, fee)?;
        for footprint in &before.footprints {
            self.host.journal.repeat(footprint)?;
        }
        self.host.journal.add_balance(self.params.coinbase, fee)?;
        self.host.journal.logs.clone_from(&before.logs);
        Ok(Some(self.include(recovered, before.from, (before.outcome.clone(), before.shows_price()), &price)))
    }

    /// The ROM's checks in its order; gives the sender.
    pub(super) fn check(
        &mut self,
        recovered: &RecoveredTx,
        gas_price: U256,
    ) -> Result<Result<Address, RomError>, ExecutorError> {
        let tx = &recovered.tx;
        let Some(from) = recovered.recovery.signer() else { return Ok(Err(RomError::IntrinsicInvalidSignature)) };
        let sender = self.host.journal.account(from)?.state();
        Ok(check_sender(tx, &sender, gas_price, &self.params).map(|()| from))
    }
}

/// Checks 2 to 8 of the ROM.
pub(super) fn check_sender(
    tx: &L2Transaction,
    sender: &AccountState,
    gas_price: U256,
    params: &BlockParams,
) -> Result<(), RomError> {
    if sender.code_length != 0 {
        return Err(RomError::IntrinsicInvalidSenderCode);
    }
    if tx.chain_id.is_some_and(|chain_id| chain_id != params.chain_id) {
        return Err(RomError::IntrinsicInvalidChainId);
    }
    // A sender at the highest nonce could not be given the next one.
    if tx.nonce != sender.nonce || tx.nonce == u64::MAX {
        return Err(RomError::IntrinsicInvalidNonce);
    }
    if tx.gas_limit > params.spec.tx_gas_limit {
        return Err(RomError::IntrinsicInvalidBatchGasLimit);
    }
    if tx.gas_limit < tx.intrinsic_gas() {
        return Err(RomError::IntrinsicInvalidGasLimit);
    }
    let purchase = gas_price.checked_mul(U256::from(tx.gas_limit)).ok_or(RomError::IntrinsicTxGasOverflow)?;
    match purchase.checked_add(tx.value) {
        Some(cost) if cost <= sender.balance => Ok(()),
        _ => Err(RomError::IntrinsicInvalidBalance),
    }
}
