//! Pre-execution at admission (node.md 2.4): what a transaction would use, alone, on the newest committed state. Its nonce is taken as
//! valid, since it may be a future one, and so is its sender's balance, which admission judges by itself.

use alloy_primitives::Address;
use zkevm_codec::{L2Transaction, Recovery};
use zkevm_executor::{Call, CallContext, CallResult, CancelToken, CounterModel, simulate};
use zkevm_primitives::{Counter, Counters, RomError};

use crate::block::ROM_NO_ERROR;
use crate::block_id::BlockId;
use crate::engine::Engine;
use crate::layout::{ADMISSION_ROW_BYTES, Row};
use std::time::{Duration, Instant};

const STATUS_SUCCESS: u8 = 1;
const STATUS_FAILED: u8 = 2;
const STATUS_SKIPPED: u8 = 3;
const STATUS_OUT_OF_COUNTERS: u8 = 4;
const STATUS_INTERNAL: u8 = 5;
/// What uses up the counters of a batch takes some ten milliseconds; this is for a machine under load.
const BUDGET: Duration = Duration::from_millis(500);

/// Pre-executes a transaction and fills the result into its admission row.
pub(crate) fn fill(engine: &Engine, transaction: &L2Transaction, sender: Address, row: &mut Row<ADMISSION_ROW_BYTES>) {
    let (status, rom_error, counter) = match run(engine, transaction, sender) {
        Err(_) => (STATUS_INTERNAL, ROM_NO_ERROR, 0),
        Ok(Err(error)) => match Counter::ALL.into_iter().find(|counter| RomError::out_of_counters(*counter) == error) {
            Some(counter) => (STATUS_OUT_OF_COUNTERS, error as u8, counter as u8),
            None => (STATUS_SKIPPED, error as u8, 0),
        },
        Ok(Ok(result)) => {
            let counters = result.counters_used + parsing(engine, transaction, sender);
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

fn run(
    engine: &Engine,
    transaction: &L2Transaction,
    sender: Address,
) -> crate::EngineResult<Result<CallResult, RomError>> {
    let reader = engine.view(BlockId::Latest)?;
    let head = engine.stored_block(engine.head_block())?;
    let context = CallContext {
        spec: engine.config().fork,
        chain_id: engine.config().chain_id,
        number: head.number + 1,
        timestamp: head.timestamp,
        coinbase: engine.config().sequencer,
        gas_limit: engine.config().fork.block_gas_limit,
        levels: engine.levels(engine.read_chain().head.tree_depth),
        limits: Some(engine.config().fork.limits),
        cancel: CancelToken { deadline: Some(Instant::now() + BUDGET), flag: None },
    };
    let call = Call {
        from: sender,
        to: transaction.to,
        value: transaction.value,
        data: transaction.data.clone(),
        gas_limit: transaction.gas_limit,
        gas_price: transaction.effective_gas_price(),
        nonce: Some(transaction.nonce),
        has_unlimited_balance: true,
        access_list: Vec::new(),
    };
    Ok(simulate(&reader, &context, &call)?)
}

/// Counters of decoding the transaction and recovering its sender.
fn parsing(engine: &Engine, transaction: &L2Transaction, sender: Address) -> Counters {
    let model = CounterModel::new(engine.config().fork.profile);
    let levels = engine.levels(engine.read_chain().head.tree_depth);
    model.rlp_parsing(transaction, transaction.batch_form_bytes(), Recovery::Signer(sender), false).at(levels.tx)
}
