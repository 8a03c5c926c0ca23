//! Gas estimation: a bounded search on one prepared state.

use zkevm_executor::{CallResult, ExecutorError};

use crate::block_id::BlockId;
use crate::call::{CallOutcome, CallRequest, Prepared};
use crate::engine::Engine;
use crate::error::EngineResult;

/// Gas of a call that names none.
const CALL_GAS_DEFAULT: u64 = 30_000_000;
/// Gas of a plain transfer, exactly.
const TRANSFER_GAS: u64 = 21_000;
/// An estimate may exceed the lowest sufficient gas limit by one part in so many.
const ESTIMATE_TOLERANCE: u64 = 64;
/// Stipend of a call with value: what a callee may have had beyond the gas that was counted.
const CALL_STIPEND: u64 = 2_300;

impl Engine {
    /// The lowest gas limit that the call succeeds with, exact where no frame keeps gas back, else within one part in
    /// [`ESTIMATE_TOLERANCE`]. Where even the cap does not suffice, gas is 0 and the outcome says why.
    ///
    /// # Errors
    /// As [`Engine::call`].
    pub fn estimate_gas(&self, request: &CallRequest, block: BlockId) -> EngineResult<(u64, CallOutcome)> {
        // A transaction has to fit a batch; a mere call has not.
        let mut prepared = self.prepare(request, block, Some(self.config().fork.limits))?;
        let cap = request.gas.unwrap_or(CALL_GAS_DEFAULT).min(self.config().fork.tx_gas_limit);
        let cap = affordable_gas(&mut prepared, cap)?;
        if let Some(result) = plain_transfer(&mut prepared, cap)? {
            return Ok((TRANSFER_GAS, CallOutcome::new(&result)));
        }
        let at_cap = match prepared.run(cap)? {
            Ok(result) => result,
            Err(error) => return Ok((0, CallOutcome::refused(error))),
        };
        let outcome = CallOutcome::new(&at_cap);
        if !at_cap.succeeds {
            return Ok((0, outcome));
        }
        Ok((search(&mut prepared, &at_cap, cap)?, outcome))
    }
}

/// A transfer to an account without code needs no search.
fn plain_transfer(prepared: &mut Prepared, cap: u64) -> EngineResult<Option<CallResult>> {
    let call = &prepared.call;
    let is_bare = call.data.is_empty() && call.access_list.is_empty();
    let Some(to) = call.to.filter(|_| is_bare && cap >= TRANSFER_GAS) else { return Ok(None) };
    if prepared.simulation.account(to).map_err(ExecutorError::from)?.code_length != 0 {
        return Ok(None);
    }
    Ok(prepared.run(TRANSFER_GAS)?.ok().filter(|result| result.succeeds))
}

/// The highest gas limit up to `cap` that the sender can pay for.
fn affordable_gas(prepared: &mut Prepared, cap: u64) -> EngineResult<u64> {
    let call = &prepared.call;
    if call.gas_price.is_zero() || call.has_unlimited_balance {
        return Ok(cap);
    }
    let (from, value, gas_price) = (call.from, call.value, call.gas_price);
    let balance = prepared.simulation.account(from).map_err(ExecutorError::from)?.balance;
    let available = balance.saturating_sub(value);
    Ok(u64::try_from(available / gas_price).map_or(cap, |affordable| affordable.min(cap)))
}

/// Bounded search between what the run at the cap spent and the cap.
fn search(prepared: &mut Prepared, at_cap: &CallResult, cap: u64) -> EngineResult<u64> {
    let spent = (at_cap.gas_used + at_cap.gas_refunded).max(prepared.call.intrinsic_gas());
    let mut succeeds = |gas: u64| -> EngineResult<bool> { Ok(prepared.run(gas)?.is_ok_and(|result| result.succeeds)) };
    if spent >= cap || succeeds(spent)? {
        return Ok(spent.min(cap));
    }
    let (mut low, mut high) = (spent, cap);
    // A caller keeps 1/64 back at each call, so one level of calls needs about this much.
    let probe = spent + spent / 63 + CALL_STIPEND;
    if probe < high {
        if succeeds(probe)? { high = probe } else { low = probe }
    }
    while high - low > high / ESTIMATE_TOLERANCE {
        // The answer is rarely far above the lower end.
        let middle = (low + (high - low) / 2).min(low.saturating_mul(2));
        if succeeds(middle)? { high = middle } else { low = middle }
    }
    Ok(high)
}
