//! The durable side of the pool: one write for each group of operations, pages for the reload.

use std::collections::HashSet;

use alloy_primitives::{Address, B256, Bytes};
use serde::Serialize;
use zkevm_state_db::records::{PoolEndRecord, PoolRecord};
use zkevm_state_db::{Store, WriteBatch};

use crate::error::{EngineError, EngineResult};
use crate::layout::{u64_at, unpack_list};
use crate::views::to_json;

const PUT: u8 = 0;
const END: u8 = 1;
const PUT_HEAD_BYTES: usize = 1 + 32 + 20 + 8 + 8 + 8;
const END_HEAD_BYTES: usize = 1 + 32 + 1 + 8 + 32;

/// Status names by number, as `src/native/layouts.ts` has them.
pub const STATUS_NAMES: [&str; 6] = ["pending", "selected", "failed", "invalid", "replaced", "expired"];

/// Applies packed pool operations in one durable write.
///
/// # Errors
/// [`EngineError::InvalidArgument`] on a malformed operation (nothing is written then), [`EngineError::Db`].
pub fn write(store: &Store, operations: &[u8]) -> EngineResult<()> {
    let mut batch = WriteBatch::default();
    // A transaction may end and come back in one write.
    let mut ended = HashSet::new();
    for item in unpack_list(operations)? {
        match item.first() {
            Some(&PUT) => {
                let hash = put(store, &mut batch, item)?;
                if ended.remove(&hash) {
                    store.forget_pool_end(&mut batch, &hash)?;
                }
            }
            Some(&END) => {
                ended.insert(end(store, &mut batch, item)?);
            }
            _ => return Err(EngineError::invalid_argument("pool operation of unknown kind")),
        }
    }
    Ok(store.write(batch)?)
}

fn put(store: &Store, batch: &mut WriteBatch, item: &[u8]) -> EngineResult<B256> {
    let (head, raw) =
        item.split_at_checked(PUT_HEAD_BYTES).ok_or_else(|| EngineError::invalid_argument("pool put is too short"))?;
    let record = PoolRecord {
        sender: Address::from_slice(&head[33..53]),
        nonce: u64_at(head, 53),
        received_at_ms: u64_at(head, 61),
        arrival: u64_at(head, 69),
        raw: Bytes::copy_from_slice(raw),
    };
    let hash = B256::from_slice(&head[1..33]);
    store.put_pool(batch, &hash, &record)?;
    Ok(hash)
}

fn end(store: &Store, batch: &mut WriteBatch, item: &[u8]) -> EngineResult<B256> {
    let (head, reason) =
        item.split_at_checked(END_HEAD_BYTES).ok_or_else(|| EngineError::invalid_argument("pool end is too short"))?;
    if usize::from(head[33]) >= STATUS_NAMES.len() {
        return Err(EngineError::invalid_argument("pool end has an unknown status"));
    }
    let record = PoolEndRecord {
        status: head[33],
        at_ms: u64_at(head, 34),
        related: B256::from_slice(&head[42..74]),
        reason: String::from_utf8_lossy(reason).into_owned(),
    };
    let hash = B256::from_slice(&head[1..33]);
    store.end_pool(batch, &hash, &record)?;
    Ok(hash)
}

#[derive(Serialize)]
struct StatusView<'a> {
    status: &'a str,
    reason: &'a str,
    at: u64,
    related: Option<B256>,
}

/// The end state of a transaction as JSON, `None` when it has none.
///
/// # Errors
/// [`EngineError::Db`].
pub fn status_json(store: &Store, hash: &B256) -> EngineResult<Option<String>> {
    let Some(record) = store.pool_end(hash)? else { return Ok(None) };
    let view = StatusView {
        status: STATUS_NAMES.get(usize::from(record.status)).copied().unwrap_or("failed"),
        reason: &record.reason,
        at: record.at_ms,
        related: (!record.related.is_zero()).then_some(record.related),
    };
    to_json(&view).map(Some)
}

/// Forgets end states older than `before_ms`; answers how many.
///
/// # Errors
/// [`EngineError::Db`].
pub fn prune(store: &Store, before_ms: u64) -> EngineResult<usize> {
    let mut batch = WriteBatch::default();
    let count = store.prune_pool_ends(&mut batch, before_ms)?;
    if count > 0 {
        store.write(batch)?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::pack_list;
    use zkevm_state_db::StoreOptions;

    const HASH: B256 = B256::repeat_byte(9);
    const EXPIRED: u8 = 5;

    fn put_operation() -> Vec<u8> {
        let mut operation = vec![0; PUT_HEAD_BYTES + 1];
        operation[0] = PUT;
        operation[1..33].copy_from_slice(HASH.as_slice());
        operation
    }

    fn end_operation() -> Vec<u8> {
        let mut operation = vec![0; END_HEAD_BYTES];
        operation[0] = END;
        operation[1..33].copy_from_slice(HASH.as_slice());
        operation[33] = EXPIRED;
        operation
    }

    #[test]
    fn the_last_operation_on_a_transaction_in_a_write_counts() {
        let dir = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            path: dir.path().to_path_buf(),
            block_cache_bytes: 1 << 20,
            sync_writes: false,
            creates: true,
        };
        let store = Store::open(&options).unwrap();
        let (put, end) = (put_operation(), end_operation());
        for (operations, is_pending) in [
            (vec![put.clone(), end.clone()], false),
            (vec![end.clone(), put.clone()], true),
            (vec![end.clone(), put.clone(), end.clone()], false),
            (vec![put.clone(), end.clone(), put.clone()], true),
        ] {
            write(&store, &pack_list(&operations)).unwrap();
            let found = (store.pool_page(&[], 10).unwrap().len(), store.pool_end(&HASH).unwrap().is_some());
            assert_eq!(found, (usize::from(is_pending), !is_pending), "{} operations", operations.len());
        }
    }
}
