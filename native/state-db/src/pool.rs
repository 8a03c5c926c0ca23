//! Pool tables: pending transactions, and the end states of those that were not included.

use alloy_primitives::B256;
use rocksdb::WriteBatch;

use crate::error::DbResult;
use crate::records::{PoolEndRecord, PoolRecord, encode};
use crate::schema;
use crate::store::Store;

impl Store {
    /// Adds a pending transaction; an end state of an earlier life is forgotten.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_pool(&self, batch: &mut WriteBatch, hash: &B256, record: &PoolRecord) -> DbResult<()> {
        self.forget_pool_end(batch, hash)?;
        self.put(batch, schema::POOL, hash.as_slice(), &encode(record))
    }

    /// Nearly no transaction has an end state when it comes or when it is included: looking is cheaper than writing two tombstones for each.
    /// One that is being written at this moment and is missed here stays beside the pending record, which goes before it, and is found when
    /// that one is taken out.
    fn forget_pool_end(&self, batch: &mut WriteBatch, hash: &B256) -> DbResult<()> {
        if self.get(schema::POOL_END, hash.as_slice())?.is_some() {
            self.delete(batch, schema::POOL_END, hash.as_slice())?;
        }
        Ok(())
    }

    /// Takes a transaction out of the pending set because it was included in an L2 block.
    ///
    /// # Errors
    /// As [`Store::delete`].
    pub fn remove_pool(&self, batch: &mut WriteBatch, hash: &B256) -> DbResult<()> {
        self.delete(batch, schema::POOL, hash.as_slice())?;
        self.forget_pool_end(batch, hash)
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
