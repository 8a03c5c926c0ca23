//! A batch executed whole, transaction by transaction, and with undone attempts in between gives the
//! same; counting changes nothing but the counters.

mod common;

use alloy_primitives::{Address, B256, Bytes, U256};
use common::programs::any_program;
use common::*;
use proptest::prelude::*;
use zkevm_codec::{
    BatchEncoder, BatchItem, ChangeL2Block, L2Transaction, SECP256K1_HALF_ORDER, TxSignature, decode_batch,
};
use zkevm_executor::{
    BatchInput, BatchState, BlockExecutor, BlockTime, CancelToken, CounterModel, GenesisAccount, L1InfoSource, Levels,
    MemoryState, RecoveredTx, TxOutcome, execute_batch,
};
use zkevm_primitives::{BatchNumber, Counters};

/// A transaction of some signer: any signature in range recovers to somebody.
fn signed(seed: u64, chain_id: Option<u64>, to: Option<Address>, data: Vec<u8>, gas_limit: u64) -> L2Transaction {
    let mut tx = L2Transaction::default();
    tx.gas_limit = gas_limit;
    tx.to = to;
    tx.data = Bytes::from(data);
    tx.chain_id = chain_id;
    tx.effective_percentage = 255;
    tx.signature = TxSignature {
        r: U256::from(1) + U256::from(seed) * U256::from(0x1_0000_0001_u64),
        s: SECP256K1_HALF_ORDER - U256::from(seed),
        v: 27 + u8::try_from(seed % 2).expect("small"),
    };
    tx
}

#[derive(Clone, Debug)]
struct Scenario {
    state: MemoryState,
    batch: Vec<u8>,
    fork: u64,
}

prop_compose! {
    fn any_scenario()(
        programs in proptest::collection::vec(any_program(), 2),
        fork in proptest::sample::select(vec![7u64, 8, 9, 10, 12, 13]),
        entries in proptest::collection::vec(
            (0u8..8, any::<u8>(), any_program(), 21_000u64..400_000, 0u64..4),
            1..12,
        ),
    ) -> Scenario {
        let accounts: Vec<GenesisAccount> = [CONTRACT, Address::repeat_byte(0xc1)]
            .into_iter()
            .zip(&programs)
            .map(|(address, code)| {
                let mut account = account(address, 1000, code);
                account.storage = vec![(U256::from(1), U256::from(5)), (U256::from(2), U256::from(6))];
                account
            })
            .collect();
        let mut encoder = BatchEncoder::new();
        encoder.change_l2_block(ChangeL2Block { delta_timestamp: 7, index_l1_info_tree: 0 });
        for (index, (kind, byte, program, gas_limit, value)) in entries.into_iter().enumerate() {
            let seed = index as u64;
            match kind {
                0 => {
                    let block = ChangeL2Block { delta_timestamp: u32::from(byte), index_l1_info_tree: 0 };
                    encoder.change_l2_block(block);
                }
                1 => {
                    encoder.transaction(&signed(seed, None, None, program, gas_limit + 40_000));
                }
                _ => {
                    let to = if kind < 5 { CONTRACT } else { Address::repeat_byte(0xc1) };
                    let chain_id = if byte < 250 { Some(CHAIN_ID) } else { Some(CHAIN_ID + 1) };
                    let mut tx = signed(seed, chain_id, Some(to), vec![byte; usize::from(byte % 40)], gas_limit);
                    tx.value = U256::from(value / 3);
                    encoder.transaction(&tx);
                }
            }
        }
        Scenario { state: MemoryState::from_genesis(&accounts), batch: encoder.into_bytes(), fork }
    }
}

fn input(scenario: &Scenario, counts: bool) -> BatchInput {
    BatchInput {
        spec: spec(scenario.fork),
        chain_id: CHAIN_ID,
        old_state_root: scenario.state.root(),
        old_acc_input_hash: B256::ZERO,
        old_batch_number: BatchNumber(4),
        batch_l2_data: Bytes::from(scenario.batch.clone()),
        l1_info_root: B256::ZERO,
        timestamp_limit: 1 << 40,
        sequencer: COINBASE,
        forced_block_hash_l1: B256::ZERO,
        is_injected: false,
        l1_info: L1InfoSource::default(),
        counts,
        limits: None,
        depth_measure: Some(0),
        recovery_threads: 1,
        records_reads: false,
        cancel: CancelToken::default(),
    }
}

/// Executes the batch as a sequencer would: one transaction after the other, each tried and undone first.
fn one_by_one(scenario: &Scenario) -> (B256, Counters) {
    let spec = spec(scenario.fork);
    let levels = Levels::at_depth(spec.profile, 0);
    let model = CounterModel::new(spec.profile);
    let mut state = scenario.state.clone();
    let mut counters = model.batch(scenario.batch.len(), &levels);
    let items = decode_batch(&scenario.batch).expect("a valid batch");
    let mut at = 0;
    while at < items.len() {
        let BatchItem::ChangeL2Block(opens) = &items[at].item else { panic!("a block starts here") };
        let sealed = {
            let time = BlockTime::Delta { seconds: opens.delta_timestamp, limit: 1 << 40 };
            let params = zkevm_executor::BlockParams { time, ..params(spec, &state) };
            let mut block = BlockExecutor::open(&state, params).expect("opens");
            at += 1;
            while let Some(BatchItem::Transaction(tx)) = items.get(at).map(|item| &item.item) {
                at += 1;
                let tx = RecoveredTx::recover((**tx).clone());
                let before = block.diff();
                let first = block.execute(&tx, None).expect("executes");
                if matches!(first, TxOutcome::Executed(_)) {
                    assert!(block.rollback_last());
                    assert_eq!(block.diff(), before, "an undone transaction leaves no trace");
                    let nothing = block.execute(&tx, Some(&Counters::ZERO)).expect("executes");
                    assert!(matches!(nothing, TxOutcome::OutOfCounters { .. }), "{nothing:?}");
                }
                assert_eq!(block.execute(&tx, None).expect("executes"), first, "again the same");
                if let TxOutcome::Skipped(_) = first {
                    let is_rejected = tx.recovery.signer().is_none() || tx.tx.chain_id == Some(CHAIN_ID + 1);
                    counters += model.rlp_parsing(&tx.tx, tx.bytes, tx.recovery, is_rejected).at(levels.tx);
                }
            }
            block.seal().expect("seals")
        };
        counters += sealed.counters;
        state.apply_block(&sealed.diff).expect("applies");
    }
    (state.root(), counters)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn batches_do_not_depend_on_how_they_are_executed(scenario in any_scenario()) {
        let whole = execute_batch(&input(&scenario, true), &mut scenario.state.clone()).expect("executes");
        prop_assert_eq!(whole.invalid, None);
        let (root, counters) = one_by_one(&scenario);
        prop_assert_eq!(whole.new_state_root, root);
        prop_assert_eq!(whole.counters, counters);

        let uncounted = execute_batch(&input(&scenario, false), &mut scenario.state.clone()).expect("executes");
        prop_assert_eq!(uncounted.new_state_root, root);
        prop_assert_eq!(uncounted.counters, Counters::ZERO);

        // Exactly the counters used suffice; one fewer of any makes the batch invalid and names it.
        let mut limited = input(&scenario, true);
        limited.limits = Some(counters);
        let fits = execute_batch(&limited, &mut scenario.state.clone()).expect("executes");
        prop_assert_eq!(fits.invalid, None);
        limited.limits = Some(Counters { steps: counters.steps - 1, ..counters });
        let exceeds = execute_batch(&limited, &mut scenario.state.clone()).expect("executes");
        prop_assert_eq!(exceeds.invalid, Some(zkevm_primitives::RomError::OutOfCountersStep));
        prop_assert_eq!(exceeds.new_state_root, limited.old_state_root);
        prop_assert_eq!(exceeds.new_acc_input_hash, fits.new_acc_input_hash);
    }

    #[test]
    fn garbage_batches_are_invalid_and_change_nothing(bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
        let scenario = Scenario { state: state(&[]), batch: bytes, fork: 9 };
        let mut after = scenario.state.clone();
        let result = execute_batch(&input(&scenario, true), &mut after).expect("executes");
        if result.invalid.is_some() {
            prop_assert_eq!(result.new_state_root, scenario.state.root());
            prop_assert!(result.blocks.is_empty());
        }
        prop_assert_eq!(result.new_batch_number.0, 5);
    }
}
