//! The change sets: one for each block whose state can be left backwards, and for each key that it names one previous value, no more.

use alloy_primitives::{Address, U256};
use zkevm_state_db::records::{AccountRecord, HeadRecord};
use zkevm_state_db::{ChangeSet, Store, schema};

use super::difference::{Checked, Stop, same};
use super::progress::Progress;

/// Checks history; answers the number of previous values.
pub(super) fn check(store: &Store, head: &HeadRecord, progress: &Progress) -> Checked<u64> {
    let oldest = store.oldest_state();
    progress.begin("history", head.block + 1 - oldest.min(head.block));
    let (mut accounts, mut slots) = (0, 0);
    for block in oldest..=head.block {
        let Some(changes) = store.change_set(block)? else {
            return Err(Stop::difference(format!("change set of block {block}"), "a record", "none"));
        };
        check_values(store, block, &changes)?;
        accounts += changes.accounts.len() as u64;
        slots += changes.slots.len() as u64;
        progress.add(1);
    }
    same(|| "change sets".into(), &(head.block + 1 - oldest.min(head.block)), &store.count(schema::CHANGE_SET)?)?;
    same(|| "previous values of accounts".into(), &accounts, &store.count(schema::HISTORY_ACCOUNT)?)?;
    same(|| "previous values of slots".into(), &slots, &store.count(schema::HISTORY_STORAGE)?)?;
    Ok(accounts + slots)
}

fn check_values(store: &Store, block: u64, changes: &ChangeSet) -> Checked {
    for address in &changes.accounts {
        let what = || format!("account {address} before block {block}");
        let value = previous(store, schema::HISTORY_ACCOUNT, address.as_slice(), block, what)?;
        AccountRecord::from_bytes(&value).map_err(|error| Stop::damaged(what(), error))?;
    }
    for (address, slot) in &changes.slots {
        let what = || slot_before(address, slot, block);
        let value = previous(store, schema::HISTORY_STORAGE, &schema::slot_key(address, slot), block, what)?;
        same(|| format!("bytes of {}", what()), &32, &value.len())?;
    }
    Ok(())
}

fn slot_before(address: &Address, slot: &U256, block: u64) -> String {
    format!("storage slot {slot:#x} of {address} before block {block}")
}

fn previous(store: &Store, table: &str, key: &[u8], block: u64, what: impl Fn() -> String) -> Checked<Vec<u8>> {
    match store.get(table, &schema::history_key(key, block))? {
        Some(value) => Ok(value.to_vec()),
        None => Err(Stop::difference(what(), "a previous value", "none")),
    }
}
