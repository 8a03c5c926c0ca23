//! Pool tables: pending transactions, and the end states of those that were not included.

use alloy_primitives::B256;
use rocksdb::WriteBatch;

use crate::error::DbResult;
use crate::records::{PoolEndRecord, PoolRecord, encode};
use crate::schema;
use crate::store::Store;

impl Store {
    /// Adds a pending transaction; a stored end state of an earlier life is forgotten. One that this very write adds is not seen here:
    /// [`Store::forget_pool_end`] takes it out again.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn put_pool(&self, batch: &mut WriteBatch, hash: &B256, record: &PoolRecord) -> DbResult<()> {
        self.forget_stored_end(batch, hash)?;
        self.put(batch, schema::POOL, hash.as_slice(), &encode(record))
    }

    /// Takes a transaction out of the pending set because it was included in an L2 block.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn remove_pool(&self, batch: &mut WriteBatch, hash: &B256) -> DbResult<()> {
        self.delete(batch, schema::POOL, hash.as_slice())?;
        self.forget_stored_end(batch, hash)
    }

    /// Forgets the end state of a transaction, whether there is one or not.
    ///
    /// # Errors
    /// As [`Store::delete`].
    pub fn forget_pool_end(&self, batch: &mut WriteBatch, hash: &B256) -> DbResult<()> {
        self.delete(batch, schema::POOL_END, hash.as_slice())
    }

    /// Hardly any transaction has an end state: looking costs less than a deletion, which is one more key to sort, log and write out.
    fn forget_stored_end(&self, batch: &mut WriteBatch, hash: &B256) -> DbResult<()> {
        if self.get(schema::POOL_END, hash.as_slice())?.is_some() { self.forget_pool_end(batch, hash) } else { Ok(()) }
    }

    /// Moves a transaction from the pending set to an end state.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn end_pool(&self, batch: &mut WriteBatch, hash: &B256, record: &PoolEndRecord) -> DbResult<()> {
        self.delete(batch, schema::POOL, hash.as_slice())?;
        self.put(batch, schema::POOL_END, hash.as_slice(), &encode(record))
    }

    /// The end state of a transaction.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn pool_end(&self, hash: &B256) -> DbResult<Option<PoolEndRecord>> {
        self.get(schema::POOL_END, hash.as_slice())?.map(|bytes| self.decode("pool end", &bytes)).transpose()
    }

    /// At most `max` pending transactions whose hash is greater than `after` (empty: from the start), in hash order.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn pool_page(&self, after: &[u8], max: usize) -> DbResult<Vec<(B256, PoolRecord)>> {
        let mut page = Vec::new();
        for item in self.scan(schema::POOL, after)? {
            let (key, value) = item?;
            if &*key == after {
                continue;
            }
            if page.len() == max {
                break;
            }
            let hash = schema::hash_from(&key).ok_or_else(|| self.corrupt("pool key"))?;
            page.push((hash, self.decode("pool record", &value)?));
        }
        Ok(page)
    }

    /// Puts the deletion of end states older than `before_ms` into `batch`; answers how many.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn prune_pool_ends(&self, batch: &mut WriteBatch, before_ms: u64) -> DbResult<usize> {
        let mut count = 0;
        for item in self.scan(schema::POOL_END, &[])? {
            let (key, value) = item?;
            let record: PoolEndRecord = self.decode("pool end", &value)?;
            if record.at_ms < before_ms {
                self.delete(batch, schema::POOL_END, &key)?;
                count += 1;
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::open;

    const HASH: B256 = B256::repeat_byte(7);

    fn write(store: &Store, change: impl FnOnce(&mut WriteBatch) -> DbResult<()>) {
        let mut batch = WriteBatch::default();
        change(&mut batch).unwrap();
        store.write(batch).unwrap();
    }

    #[test]
    fn what_is_pending_or_included_has_no_end_state() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let record = PoolRecord {
            sender: alloy_primitives::Address::ZERO,
            nonce: 0,
            received_at_ms: 1,
            arrival: 2,
            raw: vec![3].into(),
        };
        let end = PoolEndRecord { status: 5, at_ms: 6, related: B256::ZERO, reason: "too old".into() };
        let pending = |store: &Store| store.pool_page(&[], 10).unwrap();
        write(&store, |batch| store.put_pool(batch, &HASH, &record));
        assert_eq!(pending(&store), [(HASH, record.clone())]);
        write(&store, |batch| store.end_pool(batch, &HASH, &end));
        assert_eq!((pending(&store), store.pool_end(&HASH).unwrap()), (vec![], Some(end.clone())));
        write(&store, |batch| store.put_pool(batch, &HASH, &record));
        assert_eq!((pending(&store).len(), store.pool_end(&HASH).unwrap()), (1, None), "it came back");
        write(&store, |batch| store.remove_pool(batch, &HASH));
        assert_eq!((pending(&store), store.pool_end(&HASH).unwrap()), (vec![], None));
        write(&store, |batch| store.end_pool(batch, &HASH, &end));
        write(&store, |batch| store.remove_pool(batch, &HASH));
        assert_eq!(store.pool_end(&HASH).unwrap(), None, "it was included all the same");
    }
}
