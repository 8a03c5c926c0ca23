//! Transactions and batches that are made to cost as much as they can: what becomes of each is written down here and in
//! docs/executor.md. Work is bounded by gas and counters, not by the clock: what is stopped has done at most one operation beyond its limit.

mod common;

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use common::*;
use zkevm_codec::{BatchEncoder, ChangeL2Block, L2Transaction, SECP256K1_HALF_ORDER, TxSignature};
use zkevm_executor::{
    BatchInput, BatchResult, BatchState, CancelToken, GenesisAccount, L1InfoSource, MemoryState, TxOutcome,
    execute_batch,
};
use zkevm_primitives::{BATCH_L2_DATA_MAX_BYTES, BatchNumber, Counter, ForkSpec, RomError};

/// More memory than any of these may take at its peak.
const MEMORY_MAX_BYTES: u64 = 768 << 20;
const GAS: u64 = 30_000_000;

/// What became of a transaction with all the gas there is.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Succeeds,
    Fails(RomError),
    Lacks(Counter),
}

/// Peak memory of this process.
fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

fn run(spec: ForkSpec, accounts: &[GenesisAccount], data: &[u8]) -> End {
    let state = state(accounts);
    let mut block = open(spec, &state);
    let before = block.diff();
    let mut attack = tx(0, Some(CONTRACT), 0, data);
    attack.gas_limit = GAS;
    let end = match block.execute(&from_sender(attack), Some(&spec.limits)).expect("has a result") {
        TxOutcome::Executed(result) => {
            assert!(result.gas_used <= GAS);
            result.rom_error.map_or(End::Succeeds, End::Fails)
        }
        TxOutcome::OutOfCounters { counter, used, reserved, .. } => {
            let (needed, limit) = (used[counter].max(reserved[counter]), spec.limits[counter]);
            assert!(needed > limit, "{counter} was stopped at {needed} of {limit}");
            assert_eq!(block.diff(), before, "nothing is left of it");
            End::Lacks(counter)
        }
        TxOutcome::Skipped(error) => panic!("skipped: {error:?}"),
    };
    if let Some(bytes) = peak_memory_bytes() {
        assert!(bytes < MEMORY_MAX_BYTES, "{bytes} bytes at the peak");
    }
    end
}

/// `body` for ever.
fn forever(body: &[u8]) -> Vec<u8> {
    [&[0x5b][..], body, &[0x5f, 0x56]].concat()
}

fn ends(spec: ForkSpec, code: &[u8]) -> End {
    run(spec, &[account(CONTRACT, 0, code)], &[])
}

#[test]
fn memory_ends_with_its_gas() {
    for fork in [9, 13] {
        // Nearly all that 30 million gas buy; the cap itself is beyond them.
        assert_eq!(ends(spec(fork), &hex!("5f 623bffe0 52")), End::Succeeds, "fork {fork}");
        assert_eq!(ends(spec(fork), &hex!("5f 623fffc0 52")), End::Fails(RomError::OutOfGas), "fork {fork}");
        assert_eq!(ends(spec(fork), &hex!("5f 623fffc1 52")), End::Fails(RomError::OutOfGas), "fork {fork}");
        // Copies of the whole memory, for ever.
        let copies = forever(&hex!("623fffe0 5f 5f 37"));
        assert!(matches!(ends(spec(fork), &copies), End::Lacks(_) | End::Fails(RomError::OutOfGas)), "fork {fork}");
    }
}

#[test]
fn hashing_without_end_runs_out_of_keccaks_or_steps() {
    assert_eq!(ends(spec(9), &forever(&hex!("620f0000 5f 20 50"))), End::Lacks(Counter::Keccaks));
    assert_eq!(ends(spec(13), &forever(&hex!("620f0000 5f 20 50"))), End::Lacks(Counter::Keccaks));
    // SHA-256 and identity over half a megabyte.
    for precompile in [2, 4] {
        let call = [&hex!("5f 5f 62080000 5f 60")[..], &[precompile], &hex!("5a fa 50")].concat();
        for fork in [9, 13] {
            let end = ends(spec(fork), &forever(&call));
            assert!(matches!(end, End::Lacks(_) | End::Fails(RomError::OutOfGas)), "precompile {precompile}: {end:?}");
        }
    }
}

#[test]
fn curve_operations_stop_before_they_are_done() {
    // As many pairs of points at infinity as the gas buys: the counters are looked at before the pairing.
    let pairs = U256::from(860 * 192);
    let mut code = vec![0x5f, 0x5f, 0x7f];
    code.extend(pairs.to_be_bytes::<32>());
    code.extend(hex!("5f 6008 5a fa 50"));
    assert_eq!(ends(spec(9), &code), End::Lacks(Counter::Steps));
    assert_eq!(ends(spec(13), &code), End::Lacks(Counter::Steps));
    // ecAdd and ecMul of points at infinity.
    for precompile in [6, 7] {
        let call = [&hex!("5f 5f 6080 5f 60")[..], &[precompile], &hex!("5a fa 50")].concat();
        assert!(matches!(ends(spec(9), &forever(&call)), End::Lacks(_)), "precompile {precompile}");
    }
}

#[test]
fn modexp_ends_with_its_gas_or_its_counters() {
    let words = |base: u64, exponent: u64, modulus: u64| {
        let mut data: Vec<u8> =
            [base, exponent, modulus].iter().flat_map(|length| U256::from(*length).to_be_bytes::<32>()).collect();
        data.resize(96 + (base + exponent + modulus).min(4096) as usize, 0xff);
        data
    };
    // Hands its call data to modexp, for ever.
    let code = forever(&hex!("36 5f 5f 37 5f 5f 36 5f 6005 5a fa 50"));
    for (base, exponent, modulus) in [(1024, 256, 1024), (32, 1024, 32), (1024, 1, 1024), (1, 1024, 1)] {
        let end = run(spec(13), &[account(CONTRACT, 0, &code)], &words(base, exponent, modulus));
        assert!(
            matches!(end, End::Lacks(_) | End::Fails(RomError::OutOfGas)),
            "{base}, {exponent}, {modulus}: {end:?}"
        );
    }
    // Lengths that no memory holds cost all the gas handed over, at once.
    let huge: Vec<u8> = [U256::MAX; 3].iter().flat_map(U256::to_be_bytes::<32>).collect();
    let once = hex!("36 5f 5f 37 5f 5f 36 5f 6005 620f4240 fa 00");
    assert_eq!(run(spec(13), &[account(CONTRACT, 0, &once)], &huge), End::Succeeds);
}

#[test]
fn calls_go_as_deep_as_their_gas() {
    // Calls itself with all but a 64th of the gas; the deepest call fails, and all the others with what is left.
    let mut calls = call_code(0xf1, CONTRACT, 0, u32::MAX);
    assert_eq!(ends(spec(9), &calls), End::Succeeds);
    // As often as there is gas on each level: exponentially many calls, bounded by counters.
    calls = forever(&[&calls[..], &[0x50]].concat());
    assert!(matches!(ends(spec(9), &calls), End::Lacks(_) | End::Fails(RomError::OutOfGas)));
    // Creations in creations: the code creates itself.
    let creates = hex!("36 38 5f 5f 39 38 5f 5f f0 00");
    assert_eq!(ends(spec(9), &creates), End::Succeeds);
}

#[test]
fn return_data_of_the_greatest_size_runs_out_of_steps() {
    // The callee returns memory; the caller copies it. The rows of copying are used up long before the gas.
    let callee = Address::repeat_byte(0xca);
    let mut copies = call_code(0xf1, callee, 0, 29_000_000);
    copies.extend(hex!("50 3d 5f 5f 3e"));
    let end = |fork, caller: &[u8], bytes: [u8; 3]| {
        let returns = [&[0x62][..], &bytes, &hex!("5f f3")].concat();
        run(spec(fork), &[account(CONTRACT, 0, caller), account(callee, 0, &returns)], &[])
    };
    for fork in [9, 13] {
        assert_eq!(end(fork, &copies, hex!("020000")), End::Succeeds, "fork {fork}");
        assert_eq!(end(fork, &copies, hex!("200000")), End::Lacks(Counter::Steps), "fork {fork}");
        assert_eq!(end(fork, &forever(&copies), hex!("020000")), End::Lacks(Counter::Steps), "fork {fork}");
    }
}

#[test]
fn logs_and_code_are_bounded_by_gas_and_counters() {
    // LOG0 of a megabyte.
    let end = ends(spec(9), &forever(&hex!("62100000 5f a0")));
    assert!(matches!(end, End::Lacks(_) | End::Fails(RomError::OutOfGas)), "{end:?}");
    // EXTCODECOPY of its own code into a megabyte.
    let copies = forever(&hex!("62100000 5f 5f 30 3c"));
    assert!(matches!(ends(spec(9), &copies), End::Lacks(_) | End::Fails(RomError::OutOfGas)));
    // Creations of the greatest code, for ever.
    let creates = forever(&hex!("6a6160005ff3000000000000 5f 52 6007 6015 5f f0 50"));
    let end = ends(spec(9), &creates);
    assert!(matches!(end, End::Lacks(_) | End::Fails(RomError::OutOfGas)), "{end:?}");
}

fn batch(state: &mut MemoryState, data: Vec<u8>) -> BatchResult {
    let input = BatchInput {
        spec: spec(9),
        chain_id: CHAIN_ID,
        old_state_root: state.root(),
        old_acc_input_hash: B256::ZERO,
        old_batch_number: BatchNumber(1),
        batch_l2_data: Bytes::from(data),
        l1_info_root: B256::ZERO,
        timestamp_limit: u64::MAX,
        sequencer: COINBASE,
        forced_block_hash_l1: B256::ZERO,
        is_injected: false,
        l1_info: L1InfoSource::default(),
        counts: true,
        limits: Some(spec(9).limits),
        depth_measure: Some(0),
        recovery_threads: 2,
        records_reads: false,
        cancel: CancelToken::default(),
    };
    execute_batch(&input, state).expect("has a result")
}

fn opened() -> BatchEncoder {
    let mut encoder = BatchEncoder::new();
    encoder.change_l2_block(ChangeL2Block { delta_timestamp: 1, index_l1_info_tree: 0 });
    encoder
}

#[test]
fn a_batch_full_of_garbage_is_invalid_by_its_first_byte() {
    for (byte, error) in [
        (0x00, RomError::InvalidRlp),
        (0x80, RomError::InvalidRlp),
        (0xc1, RomError::InvalidRlp),
        (0xf8, RomError::InvalidRlp),
        (0xff, RomError::InvalidRlp),
    ] {
        let mut chain = state(&[]);
        let root = chain.root();
        let result = batch(&mut chain, vec![byte; BATCH_L2_DATA_MAX_BYTES]);
        let named = result.invalid.expect("garbage is invalid");
        assert!(named == error || named == RomError::InvalidNotFirstTxChangeL2Block, "{byte:#04x}: {named:?}");
        assert_eq!((result.new_state_root, result.blocks.len()), (root, 0));
        // After a good block it is the list that is broken.
        let mut data = opened().into_bytes();
        data.resize(BATCH_L2_DATA_MAX_BYTES, byte);
        assert_eq!(batch(&mut chain, data).invalid, Some(RomError::InvalidRlp), "{byte:#04x}");
    }
}

#[test]
fn a_batch_of_nothing_but_blocks_runs_out_of_counters() {
    let mut encoder = opened();
    while encoder.as_bytes().len() + 9 <= BATCH_L2_DATA_MAX_BYTES {
        encoder.change_l2_block(ChangeL2Block::default());
    }
    let mut chain = state(&[]);
    let root = chain.root();
    let result = batch(&mut chain, encoder.into_bytes());
    assert!(
        matches!(result.invalid, Some(error) if Counter::ALL.into_iter().any(|c| RomError::out_of_counters(c) == error))
    );
    assert_eq!(result.new_state_root, root);
}

#[test]
fn a_batch_of_transactions_without_sender_runs_out_of_keccaks() {
    let mut tx = L2Transaction::default();
    tx.signature = TxSignature { r: U256::ZERO, s: SECP256K1_HALF_ORDER, v: 27 };
    let mut encoder = opened();
    let mut count = 0;
    while encoder.as_bytes().len() + tx.batch_form_bytes() <= BATCH_L2_DATA_MAX_BYTES {
        encoder.transaction(&tx);
        count += 1;
    }
    assert!(count > 1500);
    let mut chain = state(&[]);
    let root = chain.root();
    let result = batch(&mut chain, encoder.into_bytes());
    assert_eq!(result.invalid, Some(RomError::OutOfCountersKeccak));
    assert_eq!((result.new_state_root, result.blocks.len()), (root, 0));
}
