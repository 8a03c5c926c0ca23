//! Records of explanations as they cross the boundary. What is in them is the sequencer's business.

use zkevm_state_db::{ExplanationWrite, Store};

use crate::error::{EngineError, EngineResult};
use crate::layout::{pack_list, u64_at, unpack_list};

const PUT: u8 = 0;
const REMOVE: u8 = 1;
/// Kind, batch, part.
const HEAD_BYTES: usize = 17;

/// Applies packed operations: u8 kind, u64 batch, u64 part, bytes.
///
/// # Errors
/// [`EngineError::InvalidArgument`] on a malformed operation, [`EngineError::Db`].
pub fn write(store: &Store, operations: &[u8]) -> EngineResult<()> {
    let items = unpack_list(operations)?;
    let writes = items.into_iter().map(parse).collect::<EngineResult<Vec<_>>>()?;
    Ok(store.write_explanations(&writes)?)
}

fn parse(item: &[u8]) -> EngineResult<ExplanationWrite<'_>> {
    let (head, bytes) = item
        .split_at_checked(HEAD_BYTES)
        .ok_or_else(|| EngineError::invalid_argument("an operation on explanations is too short"))?;
    let (batch, part) = (u64_at(head, 1), u64_at(head, 9));
    match head[0] {
        PUT => Ok(ExplanationWrite::Put(batch, part, bytes)),
        REMOVE => Ok(ExplanationWrite::Remove(batch, part)),
        _ => Err(EngineError::invalid_argument("operation on explanations of unknown kind")),
    }
}

/// All records as a packed list: u64 batch, u64 part, bytes.
///
/// # Errors
/// [`EngineError::Db`].
pub fn load(store: &Store) -> EngineResult<Vec<u8>> {
    let records = store.explanations()?;
    let items: Vec<Vec<u8>> = records
        .into_iter()
        .map(|(batch, part, bytes)| [&batch.to_le_bytes()[..], &part.to_le_bytes()[..], &bytes[..]].concat())
        .collect();
    Ok(pack_list(&items))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zkevm_state_db::StoreOptions;

    #[test]
    fn records_come_back_in_order_until_they_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let options =
            StoreOptions { path: dir.path().into(), block_cache_bytes: 1 << 20, sync_writes: false, creates: true };
        let store = Store::open(&options).unwrap();
        let operation = |kind: u8, batch: u64, part: u64, bytes: &[u8]| {
            [&[kind][..], &batch.to_le_bytes()[..], &part.to_le_bytes()[..], bytes].concat()
        };
        let put = [operation(PUT, 2, 0, b"b"), operation(PUT, 1, 7, b"a7"), operation(PUT, 1, 0, b"a")];
        write(&store, &pack_list(&put)).unwrap();
        write(&store, &pack_list(&[operation(REMOVE, 1, 0, b"")])).unwrap();
        let expected = [(1, 7, &b"a7"[..]), (2, 0, &b"b"[..])];
        let found = store.explanations().unwrap();
        assert_eq!(found.iter().map(|(batch, part, bytes)| (*batch, *part, &bytes[..])).collect::<Vec<_>>(), expected);
        assert_eq!(unpack_list(&load(&store).unwrap()).unwrap().len(), 2);
        for bad in [&[9_u8; HEAD_BYTES][..], &[PUT; 3][..]] {
            assert_eq!(write(&store, &pack_list(&[bad])).unwrap_err().code(), "LAYOUT_INVALID");
        }
    }
}
