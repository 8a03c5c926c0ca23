//! What verification of batches reads and writes: the pointer to the newest verified batch, and the records of a batch in one snapshot.

use rocksdb::{Direction, IteratorMode, WriteBatch};

use crate::error::DbResult;
use crate::records::{LogRecord, ReceiptRecord, TransactionRecord};
use crate::schema::{self, meta};
use crate::snapshot::Snapshot;
use crate::store::{Entry, Store, up_to};

impl Store {
    /// The newest verified batch; all before it were verified too. `None` before the first.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn checked_batch(&self) -> DbResult<Option<u64>> {
        let Some(bytes) = self.get(schema::META, meta::CHECKED_BATCH)? else { return Ok(None) };
        let number = schema::parse_number_key(&bytes);
        number.map(Some).ok_or_else(|| self.corrupt("meta/checked_batch has a wrong length"))
    }

    /// Moves the pointer. Not synced: what a power cut undoes is verified again.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn set_checked_batch(&self, number: u64) -> DbResult<()> {
        let mut batch = WriteBatch::default();
        self.put(&mut batch, schema::META, meta::CHECKED_BATCH, &schema::number_key(number))?;
        self.write_unsynced(batch)
    }
}

impl Snapshot<'_> {
    /// batchL2Data of a batch: the bytes of its blocks, in order.
    ///
    /// # Errors
    /// [`crate::DbError::Rocks`].
    pub fn batch_data(&self, number: u64) -> DbResult<Vec<u8>> {
        joined(self.of_number(schema::BATCH_DATA, number)?)
    }

    /// batchL2Data of a batch up to an L2 block, which is included.
    ///
    /// # Errors
    /// [`crate::DbError::Rocks`].
    pub fn batch_data_through(&self, number: u64, block: u64) -> DbResult<Vec<u8>> {
        let end = schema::pair_key(number, block.saturating_add(1));
        joined(self.between(schema::BATCH_DATA, &schema::number_key(number), end.to_vec())?)
    }

    /// The transactions of a block with their receipts, in order; `None` for a receipt that is missing.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn transactions(&self, block: u64) -> DbResult<Vec<(TransactionRecord, Option<ReceiptRecord>)>> {
        let mut transactions = Vec::new();
        let mut receipts = self.of_number(schema::RECEIPT, block)?;
        let mut receipt = receipts.next().transpose()?;
        for item in self.of_number(schema::TRANSACTION, block)? {
            let (key, value) = item?;
            while receipt.as_ref().is_some_and(|(at, _)| *at < key) {
                receipt = receipts.next().transpose()?;
            }
            let own = receipt.as_ref().filter(|(at, _)| *at == key);
            let own = own.map(|(_, bytes)| self.store().decode("receipt", bytes)).transpose()?;
            transactions.push((self.store().decode("transaction", &value)?, own));
        }
        Ok(transactions)
    }

    /// The logs of a block, in order.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn logs(&self, block: u64) -> DbResult<Vec<LogRecord>> {
        let logs = self.of_number(schema::LOG, block)?;
        logs.map(|item| self.store().decode("log", &item?.1)).collect()
    }

    /// The entries whose key begins with a number, in order.
    fn of_number(
        &self,
        family: &'static str,
        number: u64,
    ) -> DbResult<impl Iterator<Item = DbResult<Entry>> + use<'_>> {
        self.between(family, &schema::number_key(number), schema::number_key(number.saturating_add(1)).to_vec())
    }

    /// The entries from one key up to another, which is not included.
    fn between(
        &self,
        family: &'static str,
        from: &[u8],
        to: Vec<u8>,
    ) -> DbResult<impl Iterator<Item = DbResult<Entry>> + use<'_>> {
        let mode = IteratorMode::From(from, Direction::Forward);
        let items = self.view().iterator_cf_opt(self.store().family(family)?, up_to(to), mode);
        Ok(items.map(move |item| item.map_err(|error| self.store().read_failed(family, error))))
    }
}

/// The values one after the other.
fn joined(items: impl Iterator<Item = DbResult<Entry>>) -> DbResult<Vec<u8>> {
    let mut data = Vec::new();
    for item in items {
        data.extend_from_slice(&item?.1);
    }
    Ok(data)
}
