use alloy_primitives::B256;

use super::*;
use crate::records::{AccountRecord, HeadRecord};
use crate::test_support::open;

const LAST: u64 = 5;

/// Takes away what format 2 added, and leaves what an unfinished migration may have left.
fn make_format_1(store: &Store) {
    let mut batch = WriteBatch::default();
    for block in 0..=LAST {
        store.delete(&mut batch, schema::CHANGE_SET, &schema::number_key(block)).unwrap();
    }
    let left = ChangeSet { tree_depth: 1, accounts: vec![Address::repeat_byte(7)], slots: vec![] };
    store.put_change_set(&mut batch, 2, &left).unwrap();
    store.put(&mut batch, schema::META, meta::FORMAT, &1_u32.to_be_bytes()).unwrap();
    store.write(batch).unwrap();
}

#[test]
fn history_of_format_1_gets_its_index() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = vec![ChangeSet { tree_depth: 30, ..ChangeSet::default() }];
    {
        let store = open(dir.path());
        let mut batch = WriteBatch::default();
        for block in 1..=LAST {
            let mut changes = ChangeSet { tree_depth: 30, ..ChangeSet::default() };
            for slot in 0..block * 40 {
                let (address, slot) = (Address::with_last_byte(slot as u8), U256::from(slot));
                store.put_storage_history(&mut batch, &address, &slot, block, &U256::ONE).unwrap();
                changes.slots.push((address, slot));
            }
            store.put_account_history(&mut batch, &Address::ZERO, block, &AccountRecord::default()).unwrap();
            changes.accounts.push(Address::ZERO);
            expected.push(changes);
        }
        let head = HeadRecord {
            block: LAST,
            block_hash: B256::ZERO,
            timestamp: 0,
            state_root: B256::ZERO,
            closed_batch: 0,
            tree_depth: 30,
            forced_batch: None,
        };
        store.put_head(&mut batch, &head).unwrap();
        store.write(batch).unwrap();
        make_format_1(&store);
    }
    let store = open(dir.path());
    for (block, expected) in (0..=LAST).zip(expected) {
        let mut changes = store.change_set(block).unwrap().unwrap();
        changes.slots.sort_by_key(|(_, slot)| *slot);
        assert_eq!(changes, expected, "block {block}");
    }
    assert_eq!(&*store.get(schema::META, meta::FORMAT).unwrap().unwrap(), FORMAT_VERSION.to_be_bytes());
}
