//! What verification of batches reads and writes: the pointer to the newest verified batch, and the records of a batch in one snapshot.

use alloy_primitives::{Address, U256};
use rocksdb::{Direction, IteratorMode, WriteBatch};

use crate::error::DbResult;
use crate::records::{AccountRecord, LogRecord, ReceiptRecord, TransactionRecord};
use crate::schema::{self, meta};
use crate::snapshot::Snapshot;
use crate::store::{Entry, Store};

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
    /// batchL2Data of a batch.
    ///
    /// # Errors
    /// [`crate::DbError::Rocks`].
    pub fn batch_data(&self, number: u64) -> DbResult<Vec<u8>> {
        let prefix = schema::number_key(number);
        let mut data = Vec::new();
        for item in self.scan(schema::BATCH_DATA, &prefix)? {
            let (key, value) = item?;
            if !key.starts_with(&prefix) {
                break;
            }
            data.extend_from_slice(&value);
        }
        Ok(data)
    }

    /// The transactions of a block with their receipts, in order; `None` for a receipt that is missing.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn transactions(&self, block: u64) -> DbResult<Vec<(TransactionRecord, Option<ReceiptRecord>)>> {
        let mut transactions = Vec::new();
        for item in self.scan(schema::TRANSACTION, &schema::indexed_key(block, 0))? {
            let (key, value) = item?;
            if schema::parse_indexed_key(&key).is_none_or(|(of, _)| of != block) {
                break;
            }
            let receipt = self.get(schema::RECEIPT, &key)?;
            let receipt = receipt.map(|bytes| self.store().decode("receipt", &bytes)).transpose()?;
            transactions.push((self.store().decode("transaction", &value)?, receipt));
        }
        Ok(transactions)
    }

    /// The logs of a block, in order.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn logs(&self, block: u64) -> DbResult<Vec<LogRecord>> {
        let mut logs = Vec::new();
        for item in self.scan(schema::LOG, &schema::indexed_key(block, 0))? {
            let (key, value) = item?;
            if schema::parse_indexed_key(&key).is_none_or(|(of, _)| of != block) {
                break;
            }
            logs.push(self.store().decode("log", &value)?);
        }
        Ok(logs)
    }

    /// The account as `block`, which changed it, found it; `None` where no change is recorded.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn account_before(&self, address: &Address, block: u64) -> DbResult<Option<AccountRecord>> {
        let bytes = self.get(schema::HISTORY_ACCOUNT, &schema::history_key(address.as_slice(), block))?;
        bytes.map(|bytes| self.store().account_from(&bytes)).transpose()
    }

    /// The value of a slot as `block`, which changed it, found it; `None` where no change is recorded.
    ///
    /// # Errors
    /// [`crate::DbError::Rocks`].
    pub fn storage_before(&self, address: &Address, slot: &U256, block: u64) -> DbResult<Option<U256>> {
        let key = schema::history_key(&schema::slot_key(address, slot), block);
        Ok(self.get(schema::HISTORY_STORAGE, &key)?.map(|bytes| U256::from_be_slice(&bytes)))
    }

    fn scan(&self, family: &'static str, from: &[u8]) -> DbResult<impl Iterator<Item = DbResult<Entry>> + '_> {
        let mode = IteratorMode::From(from, Direction::Forward);
        let items = self.view().iterator_cf(self.store().family(family)?, mode);
        Ok(items.map(move |item| item.map_err(|error| self.store().read_failed(family, error))))
    }
}
