//! Giving an executed transaction another price comes to the same as executing it at that price.

mod common;

use alloy_primitives::Address;
use common::programs::{OTHER_CONTRACT, any_program};
use common::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell;
use zkevm_codec::Recovery;
use zkevm_executor::{BlockExecutor, BlockParams, GenesisAccount, MemoryState, RecoveredTx, TxOutcome};
use zkevm_primitives::{ForkSpec, RomError};

const POOR: Address = Address::repeat_byte(0x52);
/// What [`POOR`] has: enough for a gas limit of 100,000 at 8 wei, not at 10.
const POOR_BALANCE: u64 = 800_100;

fn block(spec: ForkSpec, state: &MemoryState) -> BlockExecutor<&MemoryState> {
    BlockExecutor::open(state, BlockParams { records_reads: false, ..params(spec, state) }).expect("opens")
}

fn state_of(programs: &[Vec<u8>]) -> MemoryState {
    let mut accounts: Vec<GenesisAccount> = vec![account(POOR, POOR_BALANCE, &[]), account(COINBASE, u64::MAX, &[])];
    accounts.extend([CONTRACT, OTHER_CONTRACT].into_iter().zip(programs).map(|(at, code)| account(at, 1000, code)));
    state(&accounts)
}

#[derive(Clone, Debug)]
struct Case {
    fork: u64,
    programs: Vec<Vec<u8>>,
    sender: Address,
    to: Option<Address>,
    value: u64,
    data: Vec<u8>,
    gas_limit: u64,
    first: u8,
    second: u8,
}

prop_compose! {
    fn any_case()(
        fork in proptest::sample::select(vec![9u64, 9, 12, 13]),
        programs in proptest::collection::vec(any_program(), 2),
        sender in proptest::sample::select(vec![SENDER, SENDER, COINBASE, POOR]),
        to in proptest::sample::select(vec![Some(CONTRACT), Some(CONTRACT), Some(SENDER), Some(COINBASE), None]),
        value in 0u64..3,
        data in any_program(),
        gas_limit in 60_000u64..100_001,
        first in any::<u8>(),
        second in prop_oneof![3 => any::<u8>(), 1 => Just(u8::MAX), 1 => Just(0)],
    ) -> Case {
        Case { fork, programs, sender, to, value, data, gas_limit, first, second }
    }
}

fn at(case: &Case, percentage: u8) -> RecoveredTx {
    let mut tx = tx(0, case.to, case.value, &case.data);
    tx.gas_limit = case.gas_limit;
    tx.effective_percentage = percentage;
    RecoveredTx::with_recovery(tx, Recovery::Signer(case.sender))
}

#[derive(Default)]
struct Tally {
    repriced: Cell<u32>,
    shown: Cell<u32>,
    unaffordable: Cell<u32>,
}

fn count(of: &Cell<u32>) {
    of.set(of.get() + 1);
}

fn check(case: &Case, tally: &Tally) {
    let spec = spec(case.fork);
    let state = state_of(&case.programs);
    let mut one = block(spec, &state);
    let Ok(TxOutcome::Executed(result)) = one.execute(&at(case, case.first), None) else { return };
    if result.shows_price {
        count(&tally.shown);
        return;
    }
    let repriced = one.reprice_last(&at(case, case.second)).expect("reprices");
    let mut other = block(spec, &state);
    match other.execute(&at(case, case.second), None).expect("executes") {
        TxOutcome::Executed(executed) => {
            count(&tally.repriced);
            assert_eq!(repriced.as_ref(), Ok(&executed));
        }
        TxOutcome::Skipped(error) => {
            count(&tally.unaffordable);
            assert_eq!(repriced, Err(error));
        }
        other @ TxOutcome::OutOfCounters { .. } => panic!("{other:?} without limits"),
    }
    let follower = |block: &mut BlockExecutor<&MemoryState>| {
        let mut next = tx(u64::from(case.sender == SENDER && repriced.is_ok()), Some(OTHER_CONTRACT), 1, &[]);
        next.gas_limit = 100_000;
        block.execute(&RecoveredTx::with_recovery(next, Recovery::Signer(SENDER)), None).expect("executes")
    };
    assert_eq!(follower(&mut one), follower(&mut other));
    assert_eq!(one.seal().expect("seals"), other.seal().expect("seals"));
}

#[test]
fn another_price_is_the_same_as_executing_at_it() {
    let tally = Tally::default();
    let config = Config { cases: 3000, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]))
        .run(&any_case(), |case| {
            check(&case, &tally);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    let [repriced, shown, unaffordable] = [tally.repriced, tally.shown, tally.unaffordable].map(Cell::into_inner);
    println!("repriced {repriced}, could tell the price {shown}, could not pay {unaffordable}");
    assert!(repriced > 500 && shown > 100 && unaffordable > 20, "{repriced} {shown} {unaffordable}");
}

#[test]
fn gasprice_and_balance_tell_the_price_also_in_a_frame_that_is_reverted() {
    let spec = spec(9);
    let callee = [&push_address(CONTRACT)[..], &[0x31, 0x5f, 0x5f, 0xfd]].concat();
    let cases = [
        (vec![0x3a, 0x00], true),
        ([&push_address(SENDER)[..], &[0x31, 0x00]].concat(), true),
        (call_code(0xf1, OTHER_CONTRACT, 0, 50_000), true),
        // SELFBALANCE and ORIGIN tell nothing of it.
        (vec![0x47, 0x32, 0x00], false),
    ];
    for (code, shows) in cases {
        let state = state_of(&[code.clone(), callee.clone()]);
        let mut block = block(spec, &state);
        let call = from_sender(tx(0, Some(CONTRACT), 0, &[]));
        assert_eq!(executed(block.execute(&call, None).expect("executes")).shows_price, shows, "{code:02x?}");
        // What an earlier transaction could tell is nothing to the next one.
        let transfer = from_sender(tx(1, Some(COINBASE), 1, &[]));
        assert!(!executed(block.execute(&transfer, None).expect("executes")).shows_price);
    }
}

#[test]
fn what_cannot_be_repriced_is_an_error_and_leaves_no_trace() {
    let spec = spec(9);
    let state = state_of(&[vec![0x3a, 0x00], vec![]]);
    let mut block = block(spec, &state);
    let unchanged = block.diff();
    assert!(block.reprice_last(&from_sender(tx(0, Some(COINBASE), 1, &[]))).is_err(), "there is no transaction");
    let call = from_sender(tx(0, Some(CONTRACT), 0, &[]));
    executed(block.execute(&call, None).expect("executes"));
    assert!(block.reprice_last(&call).is_err(), "it could tell its price");
    assert_eq!((block.diff(), block.results().len(), block.gas_used()), (unchanged.clone(), 0, 0));

    let at = |percentage: u8| {
        let mut tx = tx(0, Some(CONTRACT), 100, &[]);
        tx.to = Some(OTHER_CONTRACT);
        tx.gas_limit = 100_000;
        tx.effective_percentage = percentage;
        RecoveredTx::with_recovery(tx, Recovery::Signer(POOR))
    };
    executed(block.execute(&at(204), None).expect("executes"));
    assert_eq!(block.reprice_last(&at(255)).expect("reprices"), Err(RomError::IntrinsicInvalidBalance));
    assert_eq!(block.diff(), unchanged);
    executed(block.execute(&at(204), None).expect("executes"));
    assert!(block.reprice_last(&at(100)).expect("reprices").is_ok());
    assert!(block.rollback_last());
    assert_eq!(block.diff(), unchanged, "what was repriced can be undone");
}
