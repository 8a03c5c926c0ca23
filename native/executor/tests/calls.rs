//! Calls on a prepared state, and what may cross threads.

mod common;

use alloy_primitives::{Address, U256};
use common::*;
use zkevm_executor::{AccessListItem, BlockExecutor, Call, CancelToken, ExecutorError, MemoryState, Simulation};
use zkevm_primitives::RomError;

#[test]
fn an_access_list_warms_what_it_names_and_is_paid_for() {
    // Gas of SLOAD(7) and of BALANCE of another account, as two words.
    let other = Address::repeat_byte(0x0b);
    let mut code = vec![0x5a, 0x60, 7, 0x54, 0x50, 0x5a, 0x90, 0x03, 0x60, 0, 0x52, 0x5a];
    code.extend(push_address(other));
    code.extend([0x31, 0x50, 0x5a, 0x90, 0x03, 0x60, 0x20, 0x52, 0x60, 0x40, 0x60, 0, 0xf3]);
    let state = state(&[account(CONTRACT, 0, &code)]);
    let plain = free_call(Some(CONTRACT), &[], 1_000_000);
    let mut listed = plain.clone();
    listed.access_list = vec![
        AccessListItem { address: CONTRACT, slots: vec![U256::from(7)] },
        AccessListItem { address: other, slots: vec![] },
    ];
    let results = [&plain, &listed].map(|call| simulate(spec(9), &state, call));
    let costs = results.each_ref().map(|result| {
        let word = |at: usize| U256::from_be_slice(&result.output[at..at + 32]).to::<u64>();
        (word(0), word(32))
    });
    let around = [7, 7]; // GAS, the operand's push and POP
    assert_eq!(costs[0], (2_100 + around[0], 2_600 + around[1]));
    assert_eq!(costs[1], (100 + around[0], 100 + around[1]));
    let paid = 2 * 2_400 + 1_900;
    assert_eq!(results[1].gas_used, results[0].gas_used + paid - 2_000 - 2_500);
    // It is part of what a call must at least have.
    let too_little = Call { gas_limit: 21_000 + paid - 1, ..listed };
    let mut simulation = Simulation::new(&state, &context(spec(9)), true);
    assert_eq!(simulation.call(&too_little), Ok(Err(RomError::IntrinsicInvalidGasLimit)));
}

/// What a sequencer keeps across calls and hands to other threads.
#[test]
fn blocks_simulations_and_results_can_move_to_other_threads() {
    fn is_send<T: Send>() {}
    is_send::<BlockExecutor<MemoryState>>();
    is_send::<BlockExecutor<std::sync::Arc<MemoryState>>>();
    is_send::<Simulation<MemoryState>>();
    is_send::<zkevm_executor::TxResult>();
    is_send::<zkevm_executor::SealedBlock>();
    is_send::<CancelToken>();
    is_send::<ExecutorError>();
}
