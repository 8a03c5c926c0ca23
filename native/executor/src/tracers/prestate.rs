//! prestateTracer: what a transaction read, or with `diffMode` what it changed. `stateDiff` of `trace_…` shows the
//! same changes in Parity's shape.

use super::json::Object;
use crate::{AccountState, ExecutorError, StateError, StateRead};
use alloy_primitives::{Address, B256, Bytes, U256};
use std::collections::BTreeMap;

/// Options of the prestate tracer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "the RPC's own switches")]
pub struct PrestateConfig {
    /// What changed, instead of what was read.
    pub diff_mode: bool,
    /// Leave out code.
    pub disable_code: bool,
    /// Leave out storage.
    pub disable_storage: bool,
    /// Also accounts that were empty before.
    pub include_empty: bool,
}

/// Gives the code of a hash.
pub type CodeOf<'a> = &'a dyn Fn(&B256) -> Result<Bytes, StateError>;

/// What a transaction read, and what it changed of that.
#[derive(Clone, Copy)]
pub struct StateAccess<'a> {
    /// Everything it read, with the values before it.
    pub reads: &'a [StateRead],
    /// What it changed of that, with the values after it.
    pub writes: &'a [StateRead],
    /// The code of accounts before and after it.
    pub code: CodeOf<'a>,
    /// Most bytes of an answer.
    pub limit_bytes: usize,
}

#[derive(Clone, Default)]
struct Entry {
    account: Option<AccountState>,
    storage: BTreeMap<U256, U256>,
}

impl Entry {
    fn is_empty(&self) -> bool {
        self.account.is_none_or(|account| account.is_empty()) && self.storage.values().all(U256::is_zero)
    }
}

type Entries = BTreeMap<Address, Entry>;

impl StateAccess<'_> {
    /// The answer of the prestate tracer as JSON text.
    ///
    /// # Errors
    /// When code cannot be read, and [`ExecutorError::TraceTooLarge`].
    pub fn prestate(&self, config: PrestateConfig) -> Result<String, ExecutorError> {
        let before = collect(self.reads);
        let mut out = String::new();
        if !config.diff_mode {
            let shown = before.iter().filter(|(_, entry)| config.include_empty || !entry.is_empty());
            self.write_all(&mut out, shown.map(|(address, entry)| (address, entry, None)), config)?;
            return Ok(out);
        }
        let after = collect(self.writes);
        let changed: Entries = after
            .iter()
            .map(|(address, entry)| {
                let mut old = before.get(address).cloned().unwrap_or_default();
                old.storage.retain(|slot, value| entry.storage.contains_key(slot) && !value.is_zero());
                (*address, old)
            })
            .filter(|(_, entry)| config.include_empty || !entry.is_empty())
            .collect();
        let mut object = Object::open(&mut out);
        let pre = changed.iter().map(|(address, entry)| (address, entry, None));
        self.write_all(object.key("pre"), pre, config)?;
        let post = after.iter().map(|(address, entry)| (address, entry, before.get(address)));
        self.write_all(object.key("post"), post, config)?;
        object.close();
        Ok(out)
    }

    /// Writes entries; those with an old one beside them only as far as they differ from it.
    fn write_all<'e>(
        &self,
        out: &mut String,
        entries: impl Iterator<Item = (&'e Address, &'e Entry, Option<&'e Entry>)>,
        config: PrestateConfig,
    ) -> Result<(), ExecutorError> {
        let mut object = Object::open(out);
        for (address, entry, old) in entries {
            let out = object.key(&format!("{address:#x}"));
            self.write_entry(out, entry, old, config)?;
            self.check(out)?;
        }
        object.close();
        Ok(())
    }

    fn write_entry(
        &self,
        out: &mut String,
        entry: &Entry,
        old: Option<&Entry>,
        config: PrestateConfig,
    ) -> Result<(), StateError> {
        let mut object = Object::open(out);
        if let Some(account) = entry.account {
            let before = old.and_then(|old| old.account);
            if before.is_none_or(|before| before.balance != account.balance) {
                object.quantity("balance", &account.balance);
            }
            if before.map_or(account.nonce != 0, |before| before.nonce != account.nonce) {
                object.number("nonce", account.nonce);
            }
            let has_new_code = before.is_none_or(|before| before.code_hash != account.code_hash);
            if has_new_code && !account.code_hash.is_zero() && !config.disable_code {
                object.hex("code", (self.code)(&account.code_hash)?);
            }
        }
        // A slot that was cleared is told by its absence.
        let shows = |value: &U256| old.is_none() || !value.is_zero();
        if !config.disable_storage && entry.storage.values().any(shows) {
            let mut storage = Object::open(object.key("storage"));
            for (slot, value) in entry.storage.iter().filter(|(_, value)| shows(value)) {
                storage.hex(&B256::from(*slot).to_string(), B256::from(*value));
            }
            storage.close();
        }
        object.close();
        Ok(())
    }

    fn check(&self, out: &str) -> Result<(), ExecutorError> {
        if out.len() > self.limit_bytes { Err(ExecutorError::TraceTooLarge) } else { Ok(()) }
    }

    /// Parity's `stateDiff` as JSON text.
    ///
    /// # Errors
    /// When code cannot be read, and [`ExecutorError::TraceTooLarge`].
    pub fn state_diff(&self) -> Result<String, ExecutorError> {
        let before = collect(self.reads);
        let mut out = String::new();
        let mut object = Object::open(&mut out);
        for (address, entry) in &collect(self.writes) {
            let old = before.get(address).cloned().unwrap_or_default();
            let out = object.key(&format!("{address:#x}"));
            self.write_difference(out, &old, entry)?;
            self.check(out)?;
        }
        object.close();
        Ok(out)
    }

    fn write_difference(&self, out: &mut String, old: &Entry, new: &Entry) -> Result<(), StateError> {
        let before = old.account.unwrap_or_default();
        let after = new.account.unwrap_or(before);
        let is_new = before.is_empty();
        let code = |hash: &B256| if hash.is_zero() { Ok(Bytes::new()) } else { (self.code)(hash) };
        let mut object = Object::open(out);
        let quantity = |value: U256| format!("\"{value:#x}\"");
        difference(object.key("balance"), is_new, before.balance == after.balance, || {
            (quantity(before.balance), quantity(after.balance))
        });
        let (old_code, new_code) = (code(&before.code_hash)?, code(&after.code_hash)?);
        difference(object.key("code"), is_new, old_code == new_code, || {
            (format!("\"{old_code}\""), format!("\"{new_code}\""))
        });
        difference(object.key("nonce"), is_new, before.nonce == after.nonce, || {
            (quantity(U256::from(before.nonce)), quantity(U256::from(after.nonce)))
        });
        let mut storage = Object::open(object.key("storage"));
        for (slot, value) in &new.storage {
            let was = old.storage.get(slot).copied().unwrap_or_default();
            let word = |value: U256| format!("\"{}\"", B256::from(value));
            difference(storage.key(&B256::from(*slot).to_string()), is_new, false, || (word(was), word(*value)));
        }
        storage.close();
        object.close();
        Ok(())
    }
}

/// `"="`, `{"+": new}` or `{"*": {from, to}}`.
fn difference(out: &mut String, is_new: bool, is_same: bool, values: impl FnOnce() -> (String, String)) {
    if is_same && !is_new {
        out.push_str("\"=\"");
        return;
    }
    let (from, to) = values();
    let mut object = Object::open(out);
    if is_new {
        object.raw("+", &to);
    } else {
        let mut change = Object::open(object.key("*"));
        change.raw("from", &from);
        change.raw("to", &to);
        change.close();
    }
    object.close();
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
