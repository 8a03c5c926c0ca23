//! Pre-execution at admission (node.md 2.4): what a transaction would use, alone, on the newest sealed state. Its nonce is taken as
//! valid, since it may be a future one, and so is its sender's balance, which admission judges by itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, Bytes, U256};
use zkevm_executor::{
    AccountState, CallContext, CallResult, CancelToken, CounterModel, ExecutorError, PreExecuted, PreExecution,
    RecoveredTx, StateError, StateReader, pre_execute,
};
use zkevm_primitives::{Counters, Limits};

use crate::block::ROM_NO_ERROR;
use crate::commit::state_of;
use crate::engine::Engine;
use crate::layout::{ADMISSION_HASH_AT, ADMISSION_ROW_BYTES, Row};
use crate::reader::state_error;

/// Where the row has the counters used, and those to reserve.
const USED_AT: usize = 240;
const RESERVED_AT: usize = 288;
const STATUS_SUCCESS: u8 = 1;
const STATUS_FAILED: u8 = 2;
const STATUS_SKIPPED: u8 = 3;
const STATUS_OUT_OF_COUNTERS: u8 = 4;
const STATUS_INTERNAL: u8 = 5;
const STATUS_UNFINISHED: u8 = 6;
const STATUS_UNAVAILABLE: u8 = 7;
/// Where the row has status, ROM error and counter.
const STATUS_AT: usize = 272;
/// What uses up the counters of a batch takes some ten milliseconds; this is for a machine under load.
const BUDGET: Duration = Duration::from_millis(500);

/// The part of a batch's counters that a pre-execution may use: one in so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsDivisor(u32);

impl LimitsDivisor {
    /// All of them.
    pub const WHOLE: Self = Self(1);

    /// One in `divisor`; `None` for 0.
    #[must_use]
    pub const fn new(divisor: u32) -> Option<Self> {
        if divisor == 0 { None } else { Some(Self(divisor)) }
    }

    fn of(self, limits: &Limits) -> Limits {
        Limits::from_array(limits.to_array().map(|limit| limit / u64::from(self.0)))
    }

    /// What it means that an execution was stopped.
    fn status_of_stopped(self) -> u8 {
        if self == Self::WHOLE { STATUS_OUT_OF_COUNTERS } else { STATUS_UNFINISHED }
    }
}

/// Pre-executes a transaction, fills the result into its admission row and keeps it for the block. A defect of the executor costs no more
/// than the transaction that shows it: those of its group have results of their own.
pub(crate) fn fill(
    engine: &Engine,
    recovered: &RecoveredTx,
    divisor: LimitsDivisor,
    row: &mut Row<ADMISSION_ROW_BYTES>,
) {
    if catch_unwind(AssertUnwindSafe(|| fill_unguarded(engine, recovered, divisor, row))).is_err() {
        row.bytes(STATUS_AT, &[STATUS_INTERNAL, ROM_NO_ERROR, 0]);
    }
}

fn fill_unguarded(
    engine: &Engine,
    recovered: &RecoveredTx,
    divisor: LimitsDivisor,
    row: &mut Row<ADMISSION_ROW_BYTES>,
) {
    #[cfg(test)]
    crate::faults::panic_where_told(&B256::from_slice(row.get(ADMISSION_HASH_AT, B256::len_bytes())));
    let parsing = Parsing::of(engine, recovered);
    if let Some(counter) = parsing.used.first_exceeded(&engine.config().fork.limits) {
        // Its bytes alone are more than a batch has the counters for.
        row.counters(USED_AT, &parsing.used);
        row.counters(RESERVED_AT, &parsing.reserved);
        row.bytes(STATUS_AT, &[STATUS_OUT_OF_COUNTERS, ROM_NO_ERROR, counter as u8]);
        return;
    }
    let (status, rom_error, counter) = match run(engine, recovered, divisor) {
        Err(ExecutorError::CountersExceeded { counter, used }) => {
            row.counters(USED_AT, &used);
            row.counters(RESERVED_AT, &used);
            (divisor.status_of_stopped(), ROM_NO_ERROR, counter as u8)
        }
        // Of the machine and its load, not of the transaction.
        Err(ExecutorError::State(_) | ExecutorError::Cancelled) => (STATUS_UNAVAILABLE, ROM_NO_ERROR, 0),
        Err(_) => (STATUS_INTERNAL, ROM_NO_ERROR, 0),
        Ok(Err(error)) => (STATUS_SKIPPED, error as u8, 0),
        Ok(Ok((result, kept))) => ended(engine, &parsing, &result, kept, row),
    };
    row.bytes(STATUS_AT, &[status, rom_error, counter]);
}

/// The result of an execution that came to its end; it may be over the limits all the same.
fn ended(
    engine: &Engine,
    parsing: &Parsing,
    result: &CallResult,
    kept: Option<PreExecution>,
    row: &mut Row<ADMISSION_ROW_BYTES>,
) -> (u8, u8, u8) {
    let counters = result.counters_used + parsing.used;
    row.bytes(232, &result.gas_used.to_le_bytes());
    row.counters(USED_AT, &counters);
    row.counters(RESERVED_AT, &(result.counters_reserved + parsing.reserved));
    let rom_error = result.rom_error.map_or(ROM_NO_ERROR, |error| error as u8);
    if let Some(counter) = counters.first_exceeded(&engine.config().fork.limits) {
        return (STATUS_OUT_OF_COUNTERS, rom_error, counter as u8);
    }
    if let Some(kept) = kept {
        engine.pre_executions.keep(B256::from_slice(row.get(ADMISSION_HASH_AT, B256::len_bytes())), kept);
    }
    (if result.succeeds { STATUS_SUCCESS } else { STATUS_FAILED }, rom_error, 0)
}

fn run(engine: &Engine, recovered: &RecoveredTx, divisor: LimitsDivisor) -> Result<PreExecuted, ExecutorError> {
    let head = engine.chain().head;
    let opened = *engine.opened.lock().unwrap_or_else(PoisonError::into_inner);
    // The open block, if there is one, is where the transaction most likely comes to be.
    let (number, timestamp) = opened.max((head.block + 1, head.timestamp));
    let context = CallContext {
        spec: engine.config().fork,
        chain_id: engine.config().chain_id,
        number,
        timestamp,
        coinbase: engine.config().sequencer,
        gas_limit: engine.config().fork.block_gas_limit,
        levels: engine.levels(head.tree_depth),
        limits: Some(divisor.of(&engine.config().fork.limits)),
        cancel: CancelToken { deadline: Some(Instant::now() + BUDGET), flag: None },
    };
    pre_execute(NewestReader(engine), &context, recovered)
}

/// Counters of decoding the transaction and recovering its sender.
struct Parsing {
    used: Counters,
    reserved: Counters,
}

impl Parsing {
    fn of(engine: &Engine, recovered: &RecoveredTx) -> Self {
        let model = CounterModel::new(engine.config().fork.profile);
        let levels = engine.levels(engine.read_chain().head.tree_depth);
        let price = model.rlp_parsing(&recovered.tx, recovered.bytes, recovered.recovery, false);
        Self { used: price.at(levels.tx), reserved: price.at(levels.tx_reserved) }
    }
}

/// The newest sealed state as far as it can be had without waiting for anybody: the cache that blocks fill, sealed blocks, the flat tables.
/// A block that is sealed in the middle of an execution shows as a mixture of two states, which the block that takes over the result notices
/// when it checks what was read.
struct NewestReader<'a>(&'a Engine);

impl StateReader for NewestReader<'_> {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        match self.0.sealed_account(address) {
            Some(account) => Ok(account),
            None => Ok(state_of(&self.0.store().account(address).map_err(state_error)?)),
        }
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        match self.0.cache().slot(address, slot).or_else(|| self.0.ahead().storage(address, slot)) {
            Some(value) => Ok(value),
            None => self.0.store().storage(address, slot).map_err(state_error),
        }
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        match self.0.cache().code(hash).or_else(|| self.0.ahead().code(hash)) {
            Some(code) => Ok(code),
            None => self.0.store().code(hash).map_err(state_error),
        }
    }
}
