use super::*;
use crate::test_support::open;

const SLOT: U256 = U256::ZERO;
const ADDRESS: Address = Address::ZERO;

/// Blocks 1 to `last` each set the slot and the nonce to their number, and `width` other slots.
fn chain(store: &Store, last: u64, width: u64) {
    for block in 1..=last {
        let mut batch = WriteBatch::default();
        let mut changes = ChangeSet { accounts: vec![ADDRESS], slots: vec![(ADDRESS, SLOT)], ..ChangeSet::default() };
        store.put_storage_history(&mut batch, &ADDRESS, &SLOT, block, &U256::from(block - 1)).unwrap();
        store.put_storage(&mut batch, &ADDRESS, &SLOT, &U256::from(block)).unwrap();
        let nonce = |nonce| AccountRecord { nonce, ..AccountRecord::default() };
        store.put_account_history(&mut batch, &ADDRESS, block, &nonce(block - 1)).unwrap();
        store.put_account(&mut batch, &ADDRESS, &nonce(block)).unwrap();
        for slot in 0..width {
            let (address, slot) = (Address::repeat_byte(9), U256::from(slot));
            store.put_storage_history(&mut batch, &address, &slot, block, &U256::from(block)).unwrap();
            changes.slots.push((address, slot));
        }
        store.put_change_set(&mut batch, block, &changes).unwrap();
        store.write(batch).unwrap();
    }
}

fn rows(store: &Store, family: &str) -> usize {
    store.scan(family, &[]).unwrap().count()
}

/// What each block's state says, or that it is pruned.
fn check(store: &Store, last: u64, oldest: u64) {
    for block in 0..=last {
        let (slot, account) = (store.storage_at(&ADDRESS, &SLOT, block), store.account_at(&ADDRESS, block));
        if block < oldest {
            assert_eq!(slot.unwrap_err().code(), "STATE_PRUNED", "block {block}");
            assert_eq!(account.unwrap_err().code(), "STATE_PRUNED", "block {block}");
        } else {
            assert_eq!(slot.unwrap(), U256::from(block), "block {block}");
            assert_eq!(account.unwrap().nonce, block, "block {block}");
        }
    }
}

#[test]
fn states_below_the_bound_are_refused_and_their_change_sets_go_in_steps() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    chain(&store, 20, 3);
    check(&store, 20, 0);
    store.raise_oldest_state(12);
    check(&store, 20, 12);
    assert_eq!(rows(&store, schema::CHANGE_SET), 20, "refused at once, removed later");
    // Five change sets a block: a step of eight takes two blocks.
    let step = store.prune_history(8).unwrap();
    assert_eq!(step, PruneStep { removed: 10, is_done: false }, "whole blocks");
    check(&store, 20, 12);
    while !store.prune_history(8).unwrap().is_done {}
    assert_eq!(rows(&store, schema::CHANGE_SET), 9);
    assert_eq!(rows(&store, schema::HISTORY_ACCOUNT), 9);
    assert_eq!(rows(&store, schema::HISTORY_STORAGE), 9 * 4);
    check(&store, 20, 12);
    assert_eq!(store.prune_history(8).unwrap(), PruneStep { removed: 0, is_done: true });
    drop(store);
    // What is gone stays gone, also for a node that would keep everything.
    let store = open(dir.path());
    assert_eq!(store.oldest_state(), 12);
    check(&store, 20, 12);
}

#[test]
fn pruning_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    chain(&store, 5, 30);
    store.raise_oldest_state(3);
    let step = store.prune_history(1).unwrap();
    assert_eq!(step, PruneStep { removed: 32, is_done: false });
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.oldest_state(), 2, "only the change sets of block 1 are gone");
    check(&store, 5, 2);
    store.raise_oldest_state(3);
    while !store.prune_history(1).unwrap().is_done {}
    assert_eq!(rows(&store, schema::HISTORY_STORAGE), 3 * 31);
    check(&store, 5, 3);
}

#[test]
fn what_a_pin_needs_stays() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()));
    chain(&store, 20, 0);
    let pin = StatePin::new(&store, 5).unwrap();
    let again = StatePin::new(&store, 5).unwrap();
    store.raise_oldest_state(15);
    assert!(store.prune_history(1000).unwrap().is_done);
    assert_eq!(StatePin::new(&store, 14).unwrap_err().code(), "STATE_PRUNED");
    let late = StatePin::new(&store, 15).unwrap();
    drop(again);
    assert!(store.prune_history(1000).unwrap().is_done);
    assert_eq!(pin.storage(&ADDRESS, &SLOT).unwrap(), U256::from(5));
    assert_eq!(pin.account(&ADDRESS).unwrap().nonce, 5);
    assert_eq!(rows(&store, schema::CHANGE_SET), 16);
    drop(pin);
    assert_eq!(store.prune_history(1000).unwrap(), PruneStep { removed: 20, is_done: true });
    assert_eq!(late.storage(&ADDRESS, &SLOT).unwrap(), U256::from(15));
    check(&store, 20, 15);
}
