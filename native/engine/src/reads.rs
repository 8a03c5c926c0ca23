//! Reads of published data, as JSON text.

use alloy_primitives::{Address, B256, U256};
use serde::Deserialize;
use zkevm_state_db::records::{BlockRecord, LogRecord};

use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};
use crate::views::{
    LogView, ReceiptContext, TransactionView, batch_json, block_json, receipt_view, to_json, transaction_view,
};

/// A log filter with resolved block numbers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogFilter {
    from_block: u64,
    to_block: u64,
    #[serde(default)]
    addresses: Vec<Address>,
    #[serde(default)]
    topics: Vec<Option<Vec<B256>>>,
}

impl LogFilter {
    fn may_match(&self, block: &BlockRecord) -> bool {
        let holds = |bytes: &[u8]| block.logs_bloom.contains_input(alloy_primitives::BloomInput::Raw(bytes));
        let address = self.addresses.is_empty() || self.addresses.iter().any(|address| holds(address.as_slice()));
        let topic = |wanted: &Vec<B256>| wanted.is_empty() || wanted.iter().any(|topic| holds(topic.as_slice()));
        block.log_count > 0 && address && self.topics.iter().flatten().all(topic)
    }

    fn matches(&self, log: &LogRecord) -> bool {
        let address = self.addresses.is_empty() || self.addresses.contains(&log.address);
        let topics = self.topics.iter().enumerate().all(|(position, wanted)| match wanted {
            None => position < log.topics.len(),
            Some(any) => log.topics.get(position).is_some_and(|topic| any.is_empty() || any.contains(topic)),
        });
        address && topics
    }
}

impl Engine {
    /// A block with transaction hashes or objects.
    ///
    /// # Errors
    /// [`EngineError::Db`].
    pub fn block_json(&self, number: u64, full: bool, extra: bool) -> EngineResult<Option<String>> {
        let Some(block) = self.published_record(number)? else { return Ok(None) };
        if full {
            return block_json(&block, &self.transaction_views(&block)?, extra).map(Some);
        }
        let hashes = self.transaction_hashes(&block)?;
        block_json(&block, &hashes, extra).map(Some)
    }

    /// A transaction by hash.
    ///
    /// # Errors
    /// [`EngineError::Db`].
    pub fn transaction_json(&self, hash: &B256) -> EngineResult<Option<String>> {
        match self.position(hash)? {
            Some((block, index)) => self.transaction_by_index_json(block, index),
            None => Ok(None),
        }
    }

    /// A transaction by place.
    ///
    /// # Errors
    /// [`EngineError::Db`].
    pub fn transaction_by_index_json(&self, number: u64, index: u32) -> EngineResult<Option<String>> {
        let (Some(block), Some((transaction, _))) =
            (self.published_record(number)?, self.store().transaction(number, index)?)
        else {
            return Ok(None);
        };
        to_json(&transaction_view(&block, index, &transaction)?).map(Some)
    }

    /// The signed RLP of a transaction.
    ///
    /// # Errors
    /// [`EngineError::Db`].
    pub fn raw_transaction(&self, hash: &B256) -> EngineResult<Option<Vec<u8>>> {
        let Some((block, index)) = self.position(hash)? else { return Ok(None) };
        Ok(Some(self.stored_transaction(block, index)?.0.raw.to_vec()))
    }

    /// Hash of the transaction that has this L2 hash.
    ///
    /// # Errors
    /// [`EngineError::Db`].
    pub fn hash_by_l2_hash(&self, l2_hash: &B256) -> EngineResult<Option<B256>> {
        let Some((block, index)) = self.store().transaction_position_by_l2_hash(l2_hash)? else { return Ok(None) };
        if block > self.published_block() {
            return Ok(None);
        }
        Ok(self.store().transaction(block, index)?.map(|(transaction, _)| transaction.hash))
    }

    /// A receipt by transaction hash.
    ///
    /// # Errors
    /// [`EngineError::Db`].
    pub fn receipt_json(&self, hash: &B256) -> EngineResult<Option<String>> {
        let Some((number, index)) = self.position(hash)? else { return Ok(None) };
        let block = self.stored_block(number)?;
        to_json(&self.receipt_at(&block, index)?).map(Some)
    }

    /// All receipts of a block.
    ///
    /// # Errors
    /// [`EngineError::Db`].
    pub fn block_receipts_json(&self, number: u64) -> EngineResult<Option<String>> {
        let Some(block) = self.published_record(number)? else { return Ok(None) };
        let receipts =
            (0..block.tx_count).map(|index| self.receipt_at(&block, index)).collect::<EngineResult<Vec<_>>>()?;
        to_json(&receipts).map(Some)
    }

    /// Logs that match the filter, as a JSON array.
    ///
    /// # Errors
    /// [`EngineError::LogsTooMany`], [`EngineError::InvalidArgument`] on a malformed filter.
    pub fn logs_json(&self, filter_json: &str, max: usize) -> EngineResult<String> {
        let filter: LogFilter = serde_json::from_str(filter_json)
            .map_err(|error| EngineError::invalid_argument(format!("log filter: {error}")))?;
        let mut found = Vec::new();
        let last = filter.to_block.min(self.published_block());
        for number in filter.from_block..=last {
            let Some(block) = self.store().block(number)? else { break };
            if filter.may_match(&block) {
                self.collect_logs(&block, &filter, max, &mut found)?;
            }
        }
        to_json(&found)
    }

    fn collect_logs(
        &self,
        block: &BlockRecord,
        filter: &LogFilter,
        max: usize,
        found: &mut Vec<LogView>,
    ) -> EngineResult<()> {
        let logs = self.store().logs(block.number, 0, block.log_count)?;
        let mut hash: Option<(u32, B256)> = None;
        for (index, log) in (0_u32..).zip(logs) {
            if !filter.matches(&log) {
                continue;
            }
            let of = match hash {
                Some((at, of)) if at == log.tx_index => of,
                _ => self.stored_transaction(block.number, log.tx_index)?.0.hash,
            };
            hash = Some((log.tx_index, of));
            if found.len() == max {
                return Err(EngineError::LogsTooMany(max));
            }
            found.push(LogView::new(block, of, index, log));
        }
        Ok(())
    }

    /// All logs of a block as a JSON array, as subscriptions tell of them.
    ///
    /// # Errors
    /// [`EngineError::BlockNotFound`], [`EngineError::Db`].
    pub fn block_logs_json(&self, number: u64) -> EngineResult<String> {
        let block = self.published_record(number)?.ok_or(EngineError::BlockNotFound)?;
        let logs = self.store().logs(number, 0, block.log_count)?;
        let hashes = if logs.is_empty() { Vec::new() } else { self.transaction_hashes(&block)? };
        let view = |(index, log): (u32, LogRecord)| {
            let hash = hashes.get(log.tx_index as usize).copied().unwrap_or_default();
            LogView::new(&block, hash, index, log)
        };
        to_json(&(0_u32..).zip(logs).map(view).collect::<Vec<_>>())
    }

    /// A batch with its closing reason and counters.
    ///
    /// # Errors
    /// [`EngineError::Db`].
    pub fn batch_json(&self, number: u64, full: bool) -> EngineResult<Option<String>> {
        let Some(batch) = self.published_batch(number)? else { return Ok(None) };
        let mut blocks = Vec::new();
        let mut hashes = Vec::new();
        let mut objects = Vec::new();
        for of in batch.first_block..batch.first_block + batch.block_count {
            let block = self.stored_block(of)?;
            blocks.push(block.hash);
            if full {
                objects.extend(self.transaction_views(&block)?);
            } else {
                hashes.extend(self.transaction_hashes(&block)?);
            }
        }
        let data = self.data_of(&batch)?;
        let limits = self.hard_limits().0;
        let json = if full {
            batch_json(&batch, &limits, &blocks, &objects, data)
        } else {
            batch_json(&batch, &limits, &blocks, &hashes, data)
        };
        json.map(Some)
    }

    /// The state roots of blocks, both ends included, as a JSON array.
    ///
    /// # Errors
    /// [`EngineError::Db`].
    pub fn state_roots_json(&self, first: u64, last: u64) -> EngineResult<String> {
        let last = last.min(self.published_block());
        let roots = (first..=last).map(|number| Ok(self.stored_block(number)?.state_root));
        to_json(&roots.collect::<EngineResult<Vec<_>>>()?)
    }

    /// The batch that a block belongs to.
    ///
    /// # Errors
    /// [`EngineError::Db`].
    pub fn batch_number_by_block(&self, number: u64) -> EngineResult<Option<u64>> {
        Ok(self.published_record(number)?.map(|block| block.batch))
    }

    /// The value of a slot; see [`Engine::account_at`] for the block.
    ///
    /// # Errors
    /// [`EngineError::BlockNotFound`].
    pub fn storage_at(&self, address: &Address, slot: &U256, block: u64) -> EngineResult<U256> {
        self.check_block(block)?;
        Ok(self.store().storage_at(address, slot, block)?)
    }

    fn receipt_at(&self, block: &BlockRecord, index: u32) -> EngineResult<impl serde::Serialize + use<>> {
        let (transaction, receipt) = self.stored_transaction(block.number, index)?;
        let logs = self.store().logs(block.number, receipt.first_log, receipt.log_count)?;
        receipt_view(ReceiptContext { block, index }, &transaction, &receipt, logs)
    }

    fn transaction_hashes(&self, block: &BlockRecord) -> EngineResult<Vec<B256>> {
        let transactions = self.store().transactions(block.number, block.tx_count)?;
        Ok(transactions.iter().map(|transaction| transaction.hash).collect())
    }

    fn transaction_views(&self, block: &BlockRecord) -> EngineResult<Vec<TransactionView>> {
        let transactions = self.store().transactions(block.number, block.tx_count)?;
        (0_u32..).zip(&transactions).map(|(index, transaction)| transaction_view(block, index, transaction)).collect()
    }
}
