use super::*;
use crate::test_support::open;

#[test]
fn each_block_reads_its_own_value() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (address, slot) = (Address::repeat_byte(1), U256::from(5));
    // Block 3 sets 30, block 7 sets 70, block 9 deletes.
    for (block, previous, value) in [(3, 0, 30), (7, 30, 70), (9, 70, 0)] {
        let mut batch = WriteBatch::default();
        store.put_storage_history(&mut batch, &address, &slot, block, &U256::from(previous)).unwrap();
        store.put_storage(&mut batch, &address, &slot, &U256::from(value)).unwrap();
        let before = AccountRecord { nonce: previous, ..AccountRecord::default() };
        let after = AccountRecord { nonce: value, ..AccountRecord::default() };
        store.put_account_history(&mut batch, &address, block, &before).unwrap();
        store.put_account(&mut batch, &address, &after).unwrap();
        store.write(batch).unwrap();
    }
    for (block, expected) in [(0, 0), (2, 0), (3, 30), (6, 30), (7, 70), (8, 70), (9, 0), (100, 0)] {
        assert_eq!(store.storage_at(&address, &slot, block).unwrap(), U256::from(expected), "slot at block {block}");
        assert_eq!(store.account_at(&address, block).unwrap().nonce, expected, "nonce at block {block}");
    }
    // A neighbour with the same prefix is not mistaken for the key.
    assert_eq!(store.storage_at(&Address::repeat_byte(0), &slot, 0).unwrap(), U256::ZERO);
}
