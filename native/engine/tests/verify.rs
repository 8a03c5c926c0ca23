//! Verification of closed batches: what was stored passes, and whatever is changed in the database afterwards is found.

mod common;

use alloy_primitives::{Address, B256, Bytes, U256};
use common::{accounts, execute, open_block, options};
use zkevm_engine::engine::Engine;
use zkevm_engine::seal::BatchClosing;
use zkevm_engine::verify::VerifyOptions;
use zkevm_state_db::records::{BatchRecord, encode};
use zkevm_state_db::{Store, WriteBatch, schema};

const INCLUDED: u8 = 0;

fn closing() -> BatchClosing {
    BatchClosing { reason: "Operator".into(), detail_json: "{}".into() }
}

/// Stores 42 in slot 0, logs one topic, returns code that returns slot 0.
fn deployment() -> Vec<u8> {
    let runtime = [0x60, 0x00, 0x54, 0x60, 0x00, 0x52, 0x60, 0x20, 0x60, 0x00, 0xf3];
    let head = [0x60, 42, 0x60, 0, 0x55, 0x60, 7, 0x60, 0, 0x60, 0, 0xa1];
    let copy_at = head.len() + 12;
    let tail =
        [0x60, runtime.len() as u8, 0x60, copy_at as u8, 0x60, 0, 0x39, 0x60, runtime.len() as u8, 0x60, 0, 0xf3];
    [&head[..], &tail[..], &runtime[..]].concat()
}

/// Three batches: two blocks of transfers and a deployment; calls, one of which fails; transfers that touch the same accounts again.
fn run_chain(engine: &Engine) {
    let [a, b, c, _] = &accounts()[..] else { panic!("four accounts") };
    open_block(engine, 100);
    let transfers = [a.transfer(0, b.address, 5), a.transfer(1, Address::ZERO, 6), b.transfer(0, a.address, 1)];
    let items = [a.item(&transfers[0]), a.item(&transfers[1]), b.item(&transfers[2])];
    assert!(execute(engine, &items).iter().all(|row| row.result == INCLUDED && row.status == 1));
    engine.seal_block(101_000, None).unwrap();
    open_block(engine, 101);
    execute(engine, &[c.item(&c.sign(0, None, 0, 200_000, &deployment()))]);
    engine.seal_block(102_000, Some(&closing())).unwrap();

    open_block(engine, 160);
    let contract = Some(c.address.create(0));
    let calls = [c.sign(1, contract, 0, 21_010, &[]), c.sign(2, contract, 0, 60_000, &[])];
    let rows = execute(engine, &[c.item(&calls[0]), c.item(&calls[1])]);
    assert_eq!((rows[0].result, rows[0].status, rows[1].status), (INCLUDED, 0, 1));
    engine.seal_block(161_000, None).unwrap();
    engine.close_batch(162_000, &closing()).unwrap();

    open_block(engine, 163);
    execute(engine, &[a.item(&a.transfer(2, b.address, 9)), b.item(&b.transfer(1, c.address, 3))]);
    engine.seal_block(164_000, Some(&closing())).unwrap();
}

fn chain() -> (tempfile::TempDir, Engine) {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    run_chain(&engine);
    (dir, engine)
}

/// Writes one value behind the engine's back.
fn overwrite(store: &Store, family: &str, key: &[u8], value: &[u8]) {
    let mut batch = WriteBatch::default();
    store.put(&mut batch, family, key, value).unwrap();
    store.write(batch).unwrap();
}

/// What verifying `batch` finds after `damage`.
fn found(batch: u64, damage: impl FnOnce(&Store)) -> (String, Option<u64>, Option<u32>) {
    let (_dir, engine) = chain();
    damage(engine.store());
    let check = engine.verify_batch(batch, &VerifyOptions::default()).unwrap();
    let mismatch = check.mismatch.unwrap_or_else(|| panic!("batch {batch} passes"));
    assert_eq!(engine.checked_batch().unwrap(), 0);
    (mismatch.what, mismatch.block, mismatch.transaction)
}

#[test]
fn stored_batches_pass_and_are_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    run_chain(&engine);
    assert_eq!(engine.begin_verification(20).unwrap(), 0);
    for (number, blocks, transactions) in [(1, 2, 4), (2, 1, 2), (3, 1, 2)] {
        let check = engine.verify_batch(number, &VerifyOptions::default()).unwrap();
        assert_eq!(check.mismatch, None, "batch {number}");
        assert_eq!((check.block_count, check.tx_count), (blocks, transactions), "batch {number}");
        assert_eq!(engine.checked_batch().unwrap(), number);
    }
    assert_eq!(engine.verify_batch(4, &VerifyOptions::default()).unwrap_err().code(), "LAYOUT_INVALID", "it is open");
    drop(engine);
    let engine = Engine::open(&options(dir.path())).unwrap();
    assert_eq!(engine.checked_batch().unwrap(), 3, "after a restart");
    assert_eq!(engine.begin_verification(20).unwrap(), 3);
}

#[test]
fn the_pointer_moves_without_gaps() {
    let (_dir, engine) = chain();
    assert_eq!(engine.verify_batch(2, &VerifyOptions::default()).unwrap().mismatch, None);
    assert_eq!(engine.checked_batch().unwrap(), 0, "batch 1 is not verified");
    assert_eq!(engine.begin_verification(1).unwrap(), 2, "not more than one batch is made up for");
}

#[test]
fn damaged_values_are_found() {
    let [a, b, ..] = &accounts()[..] else { panic!("accounts") };
    let account = |address: Address| schema::history_key(address.as_slice(), 1);
    let (what, block, _) = found(1, |store| overwrite(store, schema::HISTORY_ACCOUNT, &account(a.address), &[]));
    // Without funds its transactions cannot even begin.
    assert_eq!((what.as_str(), block), ("the changed accounts", Some(1)));
    let poorer = schema::history_key(b.address.as_slice(), 4);
    let (what, block, _) = found(3, |store| {
        let mut before = store.account_at(&b.address, 3).unwrap();
        before.balance -= U256::from(1);
        overwrite(store, schema::HISTORY_ACCOUNT, &poorer, &before.to_bytes());
    });
    // What it had is read from the very record: everything after it is consistent, but for what the newest state says.
    assert_eq!((what, block), (format!("account {} after the batch", b.address), None));
    // Batch 2 changes neither: the values after batch 1 are what batch 3 found.
    let key = schema::history_key(b.address.as_slice(), 4);
    let (what, ..) = found(1, |store| overwrite(store, schema::HISTORY_ACCOUNT, &key, &[]));
    assert_eq!(what, format!("account {} after the batch", b.address));
    let (what, ..) = found(3, |store| {
        overwrite(store, schema::FLAT_ACCOUNT, b.address.as_slice(), &[1; 80]);
    });
    assert_eq!(what, format!("account {} after the batch", b.address));
    let contract = accounts()[2].address.create(0);
    let (what, ..) = found(1, |store| {
        overwrite(store, schema::FLAT_STORAGE, &schema::slot_key(&contract, &U256::ZERO), &[7; 32]);
    });
    assert_eq!(what, format!("slot 0 of {contract} after the batch"));
    let (what, ..) = found(1, |store| {
        let hash = store.account(&contract).unwrap().code_hash;
        overwrite(store, schema::CODE, hash.as_slice(), &[0x5b]);
    });
    assert!(what.starts_with("code 0x"), "{what}");
}

#[test]
fn damaged_change_sets_are_found() {
    let (what, block, _) = found(3, |store| {
        let mut changes = store.change_set(4).unwrap().unwrap();
        changes.accounts.pop();
        let mut batch = WriteBatch::default();
        store.put_change_set(&mut batch, 4, &changes).unwrap();
        store.write(batch).unwrap();
    });
    assert_eq!((what.as_str(), block), ("the changed accounts", Some(4)));
}

#[test]
fn damaged_records_are_found() {
    let key = schema::indexed_key(1, 2);
    let (what, block, transaction) = found(1, |store| {
        let (_, mut receipt) = store.transaction(1, 2).unwrap().unwrap();
        receipt.counters[0] += 1;
        overwrite(store, schema::RECEIPT, &key, &encode(&receipt));
    });
    assert_eq!((what.as_str(), block, transaction), ("receipt", Some(1), Some(2)));
    let (what, ..) = found(1, |store| {
        let (mut record, _) = store.transaction(1, 2).unwrap().unwrap();
        record.l2_hash = B256::ZERO;
        overwrite(store, schema::TRANSACTION, &key, &encode(&record));
    });
    assert_eq!(what, "transaction");
    let (what, block, _) = found(1, |store| {
        let mut log = store.logs(2, 0, 1).unwrap().remove(0);
        log.data = Bytes::from_static(&[1]);
        overwrite(store, schema::LOG, &schema::indexed_key(2, 0), &encode(&log));
    });
    assert_eq!((what.as_str(), block), ("logs", Some(2)));
    let (what, block, _) = found(1, |store| {
        let mut record = store.block(2).unwrap().unwrap();
        record.block_info_root = B256::repeat_byte(1);
        overwrite(store, schema::BLOCK, &schema::number_key(2), &encode(&record));
    });
    assert_eq!((what.as_str(), block), ("block", Some(2)));
}

#[test]
fn a_wrong_state_root_is_found_in_the_block_after_it() {
    // The system contract of block 2 keeps the root before it.
    let (what, block, _) = found(1, |store| {
        let mut record = store.block(1).unwrap().unwrap();
        record.state_root = B256::repeat_byte(1);
        overwrite(store, schema::BLOCK, &schema::number_key(1), &encode(&record));
    });
    assert!(what.ends_with("after the batch") || what == "block", "{what}");
    assert!(block.is_none() || block == Some(1), "{block:?}");
}

#[test]
fn damaged_batches_are_found() {
    let batch = |change: fn(&mut BatchRecord)| {
        found(1, |store| {
            let mut record = store.batch(1).unwrap().unwrap();
            change(&mut record);
            overwrite(store, schema::BATCH, &schema::number_key(1), &encode(&record));
        })
        .0
    };
    assert_eq!(batch(|record| record.used[0] += 1), "counters");
    assert_eq!(batch(|record| record.used[8] += 1), "bytes of batchL2Data");
    assert_eq!(batch(|record| record.used[9] += 1), "gas of the batch");
    assert_eq!(batch(|record| record.local_exit_root = B256::repeat_byte(1)), "local exit root");
    assert_eq!(batch(|record| record.state_root = B256::repeat_byte(1)), "state root");
    assert_eq!(batch(|record| record.tx_count += 1), "the number of transactions");
    assert_eq!(batch(|record| record.rom_error = "ROM_ERROR_BATCH_DATA".into()), "validity of the batch");
    let data = |change: fn(&mut Vec<u8>)| {
        found(1, |store| {
            let key = schema::pair_key(1, 2);
            let mut data = store.get(schema::BATCH_DATA, &key).unwrap().unwrap().to_vec();
            change(&mut data);
            overwrite(store, schema::BATCH_DATA, &key, &data);
        })
        .0
    };
    assert_eq!(data(|data| *data = Vec::new()), "the number of L2 blocks");
    assert_eq!(data(|data| data.truncate(40)), "validity of the batch");
    // A timestamp behind that of the batch, and one before it, which the system contract has in its slots.
    assert_eq!(data(|data| data[4] += 1), "validity of the batch");
    assert!(
        data(|data| data[4] -= 1).starts_with("account ") || data(|data| data[4] -= 1).contains("slot"),
        "timestamp"
    );
}

/// Where the difference begins that verifying `batch` finds after `damage`: block, transaction and what; an error says why no block is named.
fn begins(batch: u64, damage: impl FnOnce(&Store)) -> Result<(u64, Option<u32>, String), String> {
    let (_dir, engine) = chain();
    damage(engine.store());
    let check = engine.verify_batch(batch, &VerifyOptions::default()).unwrap();
    let mismatch = check.mismatch.unwrap_or_else(|| panic!("batch {batch} passes"));
    let Some(first) = mismatch.first.clone() else { return Err(mismatch.unlocated.unwrap_or_default()) };
    let hash = first.transaction.map(|index| engine.store().transaction(first.block, index).unwrap().unwrap().0.hash);
    assert_eq!(first.transaction_hash, hash);
    if (mismatch.block, mismatch.transaction) != (Some(first.block), first.transaction) {
        assert!(mismatch.to_string().contains(&format!("begins in L2 block {}", first.block)), "{mismatch}");
    }
    Ok((first.block, first.transaction, first.what))
}

#[test]
fn a_difference_in_the_bytes_of_a_batch_is_led_back_to_its_transaction() {
    let data = |change: &dyn Fn(&mut Vec<u8>)| {
        begins(1, |store| {
            let key = schema::pair_key(1, 2);
            let mut data = store.get(schema::BATCH_DATA, &key).unwrap().unwrap().to_vec();
            change(&mut data);
            overwrite(store, schema::BATCH_DATA, &key, &data);
        })
    };
    let at = |block: u64, transaction: Option<u32>, what: &str| Ok((block, transaction, what.to_owned()));
    // Block 2 holds the deployment alone: a marker of 9 bytes, then the transaction, whose last byte is its percentage.
    let deployment = "transaction in batchL2Data";
    assert_eq!(data(&|data| *data.last_mut().unwrap() -= 1), at(2, Some(0), "effective percentage"));
    assert_eq!(data(&|data| data[40] ^= 1), at(2, Some(0), deployment));
    assert_eq!(data(&|data| data.truncate(40)), at(2, Some(0), "batchL2Data"));
    assert_eq!(data(&|data| data.truncate(9)), at(2, Some(0), "the number of transactions"));
    assert_eq!(data(&Vec::clear), at(2, None, "the number of L2 blocks"));
    assert_eq!(data(&|data| data[4] += 1), at(2, None, "timestamp"));
    assert_eq!(
        data(&|data| data.extend_from_slice(&[0x0b, 0, 0, 0, 1, 0, 0, 0, 0])),
        at(3, None, "the number of L2 blocks")
    );
    let twice = data(&|data| data.extend_from_within(9..));
    assert_eq!(twice, at(2, None, "the number of transactions"));
}

#[test]
fn a_difference_in_state_or_records_is_led_back_to_its_transaction() {
    let [a, b, c, _] = &accounts()[..] else { panic!("four accounts") };
    // Block 4: a sends to b, then b to c. A header hides what its transactions are.
    let header = begins(3, |store| {
        let mut record = store.block(4).unwrap().unwrap();
        record.gas_used += 1;
        overwrite(store, schema::BLOCK, &schema::number_key(4), &encode(&record));
    });
    assert_eq!(header, Ok((4, None, "block".to_owned())));
    let receipt = begins(3, |store| {
        let (_, mut receipt) = store.transaction(4, 1).unwrap().unwrap();
        receipt.gas_used += 1;
        overwrite(store, schema::RECEIPT, &schema::indexed_key(4, 1), &encode(&receipt));
    });
    assert_eq!(receipt, Ok((4, Some(1), "receipt".to_owned())));
    // What the batch left is not there: the last one who wrote it.
    let newest = |of: Address| {
        begins(3, |store| {
            let mut record = store.account(&of).unwrap();
            record.balance += U256::from(1);
            overwrite(store, schema::FLAT_ACCOUNT, of.as_slice(), &record.to_bytes());
        })
    };
    for (address, transaction) in [(a.address, 0), (b.address, 1), (c.address, 1)] {
        assert_eq!(newest(address), Ok((4, Some(transaction), format!("account {address} after the batch"))));
    }
    // A change that is not recorded: the first one who touched it.
    let unrecorded = begins(3, |store| {
        let mut changes = store.change_set(4).unwrap().unwrap();
        changes.accounts.retain(|address| *address != c.address);
        let mut batch = WriteBatch::default();
        store.put_change_set(&mut batch, 4, &changes).unwrap();
        store.write(batch).unwrap();
    });
    assert_eq!(unrecorded, Ok((4, Some(1), "the changed accounts".to_owned())));
    // Only the batch's own record is wrong.
    let record = begins(3, |store| {
        let mut record = store.batch(3).unwrap().unwrap();
        record.used[0] += 1;
        overwrite(store, schema::BATCH, &schema::number_key(3), &encode(&record));
    });
    assert_eq!(record, Err("no L2 block of it differs".to_owned()));
}

#[test]
fn roots_are_computed_from_the_tree_where_asked() {
    let (_dir, engine) = chain();
    let options = VerifyOptions { recompute_root: true, bundle_directory: None };
    for number in 1..=3 {
        assert_eq!(engine.verify_batch(number, &options).unwrap().mismatch, None, "batch {number}");
    }
}

#[test]
fn a_batch_that_differs_leaves_a_bundle_that_runs_without_the_database() {
    let (dir, engine) = chain();
    let mut record = engine.store().batch(1).unwrap().unwrap();
    record.used[6] += 5;
    overwrite(engine.store(), schema::BATCH, &schema::number_key(1), &encode(&record));
    let options = VerifyOptions { recompute_root: false, bundle_directory: Some(dir.path().join("bundles")) };
    let check = engine.verify_batch(1, &options).unwrap();
    assert_eq!((check.mismatch.unwrap().what.as_str(), check.bundle_failure), ("counters", None));
    let folder = check.bundle.unwrap();
    assert_eq!(folder, dir.path().join("bundles/batch-1"));
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["mismatch"]["what"], "counters");
    assert_eq!(report["batch"]["number"], 1);
    let data = alloy_primitives::hex::encode_prefixed(engine.batch_data(1).unwrap().unwrap());
    assert_eq!(report["batch"]["batchL2Data"], data);
    // The vector says what the database says: running it shows the difference.
    let vector = std::fs::read_to_string(folder.join("batch.json")).unwrap();
    let reports = zkevm_executor::vectors::run_vectors(&vector);
    assert_eq!(reports.len(), 1);
    assert!(reports[0].error.is_none() && !reports[0].passes(), "{reports:?}");
}
