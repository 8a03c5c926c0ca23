//! Transactions that were executed before they had their place give the same blocks as executing them there.

mod common;

use alloy_primitives::{Address, U256, hex};
use common::programs::{OTHER_CONTRACT, any_program};
use common::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeMap;
use zkevm_codec::Recovery;
use zkevm_executor::{
    BatchState, BlockExecutor, BlockParams, BlockTime, CallContext, CallResult, ExecutorError, GenesisAccount,
    MemoryState, PreExecution, RecoveredTx, SealedBlock, TxOutcome, pre_execute,
};
use zkevm_primitives::{ForkSpec, Limits};

const TOKEN: Address = Address::repeat_byte(0x70);
const SPINNER: Address = Address::repeat_byte(0x5e);
const PAYER: Address = Address::repeat_byte(0xaa);
const SENDS_ALL: Address = Address::repeat_byte(0xa1);
/// Nobody's account, until somebody is paid there.
const FRESH: Address = Address::repeat_byte(0x77);
const OTHER_SENDERS: [Address; 2] = [Address::repeat_byte(0x52), Address::repeat_byte(0x53)];
const PEOPLE: [Address; 4] = [SENDER, OTHER_SENDERS[0], OTHER_SENDERS[1], COINBASE];
const BATCHES: u32 = 1000;

/// What kind of transaction; the outcomes are counted by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Transfer,
    Token,
    Program,
    /// A contract that stores what it sees of block or accounts.
    Observer,
    Deployment,
    Payment,
    SendAll,
    OutOfCounters,
}

#[derive(Clone, Debug)]
struct Plan {
    kind: Kind,
    sender: usize,
    receiver: usize,
    byte: u8,
    program: Vec<u8>,
    gas_limit: u64,
    percentage: u8,
    /// The block before which it is pre-executed, at most its own.
    admitted: usize,
    opens_block: bool,
    skips_nonce: bool,
    is_tried_twice: bool,
}

#[derive(Clone, Debug)]
struct Scenario {
    fork: u64,
    programs: Vec<Vec<u8>>,
    plans: Vec<Plan>,
    /// Seconds between blocks: with 0 a guess of the timestamp holds.
    interval: u64,
    /// Share of the fork's limits that each transaction may use, as a right shift.
    limit_shift: u32,
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let kind = prop_oneof![
        4 => Just(Kind::Transfer),
        4 => Just(Kind::Token),
        8 => Just(Kind::Program),
        5 => Just(Kind::Observer),
        2 => Just(Kind::Deployment),
        2 => Just(Kind::Payment),
        1 => Just(Kind::SendAll),
        1 => Just(Kind::OutOfCounters),
    ];
    let choices = (0..4usize, 0..6usize, any::<u8>(), 0..3usize);
    let flags = (any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>());
    (kind, choices, any_program(), 21_000u64..300_000, flags).prop_map(
        |(kind, (sender, receiver, byte, admitted), program, gas_limit, (opens, skips, twice, percentage))| Plan {
            kind,
            sender,
            receiver,
            byte,
            program,
            gas_limit,
            percentage: if percentage < 160 { 255 } else { percentage },
            admitted,
            opens_block: opens < 60,
            skips_nonce: skips < 6,
            is_tried_twice: twice < 40,
        },
    )
}

prop_compose! {
    fn any_scenario()(
        fork in proptest::sample::select(vec![9u64, 9, 12, 13]),
        programs in proptest::collection::vec(any_program(), 2),
        plans in proptest::collection::vec(any_plan(), 4..16),
        interval in 0u64..3,
        limit_shift in proptest::sample::select(vec![0u32, 0, 0, 7, 10]),
    ) -> Scenario {
        Scenario { fork, programs, plans, interval, limit_shift }
    }
}

/// The address of an observer.
fn observer(index: u8) -> Address {
    Address::with_last_byte(0xd0 + index)
}

/// Code that stores the top of the stack in slot 0.
fn storing(code: &[u8]) -> Vec<u8> {
    [code, &[0x5f, 0x55]].concat()
}

/// Contracts that store one thing each which may differ from one block or order to another.
const OBSERVERS: [fn() -> Vec<u8>; 15] = [
    || storing(&[0x42]),                                                                   // TIMESTAMP
    || storing(&[0x43]),                                                                   // NUMBER
    || storing(&[0x41]),                                                                   // COINBASE
    || storing(&[0x3a]),                                                                   // GASPRICE
    || storing(&[0x45]),                                                                   // GASLIMIT
    || storing(&[0x60, 1, 0x43, 0x03, 0x40]),                                              // BLOCKHASH(NUMBER - 1)
    || storing(&[0x47]),                                                                   // SELFBALANCE
    || storing(&[&push_address(SENDER)[..], &[0x31]].concat()),                            // BALANCE of a sender
    || storing(&[&push_address(COINBASE)[..], &[0x31]].concat()),                          // BALANCE of the coinbase
    || storing(&[&push_address(FRESH)[..], &[0x3f]].concat()), // EXTCODEHASH of what may be empty
    || storing(&[&push_address(SENDER.create(0))[..], &[0x3b]].concat()), // EXTCODESIZE of what may be deployed
    || storing(&[&push_address(PAYER)[..], &[0x31]].concat()), // BALANCE of a contract that pays
    || [&[0x60, 1, 0x54, 0x60, 1, 0x01, 0x60, 1, 0x55][..], &[0x5a, 0x5f, 0x55]].concat(), // counts, stores GAS
    || storing(&[call_code(0xf1, FRESH, 1, 50_000), vec![0x50, 0x5a]].concat()), // pays what may be empty, stores GAS
    || storing(&[call_code(0xf1, TOKEN, 1, 50_000), vec![0x3d]].concat()), // RETURNDATASIZE of a call that fails
];

/// Runtime code of the token in the executor bench.
fn token_code() -> Vec<u8> {
    let init = hex::decode(include_str!("../examples/bench_contracts/BenchToken.hex").trim()).expect("hex");
    let state = MemoryState::from_genesis(&[account(SENDER, u64::MAX, &[])]);
    let mut block = open(spec(9), &state);
    let result = executed(block.execute(&from_sender(tx(0, None, 0, &init)), None).expect("executes"));
    result.output.to_vec()
}

fn genesis(scenario: &Scenario, token: &[u8]) -> MemoryState {
    let mut accounts: Vec<GenesisAccount> = PEOPLE.iter().map(|&person| account(person, u64::MAX, &[])).collect();
    accounts.push(account(TOKEN, 0, token));
    // JUMPDEST PUSH0 JUMP
    accounts.push(account(SPINNER, 0, &[0x5b, 0x5f, 0x56]));
    // Pays two wei to the address in the call data and logs whether it could: CALL(gas, calldata[0], 2, 0, 0, 0, 0).
    let pays = hex!("5f 5f 5f 5f 6002 5f35 5a f1 5f 5f a1");
    accounts.push(account(PAYER, 3, &pays));
    // Sends all it has to the address in the call data.
    accounts.push(account(SENDS_ALL, 3, &hex!("5f 35 ff")));
    accounts.extend(OBSERVERS.iter().zip(0..).map(|(code, index)| account(observer(index), 7, &code())));
    for (address, program) in [CONTRACT, OTHER_CONTRACT].into_iter().zip(&scenario.programs) {
        let mut account = account(address, 1000, program);
        account.storage = vec![(U256::from(1), U256::from(5)), (U256::from(2), U256::from(6))];
        accounts.push(account);
    }
    MemoryState::from_genesis(&accounts)
}

fn transaction(plan: &Plan, nonce: u64) -> RecoveredTx {
    let receivers = [SENDER, COINBASE, FRESH, PAYER, OTHER_SENDERS[0], SENDS_ALL];
    let receiver = receivers[plan.receiver];
    let word = |address: Address| address.into_word().to_vec();
    let (to, value, data) = match plan.kind {
        Kind::Transfer => (Some(receiver), u64::from(plan.byte), Vec::new()),
        Kind::Token => {
            let selector: &[u8] = if plan.byte < 100 { &hex!("40c10f19") } else { &hex!("a9059cbb") };
            (Some(TOKEN), 0, [selector, &word(receiver), word_of(plan.byte).as_slice()].concat())
        }
        Kind::Program => {
            let to = if plan.byte < 128 { CONTRACT } else { OTHER_CONTRACT };
            (Some(to), u64::from(plan.byte % 3), vec![plan.byte; usize::from(plan.byte % 40)])
        }
        // Returns what the program's memory holds where it returns at all.
        Kind::Deployment => (None, u64::from(plan.byte % 2), [&plan.program[..], &[0x60, 0x21, 0x5f, 0xf3]].concat()),
        Kind::Observer => {
            let index = plan.byte % OBSERVERS.len() as u8;
            (Some(observer(index)), u64::from(plan.byte % 2), word(receiver))
        }
        Kind::SendAll => (Some(SENDS_ALL), u64::from(plan.byte % 2), word(receiver)),
        Kind::Payment => (Some(PAYER), u64::from(plan.byte % 2), word(receiver)),
        Kind::OutOfCounters => (Some(SPINNER), 0, Vec::new()),
    };
    let mut tx = tx(nonce, to, value, &data);
    tx.gas_limit = if plan.kind == Kind::OutOfCounters { 30_000_000 } else { plan.gas_limit + 60_000 };
    tx.effective_percentage = plan.percentage;
    RecoveredTx::with_recovery(tx, Recovery::Signer(PEOPLE[plan.sender]))
}

fn word_of(value: u8) -> alloy_primitives::B256 {
    word(u64::from(value))
}

/// A transaction with what pre-executing it gave.
struct Admitted {
    kind: Kind,
    tx: RecoveredTx,
    before: Option<PreExecution>,
    result: Option<CallResult>,
    is_tried_twice: bool,
}

/// The plans as transactions, grouped by block.
fn blocks_of(scenario: &Scenario) -> Vec<Vec<(&Plan, RecoveredTx)>> {
    let mut nonces = [0u64; 4];
    let mut blocks = vec![Vec::new()];
    for plan in &scenario.plans {
        if plan.opens_block {
            blocks.push(Vec::new());
        }
        let nonce = &mut nonces[plan.sender];
        let tx = transaction(plan, *nonce + u64::from(plan.skips_nonce));
        // Whether it comes to be included is not known here: some nonces will be wrong, as in life.
        *nonce += u64::from(!plan.skips_nonce && plan.kind != Kind::OutOfCounters);
        if let Some(block) = blocks.last_mut() {
            block.push((plan, tx));
        }
    }
    blocks
}

fn block_params(spec: ForkSpec, state: &MemoryState, time: u64) -> BlockParams {
    BlockParams { records_reads: false, time: BlockTime::At(time), ..params(spec, state) }
}

fn admit(scenario: &Scenario, plan: &Plan, tx: &RecoveredTx, state: &MemoryState, place: (u64, u64)) -> Admitted {
    let spec = spec(scenario.fork);
    let context = CallContext {
        number: place.0,
        timestamp: place.1,
        limits: Some(spec.limits),
        coinbase: if plan.byte == 1 { SENDER } else { COINBASE },
        ..context(spec)
    };
    // Admission does not know the percentage yet.
    let mut full = tx.clone();
    full.tx.effective_percentage = 255;
    let (result, before) = match pre_execute(state, &context, &full) {
        Ok(Ok((result, before))) => (Some(result), before),
        Ok(Err(_)) | Err(ExecutorError::CountersExceeded { .. }) => (None, None),
        Err(error) => panic!("does not pre-execute: {error}"),
    };
    Admitted { kind: plan.kind, tx: tx.clone(), before, result, is_tried_twice: plan.is_tried_twice }
}

#[derive(Default)]
struct Tally {
    taken: BTreeMap<Kind, u32>,
    executed: BTreeMap<Kind, u32>,
}

/// Fills a block, taking results over where that is allowed.
fn fill(
    state: &MemoryState,
    params: &BlockParams,
    txs: &[Admitted],
    limits: &Limits,
    tally: Option<&RefCell<Tally>>,
) -> (Vec<TxOutcome>, SealedBlock) {
    let mut block = BlockExecutor::open(state, *params).expect("opens");
    let mut place = |admitted: &Admitted| {
        let (Some(tally), Some(before)) = (tally, &admitted.before) else {
            return block.execute(&admitted.tx, Some(limits)).expect("executes");
        };
        let unchanged = block.diff();
        let mut tally = tally.borrow_mut();
        if let Some(result) = block.take_over(&admitted.tx, before, Some(limits)).expect("takes over") {
            if admitted.is_tried_twice {
                assert!(block.rollback_last());
                assert_eq!(block.diff(), unchanged, "what was taken over can be undone");
                let again = block.take_over(&admitted.tx, before, Some(limits)).expect("takes over");
                assert_eq!(again.as_ref(), Some(&result));
            }
            let at_admission = admitted.result.as_ref().expect("it was executed");
            assert_eq!(result.gas_used, at_admission.gas_used);
            *tally.taken.entry(admitted.kind).or_default() += 1;
            return TxOutcome::Executed(result);
        }
        assert_eq!(block.diff(), unchanged, "a refused result leaves no trace");
        *tally.executed.entry(admitted.kind).or_default() += 1;
        block.execute(&admitted.tx, Some(limits)).expect("executes")
    };
    let outcomes = txs.iter().map(&mut place).collect();
    (outcomes, block.seal().expect("seals"))
}

fn check(scenario: &Scenario, token: &[u8], tally: &RefCell<Tally>) {
    let spec = spec(scenario.fork);
    let limits = zkevm_primitives::Counters::from_array(spec.limits.to_array().map(|x| x >> scenario.limit_shift));
    let mut states = vec![genesis(scenario, token)];
    for (index, planned) in blocks_of(scenario).iter().enumerate() {
        let time = 1_000_000 + index as u64 * scenario.interval;
        let txs: Vec<Admitted> = planned
            .iter()
            .map(|(plan, tx)| {
                let at = index.saturating_sub(plan.admitted);
                // Guessed when it was admitted: the block after the newest, and that one's time.
                let place = (at as u64 + 1, 1_000_000 + at as u64 * scenario.interval);
                admit(scenario, plan, tx, &states[at], place)
            })
            .collect();
        let state = states.last().expect("genesis").clone();
        let params = block_params(spec, &state, time);
        let executed = fill(&state, &params, &txs, &limits, None);
        let reused = fill(&state, &params, &txs, &limits, Some(tally));
        assert_eq!(reused.0, executed.0, "outcomes of block {index}");
        assert_eq!(reused.1, executed.1, "block {index}");
        let mut next = state;
        next.apply_block(&executed.1.diff).expect("applies");
        let mut other = states.last().expect("genesis").clone();
        other.apply_block(&reused.1.diff).expect("applies");
        assert_eq!(next.root(), other.root());
        states.push(next);
    }
}

/// `ZKEVM_SEED=N` gives other batches than those of every day.
fn seed() -> [u8; 32] {
    let number: u64 = std::env::var("ZKEVM_SEED").map_or(1, |seed| seed.parse().expect("ZKEVM_SEED is a number"));
    U256::from(number).to_be_bytes()
}

#[test]
fn a_thousand_batches_are_the_same_with_and_without_taking_over() {
    let token = token_code();
    let tally = RefCell::new(Tally::default());
    let config = Config { cases: BATCHES, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed()))
        .run(&any_scenario(), |scenario| {
            check(&scenario, &token, &tally);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    let Tally { taken, executed } = tally.into_inner();
    // The test is about something: every kind was taken over, and refused, often enough.
    for kind in [Kind::Transfer, Kind::Token, Kind::Program, Kind::Observer, Kind::Deployment, Kind::Payment] {
        let count = |counts: &BTreeMap<Kind, u32>| counts.get(&kind).copied().unwrap_or_default();
        assert!(count(&taken) > 100, "{kind:?} was taken over {} times", count(&taken));
        assert!(count(&executed) > 30, "{kind:?} was executed anew {} times", count(&executed));
    }
    println!("taken over: {taken:?}, executed: {executed:?}");
}
