//! Pre-execution at admission (node.md 2.4): what a transaction would use, alone, on the newest committed state. Its nonce is taken as
//! valid, since it may be a future one, and so is its sender's balance, which admission judges by itself.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, Bytes, U256};
use zkevm_executor::{
    AccountState, CallContext, CancelToken, CounterModel, PreExecuted, RecoveredTx, StateError, StateReader,
    pre_execute,
};
use zkevm_primitives::{Counter, Counters, RomError};
use zkevm_state_db::Store;

use crate::EngineResult;
use crate::block::ROM_NO_ERROR;
use crate::commit::state_of;
use crate::engine::Engine;
use crate::layout::{ADMISSION_HASH_AT, ADMISSION_ROW_BYTES, Row};
use crate::reader::state_error;

const STATUS_SUCCESS: u8 = 1;
const STATUS_FAILED: u8 = 2;
const STATUS_SKIPPED: u8 = 3;
const STATUS_OUT_OF_COUNTERS: u8 = 4;
const STATUS_INTERNAL: u8 = 5;
/// What uses up the counters of a batch takes some ten milliseconds; this is for a machine under load.
const BUDGET: Duration = Duration::from_millis(500);

/// Pre-executes a transaction, fills the result into its admission row and keeps it for the block.
pub(crate) fn fill(engine: &Engine, recovered: &RecoveredTx, row: &mut Row<ADMISSION_ROW_BYTES>) {
    let (status, rom_error, counter) = match run(engine, recovered) {
        Err(_) => (STATUS_INTERNAL, ROM_NO_ERROR, 0),
        Ok(Err(error)) => match Counter::ALL.into_iter().find(|counter| RomError::out_of_counters(*counter) == error) {
            Some(counter) => (STATUS_OUT_OF_COUNTERS, error as u8, counter as u8),
            None => (STATUS_SKIPPED, error as u8, 0),
        },
        Ok(Ok((result, kept))) => {
            if let Some(kept) = kept {
                engine.pre_executions.keep(B256::from_slice(row.get(ADMISSION_HASH_AT, B256::len_bytes())), kept);
            }
            let counters = result.counters_used + parsing(engine, recovered);
            row.bytes(232, &result.gas_used.to_le_bytes());
            row.counters(240, &counters);
            let rom_error = result.rom_error.map_or(ROM_NO_ERROR, |error| error as u8);
            match counters.first_exceeded(&engine.config().fork.limits) {
                Some(counter) => (STATUS_OUT_OF_COUNTERS, rom_error, counter as u8),
                None if result.succeeds => (STATUS_SUCCESS, rom_error, 0),
                None => (STATUS_FAILED, rom_error, 0),
            }
        }
    };
    row.bytes(272, &[status, rom_error, counter]);
}

fn run(engine: &Engine, recovered: &RecoveredTx) -> EngineResult<PreExecuted> {
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
        limits: Some(engine.config().fork.limits),
        cancel: CancelToken { deadline: Some(Instant::now() + BUDGET), flag: None },
    };
    Ok(pre_execute(NewestReader(engine.store()), &context, recovered)?)
}

/// Counters of decoding the transaction and recovering its sender.
fn parsing(engine: &Engine, recovered: &RecoveredTx) -> Counters {
    let model = CounterModel::new(engine.config().fork.profile);
    let levels = engine.levels(engine.read_chain().head.tree_depth);
    model.rlp_parsing(&recovered.tx, recovered.bytes, recovered.recovery, false).at(levels.tx)
}

/// The flat tables as they are. A commit in the middle of an execution shows as a mixture of two states, which the block notices when
/// it checks what was read.
struct NewestReader<'a>(&'a Store);

impl StateReader for NewestReader<'_> {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        Ok(state_of(&self.0.account(address).map_err(state_error)?))
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        self.0.storage(address, slot).map_err(state_error)
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        self.0.code(hash).map_err(state_error)
    }
}
