//! Chain tables: head pointers, batches, L2 blocks, transactions, receipts, logs.

use alloy_primitives::B256;
use rocksdb::WriteBatch;

use crate::error::{DbError, DbResult};
use crate::records::{
    BatchRecord, BlockRecord, ChainRecord, HeadRecord, LogRecord, ReceiptRecord, TransactionRecord, encode,
};
use crate::schema;
use crate::store::Store;

/// Where a transaction is: L2 block and index in it.
pub type TransactionPosition = (u64, u32);

impl Store {
    /// What chain the database belongs to; `None` before the genesis is written.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn chain(&self) -> DbResult<Option<ChainRecord>> {
        self.get(schema::META, schema::meta::CHAIN)?.map(|bytes| self.decode("chain", &bytes)).transpose()
    }

    /// Writes the chain record.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_chain(&self, batch: &mut WriteBatch, record: &ChainRecord) -> DbResult<()> {
        self.put(batch, schema::META, schema::meta::CHAIN, &encode(record))
    }

    /// The head pointers; `None` before the genesis is written.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn head(&self) -> DbResult<Option<HeadRecord>> {
        self.get(schema::META, schema::meta::HEAD)?.map(|bytes| self.decode("head", &bytes)).transpose()
    }

    /// Writes the head pointers.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_head(&self, batch: &mut WriteBatch, record: &HeadRecord) -> DbResult<()> {
        self.put(batch, schema::META, schema::meta::HEAD, &encode(record))
    }

    /// A batch.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn batch(&self, number: u64) -> DbResult<Option<BatchRecord>> {
        self.get(schema::BATCH, &schema::number_key(number))?.map(|bytes| self.decode("batch", &bytes)).transpose()
    }

    /// Writes a batch.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_batch(&self, batch: &mut WriteBatch, record: &BatchRecord) -> DbResult<()> {
        self.put(batch, schema::BATCH, &schema::number_key(record.number), &encode(record))
    }

    /// Adds the encoded bytes of `block` to `batch_number`'s batchL2Data.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_batch_data(&self, batch: &mut WriteBatch, batch_number: u64, block: u64, data: &[u8]) -> DbResult<()> {
        self.put(batch, schema::BATCH_DATA, &schema::pair_key(batch_number, block), data)
    }

    /// An L2 block.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn block(&self, number: u64) -> DbResult<Option<BlockRecord>> {
        self.get(schema::BLOCK, &schema::number_key(number))?.map(|bytes| self.decode("block", &bytes)).transpose()
    }

    /// Writes an L2 block and its hash index.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_block(&self, batch: &mut WriteBatch, record: &BlockRecord) -> DbResult<()> {
        let key = schema::number_key(record.number);
        self.put(batch, schema::BLOCK_BY_HASH, record.hash.as_slice(), &key)?;
        self.put(batch, schema::BLOCK, &key, &encode(record))
    }

    /// The number of the block with this hash.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn block_number_by_hash(&self, hash: &B256) -> DbResult<Option<u64>> {
        self.get(schema::BLOCK_BY_HASH, hash.as_slice())?
            .map(|bytes| Ok(u64::from_be_bytes((&*bytes).try_into().map_err(|_| self.corrupt("block_by_hash"))?)))
            .transpose()
    }

    /// A transaction with its receipt.
    ///
    /// # Errors
    /// [`DbError::Corrupt`], also when one of the two is missing.
    pub fn transaction(&self, block: u64, index: u32) -> DbResult<Option<(TransactionRecord, ReceiptRecord)>> {
        let key = schema::indexed_key(block, index);
        let Some(transaction) = self.get(schema::TRANSACTION, &key)? else {
            return Ok(None);
        };
        let receipt = self
            .get(schema::RECEIPT, &key)?
            .ok_or_else(|| DbError::corrupt(format!("receipt {index} of block {block} is missing")))?;
        Ok(Some((self.decode("transaction", &transaction)?, self.decode("receipt", &receipt)?)))
    }

    /// The transactions of a block by index, without their receipts: moving through the table is cheaper than finding each.
    ///
    /// # Errors
    /// [`DbError::Corrupt`], also when there are fewer than `count`.
    pub fn transactions(&self, block: u64, count: u32) -> DbResult<Vec<TransactionRecord>> {
        let mut transactions = Vec::with_capacity(count as usize);
        if count == 0 {
            return Ok(transactions);
        }
        let to = schema::indexed_key(block, count).to_vec();
        let items = self.scan_range(schema::TRANSACTION, &schema::indexed_key(block, 0), to)?;
        for (index, item) in (0..count).zip(items) {
            let (key, value) = item?;
            if schema::parse_indexed_key(&key) != Some((block, index)) {
                break;
            }
            transactions.push(self.decode("transaction", &value)?);
        }
        let found = transactions.len();
        if found < count as usize {
            return Err(DbError::corrupt(format!("transaction {found} of block {block} is missing")));
        }
        Ok(transactions)
    }

    /// Writes a transaction, its receipt and its indexes.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_transaction(
        &self,
        batch: &mut WriteBatch,
        position: TransactionPosition,
        transaction: &TransactionRecord,
        receipt: &ReceiptRecord,
    ) -> DbResult<()> {
        let key = schema::indexed_key(position.0, position.1);
        self.put(batch, schema::TRANSACTION, &key, &encode(transaction))?;
        self.put(batch, schema::RECEIPT, &key, &encode(receipt))?;
        self.put(batch, schema::TRANSACTION_BY_HASH, transaction.hash.as_slice(), &key)?;
        self.put(batch, schema::TRANSACTION_BY_L2_HASH, transaction.l2_hash.as_slice(), &key)
    }

    /// Where the transaction with this hash is.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn transaction_position(&self, hash: &B256) -> DbResult<Option<TransactionPosition>> {
        self.get(schema::TRANSACTION_BY_HASH, hash.as_slice())?
            .map(|bytes| schema::parse_indexed_key(&bytes).ok_or_else(|| self.corrupt("transaction_by_hash")))
            .transpose()
    }

    /// Where the transaction with this L2 hash is.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn transaction_position_by_l2_hash(&self, hash: &B256) -> DbResult<Option<TransactionPosition>> {
        self.get(schema::TRANSACTION_BY_L2_HASH, hash.as_slice())?
            .map(|bytes| schema::parse_indexed_key(&bytes).ok_or_else(|| self.corrupt("transaction_by_l2_hash")))
            .transpose()
    }

    /// Writes a log.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_log(&self, batch: &mut WriteBatch, block: u64, index: u32, record: &LogRecord) -> DbResult<()> {
        self.put(batch, schema::LOG, &schema::indexed_key(block, index), &encode(record))
    }

    /// The logs of a block from `first`, at most `count`, in order.
    ///
    /// # Errors
    /// [`DbError::Corrupt`].
    pub fn logs(&self, block: u64, first: u32, count: u32) -> DbResult<Vec<LogRecord>> {
        let mut logs = Vec::with_capacity(count as usize);
        let (from, to) = (schema::indexed_key(block, first), schema::number_key(block.saturating_add(1)));
        for item in self.scan_range(schema::LOG, &from, to.to_vec())?.take(count as usize) {
            logs.push(self.decode("log", &item?.1)?);
        }
        Ok(logs)
    }
}
