//! The counters of every opcode, measured against the specification's totals.

mod common;
mod opcode_table;

use alloy_primitives::U256;
use common::*;
use opcode_table::CASES;
use zkevm_executor::{Priced, TxResult};
use zkevm_primitives::{CostProfile, ForkSpec};

/// Pushes words so that the first is on top.
fn pushes(words: &[u64]) -> Vec<u8> {
    let mut code = Vec::new();
    for word in words.iter().rev() {
        code.push(0x67);
        code.extend(word.to_be_bytes());
    }
    code
}

fn profile(profile: CostProfile) -> ForkSpec {
    spec(if profile == CostProfile::D13 { 13 } else { 9 }).with_profile(profile)
}

fn run(spec: ForkSpec, code: &[u8]) -> TxResult {
    call_contract(spec, &state(&[account(CONTRACT, 0, code)]), 0, &[])
}

fn difference(more: &Priced, less: &Priced) -> [i64; 9] {
    let signed = |value: u64| i64::try_from(value).expect("small");
    std::array::from_fn(|row| match row {
        8 => signed(more.levels) - signed(less.levels),
        row => signed(more.rows[row]) - signed(less.rows[row]),
    })
}

/// What processTx costs for code of this length: it is part of what is measured.
fn process_tx(bytes: usize) -> [i64; 9] {
    let (blocks, is_long) = (i64::try_from((bytes + 1).div_ceil(56)).expect("small"), i64::from(bytes >= 56));
    [is_long, 0, 0, 0, 0, blocks, blocks, 0, 0]
}

/// Rows that `opcode` adds after `setup`.
fn cost(spec: ForkSpec, setup: &[u8], opcode: u8, immediates: usize) -> [i64; 9] {
    let mut with = [setup, &[opcode]].concat();
    with.resize(with.len() + immediates, 0);
    let (with_result, without_result) = (run(spec, &with), run(spec, setup));
    let mut cost = difference(&with_result.execution, &without_result.execution);
    let (with, without) = (process_tx(with.len()), process_tx(setup.len()));
    let divisions = with[0] - without[0];
    cost[0] -= divisions * if spec.profile == CostProfile::E9 { 50 } else { 40 };
    cost[1] -= divisions;
    cost[2] -= divisions * 3;
    for row in [5, 6] {
        cost[row] -= with[row] - without[row];
    }
    cost
}

fn expected(rows: &[u64; 9]) -> [i64; 9] {
    rows.map(|row| i64::try_from(row).expect("small"))
}

/// Opcodes that count one binary row more in profile D13.
const MORE_IN_D13: [u8; 9] = [0x31, 0x3b, 0x3c, 0x3f, 0xf1, 0xf2, 0xf4, 0xfa, 0xff];

#[test]
fn every_opcode_costs_what_the_specification_says() {
    let mut tested = std::collections::BTreeSet::new();
    for (opcode, operands, e9, b12) in CASES {
        let setup = pushes(operands);
        let immediates = if (0x60..=0x7f).contains(opcode) { usize::from(opcode - 0x5f) } else { 0 };
        let label = format!("{opcode:#04x} with {operands:?}");
        assert_eq!(cost(profile(CostProfile::E9), &setup, *opcode, immediates), expected(e9), "E9 {label}");
        assert_eq!(cost(profile(CostProfile::B12), &setup, *opcode, immediates), expected(b12), "B12 {label}");
        let mut d13 = expected(b12);
        if MORE_IN_D13.contains(opcode) && b12[0] != 0 {
            d13[2] += 1;
        }
        assert_eq!(cost(profile(CostProfile::D13), &setup, *opcode, immediates), d13, "D13 {label}");
        tested.insert(*opcode);
    }
    assert_eq!(tested.len(), 142, "every opcode of the chain but INVALID");
}

#[test]
fn undefined_opcodes_and_the_end_of_the_code_count_nothing() {
    for opcode in (0..=255u8).filter(|opcode| !CASES.iter().any(|case| case.0 == *opcode)) {
        assert_eq!(cost(profile(CostProfile::E9), &[0x5f], opcode, 0), [0; 9], "{opcode:#04x}");
    }
}

#[test]
fn opcodes_without_operands_count_as_the_reference_counts_them() {
    let spec = profile(CostProfile::B12);
    let counts = |setup: &[u8], opcode| cost(spec, setup, opcode, 0)[0] != 0;
    // Without dynamic gas: before the stack is looked at.
    for opcode in [0x01, 0x50, 0x56, 0x57, 0x35, 0x40, 0x80, 0x90] {
        assert!(counts(&[], opcode), "{opcode:#04x}");
    }
    // With dynamic gas: never on an empty stack.
    for opcode in [
        0x0a, 0x20, 0x31, 0x37, 0x3b, 0x3c, 0x3e, 0x3f, 0x51, 0x52, 0x53, 0x54, 0x55, 0xa0, 0xf0, 0xf1, 0xf3, 0xfd,
        0xff,
    ] {
        assert!(!counts(&[], opcode), "{opcode:#04x}");
    }
    // Gas of a store looks at the offset only, that of a log at offset and length only.
    assert!(counts(&[0x5f], 0x52) && counts(&[0x5f], 0x53));
    assert!(!counts(&[0x5f], 0xa1) && counts(&[0x5f, 0x5f], 0xa1));
    assert!(!counts(&[0x5f], 0x55));
}

#[test]
fn opcodes_that_cannot_be_paid_or_are_forbidden_do_not_count() {
    let spec = profile(CostProfile::B12);
    // A static call of a contract whose one forbidden opcode fails.
    let callee = alloy_primitives::Address::repeat_byte(0xca);
    for forbidden in [0x55, 0xa0, 0xf0, 0xf5, 0xff] {
        let rows = |callee_code: &[u8]| {
            let accounts =
                [account(CONTRACT, 0, &call_code(0xfa, callee, 0, 100_000)), account(callee, 0, callee_code)];
            call_contract(spec, &state(&accounts), 0, &[]).execution
        };
        let setup = pushes(&[0, 0, 0, 0]);
        let with = rows(&[&setup[..], &[forbidden]].concat());
        let without = rows(&[&setup[..], &[0xfe]].concat());
        assert_eq!(with, without, "{forbidden:#04x}");
    }
    // EXP counts before it pays for its exponent, a plain opcode only once it is paid.
    let after_gas = |opcode, gas: u64| {
        let setup = pushes(&[3, 255]);
        let code = [&setup[..], &[opcode]].concat();
        let call = free_call(Some(CONTRACT), &[], 21_000 + 6 + gas);
        let with = simulate(spec, &state(&[account(CONTRACT, 0, &code)]), &call);
        let without = simulate(spec, &state(&[account(CONTRACT, 0, &setup)]), &call);
        with.counters_used.steps != without.counters_used.steps
    };
    assert!(after_gas(0x0a, 10) && !after_gas(0x0a, 9));
    assert!(after_gas(0x01, 3) && !after_gas(0x01, 2));
}

#[test]
fn frames_differ_as_specified() {
    // PUSH1 in the init code of a deployment and of CREATE, by profile (the specification's examples).
    let deployment = |profile_: CostProfile, init: &[u8]| {
        let state = state(&[]);
        let mut block = open(profile(profile_), &state);
        executed(block.execute(&from_sender(tx(0, None, 0, init)), None).expect("executes")).execution
    };
    let in_deployment = |profile, opcode: &[u8]| difference(&deployment(profile, opcode), &deployment(profile, &[]));
    assert_eq!(in_deployment(CostProfile::E9, &[0x60, 1]), [384, 6, 17, 1, 0, 0, 0, 0, 0]);
    // Up to here each frame for itself; cdk-erigon's rule makes a deployment's init code a create frame.
    assert_eq!(in_deployment(CostProfile::B12, &[0x60, 1]), [514, 12, 30, 2, 0, 0, 0, 0, 0]);
    let created = |profile_: CostProfile, init: &[u8]| {
        // The padding keeps the creator's code and the init code's length the same.
        let mut padded = init.to_vec();
        padded.resize(2, 0xfe);
        let code = create_code(0xf0, &padded, 0);
        call_contract(profile(profile_), &state(&[account(CONTRACT, 0, &code)]), 0, &[]).execution
    };
    let in_create = |profile, opcode: &[u8]| difference(&created(profile, opcode), &created(profile, &[]));
    assert_eq!(in_create(CostProfile::E9, &[0x60, 1]), [734, 12, 34, 2, 0, 0, 0, 0, 0]);
    assert_eq!(in_create(CostProfile::D13, &[0x60, 1]), [514, 12, 30, 2, 0, 0, 0, 0, 0]);
}

#[test]
fn the_specification_s_worked_transaction_adds_up() {
    // One transfer on a chain with a two-byte id: decoding, recovery and processing (profile B12).
    let state = state(&[]);
    let mut block = open(spec(9), &state);
    let mut transfer = tx(0, Some(CONTRACT), 0, &[]);
    transfer.gas_price = U256::from(1_000_000_000u64);
    transfer.gas_limit = 100_000;
    transfer.value = U256::from(100_000_000_000_000_000u64);
    let result = executed(block.execute(&from_sender(transfer), None).expect("executes"));
    let sum = result.parsing + result.execution;
    assert_eq!(sum.rows, [2651 + 6294 + 825, 45 + 528 + 7, 133 + 523 + 45, 0, 3, 13, 6 + 163, 0]);
    assert_eq!(sum.levels, 20);
    assert_eq!(sum.at(19).poseidon, 6 + 543);
}
