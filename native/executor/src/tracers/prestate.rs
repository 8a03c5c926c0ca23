//! prestateTracer: what a transaction read, or with `diffMode` what it changed.

use crate::{AccountState, StateError, StateRead, StateReader};
use alloy_primitives::{Address, B256, U256, hex};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

#[derive(Default)]
struct Entry {
    account: Option<AccountState>,
    storage: BTreeMap<U256, U256>,
}

type Entries = BTreeMap<Address, Entry>;

/// The prestate of a transaction with these reads, or in `diff_mode` the changed part of it as `pre`
/// and the changes as `post`. `reader` gives the code.
///
/// # Errors
/// When code cannot be read.
pub fn prestate(
    reads: &[StateRead],
    writes: &[StateRead],
    diff_mode: bool,
    reader: &impl StateReader,
) -> Result<Value, StateError> {
    let before = collect(reads);
    if !diff_mode {
        return render(&before, None, reader);
    }
    let after = collect(writes);
    let mut changed = Entries::new();
    for (address, entry) in &after {
        let Some(old) = before.get(address) else { continue };
        let storage = entry.storage.keys().filter_map(|slot| Some((*slot, *old.storage.get(slot)?))).collect();
        changed.insert(*address, Entry { account: old.account, storage });
    }
    Ok(json!({ "pre": render(&changed, None, reader)?, "post": render(&after, Some(&before), reader)? }))
}

fn collect(values: &[StateRead]) -> Entries {
    let mut entries = Entries::new();
    for value in values {
        match value {
            StateRead::Account(address, account) => entries.entry(*address).or_default().account = Some(*account),
            StateRead::Storage(address, slot, value) => {
                entries.entry(*address).or_default().storage.insert(*slot, *value);
            }
        }
    }
    entries
}

/// With `before`, only what differs from it.
fn render(entries: &Entries, before: Option<&Entries>, reader: &impl StateReader) -> Result<Value, StateError> {
    let mut object = Map::new();
    for (address, entry) in entries {
        let old = before.and_then(|before| before.get(address)).and_then(|entry| entry.account);
        let mut fields = Map::new();
        if let Some(account) = entry.account {
            if old.is_none_or(|old| old.balance != account.balance) {
                fields.insert("balance".into(), json!(format!("{:#x}", account.balance)));
            }
            if old.map_or(account.nonce != 0, |old| old.nonce != account.nonce) {
                fields.insert("nonce".into(), json!(account.nonce));
            }
            let has_new_code = old.is_none_or(|old| old.code_hash != account.code_hash);
            if has_new_code && !account.code_hash.is_zero() {
                fields.insert("code".into(), json!(hex::encode_prefixed(reader.code(&account.code_hash)?)));
            }
        }
        let storage: Map<String, Value> = entry
            .storage
            .iter()
            .filter(|(_, value)| before.is_none() || !value.is_zero())
            .map(|(slot, value)| (B256::from(*slot).to_string(), json!(B256::from(*value).to_string())))
            .collect();
        if !storage.is_empty() {
            fields.insert("storage".into(), Value::Object(storage));
        }
        object.insert(hex::encode_prefixed(address), Value::Object(fields));
    }
    Ok(Value::Object(object))
}
