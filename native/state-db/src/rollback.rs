//! The other way round: what takes blocks and batches off the end of the chain again. Each removal is put into a write that the caller
//! completes with what the state was before.

use std::sync::atomic::Ordering;

use alloy_primitives::B256;
use rocksdb::WriteBatch;

use crate::error::DbResult;
use crate::records::{BlockRecord, TransactionRecord};
use crate::schema;
use crate::store::Store;

impl Store {
    /// Puts the removal of an L2 block into `batch`: its record, transactions, receipts, logs and the indexes that lead to them. Answers
    /// its transactions, in order.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn remove_block(&self, batch: &mut WriteBatch, block: &BlockRecord) -> DbResult<Vec<TransactionRecord>> {
        let key = schema::number_key(block.number);
        let mut transactions = Vec::with_capacity(block.tx_count as usize);
        self.delete_of_number(batch, schema::TRANSACTION, block.number, |value| {
            transactions.push(self.decode::<TransactionRecord>("transaction", value)?);
            Ok(())
        })?;
        for TransactionRecord { hash, l2_hash, .. } in &transactions {
            self.delete(batch, schema::TRANSACTION_BY_HASH, hash.as_slice())?;
            self.delete(batch, schema::TRANSACTION_BY_L2_HASH, l2_hash.as_slice())?;
        }
        self.delete_of_number(batch, schema::RECEIPT, block.number, |_| Ok(()))?;
        self.delete_of_number(batch, schema::LOG, block.number, |_| Ok(()))?;
        self.delete(batch, schema::BLOCK_BY_HASH, block.hash.as_slice())?;
        self.delete(batch, schema::BLOCK, &key)?;
        Ok(transactions)
    }

    /// Puts the removal of the newest batch into `batch`: its record, its data, and what was explained about it and everything after it.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn remove_batch(&self, batch: &mut WriteBatch, number: u64) -> DbResult<()> {
        let key = schema::number_key(number);
        self.delete(batch, schema::BATCH, &key)?;
        self.delete_of_number(batch, schema::BATCH_DATA, number, |_| Ok(()))?;
        for item in self.scan(schema::EXPLANATION, &key)? {
            self.delete(batch, schema::EXPLANATION, &item?.0)?;
        }
        Ok(())
    }

    /// Puts the pointer to the newest verified batch into `batch`.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_checked_batch(&self, batch: &mut WriteBatch, number: u64) -> DbResult<()> {
        self.put(batch, schema::META, schema::meta::CHECKED_BATCH, &schema::number_key(number))
    }

    /// The chain ends with `head` now: its state is readable again where the change sets after it were still there, and what was kept for
    /// the verification of later batches is no measure any more.
    pub fn head_went_back(&self, head: u64) {
        let mut inner = self.bounds().lock();
        self.bounds().oldest.fetch_min(head.max(inner.removed_to), Ordering::AcqRel);
        inner.needed_from = inner.needed_from.map(|needed| needed.min(head));
    }

    /// The lowest rank of arrival among pending transactions, with their number; `None` where none waits.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn first_arrival(&self) -> DbResult<Option<u64>> {
        let mut first: Option<u64> = None;
        self.for_each_pending(|_, record| {
            first = Some(first.map_or(record.arrival, |known| known.min(record.arrival)));
            Ok(())
        })?;
        Ok(first)
    }

    /// Moves every pending transaction back by `ranks` in the order of arrival, to make room for such as came before; one write.
    ///
    /// # Errors
    /// As [`Store::write`]; [`crate::DbError::Corrupt`].
    pub fn delay_arrivals(&self, ranks: u64) -> DbResult<()> {
        let mut batch = WriteBatch::default();
        self.for_each_pending(|hash, mut record| {
            record.arrival += ranks;
            self.put_pool(&mut batch, &hash, &record)
        })?;
        self.write(batch)
    }

    fn for_each_pending(
        &self,
        mut visit: impl FnMut(B256, crate::records::PoolRecord) -> DbResult<()>,
    ) -> DbResult<()> {
        for item in self.scan(schema::POOL, &[])? {
            let (key, value) = item?;
            let hash = schema::hash_from(&key).ok_or_else(|| self.corrupt("pool key"))?;
            visit(hash, self.decode("pool record", &value)?)?;
        }
        Ok(())
    }

    /// Deletes the rows of a table whose key begins with `number`, each after `visit` has seen its value.
    fn delete_of_number(
        &self,
        batch: &mut WriteBatch,
        family: &str,
        number: u64,
        mut visit: impl FnMut(&[u8]) -> DbResult<()>,
    ) -> DbResult<()> {
        let end = schema::number_key(number.saturating_add(1)).to_vec();
        for item in self.scan_range(family, &schema::number_key(number), end)? {
            let (key, value) = item?;
            visit(&value)?;
            self.delete(batch, family, &key)?;
        }
        Ok(())
    }
}
