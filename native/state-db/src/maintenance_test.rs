use alloy_primitives::B256;
use rocksdb::WriteBatch;

use super::*;
use crate::test_support::open;

fn head(block: u64) -> HeadRecord {
    HeadRecord {
        block,
        block_hash: B256::repeat_byte(1),
        timestamp: 5,
        state_root: B256::ZERO,
        closed_batch: 0,
        tree_depth: 0,
        forced_batch: None,
    }
}

#[test]
fn a_checkpoint_of_an_open_database_is_a_database() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("db"));
    let chain = ChainRecord { chain_id: 7, fork_id: 9, genesis_root: B256::ZERO };
    let mut batch = WriteBatch::default();
    store.put_chain(&mut batch, &chain).unwrap();
    store.put_head(&mut batch, &head(3)).unwrap();
    store.write(batch).unwrap();
    let copy = dir.path().join("copy");
    store.checkpoint(&copy).unwrap();
    let mut batch = WriteBatch::default();
    store.put_head(&mut batch, &head(4)).unwrap();
    store.write(batch).unwrap();
    let identity = Store::identify(&copy).unwrap();
    assert_eq!((identity.head, identity.chain), (head(3), chain));
    assert!(store.checkpoint(&copy).is_err(), "an existing folder is not written into");
    drop(store);
    assert_eq!(Store::identify(&dir.path().join("db")).unwrap().head, head(4));
    assert_eq!(Store::identify(dir.path()).unwrap_err().code(), "DATA_DIR_MISSING");
}

#[test]
fn sizes_show_files_and_levels() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut batch = WriteBatch::default();
    for key in 0..100_u64 {
        store.put(&mut batch, schema::CODE, &key.to_be_bytes(), &[1; 100]).unwrap();
    }
    store.write(batch).unwrap();
    let code = |store: &Store| store.family_stats().into_iter().find(|stats| stats.name == schema::CODE).unwrap();
    let before = code(&store);
    assert_eq!((before.keys_estimated, before.file_bytes), (100, 0));
    assert!(before.memtable_bytes > 10_000 && before.level_files.is_empty(), "{before:?}");
    store.compact(schema::CODE).unwrap();
    let after = code(&store);
    assert!(after.file_bytes > 0 && after.keys_estimated == 100, "{after:?}");
    assert_eq!(after.level_files.iter().sum::<u64>(), 1);
}
