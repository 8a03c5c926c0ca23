//! Executing a call on a state without a block and without keeping its effects: `eth_call`, gas estimation, pre-execution.

use crate::cost::{Levels, Meter, Priced};
use crate::host::{BlockEnv, CancelToken, Host};
use crate::journal::Journal;
use crate::message::{self, Message, MessageOutcome};
use crate::tracer::Tracer;
use crate::{AccountState, ExecutorError, StateError, StateRead, StateReader};
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use zkevm_codec::intrinsic_gas;
use zkevm_primitives::{Counters, ForkSpec, Limits, RomError};

/// Most gas a call gets, whatever it asks for: with it a frame can pay for some 760 MB of memory, so no
/// request can exhaust the machine. Transactions get at most 30 million.
pub const CALL_GAS_MAX: u64 = 1 << 40;

/// A call to simulate. It is not signed: the sender is taken as given, its code and nonce are not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Sender.
    pub from: Address,
    /// Recipient; none for a creation.
    pub to: Option<Address>,
    /// Value in wei.
    pub value: U256,
    /// Call data or init code.
    pub data: Bytes,
    /// Highest gas to use.
    pub gas_limit: u64,
    /// Price per gas in wei; paid by the sender.
    pub gas_price: U256,
    /// Nonce of the sender; the state's when absent.
    pub nonce: Option<u64>,
    /// Whether the sender has whatever balance the call needs.
    pub has_unlimited_balance: bool,
    /// Accounts and slots that are warm from the start. Transactions of this chain have none; calls pay for it
    /// as elsewhere.
    pub access_list: Vec<AccessListItem>,
}

/// An account of an access list, and slots of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessListItem {
    /// Address.
    pub address: Address,
    /// Slots.
    pub slots: Vec<U256>,
}

/// Gas of an address in an access list.
const ACCESS_LIST_ADDRESS_GAS: u64 = 2_400;
/// Gas of a slot in an access list.
const ACCESS_LIST_SLOT_GAS: u64 = 1_900;

impl Call {
    /// Gas that is charged before execution.
    #[must_use]
    pub fn intrinsic_gas(&self) -> u64 {
        let lists = self
            .access_list
            .iter()
            .map(|item| ACCESS_LIST_ADDRESS_GAS + ACCESS_LIST_SLOT_GAS * item.slots.len() as u64);
        intrinsic_gas(self.to.is_none(), &self.data) + lists.sum::<u64>()
    }
}

/// The block a call is executed in, and the rules.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// Rules.
    pub spec: ForkSpec,
    /// Chain.
    pub chain_id: u64,
    /// NUMBER.
    pub number: u64,
    /// TIMESTAMP in seconds.
    pub timestamp: u64,
    /// COINBASE.
    pub coinbase: Address,
    /// GASLIMIT.
    pub gas_limit: u64,
    /// Level numbers for the counters.
    pub levels: Levels,
    /// Refuses a call that uses more counters than this; none for calls that no batch has to hold.
    pub limits: Option<Limits>,
    /// Ends the execution early.
    pub cancel: CancelToken,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallResult {
    /// Whether it succeeded.
    pub succeeds: bool,
    /// Why it did not.
    pub rom_error: Option<RomError>,
    /// Gas it used, intrinsic gas included, refund subtracted.
    pub gas_used: u64,
    /// Gas refunded for cleared storage.
    pub gas_refunded: u64,
    /// Return data, or revert data.
    pub output: Bytes,
    /// Logs in the order of emission.
    pub logs: Vec<Log>,
    /// The contract it created.
    pub created_address: Option<Address>,
    /// Counters of executing it, the level number left open.
    pub execution: Priced,
    /// Counters of executing it; those of decoding a transaction come on top.
    pub counters_used: Counters,
    /// Its counters should the state tree grow deeper.
    pub counters_reserved: Counters,
    /// Everything it read of the state, with the values before it. Empty unless asked for.
    pub reads: Vec<StateRead>,
    /// What it changed of that, with the values after it. Empty unless asked for.
    pub writes: Vec<StateRead>,
}

/// Executes a call. The inner error says why it could not begin, as the ROM names it.
///
/// # Errors
/// When the state fails or the execution is cancelled.
pub fn simulate<S: StateReader>(
    reader: S,
    context: &CallContext,
    call: &Call,
) -> Result<Result<CallResult, RomError>, ExecutorError> {
    Simulation::new(reader, context, true).call(call)
}

/// A state prepared for calls: what one call reads stays loaded for the next, so that a gas estimate
/// reads the state once however often it tries.
pub struct Simulation<S> {
    host: Host<S>,
    levels: Levels,
}

impl<S: StateReader> Simulation<S> {
    /// Prepares calls over `reader`; `counts` when virtual counters are wanted.
    #[must_use]
    pub fn new(reader: S, context: &CallContext, counts: bool) -> Self {
        let host = host_of(reader, context, counts, false);
        Self { host, levels: context.levels }
    }

    /// Executes a call and undoes it. The inner error says why it could not begin.
    ///
    /// # Errors
    /// When the state fails or the execution is cancelled.
    pub fn call(&mut self, call: &Call) -> Result<Result<CallResult, RomError>, ExecutorError> {
        run_and_undo(&mut self.host, call, &self.levels)
    }

    /// An account of the state below.
    ///
    /// # Errors
    /// When the state fails.
    pub fn account(&mut self, address: Address) -> Result<AccountState, StateError> {
        Ok(self.host.journal.account(address)?.state())
    }

    /// Level numbers for the counters.
    pub const fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Executes a call and keeps what it does, for the calls after it. The inner error says why it could not begin; it
    /// then does nothing.
    ///
    /// # Errors
    /// When the state fails or the execution is cancelled.
    pub fn call_and_keep(&mut self, call: &Call) -> Result<Result<CallResult, RomError>, ExecutorError> {
        let host = &mut self.host;
        host.journal.begin_transaction();
        let result = run_begun(host, call, &self.levels);
        if !matches!(result, Ok(Ok(_))) {
            host.journal.rollback_transaction();
        }
        host.meter.take();
        result
    }

    /// The calls from now on are in the block of `context`.
    pub fn set_block(&mut self, context: &CallContext) {
        self.host.block = block_of(context);
    }

    /// Notes what the calls from now on read and write.
    pub const fn record_reads(&mut self) {
        self.host.journal.record_reads();
    }

    /// The code of a hash that a call deployed or the state knows.
    ///
    /// # Errors
    /// When the state fails.
    pub fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        self.host.journal.code(hash)
    }

    /// Lets `tracer` look at the calls from now on.
    pub fn set_tracer(&mut self, tracer: Box<dyn Tracer>) {
        self.host.tracer = Some(tracer);
    }

    /// Takes the tracer back.
    pub fn take_tracer(&mut self) -> Option<Box<dyn Tracer>> {
        self.host.tracer.take()
    }
}

/// The block that calls see.
fn block_of(context: &CallContext) -> BlockEnv {
    BlockEnv {
        number: U256::from(context.number),
        timestamp: U256::from(context.timestamp),
        coinbase: context.coinbase,
        gas_limit: U256::from(context.gas_limit),
        difficulty: U256::ZERO,
        chain_id: context.chain_id,
    }
}

/// A host for calls over `reader`.
pub(crate) fn host_of<S: StateReader>(reader: S, context: &CallContext, counts: bool, records_reads: bool) -> Host<S> {
    let block = block_of(context);
    let meter = Meter::new(context.spec.profile, counts);
    let mut host = Host::new(Journal::new(reader, records_reads), meter, context.spec, block);
    host.cancel = context.cancel.clone();
    host.limit = context.limits.map(|limits| (limits, context.levels.tx));
    host
}

/// Executes a call in an open block or over a state, and undoes it.
pub(crate) fn run_and_undo<S: StateReader>(
    host: &mut Host<S>,
    call: &Call,
    levels: &Levels,
) -> Result<Result<CallResult, RomError>, ExecutorError> {
    host.journal.begin_transaction();
    let result = match run_begun(host, call, levels) {
        Err(ExecutorError::CountersExceeded { counter, .. }) => Ok(Err(RomError::out_of_counters(counter))),
        Ok(Ok(result)) => Ok(within(host, result)),
        other => other,
    };
    host.journal.rollback_transaction();
    host.meter.take();
    result
}

/// A call that ended before anybody looked at its counters.
pub(crate) fn within<S>(host: &Host<S>, result: CallResult) -> Result<CallResult, RomError> {
    match host.limit.and_then(|(limits, _)| result.counters_used.first_exceeded(&limits)) {
        Some(counter) => Err(RomError::out_of_counters(counter)),
        None => Ok(result),
    }
}

fn run_begun<S: StateReader>(
    host: &mut Host<S>,
    call: &Call,
    levels: &Levels,
) -> Result<Result<CallResult, RomError>, ExecutorError> {
    let message = match begin(host, call)? {
        Ok(message) => message,
        Err(error) => return Ok(Err(error)),
    };
    let outcome = message::run(host, &message)?;
    Ok(Ok(CallResult::of(host, outcome, levels)))
}

/// Checks and funds a call, and warms its access list.
pub(crate) fn begin<'a, S: StateReader>(
    host: &mut Host<S>,
    call: &'a Call,
) -> Result<Result<Message<'a>, RomError>, ExecutorError> {
    let gas_limit = call.gas_limit.min(CALL_GAS_MAX);
    let intrinsic_gas = call.intrinsic_gas();
    if gas_limit < intrinsic_gas {
        return Ok(Err(RomError::IntrinsicInvalidGasLimit));
    }
    let Some(cost) = call.gas_price.checked_mul(U256::from(gas_limit)).and_then(|fee| fee.checked_add(call.value))
    else {
        return Ok(Err(RomError::IntrinsicTxGasOverflow));
    };
    let balance = host.journal.account(call.from)?.state().balance;
    if balance < cost {
        if !call.has_unlimited_balance {
            return Ok(Err(RomError::IntrinsicInvalidBalance));
        }
        host.journal.set_balance(call.from, cost)?;
    }
    if let Some(nonce) = call.nonce {
        host.journal.set_nonce(call.from, nonce)?;
    }
    for item in &call.access_list {
        host.warm_account(item.address)?;
        for slot in &item.slots {
            host.journal.access_slot(item.address, *slot, None, false)?;
        }
    }
    Ok(Ok(Message {
        from: call.from,
        to: call.to,
        value: call.value,
        data: &call.data,
        gas_limit,
        intrinsic_gas,
        gas_price: call.gas_price,
    }))
}

impl CallResult {
    /// What a call that has just run came to.
    pub(crate) fn of<S: StateReader>(host: &mut Host<S>, outcome: MessageOutcome, levels: &Levels) -> Self {
        let execution = host.meter.take();
        let reads = host.journal.take_reads();
        let writes = host.journal.present_values(&reads);
        Self {
            succeeds: outcome.succeeds,
            rom_error: outcome.rom_error,
            gas_used: outcome.gas_used,
            gas_refunded: outcome.gas_refunded,
            output: outcome.output,
            logs: host.journal.take_logs(),
            created_address: outcome.created_address,
            execution,
            counters_used: execution.at(levels.tx),
            counters_reserved: execution.at(levels.tx_reserved),
            reads,
            writes,
        }
    }
}
