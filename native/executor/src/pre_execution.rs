//! Executing a transaction before it has its place, so that a block can take the result over.
//!
//! What is kept is what the transaction depends on and what it did. It depends on: the slots it read; nonce and
//! code of the accounts it touched; a balance only where the program could tell it (a BALANCE, a transfer that
//! has to be covered, an account that may be empty); and number, timestamp, coinbase and gas price where it asked
//! for them. Balances that merely grow or shrink are kept as differences: all transactions pay the coinbase, and
//! all senders pay. Nonce and funds of the sender are checked when the result is taken over, as for any
//! transaction; what depends on the place in the block (index, cumulative gas, log index, level number, fee) is
//! computed then.

use crate::cost::Priced;
use crate::host::{BlockEnv, Host, Seen};
use crate::journal::Footprint;
use crate::message::{self, MessageOutcome};
use crate::simulate::{begin, host_of};
use crate::{Call, CallContext, CallResult, ExecutorError, RecoveredTx, StateReader};
use alloy_primitives::{Address, Log, U256};
use zkevm_primitives::{ForkSpec, RomError};

/// A transaction's result with everything it depends on; [`crate::BlockExecutor::take_over`] puts it into a block.
#[derive(Clone, Debug)]
pub struct PreExecution {
    pub(crate) spec: ForkSpec,
    pub(crate) from: Address,
    pub(crate) outcome: MessageOutcome,
    pub(crate) logs: Vec<Log>,
    pub(crate) execution: Priced,
    pub(crate) footprints: Vec<Footprint>,
    block: BlockEnv,
    gas_price: U256,
    seen: Seen,
}

impl PreExecution {
    /// Estimated memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let logs = self.logs.iter().map(|log| size_of::<Log>() + 32 * log.topics().len() + log.data.data.len());
        let footprints = self.footprints.iter().map(Footprint::bytes);
        size_of::<Self>() + self.outcome.output.len() + logs.sum::<usize>() + footprints.sum::<usize>()
    }

    /// Main-machine rows of executing it: what taking it over saves.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.execution.rows[0]
    }

    /// Whether the program could tell its price.
    pub(crate) const fn shows_price(&self) -> bool {
        self.seen.shows_price()
    }

    /// Whether the transaction would see the same of block and gas price.
    pub(crate) fn has_same_environment(&self, spec: &ForkSpec, block: &BlockEnv, gas_price: U256) -> bool {
        let is_same = |what, same: bool| same || !self.seen.has(what);
        self.spec == *spec
            && self.block.chain_id == block.chain_id
            && is_same(Seen::NUMBER, self.block.number == block.number)
            && is_same(Seen::TIMESTAMP, self.block.timestamp == block.timestamp)
            && is_same(Seen::COINBASE, self.block.coinbase == block.coinbase)
            && is_same(Seen::GAS_PRICE, self.gas_price == gas_price)
            // The price shows in the sender's balance.
            && (self.gas_price == gas_price || !self.footprints.iter().any(|of| of.address == self.from && of.has_seen_balance))
    }
}

/// A transaction executed alone, its nonce taken as valid and its sender as having the funds: the result, and what
/// a block needs to take it over, if it may. The inner error says why it could not begin, as the ROM names it.
pub type PreExecuted = Result<(CallResult, Option<PreExecution>), RomError>;

/// Executes a transaction on a state, as a block of `context` would. A transaction without sender cannot begin.
///
/// # Errors
/// When the state fails, the execution is cancelled, or it is stopped because it has used more counters than it may
/// ([`ExecutorError::CountersExceeded`], with what it had used until then). It is stopped some time after it has:
/// what has come to its end may be over the limits too.
pub fn pre_execute<S: StateReader>(
    reader: S,
    context: &CallContext,
    recovered: &RecoveredTx,
) -> Result<PreExecuted, ExecutorError> {
    let tx = &recovered.tx;
    let Some(from) = recovered.recovery.signer() else { return Ok(Err(RomError::IntrinsicInvalidSignature)) };
    let call = Call {
        from,
        to: tx.to,
        value: tx.value,
        data: tx.data.clone(),
        gas_limit: tx.gas_limit,
        gas_price: tx.effective_gas_price(),
        nonce: Some(tx.nonce),
        has_unlimited_balance: true,
        access_list: Vec::new(),
    };
    let mut host = host_of(reader, context, true, true);
    host.journal.begin_transaction();
    run(&mut host, context, &call)
}

fn run<S: StateReader>(host: &mut Host<S>, context: &CallContext, call: &Call) -> Result<PreExecuted, ExecutorError> {
    let lent = lent(host, call)?;
    let message = match begin(host, call)? {
        Ok(message) => message,
        Err(error) => return Ok(Err(error)),
    };
    let ended = message::execute(host, &message)?;
    let has_seen_coinbase = host.journal.has_seen(&host.block.coinbase);
    let outcome = message::settle(host, &message, ended)?;
    let fee = U256::from(outcome.gas_used).wrapping_mul(call.gas_price);
    let footprints = host.journal.footprints().map(|mut footprints| {
        for of in &mut footprints {
            if of.address == call.from {
                of.gain = of.gain.wrapping_add(fee).wrapping_sub(lent);
                // Checked whenever the result is taken over.
                of.has_seen_identity = false;
            }
            if of.address == host.block.coinbase {
                of.gain = of.gain.wrapping_sub(fee);
                of.has_seen_identity &= has_seen_coinbase;
            }
        }
        footprints
    });
    let result = CallResult::of(host, outcome.clone(), &context.levels);
    let kept = footprints.map(|footprints| PreExecution {
        spec: host.spec,
        from: call.from,
        outcome,
        logs: result.logs.clone(),
        execution: result.execution,
        footprints,
        block: host.block,
        gas_price: call.gas_price,
        seen: host.seen(),
    });
    Ok(Ok((result, kept)))
}

/// What the sender lacks and is lent.
fn lent<S: StateReader>(host: &mut Host<S>, call: &Call) -> Result<U256, ExecutorError> {
    let cost = call.gas_price.saturating_mul(U256::from(call.gas_limit)).saturating_add(call.value);
    Ok(cost.saturating_sub(host.journal.account(call.from)?.info.balance))
}
