use super::*;
use alloy_primitives::{Address, B256};

use crate::records::{TransactionRecord, encode};
use crate::test_support::{open, options};

#[test]
fn a_value_written_is_read_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = Store::open(&options(dir.path())).unwrap();
        let mut batch = WriteBatch::default();
        store.put(&mut batch, schema::CODE, b"k", b"v").unwrap();
        store.write(batch).unwrap();
    }
    let store = Store::open(&options(dir.path())).unwrap();
    assert_eq!(store.get(schema::CODE, b"k").unwrap().as_deref(), Some(&b"v"[..]));
}

#[test]
fn a_setting_outlives_the_process_until_it_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = Store::open(&options(dir.path())).unwrap();
        assert_eq!(store.setting("access").unwrap(), None);
        store.put_setting("access", Some("{}")).unwrap();
        store.put_setting("access", Some("{\"send\":[]}")).unwrap();
    }
    let store = Store::open(&options(dir.path())).unwrap();
    assert_eq!(store.setting("access").unwrap().as_deref(), Some("{\"send\":[]}"));
    store.put_setting("access", None).unwrap();
    assert_eq!(store.setting("access").unwrap(), None);
}

#[test]
fn a_second_opening_is_refused_as_locked() {
    let dir = tempfile::tempdir().unwrap();
    let _store = Store::open(&options(dir.path())).unwrap();
    assert_eq!(Store::open(&options(dir.path())).unwrap_err().code(), "DATA_DIR_LOCKED");
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = Store::open(&options(dir.path())).unwrap();
        let mut batch = WriteBatch::default();
        store.put(&mut batch, schema::META, meta::FORMAT, &(FORMAT_VERSION + 1).to_be_bytes()).unwrap();
        store.write(batch).unwrap();
    }
    let error = Store::open(&options(dir.path())).unwrap_err();
    assert_eq!(error.code(), "DATA_DIR_FORMAT_NEWER");
}

#[test]
fn a_file_in_the_place_of_the_folder_is_unwritable() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("db");
    std::fs::write(&file, b"").unwrap();
    assert_eq!(Store::open(&options(&file)).unwrap_err().code(), "DATA_DIR_UNWRITABLE");
}

#[test]
fn a_database_that_must_exist_is_not_created() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let error = Store::open(&StoreOptions { creates: false, ..options(&path) }).unwrap_err();
    assert_eq!(error.code(), "DATA_DIR_MISSING");
    assert!(!path.exists(), "nothing was made");
    drop(open(&path));
    Store::open(&StoreOptions { creates: false, ..options(&path) }).unwrap();
}

#[test]
fn a_record_that_does_not_decode_stops_all_writes() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut batch = WriteBatch::default();
    store.put(&mut batch, schema::BLOCK, &schema::number_key(4), b"nonsense").unwrap();
    store.put(&mut batch, schema::CODE, B256::ZERO.as_slice(), b"code").unwrap();
    store.write(batch).unwrap();
    store.check_writable().unwrap();
    assert_eq!(store.block(4).unwrap_err().code(), "STATE_DB_CORRUPT");
    let error = store.write(WriteBatch::default()).unwrap_err();
    assert_eq!(error.code(), "STATE_DB_CORRUPT");
    assert!(error.to_string().contains("block"), "the first cause is named: {error}");
    assert_eq!(store.code(&B256::ZERO).unwrap().as_ref(), b"code", "reads go on");
}

/// A bit flips in a table file: the checksum finds it, writes stop, other data is still read.
#[test]
fn a_damaged_table_file_is_found_by_its_checksum() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = open(dir.path());
        let mut batch = WriteBatch::default();
        store.put(&mut batch, schema::CODE, B256::ZERO.as_slice(), &[0x5a; 2000]).unwrap();
        store.put(&mut batch, schema::META, b"other", b"fine").unwrap();
        store.write(batch).unwrap();
        store.compact(schema::CODE).unwrap();
    }
    // The largest table file is that of the code; its data block is at the start.
    let tables = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let tables = tables.filter(|path| path.extension().is_some_and(|extension| extension == "sst"));
    let table = tables.max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let mut bytes = std::fs::read(&table).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&table, bytes).unwrap();
    let store = open(dir.path());
    let error = store.code(&B256::ZERO).unwrap_err();
    assert_eq!(error.code(), "STATE_DB_CORRUPT", "{error}");
    assert_eq!(store.write(WriteBatch::default()).unwrap_err().code(), "STATE_DB_CORRUPT");
    assert_eq!(store.get(schema::META, b"other").unwrap().as_deref(), Some(&b"fine"[..]));
}

#[test]
fn memory_tables_are_charged_to_the_block_cache() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreOptions { block_cache_bytes: 16 << 20, ..options(dir.path()) }).unwrap();
    let before = store.memory_use();
    let mut batch = WriteBatch::default();
    for key in 0..64_u64 {
        store.put(&mut batch, schema::CODE, &key.to_be_bytes(), &vec![7; 32 << 10]).unwrap();
    }
    store.write(batch).unwrap();
    let after = store.memory_use();
    assert!(after.memtables > before.memtables + (2 << 20), "{after:?}");
    assert!(after.block_cache > before.block_cache + (1 << 20), "{after:?}");
}

#[cfg(feature = "failpoints")]
#[test]
fn after_a_failed_write_the_store_refuses_further_ones() {
    use crate::failpoint::{Failure, arm};
    let dir = tempfile::tempdir().unwrap();
    let put = |store: &Store, key: &[u8]| {
        let mut batch = WriteBatch::default();
        store.put(&mut batch, schema::CODE, key, b"v").unwrap();
        store.write(batch)
    };
    let store = open(dir.path());
    put(&store, b"first").unwrap();
    arm(0, Failure::Before);
    assert_eq!(put(&store, b"second").unwrap_err().code(), "STATE_DB_IO");
    let error = put(&store, b"third").unwrap_err();
    assert_eq!(error.code(), "STATE_DB_POISONED");
    assert!(error.to_string().contains("failpoint"), "{error}");
    assert!(store.get(schema::CODE, b"first").unwrap().is_some(), "reads go on");
    drop(store);
    let store = open(dir.path());
    let found = |key: &[u8]| store.get(schema::CODE, key).unwrap().is_some();
    assert_eq!([found(b"first"), found(b"second"), found(b"third")], [true, false, false]);
    put(&store, b"fourth").unwrap();
}

#[test]
fn the_transactions_of_a_block_are_its_own_in_their_order_and_none_may_be_missing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&options(dir.path())).unwrap();
    let mut batch = WriteBatch::default();
    let transaction = |byte: u8| TransactionRecord {
        raw: vec![byte; 3].into(),
        hash: B256::repeat_byte(byte),
        l2_hash: B256::ZERO,
        sender: Address::ZERO,
        effective_percentage: 255,
    };
    for (block, index, byte) in [(6, 0, 1), (7, 0, 2), (7, 1, 3), (7, 2, 4), (8, 0, 5), (8, 2, 6)] {
        let key = schema::indexed_key(block, index);
        store.put(&mut batch, schema::TRANSACTION, &key, &encode(&transaction(byte))).unwrap();
    }
    store.write(batch).unwrap();
    assert_eq!(store.transactions(7, 3).unwrap(), [2, 3, 4].map(transaction));
    assert_eq!(store.transactions(7, 2).unwrap(), [2, 3].map(transaction));
    assert_eq!(store.transactions(9, 0).unwrap(), []);
    for (block, count) in [(6, 2), (7, 4), (8, 2), (9, 1)] {
        assert_eq!(
            store.transactions(block, count).unwrap_err().code(),
            "STATE_DB_CORRUPT",
            "{count} of block {block}"
        );
    }
}
