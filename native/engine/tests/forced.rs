//! Forced batches: executed as the executor executes them, each a batch of its own, in order, exactly once.

mod common;

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use common::{Account, CHAIN_ID, SEQUENCER, accounts, execute, genesis_json, open_block, options};
use zkevm_codec::{BatchEncoder, ChangeL2Block, L2Transaction};
use zkevm_engine::block_id::BlockId;
use zkevm_engine::engine::{Engine, EngineOptions};
use zkevm_engine::forced::{FORCED_BATCH_BYTES_MAX, ForcedBatchOutcome, ForcedBatchRequest};
use zkevm_engine::maintenance::Database;
use zkevm_engine::seal::BatchClosing;
use zkevm_engine::verify::VerifyOptions;
use zkevm_executor::{acc_input_hash, execute_batch, forced_batch_hash};
use zkevm_primitives::{GER_MANAGER_L2, GER_MANAGER_SLOT_GLOBAL_EXIT_ROOTS};
use zkevm_state_db::records::{BatchKind, BatchRecord, encode};
use zkevm_state_db::{Store, WriteBatch, schema};

const GER: B256 = B256::repeat_byte(0x6e);
const PARENT: B256 = B256::repeat_byte(0xb1);

fn closing() -> BatchClosing {
    BatchClosing { reason: "Forced batch deadline".into(), detail_json: "{}".into() }
}

/// batchL2Data of transactions, without any changeL2Block.
fn data_of(transactions: &[Vec<u8>]) -> Bytes {
    let mut data = BatchEncoder::default();
    for raw in transactions {
        let mut tx = L2Transaction::decode_signed(raw).unwrap();
        tx.effective_percentage = u8::MAX;
        data.transaction(&tx);
    }
    data.into_bytes().into()
}

fn request(number: u64, data: Bytes, timestamp: u64) -> ForcedBatchRequest {
    ForcedBatchRequest {
        number,
        data,
        timestamp,
        global_exit_root: GER,
        block_hash: PARENT,
        deadline_ms: 170_000,
        now_ms: 171_000,
    }
}

fn force(engine: &Engine, number: u64, data: Bytes, timestamp: u64) -> ForcedBatchOutcome {
    engine.execute_forced_batch(&request(number, data, timestamp)).unwrap()
}

fn record(engine: &Engine, batch: u64) -> BatchRecord {
    engine.store().batch(batch).unwrap().unwrap()
}

fn imported(engine: &Engine, exit_root: B256) -> B256 {
    let mut preimage = [0; 64];
    preimage[..32].copy_from_slice(exit_root.as_slice());
    preimage[63] = GER_MANAGER_SLOT_GLOBAL_EXIT_ROOTS as u8;
    let slot = U256::from_be_bytes(keccak256(preimage).0);
    engine.storage_in(&GER_MANAGER_L2, &slot, BlockId::Latest).unwrap().into()
}

/// Everything that is stored is verified, roots and signatures included, and the database is whole.
fn assert_sound(engine: Engine, options: &EngineOptions) {
    for number in 1..=engine.chain().head.closed_batch {
        let check =
            engine.verify_batch(number, &VerifyOptions { recompute_root: true, bundle_directory: None }).unwrap();
        assert_eq!(check.mismatch, None, "batch {number}");
    }
    let head = engine.chain().head;
    engine.close().unwrap();
    drop(engine);
    let database = Database::open(&options.path, 16 << 20, Arc::default()).unwrap();
    let report = database.verify().unwrap();
    assert!(report.ok, "{:?}", report.difference);
    drop(database);
    assert_eq!(Engine::open(options).unwrap().chain().head, head);
}

fn open() -> (tempfile::TempDir, EngineOptions, Engine) {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let engine = Engine::open(&options).unwrap();
    (dir, options, engine)
}

/// A block of the sequencer's own in a closed batch.
fn sequenced(engine: &Engine, from: &Account, nonce: u64, timestamp: u64) {
    open_block(engine, timestamp);
    execute(engine, &[from.item(&from.transfer(nonce, Address::repeat_byte(9), 1))]);
    engine.seal_block(timestamp * 1000, Some(&closing())).unwrap();
}

#[test]
fn a_forced_batch_is_one_block_with_what_l1_gave_it() {
    let (_dir, options, engine) = open();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    let skipped = b.transfer(7, a.address, 1);
    let data = data_of(&[a.transfer(0, b.address, 5), skipped.clone(), a.transfer(1, b.address, 6)]);
    let outcome = force(&engine, 1, data.clone(), 150);
    assert_eq!((outcome.batch, outcome.rom_error, outcome.skipped), (1, "", 1));
    let sealed = outcome.sealed.unwrap();
    assert_eq!((sealed.number, sealed.timestamp, sealed.tx_hashes.len()), (1, 150, 2));
    let chain = engine.chain();
    assert_eq!((chain.head.block, chain.head.closed_batch, chain.head.forced_batch), (1, 1, Some(1)));
    let record = record(&engine, 1);
    assert_eq!((record.kind, record.closing_reason.as_str()), (BatchKind::Forced as u8, "Forced batch"));
    assert_eq!((record.block_count, record.tx_count, record.coinbase), (1, 2, SEQUENCER));
    let origin = record.forced.unwrap();
    assert_eq!((origin.number, origin.timestamp, origin.global_exit_root), (1, 150, GER));
    assert_eq!(origin.hash, forced_batch_hash(&data, &GER, 150, &PARENT));
    // The accInputHash of the genesis is zero, so that of the first batch is known.
    assert_eq!(record.acc_input_hash, acc_input_hash(&B256::ZERO, &data, &GER, 150, &SEQUENCER, &PARENT));
    assert_eq!(engine.batch_data(1).unwrap().unwrap(), data);
    assert_eq!(imported(&engine, GER), PARENT);
    let certificate: serde_json::Value = serde_json::from_str(&record.closing_detail).unwrap();
    let hash = L2Transaction::decode_signed(&skipped).unwrap().hash();
    assert_eq!(certificate["skipped"][0]["hash"], hash.to_string());
    assert_eq!(certificate["skipped"][0]["romError"], "INTRINSIC_INVALID_NONCE");
    let json: serde_json::Value = serde_json::from_str(&engine.batch_json(1, false).unwrap().unwrap()).unwrap();
    assert_eq!(json["forcedBatchNumber"], "0x1");
    assert_sound(engine, &options);
}

#[test]
fn the_result_is_that_of_the_executor() {
    let (_dir, _, engine) = open();
    let [a, b, c, _] = &accounts()[..] else { panic!("four accounts") };
    sequenced(&engine, a, 0, 100);
    let data = data_of(&[a.transfer(1, b.address, 5), c.sign(0, None, 0, 100_000, &[0x60, 0x01, 0x60, 0x00, 0x55])]);
    force(&engine, 1, data, 150);
    let witness = engine.batch_witness(2, 1_000).unwrap();
    let input = &witness.batch.input;
    assert_eq!((input.forced_block_hash_l1, input.l1_info_root, input.timestamp_limit), (PARENT, GER, 150));
    let again = execute_batch(input, &mut witness.state().unwrap()).unwrap();
    let record = record(&engine, 2);
    assert_eq!(again.new_state_root, record.state_root);
    assert_eq!(again.new_local_exit_root, record.local_exit_root);
    assert_eq!(again.counters.to_array(), record.used[..8]);
    assert_eq!((again.blocks.len(), again.new_batch_number.0), (1, 2));
    // That of the batch before is known to L1 only, and later.
    assert_eq!(record.acc_input_hash, B256::ZERO);
}

#[test]
fn the_timestamp_never_goes_back_and_an_exit_root_is_imported_once() {
    let (_dir, options, engine) = open();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    sequenced(&engine, a, 0, 200);
    let outcome = force(&engine, 1, data_of(&[b.transfer(0, a.address, 1)]), 150);
    assert_eq!(outcome.sealed.unwrap().timestamp, 200, "forced before the newest block");
    let other = ForcedBatchRequest {
        block_hash: B256::repeat_byte(0xb2),
        ..request(2, data_of(&[b.transfer(1, a.address, 1)]), 260)
    };
    assert_eq!(engine.execute_forced_batch(&other).unwrap().sealed.unwrap().timestamp, 260);
    assert_eq!(imported(&engine, GER), PARENT, "the first one stays");
    let none =
        ForcedBatchRequest { global_exit_root: B256::ZERO, ..request(3, data_of(&[b.transfer(2, a.address, 1)]), 261) };
    engine.execute_forced_batch(&none).unwrap();
    assert_eq!(imported(&engine, B256::ZERO), B256::ZERO);
    assert_sound(engine, &options);
}

#[test]
fn a_batch_without_effect_takes_its_number_all_the_same() {
    let (_dir, options, engine) = open();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    let root = engine.chain().head.state_root;
    let transfer = data_of(&[a.transfer(0, b.address, 5)]);
    let mut with_marker = BatchEncoder::default();
    with_marker.change_l2_block(ChangeL2Block { delta_timestamp: 1, index_l1_info_tree: 0 });
    let marked: Bytes = [&transfer[..], &with_marker.into_bytes()].concat().into();
    let cases = [
        (Bytes::from_static(&[0xff, 0x01]), "INVALID_RLP"),
        (marked, "INVALID_DECODE_CHANGE_L2_BLOCK"),
        (transfer.slice(..transfer.len() - 1), "INVALID_RLP"),
        (Bytes::new(), ""),
    ];
    let mut known = B256::ZERO;
    for (number, (data, rom_error)) in (1..).zip(&cases) {
        let outcome = force(&engine, number, data.clone(), 150 + number);
        assert_eq!((outcome.batch, outcome.rom_error), (number, *rom_error));
        assert!(outcome.sealed.is_none());
        let record = record(&engine, number);
        assert_eq!((record.block_count, record.state_root, record.rom_error.as_str()), (0, root, *rom_error));
        known = acc_input_hash(&known, data, &GER, 150 + number, &SEQUENCER, &PARENT);
        assert_eq!(record.acc_input_hash, known, "it advances");
        assert_eq!(engine.batch_data(number).unwrap().unwrap(), *data);
    }
    assert_eq!((engine.head_block(), engine.chain().head.closed_batch), (0, 4));
    assert_eq!(imported(&engine, GER), B256::ZERO);
    // What follows is as if they were not there.
    sequenced(&engine, a, 0, 160);
    force(&engine, 5, data_of(&[b.transfer(0, a.address, 1)]), 161);
    assert_eq!(engine.chain().head.block, 2);
    assert_sound(engine, &options);
}

/// Code that hashes its memory with keccak until the gas is gone.
fn keccak_loop() -> Vec<u8> {
    let runtime = [0x5b, 0x61, 0x0f, 0xff, 0x60, 0x00, 0x20, 0x50, 0x60, 0x00, 0x56];
    let mut code = vec![0x60, runtime.len() as u8, 0x60, 12, 0x60, 0, 0x39, 0x60, runtime.len() as u8, 0x60, 0, 0xf3];
    code.extend(runtime);
    code
}

#[test]
fn a_batch_out_of_counters_has_no_effect() {
    let (_dir, options, engine) = open();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    open_block(&engine, 100);
    execute(&engine, &[a.item(&a.sign(0, None, 0, 200_000, &keccak_loop()))]);
    engine.seal_block(101_000, Some(&closing())).unwrap();
    let root = engine.chain().head.state_root;
    let hungry = a.sign(1, Some(a.address.create(0)), 0, 30_000_000, &[]);
    let outcome = force(&engine, 1, data_of(&[b.transfer(0, a.address, 1), hungry, b.transfer(1, a.address, 1)]), 150);
    assert_eq!(outcome.rom_error, "OUT_OF_COUNTERS_STEP");
    assert!(outcome.sealed.is_none());
    assert_eq!(engine.chain().head.state_root, root);
    assert_eq!(engine.pending_account(&b.address).unwrap().nonce, 0);
    sequenced(&engine, b, 0, 160);
    assert_sound(engine, &options);
}

#[test]
fn they_go_in_order_and_between_batches() {
    let (_dir, options, engine) = open();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    let transfer = |nonce| data_of(&[b.transfer(nonce, a.address, 1)]);
    let refused = |request: &ForcedBatchRequest| engine.execute_forced_batch(request).unwrap_err().to_string();
    assert!(refused(&request(2, transfer(0), 150)).contains("the next one is 1"));
    assert!(refused(&request(1, vec![0; FORCED_BATCH_BYTES_MAX + 1].into(), 150)).contains("5001 bytes"));
    assert!(
        refused(&ForcedBatchRequest { block_hash: B256::ZERO, ..request(1, transfer(0), 150) })
            .contains("L1 block hash")
    );
    open_block(&engine, 100);
    assert!(refused(&request(1, transfer(0), 150)).contains("an L2 block is open"));
    execute(&engine, &[a.item(&a.transfer(0, b.address, 1))]);
    engine.finish_block(101_000, None).unwrap();
    assert!(refused(&request(1, transfer(0), 150)).contains("the open batch has L2 blocks"));
    engine.close_batch(102_000, &closing()).unwrap();
    force(&engine, 1, transfer(0), 150);
    assert!(refused(&request(1, transfer(1), 150)).contains("the next one is 2"), "never twice");
    force(&engine, 2, transfer(1), 150);
    assert_eq!(engine.chain().head.forced_batch, Some(2));
    assert_sound(engine, &options);
}

#[test]
fn what_is_sealed_before_it_becomes_durable_with_it() {
    let (_dir, options, engine) = open();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    open_block(&engine, 100);
    execute(&engine, &[a.item(&a.transfer(0, b.address, 1))]);
    engine.finish_block(101_000, Some(&closing())).unwrap();
    assert_eq!(engine.head_block(), 0);
    let outcome = force(&engine, 1, data_of(&[a.transfer(1, b.address, 1)]), 150);
    assert_eq!((outcome.batch, engine.head_block()), (2, 2));
    assert_sound(engine, &options);
}

fn overwrite(store: &Store, record: &BatchRecord) {
    let mut batch = WriteBatch::default();
    store.put(&mut batch, schema::BATCH, &schema::number_key(record.number), &encode(record)).unwrap();
    store.write(batch).unwrap();
}

/// What verifying a forced batch finds after its record was changed.
fn found(data: Bytes, damage: impl FnOnce(&mut BatchRecord)) -> String {
    let (_dir, _, engine) = open();
    force(&engine, 1, data, 150);
    let mut record = record(&engine, 1);
    damage(&mut record);
    overwrite(engine.store(), &record);
    let check = engine.verify_batch(1, &VerifyOptions::default()).unwrap();
    check.mismatch.unwrap_or_else(|| panic!("the batch passes")).what
}

#[test]
fn verification_finds_what_was_changed() {
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    let transfer = data_of(&[a.transfer(0, b.address, 5)]);
    let acc = |record: &mut BatchRecord| record.acc_input_hash = B256::repeat_byte(1);
    assert_eq!(found(transfer.clone(), acc), "accInputHash");
    assert_eq!(found(Bytes::new(), acc), "accInputHash");
    assert_eq!(found(Bytes::new(), |record| record.acc_input_hash = B256::ZERO), "accInputHash");
    let hash = |record: &mut BatchRecord| record.forced.as_mut().unwrap().hash = B256::repeat_byte(1);
    assert_eq!(found(Bytes::from_static(&[1]), hash), "hash of the forced batch");
    assert_eq!(found(Bytes::from_static(&[1]), |record| record.rom_error = String::new()), "validity of the batch");
    let time = |record: &mut BatchRecord| record.forced.as_mut().unwrap().timestamp += 1;
    assert_ne!(found(transfer, time), "");
}

#[test]
fn the_injected_batch_is_executed_by_the_same_code() {
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    let data = data_of(&[a.transfer(0, b.address, 5)]);
    let genesis = |data: &[u8]| {
        let mut genesis: serde_json::Value = serde_json::from_str(&genesis_json()).unwrap();
        genesis["firstBatchData"] = serde_json::json!({
            "transactions": alloy_primitives::hex::encode_prefixed(data),
            "globalExitRoot": GER,
            "timestamp": 150,
            "sequencer": SEQUENCER,
            "forcedBlockHashL1": PARENT,
        });
        genesis.to_string()
    };
    let dir = tempfile::tempdir().unwrap();
    let options = EngineOptions { genesis_json: genesis(&data), ..options(dir.path()) };
    let engine = Engine::open(&options).unwrap();
    let injected = record(&engine, 1);
    assert_eq!((injected.kind, injected.forced, injected.tx_count), (BatchKind::Injected as u8, None, 1));
    // The batch after it knows the accInputHash.
    let transfer = data_of(&[b.transfer(0, a.address, 1)]);
    force(&engine, 1, transfer.clone(), 160);
    let expected = acc_input_hash(&injected.acc_input_hash, &transfer, &GER, 160, &SEQUENCER, &PARENT);
    assert_eq!(record(&engine, 2).acc_input_hash, expected);
    assert_sound(engine, &options);
    for (data, why) in [(&[][..], "is empty"), (&[0xff], "INVALID_RLP")] {
        let dir = tempfile::tempdir().unwrap();
        let options = EngineOptions { path: dir.path().to_path_buf(), genesis_json: genesis(data), ..options.clone() };
        let error = Engine::open(&options).unwrap_err();
        assert_eq!(error.code(), "GENESIS_INVALID");
        assert!(error.to_string().contains(why), "{error}");
    }
    assert_eq!(CHAIN_ID, 1001);
}

#[test]
fn a_chain_is_not_taken_back_over_a_forced_batch() {
    let (_dir, _, engine) = open();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    sequenced(&engine, a, 0, 100);
    force(&engine, 1, data_of(&[b.transfer(0, a.address, 1)]), 150);
    sequenced(&engine, a, 1, 160);
    assert_eq!(engine.rollback(1).unwrap_err().code(), "ROLLBACK_REFUSED");
    engine.rollback(2).unwrap();
    let head = engine.chain().head;
    assert_eq!((head.block, head.closed_batch, head.forced_batch), (2, 2, Some(1)));
    force(&engine, 2, Bytes::new(), 150);
    sequenced(&engine, a, 1, 170);
    // To the end of a batch without L2 block.
    engine.rollback(3).unwrap();
    assert_eq!((engine.head_block(), engine.chain().head.next_forced_batch()), (2, 3));
}
