//! Faults that unit tests plant in the executor: it panics on the transactions that they name.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use alloy_primitives::B256;

static PANICS: Mutex<Option<HashSet<B256>>> = Mutex::new(None);

/// From now on executing this transaction panics, at admission and in a block.
pub(crate) fn panic_at(hash: B256) {
    PANICS.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(hash);
}

/// Panics where a test asked for it.
pub(crate) fn panic_where_told(hash: &B256) {
    let is_told = PANICS.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|all| all.contains(hash));
    assert!(!is_told, "a fault that a test planted");
}
