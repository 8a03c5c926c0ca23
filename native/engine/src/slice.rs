//! A slice of transactions on the open L2 block: each is executed, priced again where its gas was not what the pool expected, and kept if it
//! fits what is left of the batch.

use alloy_primitives::map::HashSet;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use zkevm_codec::{L2Transaction, Recovery};
use zkevm_executor::{ExecutorError, RecoveredTx, TxOutcome, TxResult};
use zkevm_primitives::Counters;

use crate::block::{ExecuteRequest, Included, OpenBlock, ROM_NO_ERROR};
use crate::effective_gas_price::{Execution, Repricing};
use crate::error::{EngineError, EngineResult};
use crate::layout::{OUTCOME_ROW_BYTES, RESOURCE_BYTES, Resources, Row};
use crate::pre_executions::PreExecutions;

pub(crate) const RESULT_INCLUDED: u8 = 0;
const RESULT_SKIPPED: u8 = 1;
const RESULT_DOES_NOT_FIT: u8 = 2;
pub(crate) const RESULT_INTERNAL_ERROR: u8 = 3;
const RESULT_NOT_ATTEMPTED: u8 = 4;
const RESULT_HAD_TO_SUCCEED: u8 = 5;
const NO_RESOURCE: u8 = 255;
/// sender 20, effective percentage 1.
const ITEM_HEAD_BYTES: usize = 21;

/// How a transaction came to the percentage that it is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Priced {
    /// By the one it was first executed at.
    AsExpected = 0,
    /// By another one, which changed nothing but what it pays.
    Adjusted = 1,
    /// By another one, at which it was executed again.
    ExecutedAgain = 2,
}

/// What one transaction of a slice came to.
pub(crate) struct Attempt {
    result: u8,
    rom_error: u8,
    resource: u8,
    status: u8,
    bytes: u64,
    gas_used: u64,
    cumulative_gas_used: u64,
    used: Counters,
    reserved: Counters,
    tx_index: u32,
    percentage: u8,
    priced: Priced,
}

impl Attempt {
    pub(crate) const fn without_execution(result: u8) -> Self {
        Self {
            result,
            rom_error: ROM_NO_ERROR,
            resource: NO_RESOURCE,
            status: 0,
            bytes: 0,
            gas_used: 0,
            cumulative_gas_used: 0,
            used: Counters::ZERO,
            reserved: Counters::ZERO,
            tx_index: 0,
            percentage: 0,
            priced: Priced::AsExpected,
        }
    }

    /// The changeL2Block of a block, or the first one of a batch with the batch itself.
    pub(crate) const fn marker(used: Counters, bytes: u64) -> Self {
        Self { bytes, used, reserved: used, ..Self::without_execution(RESULT_INCLUDED) }
    }

    pub(crate) fn row(&self, nanos: u64) -> Row<OUTCOME_ROW_BYTES> {
        let mut row = Row::new();
        row.bytes(0, &[self.result, self.rom_error, self.resource, self.status]);
        row.bytes(4, &(self.bytes as u32).to_le_bytes());
        row.bytes(8, &self.gas_used.to_le_bytes());
        row.bytes(16, &self.cumulative_gas_used.to_le_bytes());
        row.counters(24, &self.used);
        row.counters(56, &self.reserved);
        row.bytes(88, &nanos.to_le_bytes());
        row.bytes(96, &self.tx_index.to_le_bytes());
        row.bytes(100, &[self.percentage, self.priced as u8]);
        row
    }
}

/// A transaction of a slice as it crosses the boundary.
pub(crate) struct SliceItem<'a> {
    pub(crate) sender: Address,
    effective_percentage: u8,
    raw: &'a [u8],
}

impl<'a> SliceItem<'a> {
    pub(crate) fn parse(item: &'a [u8]) -> EngineResult<Self> {
        let (head, raw) = item
            .split_at_checked(ITEM_HEAD_BYTES)
            .ok_or_else(|| EngineError::invalid_argument("an item of a slice is shorter than its head"))?;
        Ok(Self { sender: Address::from_slice(&head[..20]), effective_percentage: head[20], raw })
    }
}

/// The ledger of one slice.
pub(crate) struct SliceRun<'a> {
    pre_executions: &'a PreExecutions,
    repricing: Option<&'a Repricing>,
    must_succeed: &'a [bool],
    remaining: Resources,
    high: Resources,
    pub(crate) misfits: u32,
    /// Senders one of whose transactions was not included: their later ones cannot be valid.
    pub(crate) refused: HashSet<Address>,
    /// Accounts that the included transactions changed at any time.
    pub(crate) touched: HashSet<Address>,
}

impl<'a> SliceRun<'a> {
    pub(crate) fn new(request: &'a ExecuteRequest<'_>, pre_executions: &'a PreExecutions) -> Self {
        Self {
            pre_executions,
            repricing: request.repricing.as_ref(),
            must_succeed: &request.must_succeed,
            remaining: request.remaining,
            high: request.high,
            misfits: 0,
            refused: HashSet::default(),
            touched: HashSet::default(),
        }
    }

    /// Tries the `index`-th transaction of the slice.
    pub(crate) fn attempt(
        &mut self,
        open: &mut OpenBlock,
        index: usize,
        item: &SliceItem<'_>,
    ) -> EngineResult<Attempt> {
        if self.refused.contains(&item.sender) {
            return Ok(Attempt::without_execution(RESULT_NOT_ATTEMPTED));
        }
        let attempt = self.execute(open, index, item)?;
        if attempt.result != RESULT_INCLUDED {
            self.refused.insert(item.sender);
        }
        if attempt.result == RESULT_DOES_NOT_FIT {
            self.misfits += 1;
        }
        Ok(attempt)
    }

    fn execute(&mut self, open: &mut OpenBlock, index: usize, item: &SliceItem<'_>) -> EngineResult<Attempt> {
        let Ok(mut tx) = L2Transaction::decode_signed(item.raw) else {
            return Ok(Attempt::without_execution(RESULT_INTERNAL_ERROR));
        };
        tx.effective_percentage = item.effective_percentage;
        let mut recovered = RecoveredTx::with_recovery(tx, Recovery::Signer(item.sender));
        let bytes = recovered.bytes as u64;
        if bytes > self.remaining.0[RESOURCE_BYTES] {
            let resource = RESOURCE_BYTES as u8;
            return Ok(Attempt { resource, bytes, ..Attempt::without_execution(RESULT_DOES_NOT_FIT) });
        }
        let hash = keccak256(item.raw);
        let first = self.outcome(open, &recovered, &hash);
        let outcome = first.and_then(|outcome| self.priced(open, index, &mut recovered, outcome));
        Ok(match outcome {
            Ok((TxOutcome::Executed(result), priced)) => {
                let may_fail = !self.must_succeed.get(index).copied().unwrap_or(false);
                if result.succeeds || may_fail {
                    Attempt { priced, ..self.settle(open, item, hash, &recovered, &result) }
                } else {
                    open.executor.rollback_last();
                    let rom_error = rom_error_of(&result);
                    Attempt {
                        rom_error,
                        bytes,
                        gas_used: result.gas_used,
                        ..Attempt::without_execution(RESULT_HAD_TO_SUCCEED)
                    }
                }
            }
            Ok((TxOutcome::Skipped(error), _)) => {
                Attempt { rom_error: error as u8, ..Attempt::without_execution(RESULT_SKIPPED) }
            }
            Ok((TxOutcome::OutOfCounters { counter, used, reserved, gas_used }, _)) => Attempt {
                resource: counter as u8,
                bytes,
                gas_used,
                used,
                reserved,
                ..Attempt::without_execution(RESULT_DOES_NOT_FIT)
            },
            // The state failed: not the transaction's fault, and no other would fare better.
            Err(error @ ExecutorError::State(_)) => return Err(error.into()),
            Err(_) => Attempt::without_execution(RESULT_INTERNAL_ERROR),
        })
    }

    /// Takes over what pre-execution came to if it would be the same here, else executes the transaction.
    fn outcome(&self, open: &mut OpenBlock, recovered: &RecoveredTx, hash: &B256) -> Result<TxOutcome, ExecutorError> {
        #[cfg(test)]
        crate::faults::panic_where_told(hash);
        let limits = self.remaining.counters();
        let kept = self.pre_executions.get(hash);
        if let Some(before) = &kept
            && let Some(result) = open.executor.take_over(recovered, before, Some(&limits))?
        {
            self.pre_executions.settle(hash, true);
            return Ok(TxOutcome::Executed(result));
        }
        let outcome = open.executor.execute(recovered, Some(&limits));
        // What did not fit may do so in the next batch, with the result it has.
        if kept.is_some() && matches!(outcome, Ok(TxOutcome::Executed(_))) {
            self.pre_executions.settle(hash, false);
        }
        outcome
    }

    /// Charges another percentage where the gas used is too far from what the first one was chosen for (node.md 2.6), at most once. The
    /// transaction is executed again only where it could tell its price.
    fn priced(
        &self,
        open: &mut OpenBlock,
        index: usize,
        recovered: &mut RecoveredTx,
        outcome: TxOutcome,
    ) -> Result<(TxOutcome, Priced), ExecutorError> {
        let (Some(repricing), TxOutcome::Executed(result)) = (self.repricing, &outcome) else {
            return Ok((outcome, Priced::AsExpected));
        };
        let execution = Execution { gas_used: result.gas_used, shows_price: result.shows_price };
        let Some(percentage) = repricing.second_percentage(index, &recovered.tx, execution) else {
            return Ok((outcome, Priced::AsExpected));
        };
        recovered.tx.effective_percentage = percentage;
        if result.shows_price {
            open.executor.rollback_last();
            let again = open.executor.execute(recovered, Some(&self.remaining.counters()))?;
            return Ok((again, Priced::ExecutedAgain));
        }
        let repriced = open.executor.reprice_last(recovered)?;
        Ok((repriced.map_or_else(TxOutcome::Skipped, TxOutcome::Executed), Priced::Adjusted))
    }

    /// Keeps an executed transaction if it fits, else undoes it.
    fn settle(
        &mut self,
        open: &mut OpenBlock,
        item: &SliceItem<'_>,
        hash: B256,
        recovered: &RecoveredTx,
        result: &TxResult,
    ) -> Attempt {
        let growth = open.batch_growth(recovered.bytes);
        let (used, reserved) = (result.counters_used + growth, result.counters_reserved + growth);
        let bytes = recovered.bytes as u64;
        let attempt = Attempt {
            rom_error: rom_error_of(result),
            status: u8::from(result.succeeds),
            bytes,
            gas_used: result.gas_used,
            cumulative_gas_used: result.cumulative_gas_used,
            used,
            reserved,
            tx_index: result.index as u32,
            percentage: result.effective_percentage,
            ..Attempt::without_execution(RESULT_INCLUDED)
        };
        let used = Resources::new(&used, bytes, result.gas_used);
        let reserved = Resources::new(&reserved, bytes, result.gas_used);
        if let Some(resource) = Resources::first_misfit(&self.remaining, &self.high, &used, &reserved) {
            open.executor.rollback_last();
            return Attempt { result: RESULT_DOES_NOT_FIT, resource: resource as u8, ..attempt };
        }
        self.touched.extend(open.executor.last_changed_accounts());
        self.remaining.subtract(&used);
        self.high.raise_high(&used, &reserved);
        open.account(&used, &reserved);
        open.data.transaction(&recovered.tx);
        open.included.push(Included {
            raw: Bytes::copy_from_slice(item.raw),
            hash,
            sender: item.sender,
            effective_percentage: result.effective_percentage,
            counters: attempt.used,
        });
        attempt
    }
}

/// Public number of what a transaction ended with.
fn rom_error_of(result: &TxResult) -> u8 {
    result.rom_error.map_or(ROM_NO_ERROR, |error| error as u8)
}
