//! Rules of the ROM that no vector distinguishes from plain Ethereum.

mod common;

use alloy_primitives::{Address, B256, U256, keccak256};
use common::*;
use zkevm_codec::Recovery;
use zkevm_executor::{
    BatchState, BlockExecutor, BlockTime, CancelToken, ExecutorError, L1Info, OpenError, RecoveredTx, Simulation,
    StateReader, TxOutcome,
};
use zkevm_primitives::{GER_MANAGER_L2, RomError, SYSTEM};

const FORKS: [u64; 4] = [8, 9, 12, 13];

#[test]
fn jumps_into_push_data_are_allowed() {
    // PUSH1 4 JUMP PUSH1 <JUMPDEST> PUSH1 7 ...
    let code = [&[0x60, 0x04, 0x56, 0x60, 0x5b, 0x60, 0x07][..], &RETURN_TOP].concat();
    let result = call_contract(spec(9), &state(&[account(CONTRACT, 0, &code)]), 0, &[]);
    assert!(result.succeeds);
    assert_eq!(result.output, word(7).to_vec());
    // A PUSH32 that starts in push data at the very end reads zeros.
    let code = [0x60, 0x04, 0x56, 0x62, 0x5b, 0x7f, 0xff];
    let result = call_contract(spec(9), &state(&[account(CONTRACT, 0, &code)]), 0, &[]);
    assert!(result.succeeds);
    // In front of the code's end only: a 0x5b of the padding does not exist, and 8 is beyond the code.
    let result = call_contract(spec(9), &state(&[account(CONTRACT, 0, &[0x60, 0x08, 0x56])]), 0, &[]);
    assert_eq!(result.rom_error, Some(RomError::InvalidJump));
}

#[test]
fn there_is_no_limit_on_depth_but_gas() {
    // Counts its frames: calls itself with all gas, returns the callee's count plus one.
    // GAS-limited recursion: mem[0] = call result + 1.
    let mut code = vec![0x60, 0x20, 0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0];
    code.extend(push_address(CONTRACT));
    code.extend([0x5a, 0xf1, 0x50, 0x60, 0, 0x51, 0x60, 1, 0x01]);
    code.extend(RETURN_TOP);
    let state = state(&[account(CONTRACT, 0, &code)]);
    let spec = spec(9).with_tx_gas_limit(u64::MAX);
    let result = simulate(spec, &state, &free_call(Some(CONTRACT), &[], 1 << 50));
    assert!(result.succeeds);
    assert!(U256::from_be_slice(&result.output) > U256::from(1024), "{}", result.output);
}

#[test]
fn memory_ends_at_its_cap() {
    let at = |offset: u32| {
        let mut code = vec![0x60, 1, 0x63];
        code.extend(offset.to_be_bytes());
        code.extend([0x53, 0x60, 5]);
        code.extend([0x60, 0, 0x52, 0x60, 0x20, 0x60, 0, 0xf3]);
        let state = state(&[account(CONTRACT, 0, &code)]);
        simulate(spec(9).with_tx_gas_limit(u64::MAX), &state, &free_call(Some(CONTRACT), &[], 1 << 40)).rom_error
    };
    assert_eq!(at(0x3f_ffdf), None);
    assert_eq!(at(0x3f_ffe0), Some(RomError::OutOfGas));
}

#[test]
fn balances_wrap() {
    let mut rich = account(CONTRACT, 0, &[]);
    rich.balance = U256::MAX;
    let state = state(&[rich]);
    let mut block = open(spec(9), &state);
    let result = executed(block.execute(&from_sender(tx(0, Some(CONTRACT), 3, &[])), None).expect("executes"));
    assert!(result.succeeds);
    assert_eq!(block.account(CONTRACT).expect("readable").balance, U256::from(2));
}

#[test]
fn a_failed_creation_leaves_its_address_cold_up_to_fork_11() {
    // CREATE2 of init code that reverts, then BALANCE of the address with the gas measured.
    let init = [0x60, 0, 0x60, 0, 0xfd];
    let created = CONTRACT.create2(B256::ZERO, keccak256(init));
    let mut code = create_code(0xf5, &init, 0);
    code.push(0x50);
    code.push(0x5a);
    code.extend(push_address(created));
    code.extend([0x31, 0x50, 0x5a, 0x90, 0x03]);
    code.extend(RETURN_TOP);
    let state = state(&[account(CONTRACT, 0, &code)]);
    for (fork, gas) in [(9, 2600), (11, 2600), (12, 100), (13, 100)] {
        let result = call_contract(spec(fork), &state, 0, &[]);
        // PUSH20, POP and GAS are measured along.
        assert_eq!(U256::from_be_slice(&result.output), U256::from(gas + 3 + 2 + 2), "fork {fork}");
    }
}

#[test]
fn sendall_of_nothing_costs_and_warms_nothing() {
    let receiver = Address::repeat_byte(0x77);
    let code = [push_address(receiver), vec![0xff]].concat();
    let used = |balance| {
        let result = call_contract(spec(9), &state(&[account(CONTRACT, balance, &code)]), 0, &[]);
        assert!(result.succeeds);
        result.gas_used - 21_000 - 3
    };
    assert_eq!(used(0), 5_000);
    assert_eq!(used(1), 5_000 + 25_000 + 2_600);
    // It deletes nothing, and a contract that sends to itself keeps what it has.
    let state = state(&[account(CONTRACT, 9, &[push_address(CONTRACT), vec![0xff]].concat())]);
    let mut block = open(spec(9), &state);
    executed(block.execute(&from_sender(tx(0, Some(CONTRACT), 0, &[])), None).expect("executes"));
    let after = block.account(CONTRACT).expect("readable");
    assert_eq!((after.balance, after.code_length), (U256::from(9), 22));
}

#[test]
fn unsupported_precompiles_give_all_gas_and_value_back() {
    for fork in FORKS {
        let precompiles: &[u8] = if fork == 13 { &[3, 9] } else { &[3, 5, 9] };
        for &number in precompiles {
            for opcode in [0xf1, 0xf2, 0xf4, 0xfa] {
                let precompile = Address::with_last_byte(number);
                let value = u8::from(matches!(opcode, 0xf1 | 0xf2));
                let mut code = vec![0x5a];
                code.extend(call_code(opcode, precompile, value, 50_000));
                // Return (gas spent, result).
                code.extend([0x60, 0x20, 0x52, 0x5a, 0x90, 0x03, 0x60, 0, 0x52, 0x60, 0x40, 0x60, 0, 0xf3]);
                let state = state(&[account(CONTRACT, 5, &code)]);
                let mut block = open(spec(fork), &state);
                let result = executed(block.execute(&from_sender(tx(0, Some(CONTRACT), 0, &[])), None).expect("runs"));
                let label = format!("fork {fork}, precompile {number}, opcode {opcode:#04x}");
                assert!(result.succeeds, "{label}");
                assert_eq!(U256::from_be_slice(&result.output[32..]), U256::ZERO, "{label}");
                let spent = U256::from_be_slice(&result.output[..32]);
                let new_account = if opcode == 0xf1 { 25_000 } else { 0 };
                let transfer = if value == 1 { 9_000 - 2_300 } else { 0 };
                // The stipend comes back on top of what was sent.
                assert!(spent < U256::from(new_account + transfer + 300), "{label}: {spent}");
                assert_eq!(block.account(precompile).expect("readable").balance, U256::ZERO, "{label}");
            }
        }
    }
}

#[test]
fn a_transaction_to_an_unsupported_precompile_pays_intrinsic_gas_only() {
    for (fork, succeeds) in [(7, true), (8, false), (9, false), (13, false)] {
        let state = state(&[]);
        let mut block = open(spec(fork), &state);
        let to = Address::with_last_byte(3);
        let result = executed(block.execute(&from_sender(tx(0, Some(to), 7, &[1])), None).expect("executes"));
        assert_eq!((result.succeeds, result.gas_used), (succeeds, 21_016), "fork {fork}");
        assert_eq!(block.account(to).expect("readable").balance, U256::ZERO, "fork {fork}");
    }
}

#[test]
fn the_coinbase_is_cold_and_precompiles_are_warm() {
    let gas_of_balance = |address| {
        let code = [&[0x5a][..], &push_address(address), &[0x31, 0x50, 0x5a, 0x90, 0x03], &RETURN_TOP].concat();
        let result = call_contract(spec(9), &state(&[account(CONTRACT, 0, &code)]), 0, &[]);
        U256::from_be_slice(&result.output).to::<u64>() - 7
    };
    assert_eq!(gas_of_balance(COINBASE), 2_600);
    assert_eq!(gas_of_balance(SENDER), 100);
    assert_eq!(gas_of_balance(CONTRACT), 100);
    for number in 1..=9 {
        assert_eq!(gas_of_balance(Address::with_last_byte(number)), 100, "precompile {number}");
    }
    assert_eq!(gas_of_balance(Address::ZERO), 2_600);
}

#[test]
fn a_bare_push_at_the_end_is_refused_up_to_fork_9() {
    let callee = Address::repeat_byte(0xca);
    let accounts = [
        account(callee, 0, &[0x60]),
        account(CONTRACT, 5, &[call_code(0xf1, callee, 1, 40_000), RETURN_TOP.to_vec()].concat()),
    ];
    let state = state(&accounts);
    for (fork, succeeds) in [(9, false), (10, true), (13, true)] {
        let result = call_contract(spec(fork), &state, 0, &[]);
        assert_eq!(U256::from_be_slice(&result.output), U256::from(succeeds), "fork {fork}");
        let mut block = open(spec(fork), &state);
        let top = executed(block.execute(&from_sender(tx(0, Some(callee), 1, &[])), None).expect("executes"));
        assert_eq!(top.succeeds, succeeds, "fork {fork}");
        assert!(top.gas_used <= 21_003, "fork {fork} used {}", top.gas_used);
    }
}

#[test]
fn the_system_contract_survives_calls_and_blockhash_reads_it() {
    // Calls the system contract, then BLOCKHASH of the number in the call data.
    let mut code = call_code(0xf1, SYSTEM, 0, 10_000);
    code.extend([0x50, 0x60, 0, 0x35, 0x40]);
    code.extend(RETURN_TOP);
    let mut chain = state(&[account(CONTRACT, 0, &code)]);
    let mut roots = vec![chain.root()];
    for number in 1..=3u64 {
        let sealed = {
            let mut block = open(spec(9), &chain);
            for (index, asked) in (0..number).chain([number, number + 1, u64::MAX]).enumerate() {
                let nonce = chain.account(&SENDER).expect("readable").nonce + index as u64;
                let call = from_sender(tx(nonce, Some(CONTRACT), 0, word(asked).as_slice()));
                let result = executed(block.execute(&call, None).expect("executes"));
                let expected = roots.get(asked as usize).copied().unwrap_or_default();
                assert_eq!(result.output, expected.to_vec(), "block {number} asks for {asked}");
            }
            block.seal().expect("seals")
        };
        assert_eq!(sealed.number.0, number);
        roots.push(chain.apply_block(&sealed.diff).expect("applies"));
    }
}

#[test]
fn a_known_global_exit_root_is_never_overwritten() {
    let mut chain = state(&[]);
    let ger = B256::repeat_byte(0x9e);
    let slot = U256::from_be_bytes(keccak256([ger.as_slice(), &[0; 32]].concat()).0);
    for (hash, stored) in [(1, 1), (2, 1)] {
        let mut params = params(spec(9), &chain);
        params.l1_info = Some(L1Info { global_exit_root: ger, l1_block_hash: word(hash), timestamp_min: 0 });
        let sealed = BlockExecutor::open(&chain, params).expect("opens").seal().expect("seals");
        assert_eq!(sealed.l1_block_hash, word(hash), "the header shows what was given");
        chain.apply_block(&sealed.diff).expect("applies");
        assert_eq!(chain.storage(&GER_MANAGER_L2, &slot), Ok(U256::from(stored)));
    }
}

#[test]
fn timestamps_never_fall_and_keep_their_limits() {
    let mut chain = state(&[]);
    for (at, expected) in [(500, 500), (400, 500), (600, 600)] {
        let params = zkevm_executor::BlockParams { time: BlockTime::At(at), ..params(spec(9), &chain) };
        let sealed = BlockExecutor::open(&chain, params).expect("opens").seal().expect("seals");
        assert_eq!(sealed.timestamp, expected);
        chain.apply_block(&sealed.diff).expect("applies");
    }
    let open_with = |time, timestamp_min| {
        let l1_info = Some(L1Info { global_exit_root: word(1), l1_block_hash: word(2), timestamp_min });
        let params = zkevm_executor::BlockParams { time, l1_info, ..params(spec(9), &chain) };
        BlockExecutor::open(&chain, params).map(|block| block.timestamp())
    };
    let delta = |seconds, limit| BlockTime::Delta { seconds, limit };
    assert_eq!(open_with(delta(10, 610), 610), Ok(610));
    assert_eq!(open_with(delta(11, 610), 0), Err(OpenError::Invalid(RomError::InvalidTxChangeL2BlockLimitTimestamp)));
    assert_eq!(open_with(delta(10, 610), 611), Err(OpenError::Invalid(RomError::InvalidTxChangeL2BlockMinTimestamp)));
}

#[test]
fn skipped_transactions_are_named_and_leave_no_trace() {
    let with_code = Address::repeat_byte(0xcd);
    let state = state(&[account(with_code, 1_000_000_000, &[0])]);
    let mut block = open(spec(9), &state);
    let good = tx(0, Some(CONTRACT), 0, &[]);
    let before = block.diff();
    let mut skipped = |change: &dyn Fn(&mut zkevm_codec::L2Transaction), recovery| {
        let mut tx = good.clone();
        change(&mut tx);
        let recovered = RecoveredTx::with_recovery(tx, recovery);
        match block.execute(&recovered, None).expect("executes") {
            TxOutcome::Skipped(error) => error,
            other => panic!("{other:?}"),
        }
    };
    let signer = Recovery::Signer(SENDER);
    assert_eq!(skipped(&|_| {}, Recovery::OutOfRange), RomError::IntrinsicInvalidSignature);
    assert_eq!(skipped(&|_| {}, Recovery::Signer(with_code)), RomError::IntrinsicInvalidSenderCode);
    assert_eq!(skipped(&|tx| tx.chain_id = Some(0), signer), RomError::IntrinsicInvalidChainId);
    assert_eq!(skipped(&|tx| tx.nonce = 1, signer), RomError::IntrinsicInvalidNonce);
    assert_eq!(skipped(&|tx| tx.gas_limit = 30_000_001, signer), RomError::IntrinsicInvalidBatchGasLimit);
    assert_eq!(skipped(&|tx| tx.gas_limit = 20_999, signer), RomError::IntrinsicInvalidGasLimit);
    assert_eq!(skipped(&|tx| tx.gas_price = U256::MAX, signer), RomError::IntrinsicTxGasOverflow);
    assert_eq!(skipped(&|tx| tx.value = U256::MAX, signer), RomError::IntrinsicInvalidBalance);
    assert_eq!(block.diff(), before);
    assert!(block.results().is_empty());
    // Without chain id no chain is checked, and exactly the highest gas limit is accepted.
    let mut tx = good;
    tx.chain_id = None;
    tx.gas_limit = 30_000_000;
    assert!(executed(block.execute(&from_sender(tx), None).expect("executes")).succeeds);
}

#[test]
fn creations_collide_with_nonce_or_code_only_and_keep_storage() {
    // Init code that returns SLOAD(1) as 1-byte code.
    let init = [0x60, 1, 0x54, 0x60, 0, 0x53, 0x60, 1, 0x60, 0, 0xf3];
    let created = SENDER.create(0);
    let occupied = |change: &dyn Fn(&mut zkevm_executor::GenesisAccount)| {
        let mut target = account(created, 0, &[]);
        target.storage = vec![(U256::from(1), U256::from(0x42))];
        change(&mut target);
        let state = state(&[target]);
        let mut block = open(spec(9), &state);
        executed(block.execute(&from_sender(tx(0, None, 0, &init)), None).expect("executes"))
    };
    let free = occupied(&|account| account.balance = U256::from(5));
    assert_eq!((free.succeeds, free.created_address), (true, Some(created)));
    assert_eq!(free.output, vec![0x42], "the storage that was there is read");
    for taken in [occupied(&|account| account.nonce = 1), occupied(&|account| account.code = vec![1].into())] {
        assert_eq!(taken.rom_error, Some(RomError::ContractAddressCollision));
        assert_eq!(taken.gas_used, 1_000_000);
    }
}

#[test]
fn too_few_counters_undo_the_transaction_and_name_the_counter() {
    let state = state(&[]);
    let mut block = open(spec(9), &state);
    let transfer = from_sender(tx(0, Some(CONTRACT), 1, &[]));
    let used = executed(block.execute(&transfer, None).expect("executes")).counters_used;
    let (after, counters) = (block.diff(), block.counters());
    assert!(block.rollback_last());
    assert!(!block.rollback_last(), "only once");
    let before = block.diff();
    for counter in zkevm_primitives::Counter::ALL {
        let mut limits = used;
        if limits[counter] == 0 {
            continue;
        }
        limits[counter] -= 1;
        match block.execute(&transfer, Some(&limits)).expect("executes") {
            TxOutcome::OutOfCounters { counter: named, used: needed, .. } => {
                assert_eq!((named, needed), (counter, used));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(block.diff(), before);
    }
    executed(block.execute(&transfer, Some(&used)).expect("executes"));
    assert_eq!((block.diff(), block.counters()), (after, counters));
}

#[test]
fn endless_programs_end_at_the_deadline_or_when_cancelled() {
    // JUMPDEST PUSH0 JUMP
    let state = state(&[account(CONTRACT, 0, &[0x5b, 0x5f, 0x56])]);
    let mut context = context(spec(9).with_tx_gas_limit(u64::MAX));
    let call = free_call(Some(CONTRACT), &[], u64::MAX);
    let started = std::time::Instant::now();
    context.cancel =
        CancelToken { deadline: Some(started + std::time::Duration::from_millis(50)), ..CancelToken::default() };
    let mut simulation = Simulation::new(&state, &context, true);
    assert_eq!(simulation.call(&call), Err(ExecutorError::Cancelled));
    assert!(started.elapsed().as_secs() < 60);
    context.cancel = CancelToken {
        flag: Some(std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true))),
        ..CancelToken::default()
    };
    let mut simulation = Simulation::new(&state, &context, true);
    assert_eq!(simulation.call(&call), Err(ExecutorError::Cancelled));
}

#[test]
fn programs_that_exceed_the_counters_are_stopped_before_their_gas_is() {
    let state = state(&[account(CONTRACT, 0, &[0x5b, 0x5f, 0x56])]);
    let rules = spec(9);
    let mut block = open(rules, &state);
    let before = block.diff();
    let mut endless = tx(0, Some(CONTRACT), 0, &[]);
    endless.gas_limit = 30_000_000;
    let endless = from_sender(endless);
    // JUMPDEST 14, PUSH0 16, JUMP 27 rows for 11 gas: the steps end long before the gas.
    match block.execute(&endless, Some(&rules.limits)).expect("executes") {
        TxOutcome::OutOfCounters { counter, used, .. } => {
            assert_eq!(counter, zkevm_primitives::Counter::Steps);
            assert!(used.steps < 2 * rules.limits.steps, "stopped at {} steps", used.steps);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(block.diff(), before);
    let mut context = context(rules);
    context.limits = Some(rules.limits);
    let call = free_call(Some(CONTRACT), &[], 30_000_000);
    let refused = Simulation::new(&state, &context, true).call(&call);
    assert_eq!(refused, Ok(Err(RomError::OutOfCountersStep)));
    // Looking at the counters on the way changes nothing of their sum.
    let fits = free_call(Some(CONTRACT), &[], 1_000_000);
    let mut counted = |limits| {
        context.limits = limits;
        Simulation::new(&state, &context, true).call(&fits).expect("executes").expect("fits").counters_used
    };
    assert_eq!(counted(Some(rules.limits)), counted(None));
}

#[test]
fn few_rounds_of_much_work_are_stopped_as_early_as_many_of_little() {
    // JUMPDEST, KECCAK256 of 16 KiB, POP, again; and one pairing of all that the gas pays for.
    let hashing = [0x5b, 0x61, 0x40, 0, 0x60, 0, 0x20, 0x50, 0x60, 0, 0x56];
    let pairing = [0x60, 0, 0x60, 0, 0x62, 0x02, 0x49, 0xf0, 0x60, 0, 0x60, 8, 0x5a, 0xfa];
    for code in [&hashing[..], &pairing[..]] {
        let state = state(&[account(CONTRACT, 0, code)]);
        let rules = spec(9);
        let mut heavy = tx(0, Some(CONTRACT), 0, &[]);
        heavy.gas_limit = 30_000_000;
        let started = std::time::Instant::now();
        match open(rules, &state).execute(&from_sender(heavy), Some(&rules.limits)).expect("executes") {
            TxOutcome::OutOfCounters { used, .. } => {
                let is_single = code == pairing;
                assert!(is_single || used.steps < 2 * rules.limits.steps, "stopped at {} steps", used.steps);
            }
            other => panic!("{other:?}"),
        }
        assert!(started.elapsed().as_secs() < 60);
    }
}

#[test]
fn what_was_read_and_written_is_reported() {
    // SSTORE(1, SLOAD(0) + 1)
    let code = [0x60, 0, 0x54, 0x60, 1, 0x01, 0x60, 1, 0x55];
    let mut target = account(CONTRACT, 0, &code);
    target.storage = vec![(U256::ZERO, U256::from(6))];
    let result = call_contract(spec(9), &state(&[target]), 0, &[]);
    let storage = |list: &[zkevm_executor::StateRead]| -> Vec<(U256, U256)> {
        list.iter()
            .filter_map(|read| match read {
                zkevm_executor::StateRead::Storage(CONTRACT, slot, value) => Some((*slot, *value)),
                _ => None,
            })
            .collect()
    };
    assert_eq!(storage(&result.reads), [(U256::ZERO, U256::from(6)), (U256::from(1), U256::ZERO)]);
    assert_eq!(storage(&result.writes), [(U256::from(1), U256::from(7))]);
}
