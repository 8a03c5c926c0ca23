//! What the interpreter sees of block, transaction and state.

use crate::cost::Meter;
use crate::journal::{Journal, Look};
use crate::tracer::Tracer;
use crate::{ExecutorError, StateError, StateReader};
use alloy_primitives::{Address, B256, Bytes, Log, U256, keccak256};
use revm::context_interface::cfg::GasParams;
use revm::context_interface::context::{SStoreResult, SelfDestructResult, StateLoad};
use revm::context_interface::host::{Host as EvmHost, LoadError};
use revm::context_interface::journaled_state::AccountInfoLoad;
use revm::primitives::hardfork::SpecId;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use zkevm_primitives::{ForkSpec, Limits, SYSTEM, SYSTEM_SLOT_STATE_ROOTS};

/// The rules of the interpreter. What differs from Berlin is in this crate.
pub(crate) const SPEC_ID: SpecId = SpecId::BERLIN;
/// Jumps and frames between two looks at the clock: some ten microseconds of execution.
const TICKS_PER_LOOK: u32 = 1 << 10;
/// A loop of few rounds over long memory, or one call of a precompile, is looked at after so many steps: a fraction of a batch, and well
/// under a millisecond of work.
const SIZED_STEPS_PER_LOOK: u64 = 1 << 18;
/// Gas between two looks: few rounds of a long loop use as much of a batch as many of a short one. Some fifty microseconds of execution,
/// and at most a hundredth of what one counter of a batch has.
const GAS_PER_LOOK: u64 = 1 << 15;

/// Ends an execution early, with [`ExecutorError::Cancelled`].
#[derive(Clone, Debug, Default)]
pub struct CancelToken {
    /// When to give up.
    pub deadline: Option<Instant>,
    /// Set by another thread to give up.
    pub flag: Option<Arc<AtomicBool>>,
}

impl CancelToken {
    fn is_cancelled(&self) -> bool {
        self.flag.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
            || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// The open block's header, as the opcodes see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockEnv {
    pub(crate) number: U256,
    pub(crate) timestamp: U256,
    pub(crate) coinbase: Address,
    pub(crate) gas_limit: U256,
    pub(crate) difficulty: U256,
    pub(crate) chain_id: u64,
}

/// The running transaction, as the opcodes see it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TxEnv {
    pub(crate) origin: Address,
    pub(crate) gas_price: U256,
}

/// What a transaction has asked of block and transaction; what is not here cannot change between two executions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen(u8);

impl Seen {
    pub(crate) const NUMBER: Self = Self(1);
    pub(crate) const TIMESTAMP: Self = Self(1 << 1);
    pub(crate) const COINBASE: Self = Self(1 << 2);
    pub(crate) const GAS_PRICE: Self = Self(1 << 3);
    /// A BALANCE ran, of whatever account.
    pub(crate) const BALANCE: Self = Self(1 << 4);

    pub(crate) const fn has(self, what: Self) -> bool {
        self.0 & what.0 != 0
    }

    /// Whether the program could tell what it pays for gas: the same transaction may do something else at another price.
    pub(crate) const fn shows_price(self) -> bool {
        self.has(Self::GAS_PRICE) || self.has(Self::BALANCE)
    }
}

/// Block, transaction, state, counters and everything else an execution touches.
pub(crate) struct Host<S> {
    pub(crate) journal: Journal<S>,
    pub(crate) meter: Meter,
    pub(crate) spec: ForkSpec,
    pub(crate) block: BlockEnv,
    pub(crate) tx: TxEnv,
    pub(crate) tracer: Option<Box<dyn Tracer>>,
    pub(crate) cancel: CancelToken,
    /// Stops an execution that has used more than this at these levels, instead of letting it run to its end.
    pub(crate) limit: Option<(Limits, u64)>,
    gas_params: GasParams,
    /// What the running transaction, or the last one, asked of block and transaction.
    seen: Cell<Seen>,
    /// Why the interpreter was stopped from inside.
    failure: Option<ExecutorError>,
    ticks: u32,
    /// Steps that were priced at the last look.
    looked_at: u64,
    /// What the running frame had left at the last look, or would have had, if it has run since only for a while.
    gas_at_look: u64,
    /// What the running frame had left when it was last seen.
    gas_seen: u64,
}

impl<S: StateReader> Host<S> {
    pub(crate) fn new(journal: Journal<S>, meter: Meter, spec: ForkSpec, block: BlockEnv) -> Self {
        Self {
            journal,
            meter,
            spec,
            block,
            tx: TxEnv::default(),
            tracer: None,
            cancel: CancelToken::default(),
            limit: None,
            gas_params: GasParams::new_spec(SPEC_ID),
            seen: Cell::default(),
            failure: None,
            ticks: 0,
            looked_at: 0,
            gas_at_look: 0,
            gas_seen: 0,
        }
    }

    /// What the running transaction, or the last one, asked of block and transaction.
    pub(crate) const fn seen(&self) -> Seen {
        self.seen.get()
    }

    pub(crate) fn note(&self, what: Seen) {
        self.seen.set(Seen(self.seen.get().0 | what.0));
    }

    /// Remembers why the interpreter has to stop.
    pub(crate) fn fail(&mut self, error: impl Into<ExecutorError>) {
        self.failure = Some(error.into());
    }

    /// Why the interpreter had to stop.
    pub(crate) fn take_failure(&mut self) -> ExecutorError {
        self.failure.take().unwrap_or(ExecutorError::Internal("the interpreter stopped without a reason"))
    }

    /// Whether something failed, also where the interpreter did not notice.
    pub(crate) fn check_failure(&mut self) -> Result<(), ExecutorError> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// A transaction or call starts: where it is looked at depends on nothing before it.
    pub(crate) fn begin(&mut self) -> Result<(), ExecutorError> {
        self.ticks = 0;
        self.seen.set(Seen::default());
        self.looked_at = self.meter.priced_steps();
        (self.gas_at_look, self.gas_seen) = (0, 0);
        if self.cancel.is_cancelled() { Err(ExecutorError::Cancelled) } else { Ok(()) }
    }

    /// Called wherever a program can loop, with the gas that the frame has left; says whether to go on.
    #[inline]
    pub(crate) fn tick(&mut self, gas: u64) -> bool {
        self.ticks = self.ticks.wrapping_add(1);
        self.gas_seen = gas;
        let is_due = self.ticks.is_multiple_of(TICKS_PER_LOOK)
            || self.gas_at_look.saturating_sub(gas) >= GAS_PER_LOOK
            || self.sized_since_look() >= SIZED_STEPS_PER_LOOK;
        !is_due || self.look()
    }

    /// A frame starts or goes on, with so much gas left; says whether it may. What others used since the last look is not forgotten.
    pub(crate) fn tick_frame(&mut self, gas: u64) -> bool {
        let used = self.gas_at_look.saturating_sub(self.gas_seen);
        self.gas_at_look = gas.saturating_add(used);
        self.tick(gas)
    }

    /// Before work whose size is counted already and that nothing interrupts: says whether to begin it.
    pub(crate) fn may_begin_sized(&mut self) -> bool {
        self.sized_since_look() < SIZED_STEPS_PER_LOOK || self.look()
    }

    #[inline]
    fn sized_since_look(&self) -> u64 {
        self.meter.priced_steps().wrapping_sub(self.looked_at)
    }

    #[cold]
    fn look(&mut self) -> bool {
        let goes_on = self.may_go_on();
        self.looked_at = self.meter.priced_steps();
        self.gas_at_look = self.gas_seen;
        goes_on
    }

    /// Looks at the clock and at the counters.
    #[cold]
    fn may_go_on(&mut self) -> bool {
        if self.cancel.is_cancelled() {
            self.fail(ExecutorError::Cancelled);
            return false;
        }
        let Some((limits, levels)) = self.limit else { return true };
        let used = self.meter.so_far().at(levels);
        let Some(counter) = used.first_exceeded(&limits) else { return true };
        self.fail(ExecutorError::CountersExceeded { counter, used });
        false
    }

    /// Whether the address is a precompile of the fork. Precompiles are always warm.
    pub(crate) fn is_always_warm(&self, address: &Address) -> bool {
        precompile_number(address).is_some_and(|n| (1..=9).contains(&n) || (n == 0x100 && self.spec.p256_verify))
    }

    /// Warms an account and says whether it was cold.
    pub(crate) fn warm_account(&mut self, address: Address) -> Result<bool, StateError> {
        let is_always_warm = self.is_always_warm(&address);
        let access = self.journal.access_account(address, is_always_warm, Look::Warm, false)?;
        Ok(access.is_some_and(|(_, is_cold)| is_cold))
    }

    /// Whether touching the account would cost the cold surcharge.
    pub(crate) fn is_account_cold(&self, address: &Address) -> bool {
        !self.is_always_warm(address) && self.journal.is_cold(address)
    }

    /// The state root after block `number`, zero when there is none.
    pub(crate) fn block_state_root(&mut self, number: U256) -> Result<U256, StateError> {
        self.journal.read_slot(SYSTEM, state_root_slot(number))
    }

    fn refuse<T>(&mut self, error: StateError) -> Result<T, LoadError> {
        self.fail(error);
        Err(LoadError::DBError)
    }
}

/// The slot of [`SYSTEM`] with the state root after block `number`.
pub(crate) fn state_root_slot(number: U256) -> U256 {
    mapping_slot(number.into(), SYSTEM_SLOT_STATE_ROOTS)
}

/// The slot of `mapping[key]` for a mapping at `slot`.
pub(crate) fn mapping_slot(key: B256, slot: u64) -> U256 {
    let mut preimage = [0; 64];
    preimage[..32].copy_from_slice(key.as_slice());
    preimage[56..].copy_from_slice(&slot.to_be_bytes());
    keccak256(preimage).into()
}

/// The number of an address that has only its last two bytes set.
pub(crate) fn precompile_number(address: &Address) -> Option<u16> {
    let (head, tail) = address.as_slice().split_at(18);
    head.iter().all(|&byte| byte == 0).then(|| u16::from_be_bytes([tail[0], tail[1]]))
}

impl<S: StateReader> EvmHost for Host<S> {
    fn basefee(&self) -> U256 {
        U256::ZERO
    }
    fn blob_gasprice(&self) -> U256 {
        U256::ZERO
    }
    fn gas_limit(&self) -> U256 {
        self.block.gas_limit
    }
    fn difficulty(&self) -> U256 {
        self.block.difficulty
    }
    fn prevrandao(&self) -> Option<U256> {
        Some(self.block.difficulty)
    }
    fn block_number(&self) -> U256 {
        self.note(Seen::NUMBER);
        self.block.number
    }
    fn timestamp(&self) -> U256 {
        self.note(Seen::TIMESTAMP);
        self.block.timestamp
    }
    fn beneficiary(&self) -> Address {
        self.note(Seen::COINBASE);
        self.block.coinbase
    }
    fn slot_num(&self) -> U256 {
        U256::ZERO
    }
    fn chain_id(&self) -> U256 {
        U256::from(self.block.chain_id)
    }
    fn effective_gas_price(&self) -> U256 {
        self.note(Seen::GAS_PRICE);
        self.tx.gas_price
    }
    fn caller(&self) -> Address {
        self.tx.origin
    }
    fn blob_hash(&self, _number: usize) -> Option<U256> {
        None
    }
    fn max_initcode_size(&self) -> usize {
        usize::MAX
    }
    fn gas_params(&self) -> &GasParams {
        &self.gas_params
    }
    fn is_amsterdam_eip8037_enabled(&self) -> bool {
        false
    }

    fn block_hash(&mut self, number: u64) -> Option<B256> {
        match self.block_state_root(U256::from(number)) {
            Ok(root) => Some(root.into()),
            Err(error) => {
                self.fail(error);
                None
            }
        }
    }

    /// Never called: SELFDESTRUCT is another instruction here.
    fn selfdestruct(
        &mut self,
        _address: Address,
        _target: Address,
        _skip_cold_load: bool,
    ) -> Result<StateLoad<SelfDestructResult>, LoadError> {
        self.fail(ExecutorError::Internal("the stock SELFDESTRUCT ran"));
        Err(LoadError::DBError)
    }

    fn log(&mut self, log: Log) {
        self.journal.logs.push(log);
    }

    fn sstore_skip_cold_load(
        &mut self,
        address: Address,
        key: U256,
        value: U256,
        skip_cold_load: bool,
    ) -> Result<StateLoad<SStoreResult>, LoadError> {
        match self.journal.access_slot(address, key, Some(value), skip_cold_load) {
            Ok(Some(slot)) => {
                let result =
                    SStoreResult { original_value: slot.original, present_value: slot.present, new_value: value };
                Ok(StateLoad::new(result, slot.is_cold))
            }
            Ok(None) => Err(LoadError::ColdLoadSkipped),
            Err(error) => self.refuse(error),
        }
    }

    fn sload_skip_cold_load(
        &mut self,
        address: Address,
        key: U256,
        skip_cold_load: bool,
    ) -> Result<StateLoad<U256>, LoadError> {
        match self.journal.access_slot(address, key, None, skip_cold_load) {
            Ok(Some(slot)) => Ok(StateLoad::new(slot.present, slot.is_cold)),
            Ok(None) => Err(LoadError::ColdLoadSkipped),
            Err(error) => self.refuse(error),
        }
    }

    fn tstore(&mut self, _address: Address, _key: U256, _value: U256) {}

    fn tload(&mut self, _address: Address, _key: U256) -> U256 {
        U256::ZERO
    }

    fn load_account_info_skip_cold_load(
        &mut self,
        address: Address,
        load_code: bool,
        skip_cold_load: bool,
    ) -> Result<AccountInfoLoad<'_>, LoadError> {
        let is_always_warm = self.is_always_warm(&address);
        // The call opcodes and EXTCODECOPY ask for the code, BALANCE, SELFBALANCE and EXTCODEHASH do not.
        let look = if load_code { Look::Code } else { Look::Leaves };
        let failure = match self.journal.access_account(address, is_always_warm, look, skip_cold_load) {
            Ok(Some((account, is_cold))) => {
                let info = &account.info;
                let is_empty = info.nonce == 0 && info.balance.is_zero() && info.code_hash.is_zero();
                return Ok(AccountInfoLoad::new(info, is_cold, is_empty));
            }
            Ok(None) => return Err(LoadError::ColdLoadSkipped),
            Err(failure) => failure,
        };
        self.failure = Some(failure.into());
        Err(LoadError::DBError)
    }
}

/// The code of an account without loading it into the interpreter.
impl<S: StateReader> Host<S> {
    /// Length of the code of `address`; precompiles have none.
    pub(crate) fn code_length(&mut self, address: Address) -> Result<u64, StateError> {
        Ok(self.journal.account(address)?.code_length)
    }

    /// Sets the code of a created account.
    pub(crate) fn deploy(&mut self, address: Address, code: &Bytes) -> Result<(), StateError> {
        self.journal.deploy(address, code)
    }
}
