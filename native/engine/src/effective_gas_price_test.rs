use super::*;
use alloy_primitives::{Address, Bytes};
use serde_json::Value;

/// Computed with exact fractions from the formula of the specification; `__test__/unit/pool/effective-gas-price.test.ts` reads them too.
const VECTORS: &str = include_str!("../../../__test__/vectors/effective-gas-price.json");

fn wide(case: &Value, name: &str) -> Wide {
    case[name].as_str().unwrap().parse().unwrap()
}

fn wei(case: &Value, name: &str) -> U256 {
    case[name].as_str().unwrap().parse().unwrap()
}

fn small(case: &Value, name: &str) -> u64 {
    case[name].as_str().unwrap().parse().unwrap()
}

fn rule_of(case: &Value) -> Rule {
    Rule {
        l1_gas_price: wei(case, "l1"),
        l2_gas_price: wei(case, "l2"),
        transfer_gas_price: wei(case, "transferPrice"),
        l1_gas_price_factor_ppm: small(case, "l1FactorPpm"),
        byte_gas_cost: small(case, "byteGas"),
        zero_byte_gas_cost: small(case, "zeroByteGas"),
        net_profit_ppm: small(case, "netProfitPpm"),
        transfer_l1_gas_price_factor_ppm: small(case, "transferL1FactorPpm"),
        final_deviation_ppm: small(case, "deviationPpm"),
    }
}

#[test]
fn the_formula_is_that_of_the_specification() {
    let cases: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    assert!(cases.len() > 90);
    for (index, case) in cases.iter().enumerate() {
        let rule = rule_of(case);
        let tx = Priced {
            signed_gas_price: wei(case, "signed"),
            non_zero_bytes: case["nonZero"].as_u64().unwrap(),
            zero_bytes: case["zero"].as_u64().unwrap(),
        };
        let (expected, gas_used) = (small(case, "expectedGas"), small(case, "gasUsed"));
        assert_eq!(rule.break_even(&tx, expected), wide(case, "breakEven"), "case {index}");
        assert_eq!(rule.effective(&tx, expected), wide(case, "first"), "case {index}");
        assert_eq!(rule.effective(&tx, gas_used), wide(case, "second"), "case {index}");
        let first = percentage_for(rule.effective(&tx, expected), tx.signed_gas_price);
        assert_eq!(u64::from(first), case["percentage"].as_u64().unwrap(), "case {index}");
        let execution = Execution { gas_used, shows_price: case["showsPrice"].as_bool().unwrap() };
        let after = rule.percentage_after(&tx, expected, execution);
        assert_eq!(after.map(u64::from), case["percentageAfter"].as_u64(), "case {index}");
    }
}

/// 1,000 wei of L1 price for each byte of calldata gas, no share of execution: the price is data cost divided by gas.
fn data_only(deviation_ppm: u64) -> Rule {
    Rule {
        l1_gas_price: U256::from(1000),
        l2_gas_price: U256::ZERO,
        transfer_gas_price: U256::ZERO,
        l1_gas_price_factor_ppm: 0,
        byte_gas_cost: 100,
        zero_byte_gas_cost: 0,
        net_profit_ppm: PPM,
        transfer_l1_gas_price_factor_ppm: 0,
        final_deviation_ppm: deviation_ppm,
    }
}

#[test]
fn exactly_ten_percent_stays_and_a_wei_more_does_not() {
    let rule = data_only(100_000);
    // 10,000,000 wei of data: 1,000 at 10,000 gas, 1,100 at 9,090, 1,101 at 9,082.
    let tx = Priced { signed_gas_price: U256::from(2_560), non_zero_bytes: 99, zero_bytes: 0 };
    let after = |gas_used| rule.percentage_after(&tx, 10_000, Execution { gas_used, shows_price: false });
    assert_eq!([rule.effective(&tx, 9_090), rule.effective(&tx, 9_082)], [Wide::from(1_100), Wide::from(1_101)]);
    assert_eq!(after(9_090), None);
    assert_eq!(after(9_082), Some(110));
    assert_eq!([rule.effective(&tx, 11_111), rule.effective(&tx, 11_123)], [Wide::from(900), Wide::from(899)]);
    assert_eq!(after(11_111), None);
    assert_eq!(after(11_123), Some(89));
}

fn transaction(percentage: u8) -> L2Transaction {
    let mut tx = L2Transaction::default();
    tx.gas_price = U256::from(1_000);
    tx.gas_limit = 100_000;
    tx.to = Some(Address::repeat_byte(1));
    tx.data = Bytes::from_static(&[0, 1, 0, 2]);
    tx.effective_percentage = percentage;
    tx
}

fn layout(rule: &Rule, gas: &[u64]) -> Vec<u8> {
    let wei = [rule.l1_gas_price, rule.l2_gas_price, rule.transfer_gas_price];
    let factors = [
        rule.l1_gas_price_factor_ppm,
        rule.byte_gas_cost,
        rule.zero_byte_gas_cost,
        rule.net_profit_ppm,
        rule.transfer_l1_gas_price_factor_ppm,
        rule.final_deviation_ppm,
    ];
    let mut bytes: Vec<u8> = wei.iter().flat_map(U256::to_le_bytes::<32>).collect();
    bytes.extend(factors.iter().chain(gas).flat_map(|number| number.to_le_bytes()));
    bytes
}

#[test]
fn a_layout_is_read_whole_or_refused() {
    let bytes = layout(&data_only(100_000), &[50_000, 60_000]);
    assert_eq!(bytes.len(), RULE_BYTES + 16);
    assert!(Repricing::read(&bytes, 2).is_ok());
    assert!(Repricing::read(&bytes, 1).is_ok(), "a replay may reach fewer transactions");
    assert!(Repricing::read(&bytes, 3).is_err());
    for end in (0..bytes.len()).filter(|end| end % 8 != 0 || *end < RULE_BYTES + 16) {
        assert!(Repricing::read(&bytes[..end], 2).is_err(), "cut at {end}");
    }
}

#[test]
fn a_transaction_is_priced_by_its_bytes_in_the_batch_without_the_percentage_byte() {
    let repricing = Repricing::read(&layout(&data_only(100_000), &[50_000]), 1).unwrap();
    let execution = Execution { gas_used: 25_000, shows_price: false };
    let with_zero_byte = repricing.second_percentage(0, &transaction(0), execution);
    assert_eq!(with_zero_byte, repricing.second_percentage(0, &transaction(77), execution));
    assert!(with_zero_byte.is_some_and(|percentage| percentage < FULL_PERCENTAGE));
    // What it has already is no change, and a transaction that could tell its price pays in full.
    assert_eq!(repricing.second_percentage(0, &transaction(with_zero_byte.unwrap()), execution), None);
    let shows = Execution { shows_price: true, ..execution };
    assert_eq!(repricing.second_percentage(0, &transaction(77), shows), Some(FULL_PERCENTAGE));
    assert_eq!(repricing.second_percentage(0, &transaction(255), shows), None);
    let as_expected = Execution { gas_used: 50_000, shows_price: true };
    assert_eq!(repricing.second_percentage(0, &transaction(77), as_expected), None);
}
